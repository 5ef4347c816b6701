// FC and FCD in double precision; every sum has one order, so that a simulation's result does not depend on the others.
// bold[simulation][volume][N]; a window is volumes starts[w] ... stops[w] - 1. BOLD that was filtered, or of which the global signal
// was regressed out, is double.
#if PREPARED
typedef double series;
#else
typedef real series;
#endif

// One pass of second-order sections (direct form II transposed) over a value; z[section][2] is their memory.
__device__ __forceinline__ double pass_sections(double value, const double (&sections)[SECTIONS][6], double (&z)[SECTIONS][2]) {
#pragma unroll
    for (int s = 0; s < SECTIONS; ++s) {
        const double result = sections[s][0] * value + z[s][0];
        z[s][0] = sections[s][1] * value - sections[s][4] * result + z[s][1];
        z[s][1] = sections[s][2] * value - sections[s][5] * result;
        value = result;
    }
    return value;
}

// filtered[simulation][length][N]: forwards and backwards, over a series continued by `edge` mirrored values at both ends, as
// scipy.signal.sosfiltfilt does; steady[section][2] is the memory at rest; work[simulation][length + 2*edge][N]
extern "C" __global__ void filter_bold(const real* __restrict__ bold, double* filtered, double* work, const double* __restrict__ coefficients,
                                       const double* __restrict__ steady, int first, int volumes, int edge, int simulations) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x, length = volumes - first, total = length + 2 * edge;
    if (i >= simulations * N) return;
    const real* x = bold + ((size_t)(i / N) * volumes + first) * N + i % N;
    double* const w = work + (size_t)(i / N) * total * N + i % N;
    double* const y = filtered + (size_t)(i / N) * length * N + i % N;
    double sections[SECTIONS][6], z[SECTIONS][2];
    for (int k = 0; k < SECTIONS * 6; ++k) sections[k / 6][k % 6] = coefficients[k];
    const double low = x[0], high = x[(size_t)(length - 1) * N], begin = 2 * low - x[(size_t)edge * N];
    for (int k = 0; k < SECTIONS * 2; ++k) z[k / 2][k % 2] = steady[k] * begin;
    for (int t = 0; t < total; ++t) {
        const int at = t - edge;
        const double value = at < 0         ? 2 * low - x[(size_t)-at * N]
                             : at >= length ? 2 * high - x[(size_t)(2 * length - 2 - at) * N]
                                            : x[(size_t)at * N];
        w[(size_t)t * N] = pass_sections(value, sections, z);
    }
    const double end = w[(size_t)(total - 1) * N];
    for (int k = 0; k < SECTIONS * 2; ++k) z[k / 2][k % 2] = steady[k] * end;
    for (int t = total - 1; t >= edge; --t) {
        const double value = pass_sections(w[(size_t)t * N], sections, z);
        if (t < edge + length) y[(size_t)(t - edge) * N] = value;
    }
}

// wide[simulation][length][N]: BOLD from volume `first` on, in double precision
extern "C" __global__ void widen(const real* __restrict__ bold, double* wide, int first, int volumes, int simulations) {
    const size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x, each = (size_t)(volumes - first) * N;
    if (i < simulations * each) wide[i] = bold[i / each * volumes * N + (size_t)first * N + i % each];
}

// shared[simulation][length]: mean over nodes of every volume
extern "C" __global__ void mean_over_nodes(const double* __restrict__ bold, double* shared, int length, int simulations) {
    const size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= (size_t)simulations * length) return;
    double sum = 0;
    for (int n = 0; n < N; ++n) sum += bold[i * N + n];
    shared[i] = sum / N;
}

// bold[simulation][length][N] without what the mean over nodes explains of every node
extern "C" __global__ void regress_shared(double* bold, const double* __restrict__ shared, int length, int simulations) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= simulations * N) return;
    double* const x = bold + (size_t)(i / N) * length * N + i % N;
    const double* const s = shared + (size_t)(i / N) * length;
    double mean = 0, level = 0, power = 0, product = 0, own = 0;
    for (int t = 0; t < length; ++t) {
        mean += s[t];
        level += x[(size_t)t * N];
    }
    mean /= length;
    level /= length;
    for (int t = 0; t < length; ++t) {
        power += (s[t] - mean) * (s[t] - mean);
        product += (s[t] - mean) * (x[(size_t)t * N] - level);
        own += (x[(size_t)t * N] - level) * (x[(size_t)t * N] - level);
    }
    if (!(power > NOTHING_SHARED * own) || power == 0) return;
    for (int t = 0; t < length; ++t) x[(size_t)t * N] -= product / power * (s[t] - mean);
}

// taken[simulation][place][N]: the volumes places[...] of the simulations rows[...]
template <typename number>
__device__ void take(const number* __restrict__ bold, const int* __restrict__ rows, const int* __restrict__ places, number* taken,
                     int simulations, int volumes, int count) {
    const size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= (size_t)simulations * count * N) return;
    taken[i] = bold[((size_t)rows[i / N / count] * volumes + places[i / N % count]) * N + i % N];
}
extern "C" __global__ void take_volumes(const real* __restrict__ bold, const int* __restrict__ rows, const int* __restrict__ places,
                                        real* taken, int simulations, int volumes, int count) {
    take(bold, rows, places, taken, simulations, volumes, count);
}
extern "C" __global__ void take_prepared(const double* __restrict__ bold, const int* __restrict__ rows, const int* __restrict__ places,
                                         double* taken, int simulations, int volumes, int count) {
    take(bold, rows, places, taken, simulations, volumes, count);
}

// moments[simulation][window][N][2]: mean, and one over the norm of the deviations from it
extern "C" __global__ void window_moments(const series* __restrict__ bold, const int* __restrict__ starts, const int* __restrict__ stops,
                                          double* moments, int simulations, int volumes, int windows) {
    const size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i >= (size_t)simulations * windows * N) return;
    const int window = (int)(i / N % windows), start = starts[window], stop = stops[window];
    const series* x = bold + i / N / windows * volumes * N + i % N;
    double mean = 0, squares = 0;
    for (int t = start; t < stop; ++t) mean += x[(size_t)t * N];
    mean /= stop - start;
    for (int t = start; t < stop; ++t) {
        const double deviation = x[(size_t)t * N] - mean;
        squares += deviation * deviation;
    }
    moments[2 * i] = mean;
    moments[2 * i + 1] = 1 / root_of_double(squares);
}

// patterns[simulation][window][pair]: correlations of the nodes rows[pair] and cols[pair]
extern "C" __global__ void window_patterns(const series* __restrict__ bold, const int* __restrict__ starts, const int* __restrict__ stops,
                                           const double* __restrict__ moments, const int* __restrict__ rows,
                                           const int* __restrict__ cols, double* patterns, int volumes, int windows, int pairs) {
    const int pair = blockIdx.x * blockDim.x + threadIdx.x, window = blockIdx.y;
    const size_t simulation = blockIdx.z;
    if (pair >= pairs) return;
    const double* const of = moments + 2 * (simulation * windows + window) * N;
    const double *a = of + 2 * rows[pair], *b = of + 2 * cols[pair];
    const series *x = bold + simulation * volumes * N + rows[pair], *y = bold + simulation * volumes * N + cols[pair];
    double sum = 0;
    for (int t = starts[window]; t < stops[window]; ++t) sum += (x[(size_t)t * N] - a[0]) * (y[(size_t)t * N] - b[0]);
    patterns[(simulation * windows + window) * pairs + pair] = sum * a[1] * b[1];
}

// fc[value]: mean over pieces[piece][value] through Fisher's z; the weights add up to 1
#undef tanh
extern "C" __global__ void average_pieces(const double* __restrict__ pieces, const double* __restrict__ weights, double* fc, int count,
                                          int simulations, int pairs) {
    const size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x, values = (size_t)simulations * pairs;
    if (i >= values) return;
    const double largest = 1 - 1.1102230246251565e-16;  // the z of a correlation of exactly 1 would be infinite
    double z = 0;
    for (int piece = 0; piece < count; ++piece) {
        const double found = pieces[piece * values + i], r = found > largest ? largest : found < -largest ? -largest : found;
        z += weights[piece] * (log1p(r) - log1p(-r)) / 2;
    }
    fc[i] = tanh(z);
}

__device__ __forceinline__ double plus(double x, double y) { return x + y; }
__device__ __forceinline__ double larger(double x, double y) { return x < y ? y : x; }

// The values of a block's 256 threads put together, always in the same order.
template <double (*both)(double, double)>
__device__ double over_block(double value, double* buffer) {
    buffer[threadIdx.x] = value;
    __syncthreads();
    for (int width = 128; width > 0; width /= 2) {
        if (threadIdx.x < width) buffer[threadIdx.x] = both(buffer[threadIdx.x], buffer[threadIdx.x + width]);
        __syncthreads();
    }
    const double result = buffer[0];
    __syncthreads();
    return result;
}

// patterns become deviations from their mean with norm 1; one block of 256 threads a pattern
extern "C" __global__ void __launch_bounds__(256) normalise_patterns(double* patterns, int pairs) {
    __shared__ double buffer[256];
    double* const pattern = patterns + blockIdx.x * (size_t)pairs;
    double sum = 0, squares = 0;
    for (int i = threadIdx.x; i < pairs; i += 256) sum += pattern[i];
    const double mean = over_block<plus>(sum, buffer) / pairs;
    for (int i = threadIdx.x; i < pairs; i += 256) squares += (pattern[i] - mean) * (pattern[i] - mean);
    const double norm = 1 / root_of_double(over_block<plus>(squares, buffer));
    for (int i = threadIdx.x; i < pairs; i += 256) pattern[i] = (pattern[i] - mean) * norm;
}

// fcd[simulation][first + window pair], lower triangle row-major: products of patterns, 16 x 16 of them a block, 16 pairs at a time;
// of the values of a simulation, those before `first` and after the pairs belong to other pieces
extern "C" __global__ void __launch_bounds__(256) compare_windows(const double* __restrict__ patterns, real* fcd, int windows, int pairs,
                                                                  int values, int first) {
    if (blockIdx.y < blockIdx.x) return;  // above the diagonal
    __shared__ double a[16][17], b[16][17];
    const int x = threadIdx.x % 16, y = threadIdx.x / 16, i = blockIdx.y * 16 + y, j = blockIdx.x * 16 + x, other = blockIdx.x * 16 + y;
    const double* const of = patterns + blockIdx.z * (size_t)windows * pairs;
    double sum = 0;
    for (int k = 0; k < pairs; k += 16) {
        a[y][x] = i < windows && k + x < pairs ? of[(size_t)i * pairs + k + x] : 0;
        b[y][x] = other < windows && k + x < pairs ? of[(size_t)other * pairs + k + x] : 0;
        __syncthreads();
#pragma unroll 8
        for (int p = 0; p < 16; ++p) sum += a[y][p] * b[x][p];
        __syncthreads();
    }
    if (i < windows && j < i) fcd[blockIdx.z * (size_t)values + first + (size_t)i * (i - 1) / 2 + j] = (real)sum;
}
