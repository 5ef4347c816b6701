// Haemodynamics, means of states, and divergence, after every chunk of the integration.

// inputs[step][cell], balloon[state][2][cell], bold[tile*LANES + lane][volume][node]; `volume` is the next to be taken
extern "C" __global__ void hemodynamics(const real* __restrict__ inputs, real* balloon, real* bold, const int* __restrict__ bold_steps,
                                        int* finite, int volumes, int volume, int first, int count, int tiles) {
    const size_t cells = (size_t)tiles * PLANE, cell = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (cell >= cells) return;
    const int node = (int)(cell % PLANE / LANES);
    const size_t simulation = cell / PLANE * LANES + cell % LANES;
    real state[BALLOON + 1], low[BALLOON + 1];
    for (int i = 0; i < BALLOON; ++i) {
        state[i] = balloon[(2 * i) * cells + cell];
        low[i] = balloon[(2 * i + 1) * cells + cell];
    }
#pragma unroll 4
    for (int step = 0; step < count; ++step) {
        const real z = inputs[step * cells + cell];
        balloon_step(state, low, z);
        if (volume < volumes && bold_steps[volume] == first + step + 1) {
            const real signal = bold_signal(state, z);
            bold[(simulation * volumes + volume) * N + node] = signal;
            if (!(signal - signal == (real)0)) finite[simulation] = 0;
            ++volume;
        }
    }
    for (int i = 0; i < BALLOON; ++i) {
        balloon[(2 * i) * cells + cell] = state[i];
        balloon[(2 * i + 1) * cells + cell] = low[i];
    }
}

// totals[tile][RECORDED][N][LANES] of the samples from number `from` on; finite[tile*LANES + lane] becomes 0 where a state is not
extern "C" __global__ void accumulate(const real* __restrict__ samples, const real* __restrict__ arrays, double* totals, int* finite,
                                      int from, int n_samples, int tiles) {
    const size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= (size_t)tiles * RECORDED * PLANE) return;
    const size_t tile = i / (RECORDED * PLANE), at = i % PLANE;
    double total = totals[i];
#pragma unroll 4
    for (int k = from; k < n_samples; ++k) total += (double)samples[k * (size_t)tiles * RECORDED * PLANE + i];
    totals[i] = total;
    if (i / PLANE % RECORDED > 0) return;
    for (int k = 0; k < ARRAYS; ++k) {
        const real x = arrays[(tile * ARRAYS + k) * PLANE + at];
        if (!(x - x == (real)0)) finite[tile * LANES + at % LANES] = 0;
    }
}
