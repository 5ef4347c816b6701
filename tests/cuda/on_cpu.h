// CUDA C on the CPU, for tests: what g++ needs to compile a kernel's source text as NVRTC would. One fiber per CUDA thread, one block
// at a time per operating-system thread.
//
// What the CUDA source keeps to:
//   * no #include; kernels are `extern "C" __global__ void name(arguments)`; arguments are pointers and numbers.
//   * CUDA_ON_CPU is defined here and never by NVRTC.
//   * Dynamic shared memory, 16-byte aligned, is declared in the kernel as DYNAMIC_SHARED(float4, name); after
//         #ifndef DYNAMIC_SHARED
//         #define DYNAMIC_SHARED(type, name) extern __shared__ type name[]
//         #endif
//   * Inline PTX stands in functions inside `#ifndef CUDA_ON_CPU`. These are defined here under the same names:
//     exp2_approx (ex2.approx.ftz.f32), log2_approx, rcp_approx, rsqrt_approx, sqrt_approx, tanh_approx, all float -> float.
//     A function of another name gives its CPU form in an #else branch.
//   * A block never waits for another block.
//
// What is an error here, and undefined or a hang on a device: threads of a block that wait at different barriers or for a thread that
// cannot come; a lane that is not in its own mask; writes beyond the shared memory asked for. Shared memory starts as NaN.
#pragma once
#define CUDA_ON_CPU 1

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
// One block at a time runs on a copy of this library: its static variables are the block's. The section lets them be filled with NaN.
#define __shared__ static __attribute__((section("cuda_shared")))
#define DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(cuda_on_cpu::dynamic_shared)

typedef unsigned char uchar;
typedef unsigned int uint;
typedef __SIZE_TYPE__ size_t;

// ---------------------------------------------------------------- vector types

#define VECTOR_TYPE(name, element, bytes)                                                  \
    struct alignas(2 * bytes) name##2 { element x, y; };                                   \
    struct name##3 { element x, y, z; };                                                   \
    struct alignas(4 * bytes > 16 ? 16 : 4 * bytes) name##4 { element x, y, z, w; };       \
    inline name##2 make_##name##2(element x, element y) { return {x, y}; }                 \
    inline name##3 make_##name##3(element x, element y, element z) { return {x, y, z}; }   \
    inline name##4 make_##name##4(element x, element y, element z, element w) { return {x, y, z, w}; }
VECTOR_TYPE(float, float, 4)
VECTOR_TYPE(double, double, 8)
VECTOR_TYPE(int, int, 4)
VECTOR_TYPE(uint, unsigned, 4)
VECTOR_TYPE(short, short, 2)
VECTOR_TYPE(ushort, unsigned short, 2)
VECTOR_TYPE(char, signed char, 1)
VECTOR_TYPE(uchar, unsigned char, 1)
#undef VECTOR_TYPE

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

// ---------------------------------------------------------------- barriers and exchanges between threads

namespace cuda_on_cpu {

extern void* dynamic_shared;

enum class Meeting : int { barrier, barrier_or, barrier_and, barrier_count, warp, shuffle, ballot };

int wait_for_block(Meeting meeting, int predicate, int line);
// A lane gives a value and names the lane whose value it gets; a ballot gives the mask of lanes with a value other than 0.
unsigned long long wait_for_warp(Meeting meeting, unsigned mask, unsigned long long value, unsigned source, int line);
unsigned lane();

inline void forget_registers() { asm volatile("" ::: "memory"); }  // other threads have written in the meantime

inline int meet_block(Meeting meeting, int predicate, int line) {
    forget_registers();
    const int result = wait_for_block(meeting, predicate, line);
    forget_registers();
    return result;
}

inline unsigned long long meet_warp(Meeting meeting, unsigned mask, unsigned long long value, unsigned source, int line) {
    forget_registers();
    const unsigned long long result = wait_for_warp(meeting, mask, value, source, line);
    forget_registers();
    return result;
}

template <class Value>
inline Value shuffle(unsigned mask, Value value, unsigned source, int line) {
    static_assert(sizeof(Value) <= 8, "CUDA shuffles values of 4 or 8 bytes");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof value);
    bits = meet_warp(Meeting::shuffle, mask, bits, source, line);
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace cuda_on_cpu

#define LINE int line = __builtin_LINE()
inline void __syncthreads(LINE) { cuda_on_cpu::meet_block(cuda_on_cpu::Meeting::barrier, 0, line); }
inline int __syncthreads_or(int p, LINE) { return cuda_on_cpu::meet_block(cuda_on_cpu::Meeting::barrier_or, p, line); }
inline int __syncthreads_and(int p, LINE) { return cuda_on_cpu::meet_block(cuda_on_cpu::Meeting::barrier_and, p, line); }
inline int __syncthreads_count(int p, LINE) { return cuda_on_cpu::meet_block(cuda_on_cpu::Meeting::barrier_count, p, line); }
inline void __syncwarp(unsigned mask = ~0u, LINE) { cuda_on_cpu::meet_warp(cuda_on_cpu::Meeting::warp, mask, 0, 0, line); }

// Lanes are grouped by width; a lane beyond its group's ends reads itself, __shfl_sync wraps around.
template <class Value>
inline Value __shfl_sync(unsigned mask, Value value, int source, int width = 32, LINE) {
    const unsigned lane = cuda_on_cpu::lane(), first = lane & ~unsigned(width - 1);
    return cuda_on_cpu::shuffle(mask, value, first | (unsigned(source) & unsigned(width - 1)), line);
}
template <class Value>
inline Value __shfl_xor_sync(unsigned mask, Value value, int flip, int width = 32, LINE) {
    const unsigned lane = cuda_on_cpu::lane(), source = lane ^ unsigned(flip);
    return cuda_on_cpu::shuffle(mask, value, source <= (lane | unsigned(width - 1)) ? source : lane, line);
}
template <class Value>
inline Value __shfl_down_sync(unsigned mask, Value value, unsigned by, int width = 32, LINE) {
    const unsigned lane = cuda_on_cpu::lane(), source = lane + by;
    return cuda_on_cpu::shuffle(mask, value, source <= (lane | unsigned(width - 1)) ? source : lane, line);
}
template <class Value>
inline Value __shfl_up_sync(unsigned mask, Value value, unsigned by, int width = 32, LINE) {
    const unsigned lane = cuda_on_cpu::lane(), first = lane & ~unsigned(width - 1);
    return cuda_on_cpu::shuffle(mask, value, lane >= first + by ? lane - by : lane, line);
}
inline unsigned __ballot_sync(unsigned mask, int p, LINE) {
    return unsigned(cuda_on_cpu::meet_warp(cuda_on_cpu::Meeting::ballot, mask, p != 0, 0, line));
}
inline int __any_sync(unsigned mask, int p, LINE) { return __ballot_sync(mask, p, line) != 0; }
inline int __all_sync(unsigned mask, int p, LINE) { return __ballot_sync(mask, !p, line) == 0; }
#undef LINE

inline void __threadfence() {}
inline void __threadfence_block() {}

// ---------------------------------------------------------------- memory

template <class Value>
inline Value __ldg(const Value* address) { return *address; }
template <class Value>
inline Value __ldcg(const Value* address) { return *address; }
template <class Value>
inline Value __ldcs(const Value* address) { return *address; }
template <class Value>
inline void __stcs(Value* address, Value value) { *address = value; }

// Blocks may run on several operating-system threads.
template <class Value, class Change>
__attribute__((no_sanitize("thread"))) inline Value change_atomically(Value* address, Change change) {
    Value found, wanted;
    __atomic_load(address, &found, __ATOMIC_RELAXED);
    do wanted = change(found);
    while (!__atomic_compare_exchange(address, &found, &wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return found;
}
#define ATOMICS(Value)                                                                                                      \
    inline Value atomicAdd(Value* a, Value v) { return change_atomically(a, [v](Value x) { return x + v; }); }       \
    inline Value atomicExch(Value* a, Value v) { return change_atomically(a, [v](Value) { return v; }); }                   \
    inline Value atomicMin(Value* a, Value v) { return change_atomically(a, [v](Value x) { return x < v ? x : v; }); }      \
    inline Value atomicMax(Value* a, Value v) { return change_atomically(a, [v](Value x) { return x > v ? x : v; }); }
ATOMICS(int)
ATOMICS(unsigned)
ATOMICS(unsigned long long)
#undef ATOMICS
inline float atomicAdd(float* a, float v) { return change_atomically(a, [v](float x) { return x + v; }); }
inline double atomicAdd(double* a, double v) { return change_atomically(a, [v](double x) { return x + v; }); }
inline int atomicOr(int* a, int v) { return change_atomically(a, [v](int x) { return x | v; }); }
inline unsigned atomicOr(unsigned* a, unsigned v) { return change_atomically(a, [v](unsigned x) { return x | v; }); }

// ---------------------------------------------------------------- numbers

// Declared by hand: <cmath> would take longer to compile than most kernels.
#define FUNCTION(name)                                       \
    extern "C" double name(double) noexcept;                 \
    extern "C" float name##f(float) noexcept;                \
    inline float name(float x) { return name##f(x); }
#define FUNCTION_OF_TWO(name)                                \
    extern "C" double name(double, double) noexcept;         \
    extern "C" float name##f(float, float) noexcept;         \
    inline float name(float x, float y) { return name##f(x, y); }
FUNCTION(exp) FUNCTION(exp2) FUNCTION(expm1) FUNCTION(log) FUNCTION(log2) FUNCTION(log10) FUNCTION(log1p)
FUNCTION(sqrt) FUNCTION(cbrt) FUNCTION(sin) FUNCTION(cos) FUNCTION(tan) FUNCTION(tanh) FUNCTION(sinh) FUNCTION(cosh)
FUNCTION(atan) FUNCTION(erf) FUNCTION(fabs) FUNCTION(floor) FUNCTION(ceil) FUNCTION(trunc) FUNCTION(rint) FUNCTION(round)
FUNCTION_OF_TWO(pow) FUNCTION_OF_TWO(fmod) FUNCTION_OF_TWO(fmin) FUNCTION_OF_TWO(fmax) FUNCTION_OF_TWO(atan2)
FUNCTION_OF_TWO(copysign) FUNCTION_OF_TWO(hypot) FUNCTION_OF_TWO(fdim)
#undef FUNCTION
#undef FUNCTION_OF_TWO
extern "C" double fma(double, double, double) noexcept;
extern "C" float fmaf(float, float, float) noexcept;
inline float fma(float x, float y, float z) { return fmaf(x, y, z); }
extern "C" double ldexp(double, int) noexcept;
extern "C" float ldexpf(float, int) noexcept;
inline float ldexp(float x, int exponent) { return ldexpf(x, exponent); }
extern "C" int abs(int) noexcept;
inline float abs(float x) { return fabsf(x); }
inline double abs(double x) { return fabs(x); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline void sincosf(float x, float* sine, float* cosine) { *sine = sinf(x), *cosine = cosf(x); }
inline bool isfinite(float x) { return __builtin_isfinite(x); }
inline bool isfinite(double x) { return __builtin_isfinite(x); }
inline bool isnan(float x) { return __builtin_isnan(x); }
inline bool isnan(double x) { return __builtin_isnan(x); }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isinf(double x) { return __builtin_isinf(x); }

#define MIN_MAX(Value)                                                \
    inline Value min(Value x, Value y) { return y < x ? y : x; }      \
    inline Value max(Value x, Value y) { return x < y ? y : x; }
MIN_MAX(int) MIN_MAX(unsigned) MIN_MAX(long) MIN_MAX(unsigned long) MIN_MAX(long long) MIN_MAX(unsigned long long)
#undef MIN_MAX
inline float min(float x, float y) { return fminf(x, y); }  // the number where the other one is NaN
inline float max(float x, float y) { return fmaxf(x, y); }
inline double min(double x, double y) { return fmin(x, y); }
inline double max(double x, double y) { return fmax(x, y); }

// Correctly rounded operations; contraction is off for the whole file.
#define ROUNDED(letter, Value, suffix)                                                             \
    inline Value __##letter##add_rn(Value x, Value y) { return x + y; }                            \
    inline Value __##letter##sub_rn(Value x, Value y) { return x - y; }                            \
    inline Value __##letter##mul_rn(Value x, Value y) { return x * y; }                            \
    inline Value __##letter##div_rn(Value x, Value y) { return x / y; }                            \
    inline Value __##letter##rcp_rn(Value x) { return 1 / x; }                                     \
    inline Value __##letter##sqrt_rn(Value x) { return sqrt##suffix(x); }
ROUNDED(f, float, f)
ROUNDED(d, double, )
#undef ROUNDED
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }  // NaN becomes 0, as on the device
inline float __fdividef(float x, float y) { return x / y; }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline void __sincosf(float x, float* sine, float* cosine) { sincosf(x, sine, cosine); }

namespace cuda_on_cpu {
inline float flush(float x) { return fabsf(x) < __FLT_MIN__ ? copysignf(0.0f, x) : x; }  // .ftz: subnormal numbers become 0
}
inline float exp2_approx(float x) { return cuda_on_cpu::flush(exp2f(cuda_on_cpu::flush(x))); }
inline float log2_approx(float x) { return log2f(cuda_on_cpu::flush(x)); }
inline float rcp_approx(float x) { return cuda_on_cpu::flush(1.0f / cuda_on_cpu::flush(x)); }
inline float rsqrt_approx(float x) { return 1.0f / sqrtf(cuda_on_cpu::flush(x)); }
inline float sqrt_approx(float x) { return sqrtf(cuda_on_cpu::flush(x)); }
inline float tanh_approx(float x) { return tanhf(x); }

// ---------------------------------------------------------------- integers and bits

inline unsigned __umulhi(unsigned x, unsigned y) { return unsigned((unsigned long long)x * y >> 32); }
inline int __mulhi(int x, int y) { return int((long long)x * y >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned long long)((unsigned __int128)x * y >> 64);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }

#define BIT_CAST(name, From, To) \
    inline To name(From x) { return __builtin_bit_cast(To, x); }
BIT_CAST(__float_as_int, float, int)
BIT_CAST(__float_as_uint, float, unsigned)
BIT_CAST(__int_as_float, int, float)
BIT_CAST(__uint_as_float, unsigned, float)
BIT_CAST(__double_as_longlong, double, long long)
BIT_CAST(__longlong_as_double, long long, double)
#undef BIT_CAST
inline int __float2int_rn(float x) { return int(rintf(x)); }
inline int __float2int_rz(float x) { return int(x); }
inline int __float2int_rd(float x) { return int(floorf(x)); }
inline int __double2int_rn(double x) { return int(rint(x)); }
inline float __int2float_rn(int x) { return float(x); }
inline float __uint2float_rn(unsigned x) { return float(x); }
inline float __double2float_rn(double x) { return float(x); }
