// The noise of cubnm_core.noise: the same operations in the same order, hence the same bits.
__device__ __forceinline__ float noise_log(float x) {
    const int bits = __float_as_int(x), exponent = (bits - 0x3F3504F3) >> 23;
    const float mantissa = __int_as_float(bits - (exponent << 23));
    const float z = __fdiv_rn(mantissa - 1.0f, mantissa + 1.0f), square = z * z;
    return (float)exponent * $ln2 + z * ($log_series);
}

__device__ __forceinline__ void box_muller(unsigned first, unsigned second, float& cosine_part, float& sine_part) {
    const float uniform = ((float)(int)(first >> 8) + 0.5f) * $two_to_minus_24;
    const float radius = __fsqrt_rn(-2.0f * noise_log(uniform));
    const float angle = (float)((int)second >> 8) * $half_pi_per_count, square = angle * angle;
    const float sine = angle * ($sin_series), cosine = $cos_series;
    const int flip = (int)(second & 1u) << 31;
    cosine_part = radius * __int_as_float(__float_as_int(cosine) ^ flip);
    sine_part = radius * sine;
}

// noise[group][step][term][node][lane] for steps first_step ... first_step + n_steps - 1; keys[group][lane][2].
// Each is the sum of the normals of fine_steps finer steps in the order of time, times `scale`.
// x counts places within a step, y four steps at a time, z groups: what is divided is divided by constants only.
#define PLACES (TERMS * N * NOISE_LANES)
extern "C" __global__ void draw_noise(real* __restrict__ noise, const unsigned* __restrict__ keys, int groups, int first_step,
                                      int n_steps, int fine_steps, float scale, int stream) {
    const int place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= PLACES) return;
    const int lane = place % NOISE_LANES, node = place / NOISE_LANES % N, term = place / (N * NOISE_LANES);
    const int first_block = first_step / 4, blocks = (first_step + n_steps + 3) / 4 - first_block;
#pragma unroll 1
    for (int group = blockIdx.z; group < groups; group += gridDim.z)
#pragma unroll 1
    for (int block = blockIdx.y; block < blocks; block += gridDim.y) {
        const unsigned* const key = keys + 2 * ((size_t)group * NOISE_LANES + lane);
        float total = 0.0f;
        int step = 4 * block - (first_step - 4 * first_block), summed = 0;
#pragma unroll 1
        for (int fine_block = 0; fine_block < fine_steps; ++fine_block) {
            unsigned key_0 = key[0], key_1 = key[1];
            unsigned word_0 = node, word_1 = term, word_2 = (first_block + block) * fine_steps + fine_block, word_3 = stream;
#pragma unroll
            for (int round = 0; round < $rounds; ++round) {
                const unsigned high_0 = __umulhi(word_0, ${multiplier_0}u), high_1 = __umulhi(word_2, ${multiplier_1}u);
                const unsigned low_0 = word_0 * ${multiplier_0}u, low_1 = word_2 * ${multiplier_1}u;
                word_0 = high_1 ^ word_1 ^ key_0;
                word_2 = high_0 ^ word_3 ^ key_1;
                word_1 = low_1;
                word_3 = low_0;
                key_0 += ${increment_0}u;
                key_1 += ${increment_1}u;
            }
            float normals[4];
            box_muller(word_0, word_1, normals[0], normals[1]);
            box_muller(word_2, word_3, normals[2], normals[3]);
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                total = summed ? total + normals[j] : normals[j];
                if (++summed < fine_steps) continue;
                if (step >= 0 && step < n_steps) noise[((size_t)group * n_steps + step) * PLACES + place] = scale * total;
                ++step;
                summed = 0;
            }
        }
    }
}
