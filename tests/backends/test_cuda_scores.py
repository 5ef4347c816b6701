"""Scores computed on the device, through the shim: those of the reference, whatever is simulated beside."""

from dataclasses import replace

import numpy as np
import nvrtc
import on_cpu
import pytest
from devices_under_test import SIZE, Backend, batch

from cubnm_core import simulate
from cubnm_core.backends.cuda.driver import OPTIONS
from cubnm_core.backends.cuda.printer import functions, source
from cubnm_core.backends.cuda.scores import Scores
from cubnm_core.measures.comparison import FC_TERMS, FCD_TERMS, Comparison, compare
from cubnm_core.measures.distances import binned_cdf
from cubnm_core.measures.objective import Target
from cubnm_core.measures.pieces import lay_out
from cubnm_core.simulation import assembly

pytestmark = pytest.mark.slow

TERMS = (*FC_TERMS, *FCD_TERMS)
KERNELS = {"compare_fc", "rank_values", "largest_distance", "bin_values", "largest_binned_distance"}


@pytest.fixture
def run(device, monkeypatch):
    """`simulate` with the cuda backend on a device; the form is memory-4x1, whose tiles have two lanes."""

    def run_here(*arguments, **keywords):
        with monkeypatch.context() as patched:
            patched.setattr(assembly, "_backend", lambda name: Backend(device, "memory-4x1"))
            return simulate(*arguments, backend="cuda", **keywords)

    return run_here


@pytest.fixture(scope="module")
def simulated():
    """The reference of the batch, with everything recorded."""
    arguments, keywords = batch("rWW")
    return simulate(*arguments, backend="reference", **keywords)


@pytest.fixture
def comparison(simulated):
    """Three targets: with FCD values, some equal to simulated ones and to each other; binned; none."""
    rng = np.random.default_rng(8)
    fc = [
        np.clip(simulated.fc[i] + 0.2 * rng.standard_normal(simulated.fc.shape[1]), -1, 1) for i in range(3)
    ]
    ties = np.repeat(simulated.fcd[:3, ::4].astype(np.float32).ravel(), 3)
    values = np.concatenate([ties, rng.uniform(-0.2, 1, 600)])
    targets = [
        Target(fc[0], values),
        Target(fc[1], fcd_cdf=binned_cdf(rng.uniform(0, 1, 900))),
        Target(fc[2]),
    ]
    return Comparison(targets, np.array([0, 1, 0, 2, 0]), TERMS)


def searched(comparison, **changes):
    """Arguments of `simulate` as a search calls it: neither FC nor FCD is asked for."""
    arguments, keywords = batch("rWW", **{"record": ("state_means",), **changes})
    return arguments, {**keywords, "comparison": comparison}


def of_arrays(run, comparison):
    """Scores of the FC and the FCD of a run."""
    return comparison.scores(np.arange(len(run.fc)), run.fc, run.fcd)


def test_scores_are_those_of_the_reference(run, simulated, comparison):
    expected = of_arrays(simulated, comparison)
    arguments, keywords = searched(comparison)
    told = simulate(*arguments, backend="reference", **keywords)
    found = run(*arguments, precision="double", **keywords)
    assert found.fc is None and found.fcd is None and found.bold is None and told.fc is None
    for name in TERMS:
        assert np.array_equal(told.scores[name], expected[name], equal_nan=True)
        np.testing.assert_allclose(found.scores[name], expected[name], rtol=0, atol=1e-9)
    assert np.isfinite(found.scores["fcd_ks"]).tolist() == [True, False, True, False, True]
    assert np.isfinite(found.scores["fcd_ks_binned"]).tolist() == [True, True, True, False, True]


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("band_pass", [None, (0.5, 2.0)], ids=["all", "filtered"])
def test_scores_are_those_of_the_fc_and_fcd_it_would_give(run, comparison, precision, band_pass):
    both = ("fc", "fcd", "state_means")
    changes = {"record": both, "precision": precision, "band_pass": band_pass, "duration": 3.0}
    arguments, keywords = searched(comparison, **changes)
    found = run(*arguments, **keywords)
    expected = of_arrays(found, comparison)
    for name in FC_TERMS:
        np.testing.assert_allclose(found.scores[name], expected[name], rtol=0, atol=1e-13)
    for name in FCD_TERMS:
        assert np.array_equal(found.scores[name], expected[name], equal_nan=True)
    alone = run(*arguments, **{**keywords, "record": ("state_means",)})
    assert all(np.array_equal(alone.scores[name], found.scores[name], equal_nan=True) for name in TERMS)


@pytest.mark.parametrize("band_pass", [None, (0.5, 2.0)], ids=["all", "filtered"])
def test_pieces_of_simulations_are_scored_as_the_reference_scores_them(run, comparison, band_pass):
    """Targets with pieces, with censored volumes, with both, and without, beside each other."""
    kept = np.arange(40) % 7 > 0
    layouts = [lay_out([22, 18]), lay_out([40], kept), lay_out([20, 20], kept[::-1]), None]
    targets = [replace(comparison.targets[0], layout=layout) for layout in layouts]
    mixed = Comparison(targets, np.array([0, 1, 2, 3, 1]), TERMS)
    arguments, keywords = searched(mixed, duration=5.25, band_pass=band_pass)
    expected = simulate(*arguments, backend="reference", **keywords)
    found = run(*arguments, precision="double", **keywords)
    for name in TERMS:
        assert np.isfinite(expected.scores[name]).all()
        np.testing.assert_allclose(found.scores[name], expected.scores[name], rtol=0, atol=1e-9)
    alone = {**keywords, "comparison": Comparison(targets[1:2], np.zeros(SIZE, int), TERMS)}
    same = run(*arguments, precision="double", **alone)
    for name in TERMS:
        assert np.array_equal(same.scores[name][[1, 4]], found.scores[name][[1, 4]])


def test_a_score_does_not_depend_on_what_is_scored_beside(run, comparison):
    (model, weights, params), keywords = searched(comparison)
    together = run(model, weights, params, **keywords)
    rows = np.array([4, 1])
    some = {**keywords, "connectome": keywords["connectome"][rows], "seed": keywords["seed"][rows]}
    targets = [comparison.targets[1], comparison.targets[0]]
    some["comparison"] = replace(comparison, targets=targets, index=np.array([1, 0]))
    apart = run(model, weights, {name: values[rows] for name, values in params.items()}, **some)
    for name in TERMS:
        assert np.array_equal(apart.scores[name], together.scores[name][rows], equal_nan=True)


def test_only_scores_and_means_leave_the_device(run, device, comparison, monkeypatch):
    copied, to_host = [], type(device).to_host
    monkeypatch.setattr(
        type(device), "to_host", lambda self, array: copied.append(array.shape) or to_host(self, array)
    )
    arguments, keywords = searched(comparison)
    run(*arguments, **keywords)
    lanes = 6  # three tiles of two
    means = 2 * lanes * arguments[1].shape[1]
    assert all(np.prod(shape) <= lanes * len(FC_TERMS) or shape[0] == 3 for shape in copied)
    assert max(np.prod(shape) for shape in copied) <= means * 4


def test_full_memory_halves_what_is_scored_at_a_time(run, device, comparison, monkeypatch, caplog):
    arguments, keywords = searched(comparison)
    expected = run(*arguments, **keywords)
    zeros = type(device).zeros

    def full(device, shape, dtype=np.float32):
        if len(shape) == 3 and shape[1] == 2 and shape[0] > 2:  # the counts of the ranks
            raise MemoryError("full")
        return zeros(device, shape, dtype)

    monkeypatch.setattr(type(device), "zeros", full)
    found = run(*arguments, **keywords)
    assert "FCD of 3 simulations at a time" in caplog.text and "FCD of 1 simulations" in caplog.text
    assert all(np.array_equal(found.scores[n], expected.scores[n], equal_nan=True) for n in TERMS)


def test_a_simulation_that_diverged_has_no_score(run, comparison):
    (model, weights, params), keywords = searched(comparison)
    params["sigma"] = np.where(np.arange(SIZE) == 2, 4.5e38, 0.01)
    found = run(model, weights, params, **keywords)
    assert found.status.tolist() == [0, 0, 1, 0, 0]
    assert all(np.isnan(found.scores[name][2]) for name in TERMS)


def test_ties_and_ends_of_distributions(device):
    """Known answers: disjoint, equal, and tied samples, through the kernels alone."""
    fcd = np.array(
        [[0.1, 0.2, 0.2, 0.4], [0.5, 0.5, 0.5, 0.5], [-1.0, 1.0, 0.2, 0.2], [0.2, np.nan, 0.1, 0.4]]
    )
    targets = [[0.4, 0.2, 0.1, 0.2], [0.6, 0.7], [0.5], [0.2, 0.2, 0.2, 0.9, 0.9], [0.1, 0.1]]
    fc = np.linspace(-0.5, 0.5, 3)
    for values in targets:
        target = Target(fc, np.array(values))
        one = Comparison([target], np.zeros(4, int), FCD_TERMS)
        found = kernels(device, one).of_fcd(np.arange(4), device.to_device(fcd))
        expected = compare(np.zeros((4, 3)), fcd, target, FCD_TERMS)
        for name in FCD_TERMS:
            assert np.array_equal(found[name], expected[name], equal_nan=True), (values, name)


def kernels(device, comparison):
    """The scores of a comparison on a device, in double precision, without a simulation."""
    return Scores(device, device.compile(text_of("double", 3), OPTIONS), comparison, np.arange(4))


def text_of(precision, nodes):
    """What is compiled for FC, FCD and scores."""
    definitions = {
        "SINGLE": int(precision == "single"),
        "N": nodes,
        "PREPARED": 1,
        "NOTHING_SHARED": 0.0,
        "SECTIONS": 2,
    }
    head = "".join(f"#define {name} {value}\n" for name, value in definitions.items())
    return head + functions(precision) + source("connectivity") + source("scores")


@pytest.mark.skipif(on_cpu.missing() is not None, reason=str(on_cpu.missing()))
def test_no_access_is_wrong(tmp_path, monkeypatch, comparison):
    device = on_cpu.CpuDevice(tmp_path, order_seed=1, checked=True)
    monkeypatch.setattr(assembly, "_backend", lambda name: Backend(device, "memory-4x1"))
    arguments, keywords = searched(comparison, duration=0.75, burn_in=0.125, window=0.25, dt=1e-3)
    found = simulate(*arguments, backend="cuda", precision="single", **keywords)
    assert np.isfinite(found.scores["fc_corr"]).all()
    layouts = [lay_out([4, 5]), lay_out([9], np.arange(9) != 4)]
    targets = [replace(comparison.targets[0], layout=layout) for layout in layouts]
    pieces = Comparison(targets, np.array([0, 1, 0, 1, 1]), TERMS)
    changes = {"duration": 1.25, "burn_in": 0.125, "window": 0.25, "dt": 1e-3}
    arguments, keywords = searched(pieces, **changes)
    found = simulate(*arguments, backend="cuda", precision="single", **keywords)
    assert np.isfinite(found.scores["fcd_ks"]).all()


@pytest.mark.skipif(nvrtc.missing() is not None, reason=str(nvrtc.missing()))
def test_the_kernels_spill_nothing_on_any_architecture():
    jobs = [("single", architecture) for architecture in nvrtc.architectures()]
    for precision, architecture in [*jobs, ("double", 80), ("double", 90)]:
        usage = nvrtc.compile(text_of(precision, 100), architecture, OPTIONS).kernels
        assert set(usage) >= KERNELS
        assert not {name for name in usage if usage[name].spill_stores or usage[name].spill_loads}
