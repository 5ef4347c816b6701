// What all forms of the integration share. A cell is one node of one simulation; a thread holds ROWS nodes of COLS simulations.
//
// Arrays in global memory; a tile is LANES simulations that share a connectome:
//   weights       [connectome][SOURCES][ROW_LENGTH]   from source to target, zero where there is no node
//   coefficients  [tile][COEFFICIENTS][N][LANES]
//   arrays        [tile][ARRAYS][N][LANES]            what is carried from step to step
//   noise         [group][step][TERMS][N][NOISE_LANES]
//   inputs        [haemodynamic step][tile][N][LANES] what drives BOLD
//   samples       [sample][tile][RECORDED][N][LANES]
//   delays        [table][SOURCES][ROW_LENGTH]        in steps
//   ring          [tile][step % ring_length][SUMS][SOURCES][LANES]  what sources have sent
#define NOISE_COLS (NOISE_LANES == 1 ? 1 : COLS)
#define NOISE_STEP (TERMS * N * NOISE_LANES)

template <int n, class T = real> struct alignas(n * sizeof(T) % 16 == 0 ? 16 : n * sizeof(T) % 8 == 0 ? 8 : sizeof(T)) Vector { T v[n]; };

// nodes beyond the last are computed like the last, and not stored
__device__ __forceinline__ int existing(int node) { return node < N ? node : N - 1; }

__device__ __forceinline__ void load_cells(Cell (&cells)[ROWS][COLS], const real* __restrict__ arrays,
                                           const real* __restrict__ coefficients, int tile, int node, int lane) {
#pragma unroll
    for (int i = 0; i < ROWS; ++i)
#pragma unroll
        for (int j = 0; j < COLS; ++j) {
            const int at = existing(node + i) * LANES + lane + j;
#pragma unroll
            for (int k = 0; k < ARRAYS; ++k) cells[i][j].arrays[k] = arrays[((size_t)tile * ARRAYS + k) * PLANE + at];
#pragma unroll
            for (int k = 0; k < COEFFICIENTS; ++k)
                cells[i][j].coefficients[k] = coefficients[((size_t)tile * COEFFICIENTS + k) * PLANE + at];
        }
}

__device__ __forceinline__ void store_cells(const Cell (&cells)[ROWS][COLS], real* arrays, int tile, int node, int lane) {
#pragma unroll
    for (int i = 0; i < ROWS; ++i)
#pragma unroll
        for (int j = 0; j < COLS; ++j)
#pragma unroll
            for (int k = 0; k < ARRAYS; ++k)
                if (node + i < N) arrays[((size_t)tile * ARRAYS + k) * PLANE + (node + i) * LANES + lane + j] = cells[i][j].arrays[k];
}

__device__ __forceinline__ void store_inputs(const Cell (&cells)[ROWS][COLS], real* inputs, int node, int lane) {
#pragma unroll
    for (int i = 0; i < ROWS; ++i) {
        Vector<COLS> row;
#pragma unroll
        for (int j = 0; j < COLS; ++j) row.v[j] = bold_input(cells[i][j]);
        if (node + i < N) *(Vector<COLS>*)(inputs + (node + i) * LANES + lane) = row;
    }
}

// `noise` is that of this step
__device__ __forceinline__ void load_noise(real (&xi)[TERMS + 1][ROWS][NOISE_COLS], const real* __restrict__ noise, int node, int lane) {
#pragma unroll
    for (int term = 0; term < TERMS; ++term)
#pragma unroll
        for (int i = 0; i < ROWS; ++i)
#pragma unroll
            for (int j = 0; j < NOISE_COLS; ++j)
                xi[term][i][j] = noise[(term * N + existing(node + i)) * NOISE_LANES + (NOISE_LANES == 1 ? 0 : lane + j)];
}

// ---- coupling: every sum is made of SEGMENTS parts, each in the order of its sources, in every form of the kernels

#if IN_REGISTERS  // a thread keeps the incoming weights of a node, or, with SPLIT threads to a node, a stretch of them
#define STRETCH (SEGMENTS / SPLIT * SEGMENT)
#define STRETCH_LENGTH ((STRETCH + 3) / 4 * 4)
#define STRIDE (STRETCH_LENGTH / 4 % 4 == 0 ? STRETCH_LENGTH + 4 : STRETCH_LENGTH)  // threads of a node read other banks
#define SENT_SIZE (SUMS * SPLIT * STRIDE)
struct Incoming {
    real w[STRETCH_LENGTH];
};
__device__ __forceinline__ int sent_at(int sum, int node, int lane) { return (sum * SPLIT + node / STRETCH) * STRIDE + node % STRETCH; }

__device__ __forceinline__ void couple(const Incoming& incoming, const real* sent, int, real (&sums)[SUMS][1][1]) {
    const int part = threadIdx.x % SPLIT;
#pragma unroll
    for (int s = 0; s < SUMS; ++s) {
        real partial[SEGMENTS / SPLIT];
#pragma unroll
        for (int segment = 0; segment < SEGMENTS / SPLIT; ++segment) partial[segment] = 0;
#pragma unroll
        for (int k = 0; k < STRETCH; k += 4) {
            const Vector<4> from = *(const Vector<4>*)(sent + (s * SPLIT + part) * STRIDE + k);
#pragma unroll
            for (int i = 0; i < 4; ++i)
                if (k + i < STRETCH) partial[(k + i) / SEGMENT] = fma(incoming.w[k + i], from.v[i], partial[(k + i) / SEGMENT]);
        }
        real sum = 0;
#pragma unroll
        for (int segment = 0; segment < SEGMENTS; ++segment)
            sum += SPLIT == 1 ? partial[segment % (SEGMENTS / SPLIT)]
                              : __shfl_sync(0xFFFFFFFFu, partial[segment % (SEGMENTS / SPLIT)], segment / (SEGMENTS / SPLIT), SPLIT);
        sums[s][0][0] = sum;
    }
}
#else
#define SENT_SIZE (SUMS * SOURCES * LANES)
typedef const real* Incoming;  // of this thread's nodes, in shared or global memory
__device__ __forceinline__ int sent_at(int sum, int node, int lane) { return (sum * SOURCES + node) * LANES + lane; }

#define SUM(c) [(c) / (ROWS * COLS)][(c) / COLS % ROWS][(c) % COLS]
#define N_SUMS (SUMS * ROWS * COLS)  // of a thread

// the part of the sums that belongs to one segment of the sources
template <class Source>
__device__ __forceinline__ void add_segment(const real* weights, const Source& source, int segment, real (&partial)[SUMS][ROWS][COLS]) {
#pragma unroll
    for (int c = 0; c < N_SUMS; ++c) partial SUM(c) = 0;
#pragma unroll UNROLL
    for (int k = segment * SEGMENT; k < (segment + 1) * SEGMENT; ++k) {
        const Vector<ROWS> w = *(const Vector<ROWS>*)(weights + (size_t)k * ROW_LENGTH);  // a copy is loaded in one piece
        source.add(k, w, partial);
    }
}

template <class Source> __device__ __forceinline__ void add_segments(const real* weights, const Source& source, real (&sums)[SUMS][ROWS][COLS]) {
#pragma unroll
    for (int c = 0; c < N_SUMS; ++c) sums SUM(c) = 0;
#pragma unroll 1
    for (int segment = 0; segment < SEGMENTS; ++segment) {
        real partial[SUMS][ROWS][COLS];
        add_segment(weights, source, segment, partial);
#pragma unroll
        for (int c = 0; c < N_SUMS; ++c) sums SUM(c) += partial SUM(c);
    }
}

// what sources sent one step ago
struct Prompt {
    const real* sent;
    __device__ __forceinline__ void add(int k, const Vector<ROWS>& w, real (&partial)[SUMS][ROWS][COLS]) const {
#pragma unroll
        for (int s = 0; s < SUMS; ++s) {
            const Vector<COLS> from = *(const Vector<COLS>*)(sent + (s * SOURCES + k) * LANES);
#pragma unroll
            for (int i = 0; i < ROWS; ++i)
#pragma unroll
                for (int j = 0; j < COLS; ++j) partial[s][i][j] = fma(w.v[i], from.v[j], partial[s][i][j]);
        }
    }
};

__device__ __forceinline__ void couple(Incoming incoming, const real* sent, int lane, real (&sums)[SUMS][ROWS][COLS]) {
    add_segments(incoming, Prompt{sent + lane}, sums);
}

// what arrives now of what sources sent some steps ago
struct Delayed {
    const real* ring;
    const int* __restrict__ delays;
    int ring_length, now;  // `now` is the place of the running step
    __device__ __forceinline__ void add(int k, const Vector<ROWS>& w, real (&partial)[SUMS][ROWS][COLS]) const {
        const char* const here = (const char*)(ring + k * LANES);
        const Vector<ROWS, int> ago = *(const Vector<ROWS, int>*)(delays + (size_t)k * ROW_LENGTH);
#pragma unroll
        for (int i = 0; i < ROWS; ++i) {
            const unsigned when = now + 1 - ago.v[i], earlier = when + ring_length;  // `when` is huge before the ring's start
            const char* const slot = here + (size_t)(when < earlier ? when : earlier) * (unsigned)(SENT_SIZE * sizeof(real));
#pragma unroll
            for (int s = 0; s < SUMS; ++s) {
                const Vector<COLS> from = *(const Vector<COLS>*)((const real*)slot + s * SOURCES * LANES);
#pragma unroll
                for (int j = 0; j < COLS; ++j) partial[s][i][j] = fma(w.v[i], from.v[j], partial[s][i][j]);
            }
        }
    }
};
#endif

template <int stage>
__device__ __forceinline__ void publish_cells(const Cell (&cells)[ROWS][COLS], real* sent, int node, int lane) {
#pragma unroll
    for (int i = 0; i < ROWS; ++i) {
        Vector<COLS> rows[SUMS];
#pragma unroll
        for (int j = 0; j < COLS; ++j) {
            real values[SUMS];
            publish<stage>(cells[i][j], values);
#pragma unroll
            for (int s = 0; s < SUMS; ++s) rows[s].v[j] = values[s];
        }
#pragma unroll
        for (int s = 0; s < SUMS; ++s)
            if (node + i < N) *(Vector<COLS>*)(sent + sent_at(s, node + i, lane)) = rows[s];
    }
}

// one stage of a step, from sums to what the next stage adds up; `samples` is null unless this step is recorded
template <int stage>
__device__ __forceinline__ void advance_cells(Cell (&cells)[ROWS][COLS], const real (&sums)[SUMS][ROWS][COLS],
                                              const real (&xi)[TERMS + 1][ROWS][NOISE_COLS], real* samples, real* next, int node, int lane) {
#pragma unroll
    for (int i = 0; i < ROWS; ++i)
#pragma unroll
        for (int j = 0; j < COLS; ++j) {
            real own_sums[SUMS], own_noise[TERMS + 1];
#pragma unroll
            for (int s = 0; s < SUMS; ++s) own_sums[s] = sums[s][i][j];
#pragma unroll
            for (int term = 0; term < TERMS; ++term) own_noise[term] = xi[term][i][j % NOISE_COLS];
            real* const sample = samples && node + i < N ? samples + (node + i) * LANES + lane + j : nullptr;
            update<stage>(cells[i][j], own_sums, own_noise, sample);
            if (stage == STAGES - 1 && sample) record_arrays(cells[i][j], sample);
        }
    publish_cells<(stage + 1) % STAGES>(cells, next, node, lane);
}
