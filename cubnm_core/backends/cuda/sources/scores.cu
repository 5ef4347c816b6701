// Scores: FC and FCD of simulations against targets; index[simulation] says which target it has. One block of 256 threads a simulation
// wherever numbers are added up, so that the order of additions is always the same.

// scores[simulation][3]: correlation, difference of the means, normalised distance. FC counts as it would be given back, as `real`.
extern "C" __global__ void __launch_bounds__(256) compare_fc(const double* __restrict__ fc, const double* __restrict__ targets,
                                                             const int* __restrict__ index, double* scores, int pairs) {
    __shared__ double buffer[256];
    const double* const x = fc + blockIdx.x * (size_t)pairs;
    const double* const y = targets + index[blockIdx.x] * (size_t)pairs;
    double sum_x = 0, sum_y = 0, xx = 0, yy = 0, xy = 0, apart = 0;
    for (int i = threadIdx.x; i < pairs; i += 256) {
        sum_x += (double)(real)x[i];
        sum_y += y[i];
    }
    const double mean_x = over_block<plus>(sum_x, buffer) / pairs, mean_y = over_block<plus>(sum_y, buffer) / pairs;
    for (int i = threadIdx.x; i < pairs; i += 256) {
        const double a = (double)(real)x[i], deviation = a - mean_x, other = y[i] - mean_y;
        xx += deviation * deviation;
        yy += other * other;
        xy += deviation * other;
        apart += (a - y[i]) * (a - y[i]);
    }
    xx = over_block<plus>(xx, buffer);
    yy = over_block<plus>(yy, buffer);
    xy = over_block<plus>(xy, buffer);
    apart = over_block<plus>(apart, buffer);
    if (threadIdx.x > 0) return;
    double* const score = scores + blockIdx.x * 3;
    score[0] = xy / (root_of_double(xx) * root_of_double(yy));
    score[1] = fabs(mean_x - mean_y);
    score[2] = root_of_double(apart) / (2 * root_of_double((double)pairs));
}

// How many of the sorted values lie before a value; equal ones are counted if asked for.
__device__ int count_before(const double* __restrict__ sorted, int size, double value, bool equal_too) {
    int low = 0, high = size;
    while (low < high) {
        const int middle = (low + high) / 2;
        const bool is_before = sorted[middle] < value || (equal_too && sorted[middle] == value);
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    return low;
}

// counts[simulation][2][width]: FCD values by the number of values of the target that are smaller, and by that of those no larger;
// target k is sorted[first[k]] ... sorted[first[k + 1] - 1]. odd[simulation] counts FCD values that are not finite.
extern "C" __global__ void rank_values(const real* __restrict__ fcd, const double* __restrict__ sorted, const int* __restrict__ first,
                                       const int* __restrict__ index, int* counts, int* odd, int values, int width) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x, target = index[blockIdx.y];
    const size_t simulation = blockIdx.y;
    if (i >= values) return;
    const double value = (double)fcd[simulation * values + i];
    if (!(value - value == 0)) {
        atomicAdd(&odd[simulation], 1);
        return;
    }
    const double* const of = sorted + first[target];
    const int size = first[target + 1] - first[target];
    int* const mine = counts + simulation * 2 * width;
    atomicAdd(&mine[count_before(of, size, value, false)], 1);
    atomicAdd(&mine[width + count_before(of, size, value, true)], 1);
}

// Sum of what the threads before this one give.
__device__ int sum_before(int value, int* buffer) {
    buffer[threadIdx.x] = value;
    __syncthreads();
    for (int step = 1; step < 256; step *= 2) {
        const int other = threadIdx.x >= step ? buffer[threadIdx.x - step] : 0;
        __syncthreads();
        buffer[threadIdx.x] += other;
        __syncthreads();
    }
    const int sum = buffer[threadIdx.x] - value;
    __syncthreads();
    return sum;
}

// scores[simulation]: largest distance between the distribution functions of the FCD and of the target. It lies at a value of the
// target or just before one: between two of them the target's function is flat, and that of the simulation only rises.
extern "C" __global__ void __launch_bounds__(256) largest_distance(const int* __restrict__ counts, const int* __restrict__ first,
                                                                   const int* __restrict__ index, double* scores, int values, int width) {
    __shared__ double buffer[256];
    __shared__ int sums[256];
    const int target = index[blockIdx.x], size = first[target + 1] - first[target], stretch = (size + 255) / 256;
    const int begin = min((int)threadIdx.x * stretch, size), end = min(begin + stretch, size);
    const int* const mine = counts + blockIdx.x * (size_t)2 * width;
    int up_to = 0, before = 0;
    for (int i = begin; i < end; ++i) {
        up_to += mine[i];
        before += mine[width + i];
    }
    up_to = sum_before(up_to, sums);
    before = sum_before(before, sums);
    double distance = 0;
    for (int i = begin; i < end; ++i) {
        up_to += mine[i];
        before += mine[width + i];
        distance = larger(distance, (double)(i + 1) / size - (double)up_to / values);
        distance = larger(distance, (double)before / values - (double)i / size);
    }
    distance = over_block<larger>(distance, buffer);
    if (threadIdx.x == 0) scores[blockIdx.x] = distance;
}

// counts[simulation][bins]: FCD values in equal bins from -1 to 1; odd as above
extern "C" __global__ void bin_values(const real* __restrict__ fcd, int* counts, int* odd, int values, int bins) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const size_t simulation = blockIdx.y;
    if (i >= values) return;
    const double value = (double)fcd[simulation * values + i];
    if (!(value - value == 0)) {
        atomicAdd(&odd[simulation], 1);
        return;
    }
    const double place = floor((value + 1) * (bins / 2.0));
    atomicAdd(&counts[simulation * bins + min(max((int)place, 0), bins - 1)], 1);
}

// scores[simulation]: the same from binned counts, and targets[target][bins], distribution functions at the upper edges
extern "C" __global__ void __launch_bounds__(256) largest_binned_distance(const int* __restrict__ counts,
                                                                          const double* __restrict__ targets,
                                                                          const int* __restrict__ index, double* scores, int values,
                                                                          int bins) {
    __shared__ double buffer[256];
    __shared__ int sums[256];
    const int stretch = (bins + 255) / 256, begin = min((int)threadIdx.x * stretch, bins), end = min(begin + stretch, bins);
    const int* const mine = counts + blockIdx.x * (size_t)bins;
    const double* const target = targets + index[blockIdx.x] * (size_t)bins;
    int up_to = 0;
    for (int i = begin; i < end; ++i) up_to += mine[i];
    up_to = sum_before(up_to, sums);
    double distance = 0;
    for (int i = begin; i < end; ++i) {
        up_to += mine[i];
        distance = larger(distance, fabs((double)up_to / values - target[i]));
    }
    distance = over_block<larger>(distance, buffer);
    if (threadIdx.x == 0) scores[blockIdx.x] = distance;
}
