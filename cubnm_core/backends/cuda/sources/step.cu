// Integration of large networks: one launch a stage, all blocks share the targets of a tile.
#define WORKERS ((N + ROWS - 1) / ROWS * (LANES / COLS))
#define BLOCK_WORKERS (THREADS / SPLIT)  // of a block; SPLIT threads share the segments of a worker's sums

template <class Source> __device__ __forceinline__ void add_together(const real* weights, const Source& source, real (&sums)[SUMS][ROWS][COLS]) {
#if SPLIT == 1
    add_segments(weights, source, sums);
#else
    DYNAMIC_SHARED(float4, shared_memory);
    real* const partials = (real*)shared_memory + threadIdx.x % BLOCK_WORKERS;  // [SEGMENTS][N_SUMS][BLOCK_WORKERS]
    const int part = threadIdx.x / BLOCK_WORKERS;
#pragma unroll 1
    for (int segment = part * (SEGMENTS / SPLIT); segment < (part + 1) * (SEGMENTS / SPLIT); ++segment) {
        add_segment(weights, source, segment, sums);
#pragma unroll
        for (int c = 0; c < N_SUMS; ++c) partials[(segment * N_SUMS + c) * BLOCK_WORKERS] = sums SUM(c);
    }
    __syncthreads();
#pragma unroll
    for (int c = 0; c < N_SUMS; ++c) {
        sums SUM(c) = 0;
#pragma unroll 4  // loaded all at once, they would not fit into registers
        for (int segment = 0; segment < SEGMENTS; ++segment) sums SUM(c) += partials[(segment * N_SUMS + c) * BLOCK_WORKERS];
    }
#endif
}

// `sent` and `next` are [tile][SENT_SIZE], or with delays the ring; inputs and samples are written if `feeds` and `records`
template <int stage>
__device__ __forceinline__ void step(const real* __restrict__ weights, const int* __restrict__ connectome,
                                     const real* __restrict__ coefficients, real* arrays, const real* __restrict__ noise,
                                     const int* __restrict__ noise_group, int n_steps, int here, real* inputs, int feeds,
                                     real* samples, int records,
                                     const int* __restrict__ delays, const int* __restrict__ delay_table, int ring_length, int now,
                                     const real* sent, real* next) {
    const int tile = blockIdx.y, asked = blockIdx.x * BLOCK_WORKERS + threadIdx.x % BLOCK_WORKERS;
    const int worker = asked < WORKERS ? asked : WORKERS - 1;
    const int node = worker / (LANES / COLS) * ROWS, lane = worker % (LANES / COLS) * COLS;
    Cell cells[ROWS][COLS];
    real xi[TERMS + 1][ROWS][NOISE_COLS], sums[SUMS][ROWS][COLS];
    weights += (size_t)connectome[tile] * SOURCES * ROW_LENGTH + node;
#if DELAYED
    delays += (size_t)delay_table[tile] * SOURCES * ROW_LENGTH + node;
    sent += (size_t)tile * ring_length * SENT_SIZE;
    next += ((size_t)tile * ring_length + (now + 1 < ring_length ? now + 1 : 0)) * SENT_SIZE;
    add_together(weights, Delayed{sent + lane, delays, ring_length, now}, sums);
#else
    add_together(weights, Prompt{sent + (size_t)tile * SENT_SIZE + lane}, sums);
    next += (size_t)tile * SENT_SIZE;
#endif
    if (asked >= WORKERS || threadIdx.x >= BLOCK_WORKERS) return;
    load_cells(cells, arrays, coefficients, tile, node, lane);
    load_noise(xi, noise + ((size_t)noise_group[tile] * n_steps + here) * NOISE_STEP, node, lane);
    advance_cells<stage>(cells, sums, xi, records ? samples + (size_t)tile * RECORDED * PLANE : nullptr, next, node, lane);
    store_cells(cells, arrays, tile, node, lane);
    if (feeds) store_inputs(cells, inputs + (size_t)tile * PLANE, node, lane);
}

#define ARGUMENTS                                                                                                              \
    const real *__restrict__ weights, const int *__restrict__ connectome, const real *__restrict__ coefficients, real *arrays, \
        const real *__restrict__ noise, const int *__restrict__ noise_group, int n_steps, int here, real *inputs, int feeds,   \
        real *samples, int records, const int *__restrict__ delays, const int *__restrict__ delay_table, int ring_length, int now,          \
        const real *sent, real *next

extern "C" __global__ void __launch_bounds__(THREADS, 1) step_0(ARGUMENTS) {
    step<0>(weights, connectome, coefficients, arrays, noise, noise_group, n_steps, here, inputs, feeds, samples, records, delays, delay_table,
            ring_length, now, sent, next);
}
#if STAGES == 2
extern "C" __global__ void __launch_bounds__(THREADS, 1) step_1(ARGUMENTS) {
    step<1>(weights, connectome, coefficients, arrays, noise, noise_group, n_steps, here, inputs, feeds, samples, records, delays, delay_table,
            ring_length, now, sent, next);
}
#endif
