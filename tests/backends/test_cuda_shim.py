"""The stand-in that runs CUDA kernels on the CPU: what it computes, and what it refuses."""

import numpy as np
import pytest
from on_cpu import CpuDevice, CudaError, kernel_names, missing

pytestmark = [pytest.mark.slow, pytest.mark.skipif(missing() is not None, reason=str(missing()))]

DYNAMIC = """
#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#endif
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


def run(folder, source, *args, grid=(1,), block=(64,), shared_mem=0, order_seed=0, name="k"):
    kernel = CpuDevice(folder, order_seed).compile(source).get_function(name)
    kernel(grid, block, args, shared_mem=shared_mem)


@pytest.mark.parametrize("order_seed", [0, 1, 2])
def test_barriers_order_writes_and_reads(folder, order_seed):
    source = """
    extern "C" __global__ void __launch_bounds__(96)
    k(const float* __restrict__ in, float* __restrict__ out, int rounds) {
      __shared__ float left[96];
      const int t = threadIdx.x;
      float value = in[blockIdx.x * blockDim.x + t];
      for (int i = 0; i < rounds; ++i) {
        left[t] = value;
        __syncthreads();
        value = left[(t + 1) % 96];
        __syncthreads();
      }
      out[blockIdx.x * blockDim.x + t] = value;
    }"""
    values = np.arange(5 * 96, dtype=np.float32)
    found = np.zeros_like(values)
    run(folder, source, values, found, np.int32(7), grid=(5,), block=(96,), order_seed=order_seed)
    np.testing.assert_array_equal(found.reshape(5, 96), np.roll(values.reshape(5, 96), -7, axis=1))


def test_a_missing_barrier_shows_in_random_order(folder):
    source = """
    extern "C" __global__ void k(float* out) {
      __shared__ float s[64];
      s[threadIdx.x] = threadIdx.x;
      out[threadIdx.x] = s[63 - threadIdx.x];
    }"""
    found = [np.zeros(64, np.float32) for _ in range(2)]
    for seed, out in enumerate(found):
        run(folder, source, out, order_seed=seed)
    assert np.isnan(found[0]).any()  # shared memory starts as NaN
    assert not np.array_equal(found[0], found[1], equal_nan=True)


def test_shuffles_and_votes_of_whole_and_part_warps(folder):
    source = """
    extern "C" __global__ void k(int* out) {
      const int t = threadIdx.x, n = blockDim.x;
      out[t] = __shfl_xor_sync(~0u, t, 1);
      out[n + t] = __shfl_down_sync(~0u, t, 4, 8);
      out[2 * n + t] = __shfl_up_sync(~0u, t, 4, 8);
      out[3 * n + t] = __shfl_sync(~0u, t, 2, 4);
      out[4 * n + t] = __ballot_sync(~0u, t % 2);
      out[5 * n + t] = (int)__shfl_xor_sync(~0u, (double)t, 16);
      out[6 * n + t] = __syncthreads_count(t < 5);
      out[6 * n + t] += 100 * __syncthreads_or(t == 3) + 1000 * __syncthreads_and(t < 40);
    }"""
    found = np.zeros((7, 40), np.int32)  # 40 threads: the second warp has 8 lanes
    run(folder, source, found, block=(40,))
    t = np.arange(40)
    np.testing.assert_array_equal(found[0], t ^ 1)
    np.testing.assert_array_equal(found[1], np.where(t % 8 < 4, t + 4, t))
    np.testing.assert_array_equal(found[2], np.where(t % 8 < 4, t, t - 4))
    np.testing.assert_array_equal(found[3], t // 4 * 4 + 2)
    np.testing.assert_array_equal(found[4].view(np.uint32), np.where(t < 32, 0xAAAAAAAA, 0xAA))
    np.testing.assert_array_equal(found[5][:32], t[:32] ^ 16)
    np.testing.assert_array_equal(found[6], 1105)


def test_lanes_that_are_not_in_a_mask_go_on(folder):
    source = """
    extern "C" __global__ void k(int* out) {
      const int t = threadIdx.x;
      int value = t;
      if (t < 8)
        for (int i = 0; i < 5; ++i) value = __shfl_sync(0xffu, value, (t + 1) % 8);
      else if (t < 12)
        value = __shfl_xor_sync(0xf00u, value, 1);
      __syncwarp();
      out[t] = value;
    }"""
    found = np.zeros(32, np.int32)
    run(folder, source, found, block=(32,), order_seed=3)
    expected = np.arange(32)
    expected[:8] = (expected[:8] + 5) % 8
    expected[8:12] ^= 1
    np.testing.assert_array_equal(found, expected)


def test_dynamic_shared_memory_and_early_return(folder):
    source = (
        DYNAMIC
        + """
    extern "C" __global__ void k(const float4* in, float* out, int n) {
      DYNAMIC_SHARED(float4, memory);
      const int t = threadIdx.x + blockDim.x * threadIdx.y;
      if (t >= n) return;
      memory[t] = in[t];
      __syncthreads();
      const float4 other = memory[n - 1 - t];
      out[t] = other.x + other.w;
    }"""
    )
    values = np.arange(4 * 50, dtype=np.float32).reshape(50, 4)
    found = np.zeros(50, np.float32)
    run(folder, source, values, found, np.int32(50), block=(16, 4), shared_mem=50 * 16)
    np.testing.assert_array_equal(found, (values[:, 0] + values[:, 3])[::-1])


@pytest.mark.parametrize("bytes_too_many", [4, 400])
def test_writes_beyond_dynamic_shared_memory_are_an_error(folder, bytes_too_many):
    source = (
        DYNAMIC
        + """
    extern "C" __global__ void k(int at) { DYNAMIC_SHARED(float, s); s[at] = 1.0f; }"""
    )
    run(folder, source, np.int32(99), shared_mem=400)
    with pytest.raises(CudaError, match="of 400 bytes of dynamic shared memory"):
        run(folder, source, np.int32(99 + bytes_too_many // 4), shared_mem=400)


DIVERGED = {
    "in a branch": "if (threadIdx.x < 32) __syncthreads();\n else {\n __syncthreads(); }",
    "at a warp's": "if (threadIdx.x < 40) __syncthreads();\n else __syncwarp();",
    "in a warp": "if (threadIdx.x % 2) __syncwarp(); else {\n __shfl_sync(~0u, 1, 0); }",
    "in a loop": "for (unsigned i = 0; i < threadIdx.x; ++i) {\n __syncthreads(); }\n __syncthreads();",
}


@pytest.mark.parametrize("body", DIVERGED.values(), ids=DIVERGED)
def test_divergent_barriers_are_an_error_and_no_hang(folder, body):
    with pytest.raises(CudaError, match=r"k: block \(0, 0, 0\): (barrier|warp) divergence: .* line \d"):
        run(folder, 'extern "C" __global__ void k(int x) {\n' + body + "\n}", np.int32(0))


def test_a_lane_outside_its_own_mask_is_an_error(folder):
    source = 'extern "C" __global__ void k(int x) { __syncwarp(0xffffu); }'
    with pytest.raises(CudaError, match="thread 16 calls __syncwarp, line 1, with mask 0xffff"):
        run(folder, source, np.int32(0))


def test_a_device_goes_on_after_an_error(folder):
    source = """
    extern "C" __global__ void k(int* out, int diverge) {
      if (diverge && threadIdx.x) __syncwarp();
      __syncthreads();
      out[threadIdx.x] = threadIdx.x;
    }"""
    found = np.zeros(64, np.int32)
    with pytest.raises(CudaError):
        run(folder, source, found, np.int32(1))
    run(folder, source, found, np.int32(0))
    np.testing.assert_array_equal(found, np.arange(64))


def test_numbers_are_rounded_as_on_a_device(folder):
    source = """
    extern "C" __global__ void k(float* f, double* d, unsigned* u) {
      f[0] = __fadd_rn(__fmul_rn(f[0], f[0]), f[1]);
      f[1] = fmaf(f[2], f[2], f[3]);
      f[2] = __saturatef(f[4]);
      f[3] = rcp_approx(exp2_approx(3.0f));
      f[4] = fminf(f[4], 2.0f) + max(1.0f, 3.0f) + rsqrtf(4.0f);
      d[0] = __dadd_rn(__dmul_rn(d[0], d[0]), d[1]);
      d[1] = fma(d[2], d[2], d[1]);
      u[0] = __umulhi(u[0], u[1]);
      u[1] = __float_as_uint(exp2_approx(-140.0f));
      atomicAdd(&u[2], 1u);
    }"""
    near, product = np.float32(1 + 2**-12), np.float32(-1 - 2**-11)
    f = np.array([near, product, near, product, np.nan], np.float32)
    d = np.array([1 + 2.0**-30, -1 - 2.0**-29, 1 + 2.0**-30])
    u = np.array([0xD2511F53, 0x9E3779B9, 0], np.uint32)
    run(folder, source, f, d, u, block=(1,))
    np.testing.assert_array_equal(f, np.array([0, 2**-24, 0, 0.125, 5.5], np.float32))
    np.testing.assert_array_equal(d[:2], [0, 2.0**-60])
    np.testing.assert_array_equal(u, [(0xD2511F53 * 0x9E3779B9) >> 32, 0, 1])


def test_atomic_sums_over_blocks(folder):
    source = 'extern "C" __global__ void k(float* sum) { atomicAdd(sum, 1.0f); __threadfence(); }'
    found = np.zeros(1, np.float32)
    run(folder, source, found, grid=(10, 3), block=(64,))
    assert found[0] == 30 * 64


def test_arguments_must_have_the_types_of_the_parameters(folder):
    source = 'extern "C" __global__ void k(const float* in, float* out, int n, double x) {}'
    array = np.zeros(4, np.float32)
    fixed = array.copy()
    fixed.flags.writeable = False
    run(folder, source, fixed, array, np.int32(4), np.float64(0.5))
    for wrong in (
        (array, array, np.int32(4)),
        (array, array, 4, np.float64(0.5)),
        (array, array, np.int64(4), np.float64(0.5)),
        (array, array.astype(float), np.int32(4), np.float64(0.5)),
        (array, array[::2], np.int32(4), np.float64(0.5)),
        (array, fixed, np.int32(4), np.float64(0.5)),
    ):
        with pytest.raises(CudaError, match="k: "):
            run(folder, source, *wrong)


def test_much_shared_memory_must_be_announced(folder):
    source = DYNAMIC + 'extern "C" __global__ void k(int x) { DYNAMIC_SHARED(int, s); s[50000 / 4 - 1] = x; }'
    kernel = CpuDevice(folder, shared_memory_per_block=99 * 1024).compile(source).get_function("k")
    with pytest.raises(CudaError, match="max_dynamic_shared_size_bytes"):
        kernel((1,), (1,), (np.int32(0),), shared_mem=50000)
    kernel.max_dynamic_shared_size_bytes = 50000
    kernel((1,), (1,), (np.int32(0),), shared_mem=50000)
    with pytest.raises(CudaError, match="a block has 101376"):
        kernel((1,), (1,), (np.int32(0),), shared_mem=110000)


def test_definitions_choose_kernels_and_errors_name_the_line(folder):
    source = """
    #ifdef WIDE
    extern "C" __global__ void __launch_bounds__(max(1, (int)sizeof(int)), 2) wide(int* out) {
      out[0] = WIDE;
    }
    #else
    extern "C" __global__ void narrow(int* out) { out[0] = 0 }
    #endif"""
    assert kernel_names(source) == ["narrow"]
    found = np.zeros(1, np.int32)
    device = CpuDevice(folder)
    device.compile(source, ("-DWIDE=7", "--fmad=false")).get_function("wide")((1,), (1,), (found,))
    assert found[0] == 7
    with pytest.raises(CudaError, match=r"kernel\.cu:7"):
        device.compile(source)
    with pytest.raises(CudaError, match="no kernel narrow"):
        device.compile(source, ("-DWIDE=7",)).get_function("narrow")


def run_checked(folder, source, *args, block=(64,), shared_mem=0, grid=(1,)):
    kernel = CpuDevice(folder, checked=True).compile(DYNAMIC + source).get_function("k")
    kernel(grid, block, args, shared_mem=shared_mem)


WRONG = {
    "reads behind an array": (
        "out[t] = in[t + 1];",
        r"thread 63 reads 4 bytes outside of all arrays, at byte 256 of 256 of argument 0 \(line 8\)",
    ),
    "writes behind an array": ("out[4 * t] = 1.0f;", "thread 16 writes 4 bytes outside of all arrays"),
    "reads behind shared memory": ("if (t == 63) out[t] = s[100];", "thread 63 reads 4 bytes outside"),
    "shared memory not written": ("out[t] = s[t];", "thread 0 reads byte 0 of dynamic shared"),
    "misaligned": ("if (t == 0) out[0] = ((float4*)(in + 1))->x;", "thread 0 uses the misaligned address"),
    "no barrier after a write": (
        "s[t] = in[t];\n out[t] = s[t / 32 * 32];",
        "race: threads 0 and 1 write and then read byte 0",
    ),
    "no barrier after a read": (
        "s[t] = in[t];\n __syncthreads();\n float x = s[t ^ 1];\n s[t] = x;\n out[t] = s[t];",
        "race: threads 0 and 1 write and then read byte 0 of dynamic shared memory",
    ),
    "only a warp's barrier": (
        "s[t] = in[t];\n __syncwarp();\n out[t] = s[t ^ 32];",
        "race: threads 32 and 0 write and then read byte 128",
    ),
    "two values in one word": ("s[t / 2] = t;", "race: threads 0 and 1 write different values"),
    "another block": ("out[t] = blockIdx.x;", "race: .*write"),
}  # fmt: skip


@pytest.mark.parametrize("body, message", WRONG.values(), ids=WRONG)
def test_checks_find_what_is_wrong(folder, body, message):
    source = 'extern "C" __global__ void k(const float* in, float* out) {\n'
    source += "const int t = threadIdx.x;\n DYNAMIC_SHARED(float, s);\n" + body + "\n (void)s; }"
    values, found = np.arange(64, dtype=np.float32), np.zeros(64, np.float32)
    with pytest.raises(CudaError, match=message):
        run_checked(folder, source, values, found, shared_mem=400, grid=(2,))


def test_checks_let_pass_what_is_right(folder):
    source = """
    __constant__ float factors[2] = {0.5f, 2.0f};
    extern "C" __global__ void k(const float* in, float* out, int* flag, int rounds) {
      __shared__ float kept[64];
      DYNAMIC_SHARED(float4, memory);
      float* s = (float*)memory;
      const int t = threadIdx.x, at = blockIdx.x * 64 + t;
      s[t] = in[at];
      kept[t] = 0.0f;
      for (int i = 0; i < rounds; ++i) {
        __syncthreads();
        float sum = s[t ^ 32] + s[63];
        __syncthreads();
        s[t] = sum * factors[i % 2];
        __syncwarp();
        kept[t ^ 1] += s[t ^ 1];
        __syncwarp();
      }
      *flag = 1;
      atomicAdd(flag + 1, 1);
      out[at] = __shfl_xor_sync(~0u, kept[t], 1);
    }"""
    values, found, flag = np.ones(192, np.float32), np.zeros(192, np.float32), np.zeros(2, np.int32)
    run_checked(folder, source, values, found, flag, np.int32(4), shared_mem=256, grid=(3,))
    np.testing.assert_array_equal(found, 1 + 4 + 4 + 16)
    assert tuple(flag) == (1, 192)
