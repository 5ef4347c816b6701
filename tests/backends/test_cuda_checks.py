"""Every form of the kernels with all memory accesses looked at, threads in random order, on the CPU."""

import on_cpu
import pytest
from devices_under_test import DELAYED_FORMS, FORMS, Backend, batch

from cubnm_core import simulate
from cubnm_core.simulation import assembly

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(on_cpu.missing() is not None, reason=str(on_cpu.missing())),
]
SHORT = {
    "duration": 0.75, "burn_in": 0.125, "window": 0.25, "dt": 1e-3, "state_period": 0.02,
    "precision": "single",
}  # fmt: skip
RUNS = [("rWW", form, False) for form in FORMS] + [("rWW", form, True) for form in DELAYED_FORMS]
RUNS += [("Hopf", form, False) for form in ("shared-4x4", "registers-4", "stepwise-4x2")]


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    return on_cpu.CpuDevice(tmp_path_factory.mktemp("checked"), order_seed=1, checked=True)


@pytest.mark.parametrize("model, form, delayed", RUNS)
def test_no_access_is_wrong(device, monkeypatch, model, form, delayed):
    scheme = {"scheme": "heun"} if model == "Hopf" else {}  # two stages
    monkeypatch.setattr(assembly, "_backend", lambda name: Backend(device, form))
    arguments, keywords = batch(model, delayed=delayed, **SHORT, **scheme)
    assert (simulate(*arguments, backend="cuda", **keywords).status == 0).all()
