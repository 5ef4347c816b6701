// Steady state of the inhibitory gating while excitatory gating rests, by bisection: the excess of current falls with the current.
// S_I is NaN where the bracket holds no solution.
extern "C" __global__ void inhibitory_rest(const double* __restrict__ J_N, double* __restrict__ S_I, int n, double drive, double S_E,
                                           double w_II, double gain, double a, double b, double d, double low, double high) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const double total = drive + J_N[i] * S_E;
    const double from = low, to = high;
    for (int halving = 0; halving < 64; ++halving) {
        const double middle = 0.5 * (low + high);
        const double excess = total - w_II * gain * explinear(d * (a * middle - b)) / d - middle;
        low = excess > 0 ? middle : low;
        high = excess > 0 ? high : middle;
    }
    const bool found = low > from && high < to;
    S_I[i] = found ? gain * explinear(d * (a * low - b)) / d : __longlong_as_double(0x7FF8000000000000LL);
}
