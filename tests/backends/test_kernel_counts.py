"""Instructions are counted from listings, loops included."""

import sys

import pytest

from cubnm_core.backends.cuda.forms import Form


@pytest.fixture
def kernels(repository, monkeypatch):
    """The script that counts."""
    monkeypatch.syspath_prepend(repository / "benchmarks")
    monkeypatch.setattr(sys, "path", list(sys.path))
    import kernels

    return kernels


def code_of(*texts):
    """A listing: instructions at multiples of 16."""
    return [(16 * i, text) for i, text in enumerate(texts)]


def test_loops_count_as_often_as_they_run(kernels):
    """Two nodes of one simulation a thread, one source in a pass of the loop, three sources a segment."""
    form = Form(12, 1, 2, 1, "shared", inner_steps=5)
    texts = ["MOV"]  # before time begins
    texts += ["IADD3"]  # of a haemodynamic step
    texts += ["MOV"]  # of a step
    texts += ["MOV"]  # of a segment
    texts += ["FFMA", "FFMA", "BRA `(.L_source)"]
    texts += ["FADD", "BRA `(.L_segment)"]
    texts += ["BAR.SYNC.DEFER_BLOCKING", "BRA `(.L_step)"]
    texts += ["BRA `(.L_outer)", "EXIT"]
    labels = {".L_outer": 16, ".L_step": 32, ".L_segment": 48, ".L_source": 64}
    code = code_of(*texts)
    per_segment = 3 + 3 * 3
    assert kernels.slots_of(code, labels, form, 1) == 3 + 4 * per_segment + 2 / 5
    assert kernels.barriers_of(code, labels, form) == 1


def test_a_second_loop_takes_the_sources_that_the_first_leaves(kernels):
    form = Form(20, 1, 1, 1, "memory", stepwise=True)
    texts = ["MOV"]  # of a segment
    texts += ["FFMA", "FFMA", "BRA `(.L_two)", "FFMA", "LDG", "BRA `(.L_one)"]
    texts += ["BRA `(.L_segment)", "EXIT"]
    labels = {".L_segment": 0, ".L_two": 16, ".L_one": 64}
    assert kernels.slots_of(code_of(*texts), labels, form, 1) == 4 * (2 + 2 * 3 + 1 * 3) + 1


def test_the_choice_counts_what_the_machine_code_has(kernels):
    """Instructions of a step in machine code for sm_90 by NVRTC 12.9, 100 nodes, single precision."""
    found = {
        ("rWW", Form(100, 1, 1, 1, "registers")): 255,
        ("rWW", Form(100, 1, 1, 1, "registers", split=2)): 208,
        ("rWW", Form(100, 20, 4, 4, "shared")): 3422,
        ("rWWEx", Form(100, 20, 4, 4, "shared")): 2860,
        ("WC", Form(100, 20, 4, 2, "shared")): 1862,
        ("Kuramoto", Form(100, 20, 4, 4, "shared")): 4931,
        ("Hopf", Form(100, 20, 4, 4, "shared")): 4391,
    }
    for (model, form), slots in found.items():
        program = kernels.printer_of(model).program
        assert kernels.estimated_clocks(form, program, "single")["slots"] == pytest.approx(slots, rel=0.08)


@pytest.mark.parametrize("batch", [32, 128, 132])
def test_one_thread_a_node_for_few_simulations(kernels, batch):
    """Four threads a node issue half as much again in total: 740 clocks a step where one needs 450."""
    program, base = kernels.printer_of("rWW").program, Form(100, 1, 1, 1, "memory", inner_steps=10)
    form = kernels.choose_form(base, program, "single", (batch,), kernels.CARDS[1])
    assert (form.weights, form.split) == ("registers", 1)
