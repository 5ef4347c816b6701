"""The harness that compiles CUDA sources without a GPU."""

import nvrtc
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(nvrtc.missing() is not None, reason=str(nvrtc.missing()))]

SOURCE = """
extern "C" __global__ void plain(float* out) {
  __shared__ float s[100];
  s[threadIdx.x] = out[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = s[99 - threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(1024) spills(float* out, int rounds) {
  float x[96];
#pragma unroll
  for (int i = 0; i < 96; ++i) x[i] = out[i * 1024 + threadIdx.x];
  for (int r = 0; r < rounds; ++r)
#pragma unroll
    for (int i = 0; i < 96; ++i) x[i] = fmaf(x[i], x[(i + 1) % 96], x[(i + 7) % 96]);
#pragma unroll
  for (int i = 0; i < 96; ++i) out[i * 1024 + threadIdx.x] = x[i];
}"""


def test_registers_spills_and_shared_memory_are_read_from_the_log():
    compiled = nvrtc.compile(SOURCE, 80)
    assert compiled.cubin.startswith(b"\x7fELF")
    assert set(compiled.kernels) == {"plain", "spills"}
    plain, spills = compiled.kernels["plain"], compiled.kernels["spills"]
    assert 0 < plain.registers < 32
    assert (plain.spill_stores, plain.spill_loads, plain.stack, plain.static_shared) == (0, 0, 0, 400)
    assert spills.registers == 64
    assert min(spills.spill_stores, spills.spill_loads, spills.stack) >= 4 * (96 - 64)


def test_every_architecture_known_compiles():
    known = nvrtc.architectures()
    assert {80, 90} <= set(known)
    assert min(known) >= 70
    for architecture in known:
        assert "plain" in nvrtc.compile(SOURCE, architecture, ("--fmad=false",)).kernels


def test_an_error_names_the_line():
    with pytest.raises(nvrtc.CompilationError, match=r"kernel\.cu\(2\): error"):
        nvrtc.compile('extern "C" __global__ void k(float* out) {\n  out[0] = undefined;\n}', 90)
