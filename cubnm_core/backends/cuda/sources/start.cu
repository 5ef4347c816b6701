// What sources send before the first step: sent[tile][slot][SENT_SIZE], the same in every slot.
extern "C" __global__ void start(const real* __restrict__ coefficients, const real* __restrict__ arrays, real* sent, int slots) {
    const int tile = blockIdx.y, at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= PLANE) return;
    Cell cell;
    for (int k = 0; k < ARRAYS; ++k) cell.arrays[k] = arrays[((size_t)tile * ARRAYS + k) * PLANE + at];
    for (int k = 0; k < COEFFICIENTS; ++k) cell.coefficients[k] = coefficients[((size_t)tile * COEFFICIENTS + k) * PLANE + at];
    real values[SUMS];
    publish<0>(cell, values);
    for (int slot = 0; slot < slots; ++slot)
        for (int s = 0; s < SUMS; ++s)
            sent[((size_t)tile * slots + slot) * SENT_SIZE + sent_at(s, at / LANES, at % LANES)] = values[s];
}
