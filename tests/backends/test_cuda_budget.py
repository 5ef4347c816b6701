"""Registers of the kernels, as the compiler reports them for real devices: none is spilled to memory."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import nvrtc
import on_cpu
import pytest
from devices_under_test import DELAYED_FORMS, FORMS, MODELS, Backend, batch

from cubnm_core import simulate
from cubnm_core.backends.cuda.driver import OPTIONS
from cubnm_core.backends.cuda.forms import Form, choose_form
from cubnm_core.backends.cuda.printer import Printer
from cubnm_core.equations.files import load_model
from cubnm_core.equations.hemodynamics import lower_hemodynamics
from cubnm_core.equations.lowering import lower
from cubnm_core.simulation import assembly

pytestmark = [pytest.mark.slow, pytest.mark.skipif(nvrtc.missing() is not None, reason=str(nvrtc.missing()))]


@dataclass(frozen=True)
class Card:
    """What the choice of a form asks of a device."""

    architecture: int
    multiprocessors: int
    shared_memory_per_block: int


A100, H200 = Card(80, 108, 163 * 1024), Card(90, 132, 227 * 1024)
RTX_5090 = Card(120, 170, 99 * 1024)


def program_of(name):
    return lower(load_model(name), 1e-4)


def printer_of(name):
    model = load_model(name)
    balloon = lower_hemodynamics("cubnm-1.5T", 1e-3) if model.observation == "balloon" else None
    return Printer(program_of(name), balloon, precision_of(name))


def precision_of(name):
    return "double" if name in ("JR", "MPR") else "single"


def default_form(name, card, batch, nodes=100, delayed=False):
    base = Form(nodes, 1, 1, 1, "memory", delayed=delayed, inner_steps=10)
    return choose_form(base, program_of(name), precision_of(name), (batch,), card)


def compiled(jobs):
    """Usage of all kernels by job; a job is (model, form, architecture)."""

    def run(job):
        model, form, architecture = job
        return nvrtc.compile(printer_of(model).integration(form), architecture, OPTIONS).kernels

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(jobs, pool.map(run, jobs), strict=True))


def spilled(usage_of_jobs):
    """Kernels that keep values in memory for want of registers."""
    return {
        (*job, name): usage
        for job, kernels in usage_of_jobs.items()
        for name, usage in kernels.items()
        if usage.spill_stores or usage.spill_loads
    }


@pytest.mark.parametrize("card", [A100, H200], ids=["A100", "H200"])
def test_default_forms_spill_nothing(card):
    jobs = dict.fromkeys(
        (model, default_form(model, card, batch, delayed=delayed), card.architecture)
        for model in MODELS
        for delayed in (False, True)
        for batch in (1, 4096, 32768)
    )
    assert not spilled(compiled(list(jobs)))


@pytest.mark.parametrize("architecture", [80, 90])
def test_every_form_compiles(architecture):
    forms = [replace(FORMS[name], nodes=100, inner_steps=10) for name in FORMS]
    forms += [replace(FORMS[name], nodes=100, inner_steps=10, delayed=True) for name in DELAYED_FORMS]
    for kernels in compiled([("rWW", form, architecture) for form in forms]).values():
        assert "integrate" in kernels or "step_0" in kernels
        assert max(usage.registers for usage in kernels.values()) <= 255


def test_default_forms_spill_nothing_on_any_architecture_known():
    forms = [("rWW", default_form("rWW", H200, batch)) for batch in (1, 32768)]
    forms.append(("rWWEx", default_form("rWWEx", RTX_5090, 32, nodes=1000)))
    assert forms[-1][1].stepwise and forms[-1][1].split > 1
    forms.append(("Kuramoto", default_form("Kuramoto", H200, 4096, nodes=200, delayed=True)))
    jobs = [(*form, architecture) for form in forms for architecture in nvrtc.architectures()]
    assert not spilled(compiled(jobs))


@pytest.mark.parametrize("architecture", [80, 90])
def test_all_that_a_simulation_compiles_is_for_devices_too(tmp_path, monkeypatch, architecture):
    asked = []

    class Listening(on_cpu.CpuDevice):
        def compile(self, source, options=()):
            asked.append((source, options))
            return super().compile(source, options)

    monkeypatch.setattr(assembly, "_backend", lambda name: Backend(Listening(tmp_path), None))
    arguments, keywords = batch("rWW", duration=1.0)
    simulate(*arguments, backend="cuda", **keywords)
    assert {options for _, options in asked} == {OPTIONS}
    found = {}
    for source, options in asked:
        found |= nvrtc.compile(source, architecture, options).kernels
    assert {"integrate", "draw_noise", "hemodynamics", "accumulate", "compare_windows"} <= set(found)
    assert not {name for name, usage in found.items() if usage.spill_stores or usage.spill_loads}
