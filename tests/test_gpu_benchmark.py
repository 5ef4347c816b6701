"""The benchmark of the GPU runs from end to end, with a CPU in place of the card."""

import json
import sys

import on_cpu
import pytest

from cubnm_core.backends.cuda import card

pytestmark = pytest.mark.skipif(on_cpu.missing() is not None, reason=str(on_cpu.missing()))


@pytest.fixture
def gpu(repository, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(repository / "benchmarks")
    import gpu

    device = on_cpu.CpuDevice(tmp_path / "kernels")
    monkeypatch.setattr(card, "current_card", lambda: device)
    monkeypatch.setattr(gpu, "MODELS", ("rWWEx",))
    monkeypatch.setattr(gpu, "BATCHES", (1, 3))
    monkeypatch.setattr(gpu, "SECONDS", 0.01)
    short = {"duration": 2.0, "burn_in": 0.0, "dt": 5e-3, "window": 0.5, "window_step": 0.25}
    monkeypatch.setattr(gpu, "SCAN", {**gpu.SCAN, **short, "repetition_time": 0.25, "hemodynamic_dt": 5e-3})
    monkeypatch.setattr(gpu, "QUICK_SCANS", 2)
    monkeypatch.setattr(gpu, "_clock", lambda device: 2e9)
    case = gpu._case
    monkeypatch.setattr(
        gpu, "_case", lambda *of: (case(*of)[0], {**case(*of)[1], "duration": 0.75, "dt": 1e-3})
    )
    throughput = gpu._throughput
    monkeypatch.setattr(gpu, "_throughput", lambda *of: throughput(*of[:3], 1.0, 1e-3))
    return gpu


def test_it_writes_what_it_measured(gpu, monkeypatch, tmp_path):
    asked = ["gpu.py", "--quick", "--output", str(tmp_path), "--parts", "correctness", "batches"]
    asked.append("connectivity")
    monkeypatch.setattr(sys, "argv", asked)
    assert gpu.main() == 0
    result = json.loads((tmp_path / "this-cpu.json").read_text())
    assert [row["agrees"] for row in result["correctness"]] == [True] * 4
    assert [row["batch"] for row in result["batches"]] == [1, 3]
    assert all(row["rate"] > 0 for row in result["batches"])
    assert min(result["connectivity"][name] for name in ("without", "with", "scores")) > 0
    assert "not measured" in (tmp_path / "this-cpu.md").read_text()
