"""The cuda backend on the CPU, through a shim; on a device the same tests carry the mark gpu."""

import os
import subprocess
import sys

import numpy as np
import pytest
from devices_under_test import DELAYED_FORMS, FORMS, MODELS, NODES, SIZE, Backend, batch

from cubnm_core import simulate
from cubnm_core.measures import connectivity
from cubnm_core.simulation import assembly


@pytest.fixture
def run(device, monkeypatch):
    """`simulate` with the cuda backend on a device, in a form."""

    def run_in(form, *arguments, **keywords):
        monkeypatch.setattr(assembly, "_backend", lambda name: Backend(device, form))
        return simulate(*arguments, backend="cuda", **keywords)

    return run_in


def agree(found, expected, tolerance):
    """States and BOLD agree, relative to the largest value of each array."""
    assert np.array_equal(found.status, expected.status)
    pairs = [("bold", found.bold, expected.bold)]
    pairs += [(name, found.state_means[name], expected.state_means[name]) for name in expected.state_means]
    pairs += [(name, found.states[name], expected.states[name]) for name in expected.states]
    for name, a, b in pairs:
        assert a.shape == b.shape, name
        assert np.abs(a - b).max() <= tolerance * np.abs(b).max(), name


def check_connectivity(found, keywords):
    """FC and FCD are what `cubnm_core.measures.connectivity` makes of the BOLD."""
    repetition_time, pairs = keywords["repetition_time"], connectivity.pair_indices(found.bold.shape[2])
    after = found.bold[:, found.n_burn_in :]
    windows = connectivity.sliding_windows(
        after.shape[1], repetition_time, keywords["window"], keywords["window_step"]
    )
    for bold, fc, fcd in zip(after, found.fc, found.fcd, strict=True):
        assert np.abs(connectivity.functional_connectivity(bold, pairs) - fc).max() < 1e-6
        assert np.abs(connectivity.functional_connectivity_dynamics(bold, pairs, *windows) - fcd).max() < 1e-6


def identical(one, other):
    """Every result has the same bits."""
    for name in ("bold", "fc", "fcd", "status"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name
    for kept in ("state_means", "states", "params"):
        a, b = getattr(one, kept), getattr(other, kept)
        assert all(np.array_equal(a[name], b[name]) for name in b), kept


@pytest.mark.parametrize("delayed", [False, True], ids=["prompt", "delayed"])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_agrees_with_the_reference(run, model, delayed):
    arguments, keywords = batch(model, delayed=delayed)
    expected = simulate(*arguments, backend="reference", **keywords)
    form = "memory-4x1" if delayed else "shared-4x2"
    found = run(form, *arguments, precision="double", **keywords)
    agree(found, expected, 1e-9)
    check_connectivity(found, keywords)
    if model not in ("JR", "MPR"):  # these run in double precision by default
        agree(run(form, *arguments, precision="single", **keywords), expected, 2e-4)


def test_the_source_is_the_same_in_every_process():
    """CuPy finds what it compiled before by the text, whatever order sets have in a process."""
    code = (
        "from cubnm_core.backends.cuda.forms import Form\n"
        "from cubnm_core.backends.cuda.printer import Printer\n"
        "from cubnm_core.equations.files import load_model\n"
        "from cubnm_core.equations.hemodynamics import lower_hemodynamics\n"
        "from cubnm_core.equations.lowering import lower\n"
        "form = Form(10, 4, 4, 2, 'shared')\n"
        f"for name in {MODELS}:\n"
        "    balloon = lower_hemodynamics('cubnm-1.5T', 1e-3)\n"
        "    printer = Printer(lower(load_model(name), 1e-4), balloon, 'single')\n"
        "    print(printer.integration(form), printer.observation(form))\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1 and b"update<0>" in texts.pop()


@pytest.mark.parametrize("form", FORMS)
def test_no_form_changes_a_bit(run, form):
    arguments, keywords = batch("rWW")
    identical(run(form, *arguments, **keywords), run("shared-1x1", *arguments, **keywords))


@pytest.mark.parametrize("form", DELAYED_FORMS)
def test_no_form_changes_a_bit_with_delays(run, form):
    arguments, keywords = batch("rWW", delayed=True)
    identical(run(form, *arguments, **keywords), run("memory-2x2", *arguments, **keywords))


@pytest.mark.parametrize("form", ["shared-4x2", "registers-2", "stepwise-1x1"])
def test_two_stages_of_a_scheme(run, form):
    arguments, keywords = batch("Hopf", scheme="heun", dt=1e-3)
    expected = simulate(*arguments, backend="reference", **keywords)
    agree(run(form, *arguments, precision="double", **keywords), expected, 1e-9)


@pytest.mark.parametrize("nodes, size", [(68, 3), (100, 9)])
def test_the_form_it_chooses_itself(run, nodes, size):
    arguments, keywords = batch("rWW", nodes=nodes, size=size, duration=1.25)
    expected = simulate(*arguments, backend="reference", **keywords)
    agree(run(None, *arguments, **keywords), expected, 2e-4)


def test_a_simulation_does_not_depend_on_the_others(run):
    (model, weights, params), keywords = batch("rWW")
    together = run("shared-4x2", model, weights, params, **keywords)
    rows = [4, 1]
    params = {name: values[rows] for name, values in params.items()}
    some = {**keywords, "connectome": keywords["connectome"][rows], "seed": keywords["seed"][rows]}
    apart = run("registers-1", model, weights, params, **some)
    for name in ("bold", "fc", "fcd"):
        assert np.array_equal(getattr(apart, name), getattr(together, name)[rows])


def test_given_noise_is_used_as_it_is(run):
    arguments, keywords = batch("rWWEx")
    noise = np.random.default_rng(1).standard_normal((3000, NODES, 1))
    expected = simulate(*arguments, backend="reference", noise=noise, **keywords)
    agree(run("shared-4x2", *arguments, precision="double", noise=noise, **keywords), expected, 1e-9)


@pytest.mark.parametrize("dt", [3e-4, 5e-4])
def test_noise_is_summed_from_finer_steps(run, dt):
    arguments, keywords = batch("rWW")
    keywords |= {"dt": dt, "hemodynamic_dt": 1.5e-3, "state_period": 0.015, "noise_step": 1e-4}
    expected = simulate(*arguments, backend="reference", **keywords)
    agree(run("memory-2x2", *arguments, precision="double", **keywords), expected, 1e-9)


def test_divergence_is_reported_and_stays_with_its_simulation(run):
    (model, weights, params), keywords = batch("rWW")
    expected = run("shared-4x2", model, weights, params, **keywords)
    params["sigma"] = np.where(np.arange(SIZE) == 2, 4.5e38, 0.01)  # infinite in single precision
    found = run("shared-4x2", model, weights, params, **keywords)
    assert found.status.tolist() == [0, 0, 1, 0, 0]
    assert np.isnan(found.fc[2]).all() and np.isnan(found.fcd[2]).all()
    others = found.status == 0
    assert np.array_equal(found.bold[others], expected.bold[others])


def test_plasticity_runs_in_the_kernel(run):
    arguments, keywords = batch("rWW", size=2, record=("bold", "fc", "fcd", "state_means"))
    fic = {"method": "plasticity", "warm_up": 1.0}
    expected = simulate(*arguments, backend="reference", fic=fic, **keywords)
    found = run("shared-4x2", *arguments, precision="double", fic=fic, **keywords)
    agree(found, expected, 1e-8)
    assert np.abs(found.params["wIE"] - expected.params["wIE"]).max() < 1e-8


def test_band_pass(run):
    arguments, keywords = batch("rWW", band_pass=(0.5, 2.0), duration=4.0)
    expected = simulate(*arguments, backend="reference", **keywords)
    agree(run("shared-4x2", *arguments, precision="double", **keywords), expected, 1e-8)


def test_haemodynamic_constants_that_differ_between_regions(run):
    """And one of them between simulations, which share tiles."""
    regions, simulations = np.linspace(0.0, 1.0, NODES), np.linspace(0.0, 0.2, SIZE)[:, None]
    own = {"kappa": 0.5 + 0.3 * regions + simulations, "alpha": 0.3 + 0.1 * regions, "V0": 1.0 + regions}
    arguments, keywords = batch("rWWEx", hemodynamics={"set": "friston-3T", **own})
    expected = simulate(*arguments, backend="reference", **keywords)
    agree(run("shared-4x2", *arguments, precision="double", **keywords), expected, 1e-9)
    agree(run("shared-4x2", *arguments, precision="single", **keywords), expected, 2e-4)
    plain = simulate(*arguments, backend="reference", **{**keywords, "hemodynamics": "friston-3T"})
    assert np.abs(plain.bold - expected.bold).max() > 0.05 * np.abs(expected.bold).max()


def test_full_memory_halves_what_runs_at_a_time(run, device, monkeypatch, caplog):
    arguments, keywords = batch("rWW")
    expected = run("shared-1x1", *arguments, **keywords)
    empty = type(device).empty

    def full(device, shape, dtype=np.float32):
        inputs = len(shape) == 3 and shape[2] == NODES  # [step][tile][cell], and BOLD
        if inputs and shape[1] > 2 and dtype == np.float32 and shape[0] > SIZE:
            raise MemoryError("full")
        return empty(device, shape, dtype)

    monkeypatch.setattr(type(device), "empty", full)
    identical(run("shared-1x1", *arguments, **keywords), expected)
    assert "going on with 2 tiles at a time" in caplog.text


def test_analytical_inhibition_is_that_of_every_backend(run):
    (model, weights, params), keywords = batch("rWW", size=4)
    params["J_N"] = np.random.default_rng(2).uniform(0.05, 0.4, (4, NODES))
    expected = simulate(model, weights, params, backend="reference", fic="analytical", **keywords)
    found = run("shared-4x2", model, weights, params, precision="double", fic="analytical", **keywords)
    np.testing.assert_array_equal(found.params["wIE"], expected.params["wIE"])
    agree(found, expected, 1e-8)
