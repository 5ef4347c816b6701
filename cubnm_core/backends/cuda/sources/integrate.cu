// Integration of whole tiles: one block a tile, all time steps of a chunk in one launch.
#define WORKERS (IN_REGISTERS ? N * SPLIT : (N + ROWS - 1) / ROWS * (LANES / COLS))

extern "C" __global__ void __launch_bounds__(THREADS, 1) integrate(
    const real* __restrict__ weights, const int* __restrict__ connectome, const real* __restrict__ coefficients,
    real* arrays, const real* __restrict__ noise, const int* __restrict__ noise_group, real* inputs, real* samples,
    const int* __restrict__ delays, const int* __restrict__ delay_table, real* ring, int ring_length, int first, int count) {
    DYNAMIC_SHARED(float4, shared_memory);
    real* const shared = (real*)shared_memory;
    const int tile = blockIdx.x, tiles = gridDim.x, thread = threadIdx.x;
    const int worker = thread < WORKERS ? thread : IN_REGISTERS ? thread % SPLIT : 0;
    const int node = IN_REGISTERS ? worker / SPLIT : worker / (LANES / COLS) * ROWS;
    const int lane = IN_REGISTERS ? 0 : worker % (LANES / COLS) * COLS;
    // with weights in registers, spare threads repeat what others do, because all lanes of a warp take part in its sums
    const bool active = thread < WORKERS || IN_REGISTERS;
    const bool stores = thread < WORKERS && (!IN_REGISTERS || worker % SPLIT == 0);
    weights += (size_t)connectome[tile] * SOURCES * ROW_LENGTH;
    noise += (size_t)noise_group[tile] * count * INNER_STEPS * NOISE_STEP;
    samples += (size_t)tile * RECORDED * PLANE;

#if DELAYED
    delays += (size_t)delay_table[tile] * SOURCES * ROW_LENGTH + node;
    ring += (size_t)tile * ring_length * SENT_SIZE;
    real* const kept_weights = shared;
#else
    real* const sent = shared;  // twice: sources are read from one half while the other is written
    real* const kept_weights = shared + 2 * SENT_SIZE;
    for (int i = thread; i < 2 * SENT_SIZE; i += THREADS) sent[i] = 0;
#endif
#if IN_REGISTERS
    Incoming incoming;
#pragma unroll
    for (int k = 0; k < STRETCH_LENGTH; ++k) {
        const int source = worker % SPLIT * STRETCH + k;
        incoming.w[k] = k < STRETCH && source < SOURCES ? weights[(size_t)source * ROW_LENGTH + node] : 0;
    }
#elif IN_SHARED
    for (int i = thread; i < SOURCES * ROW_LENGTH; i += THREADS) kept_weights[i] = weights[i];
    const Incoming incoming = kept_weights + node;
#else
    const Incoming incoming = weights + node;
#endif

    Cell cells[ROWS][COLS];
    load_cells(cells, arrays, coefficients, tile, node, lane);
    __syncthreads();
#if !DELAYED
    if (stores && !(SILENT_START && first == 0)) publish_cells<0>(cells, sent, node, lane);
    __syncthreads();
#endif

    int half = 0;  // of `sent` that is read
    int now = DELAYED ? (int)((long long)first * INNER_STEPS % ring_length) : 0;
#pragma unroll 1
    for (int outer = first; outer < first + count; ++outer) {
        const bool sampled = (outer + 1) % STATE_INTERVAL == 0;
        real* const sample_plane = samples + ((outer + 1) / STATE_INTERVAL - first / STATE_INTERVAL - 1) * (size_t)tiles * RECORDED * PLANE;
#pragma unroll 1
        for (int inner = 0; inner < INNER_STEPS; ++inner) {
            real* const sample = sampled && inner == INNER_STEPS - 1 && stores ? sample_plane : nullptr;
            real xi[TERMS + 1][ROWS][NOISE_COLS];
            if (active) {
                real sums[SUMS][ROWS][COLS];
                load_noise(xi, noise, node, lane);
#if DELAYED
                add_segments(incoming, Delayed{ring + lane, delays, ring_length, now}, sums);
                now = now + 1 < ring_length ? now + 1 : 0;
                advance_cells<0>(cells, sums, xi, sample, ring + (size_t)now * SENT_SIZE, node, lane);
#else
                couple(incoming, sent + half * SENT_SIZE, lane, sums);
                advance_cells<0>(cells, sums, xi, sample, sent + (half ^ 1) * SENT_SIZE, node, lane);
#endif
            }
            __syncthreads();
            half ^= 1;
#if STAGES == 2
            if (active) {
                real sums[SUMS][ROWS][COLS];
                couple(incoming, sent + half * SENT_SIZE, lane, sums);
                advance_cells<1>(cells, sums, xi, sample, sent + (half ^ 1) * SENT_SIZE, node, lane);
            }
            __syncthreads();
            half ^= 1;
#endif
            noise += NOISE_STEP;
        }
        if (stores) store_inputs(cells, inputs + ((size_t)(outer - first) * tiles + tile) * PLANE, node, lane);
    }
    if (stores) store_cells(cells, arrays, tile, node, lane);
}
