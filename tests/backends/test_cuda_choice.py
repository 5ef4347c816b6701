"""Forms chosen by default can be launched on every card; one that a device refuses gives way to another."""

import itertools
from dataclasses import dataclass

import numpy as np
import on_cpu
import pytest
from devices_under_test import FORMS, MODELS, Backend, batch

from cubnm_core import simulate
from cubnm_core.backends.cuda import runtime
from cubnm_core.backends.cuda.forms import Form, choose_form
from cubnm_core.backends.cuda.printer import n_sums
from cubnm_core.backends.cuda.runtime import integration_kernels
from cubnm_core.equations.files import load_model
from cubnm_core.equations.lowering import lower
from cubnm_core.simulation import assembly


@dataclass(frozen=True)
class Card:
    """What the choice of a form asks of a device."""

    multiprocessors: int
    shared_memory_per_block: int


CARDS = {
    "V100": Card(80, 96 * 1024), "A100": Card(108, 163 * 1024), "H200": Card(132, 227 * 1024),
    "RTX 5090": Card(170, 99 * 1024),
}  # fmt: skip
NODES = (68, 100, 200, 360, 456, 600, 1000, 4000)
BATCHES = (1, 8, 32, 128, 512, 1024, 4096, 32768)
PLAIN = 48 * 1024  # bytes of shared memory that every kernel may ask for


class FakeModule:
    """Kernels that are never run, and what was allowed to them."""

    def __init__(self):
        self.kernels = {}

    def get_function(self, name):
        return self.kernels.setdefault(name, FakeKernel())


class FakeKernel:
    max_dynamic_shared_size_bytes = PLAIN


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("model", MODELS)
def test_every_default_form_is_one_that_its_card_launches(model, precision):
    program, itemsize = lower(load_model(model), 1e-4), 4 if precision == "single" else 8
    for nodes, delayed, card in itertools.product(NODES, (False, True), CARDS.values()):
        base = Form(nodes, 1, 1, 1, "memory", delayed=delayed, inner_steps=10)
        chosen = {choose_form(base, program, precision, (size,), card) for size in BATCHES}
        for form in chosen:
            module, shared = FakeModule(), form.shared_bytes(n_sums(program), itemsize)
            launched = integration_kernels(module, program, form, shared)
            assert list(module.kernels.values()) == launched
            assert len(launched) == (len(program.stages) if form.stepwise else 1)
            for kernel in launched:
                assert shared <= kernel.max_dynamic_shared_size_bytes <= card.shared_memory_per_block
            assert form.threads <= 1024 and form.workers <= form.threads * form.step_blocks


# --- on this CPU --------------------------------------------------------------------------------------------


@pytest.fixture
def run(kernel_folder, monkeypatch):
    """`simulate` with the cuda backend on this CPU in a form, or None for the one that it chooses."""
    if on_cpu.missing():
        pytest.skip(on_cpu.missing())

    def run_in(form, *arguments, **keywords):
        device = on_cpu.CpuDevice(kernel_folder)
        monkeypatch.setattr(assembly, "_backend", lambda name: Backend(device, form))
        return simulate(*arguments, backend="cuda", **keywords)

    return run_in


@pytest.mark.slow
def test_one_launch_a_step_may_need_much_shared_memory(run, monkeypatch):
    """600 nodes, as chosen on a card for 512 simulations, of which two run."""
    form = choose_form(
        Form(600, 1, 1, 1, "memory"), lower(load_model("rWW"), 5e-4), "single", (512,), CARDS["H200"]
    )
    assert form.stepwise and form.shared_bytes(1, 4) > PLAIN
    monkeypatch.setitem(FORMS, "large", form)
    settings = {"duration": 0.02, "repetition_time": 0.01, "burn_in": 0.0, "record": ("bold", "state_means")}
    arguments, keywords = batch("rWW", nodes=600, size=2, **settings)
    found = run("large", *arguments, precision="single", **keywords)
    other = run("stepwise-1x1", *arguments, precision="single", **keywords)
    assert np.array_equal(found.bold, other.bold) and np.abs(found.bold).max() > 0
    assert all(np.array_equal(found.state_means[n], other.state_means[n]) for n in other.state_means)


@pytest.fixture
def refuse(monkeypatch):
    """Let the device refuse some forms; gives the list of those that were refused."""

    def refuse_if(is_refused, error=on_cpu.LaunchRefused):
        refused, prepare = [], runtime.integration_kernels

        def prepared(module, program, form, shared):
            if is_refused(form, shared):
                refused.append(form)
                raise error("too much")
            return prepare(module, program, form, shared)

        monkeypatch.setattr(runtime, "integration_kernels", prepared)
        return refused

    return refuse_if


@pytest.mark.slow
def test_a_form_that_the_device_refuses_gives_way_to_a_smaller_one(run, refuse, caplog):
    arguments, keywords = batch("rWW", duration=1.0)
    expected = run(None, *arguments, **keywords)
    refused = refuse(lambda form, shared: shared > 0)
    found = run(None, *arguments, **keywords)
    assert refused and all(form.weights != "memory" or not form.stepwise for form in refused)
    assert np.array_equal(found.bold, expected.bold) and np.array_equal(found.fc, expected.fc)
    assert "this CPU refuses kernels of Form(" in caplog.text and "too much" in caplog.text


@pytest.mark.slow
def test_a_device_that_refuses_all_says_so_soon(run, refuse):
    refused = refuse(lambda form, shared: True)
    arguments, keywords = batch("rWW", duration=1.0)
    with pytest.raises(on_cpu.LaunchRefused, match="too much"):
        run(None, *arguments, **keywords)
    assert 2 <= len(refused) < 20


@pytest.mark.slow
def test_what_is_no_refusal_is_not_tried_again(run, refuse):
    refused = refuse(lambda form, shared: True, on_cpu.CudaError)
    arguments, keywords = batch("rWW", duration=1.0)
    with pytest.raises(on_cpu.CudaError, match="too much"):
        run(None, *arguments, **keywords)
    assert len(refused) == 1
    refused = refuse(lambda form, shared: True)
    with pytest.raises(on_cpu.LaunchRefused):
        run("shared-4x2", *arguments, **keywords)
    assert len(refused) == 1
