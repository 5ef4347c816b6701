#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#endif

// Elementary functions: the same series as in the cpu backend, without branches.
#ifndef CUDA_ON_CPU
__device__ __forceinline__ float rcp_approx(float x) {
    float result;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}
#endif

__device__ __forceinline__ double root_of_double(double x) { return sqrt(x); }

#if SINGLE
typedef float real;
typedef int Bits;
#define fma(a, b, c) fmaf(a, b, c)
#define root_of(x) sqrtf(x)
#define whole(x) truncf(x)
__device__ __forceinline__ Bits bits_of(real x) { return __float_as_int(x); }
__device__ __forceinline__ real from_bits(Bits x) { return __int_as_float(x); }
__device__ __forceinline__ real divide(real x, real y) { return x * rcp_approx(y); }
#define MANTISSA_BITS 23
#define BIAS 127
#define SQRT_HALF_BITS 0x3F3504F3
#else
typedef double real;
typedef long long Bits;
#define root_of(x) sqrt(x)
#define whole(x) trunc(x)
__device__ __forceinline__ Bits bits_of(real x) { return __double_as_longlong(x); }
__device__ __forceinline__ real from_bits(Bits x) { return __longlong_as_double(x); }
__device__ __forceinline__ real divide(real x, real y) { return x / y; }
#define MANTISSA_BITS 52
#define BIAS 1023
#define SQRT_HALF_BITS 0x3FE6A09E667F3BCDLL
#endif

#define inf ((real)__int_as_float(0x7F800000))

// comparisons let NaN of x pass; fmin and fmax would swallow it
__device__ __forceinline__ real minimum(real x, real y) { return y < x ? y : x; }
__device__ __forceinline__ real maximum(real x, real y) { return y > x ? y : x; }
__device__ __forceinline__ real absolute(real x) { return from_bits(bits_of(x) & ~((Bits)1 << (8 * sizeof(real) - 1))); }
// infinity becomes NaN first, so that divergence is not hidden
__device__ __forceinline__ real clip(real x, real low, real high) { return minimum(maximum(fma(x, (real)0, x), low), high); }

// 2**t as a power of two s and a remainder p: 2**t = s*(1 + p), exact in p near t = 0
__device__ __forceinline__ void two_to_the(real t, real& s, real& p) {
    t = minimum(maximum(t, -$limit), $limit);
    const real shifted = t + $shift;
    const real f = t - (shifted - $shift);
    s = from_bits((bits_of(shifted) + BIAS) << MANTISSA_BITS);
    p = f * $exp2;
}
__device__ __forceinline__ real exp_of(real x) {
    real s, p;
    two_to_the(x * $log2e, s, p);
    return fma(s, p, s);
}
__device__ __forceinline__ real expm1_of(real x) {
    real s, p;
    two_to_the(x * $log2e, s, p);
    return fma(s, p, s - $one);
}
// x / (1 - exp(-x)), accurate around x = 0 and never 0/0
__device__ __forceinline__ real explinear(real x) {
    real s, p;
    x = x + $tiny;
    two_to_the(x * -$log2e, s, p);
    return divide(x, fma(-s, p, $one - s));
}
__device__ __forceinline__ real logistic(real x) {
    real s, p;
    two_to_the(x * -$log2e, s, p);
    return divide($one, $one + fma(s, p, s));
}
__device__ __forceinline__ real tanh_of(real x) {
    real s, p;
    two_to_the(x * (2 * $log2e), s, p);
    const real e = fma(s, p, s - $one);
    return divide(e, e + 2 * $one);
}
// natural logarithm of normal numbers above zero; NaN below
__device__ __forceinline__ real log_of(real x) {
    const Bits bits = bits_of(x), e = (bits - SQRT_HALF_BITS) >> MANTISSA_BITS;
    const real m = from_bits(bits - (e << MANTISSA_BITS));
    const real z = divide(m - $one, m + $one);
    return fma((real)e, $ln2, z * $log_series) + (real)0 * root_of(x);
}
// the nearest multiple of pi (its number in the lowest bits of `shifted`), and x beyond it
__device__ __forceinline__ real beyond_turns(real x, real& shifted) {
    shifted = fma(x, $per_pi, $shift);
    const real k = shifted - $shift;
    return fma(-k, $pi_low, fma(-k, $pi_high, x));
}
__device__ __forceinline__ real flip_if_odd(real x, real shifted) {
    return from_bits(bits_of(x) ^ (bits_of(shifted) << (8 * sizeof(real) - 1)));
}
__device__ __forceinline__ real sin_of(real x) {
    real shifted;
    const real r = beyond_turns(x, shifted);
    return flip_if_odd(r * $sin_series, shifted);
}
__device__ __forceinline__ real cos_of(real x) {
    real shifted;
    const real r = beyond_turns(x, shifted);
    return flip_if_odd($cos_series, shifted);
}
__device__ __forceinline__ real fmod_of(real x, real y) { return fma(-whole(divide(x, y)), y, x); }
// sqrt(1 + x) - 1, and (1 + x)*(1 + y) - 1
__device__ __forceinline__ real root(real x) { return divide(x, $one + root_of($one + x)); }
__device__ __forceinline__ real product(real x, real y) { return fma(x, y, x + y); }

#define exp exp_of
#define expm1 expm1_of
#define tanh tanh_of
#define log log_of
#define sin sin_of
#define cos cos_of
#define fmod fmod_of
#define sqrt root_of
