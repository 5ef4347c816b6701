"""Simulations give the observables that their BOLD gives, wherever they run and however they are compared."""

from dataclasses import replace

import numpy as np
import pytest
from devices_under_test import Backend

from cubnm_core import simulate
from cubnm_core.errors import InputError
from cubnm_core.measures.comparison import Comparison, compare_observables
from cubnm_core.measures.objective import Objective, Target
from cubnm_core.measures.observables.panel import Panel, pool_runs
from cubnm_core.measures.observables.scan import Regions
from cubnm_core.measures.pieces import lay_out
from cubnm_core.simulation import assembly

NODES, SIZE = 6, 11
NAMES = ("synchrony", "metastability", "edge_fcd", "lagged_covariance", "network_fc")
PANEL = Panel(NAMES, Regions(("L",) * 3 + ("R",) * 3, networks=tuple("aabbab")))
SETTINGS = {
    "duration": 55.0, "burn_in": 5.0, "repetition_time": 1.0, "dt": 2e-3, "hemodynamic_dt": 2e-3,
    "window": 10.0, "window_step": 2.0, "hemodynamics": "cubnm-1.5T",
}  # fmt: skip
SHORT = {"duration": 15.0, "burn_in": 1.0, "repetition_time": 0.25, "window": 4.0}
SHORT |= {"dt": 5e-3, "hemodynamic_dt": 5e-3}
COUNTED = Objective({"fc_corr": 1.0, "metastability": 2.0, "network_fc": 1.0}, band=None)


def run(record, size=SIZE, **changes):
    weights = np.random.default_rng(1).random((NODES, NODES)) * (1 - np.eye(NODES)) * 0.02
    keywords = {**SETTINGS, "backend": "cpu", "panel": PANEL, "seed": np.arange(size) % 3, **changes}
    return simulate("rWW", weights, {"G": np.linspace(0.1, 1.5, size)}, record=record, **keywords)


def target(seed):
    rng = np.random.default_rng(seed)
    bold = rng.standard_normal((80, NODES)) + rng.standard_normal((80, 1))
    return Target(rng.uniform(-1, 1, 15), observables=PANEL.measure(bold, 1.0))


@pytest.mark.slow
@pytest.mark.parametrize("band", [None, (0.02, 0.2)])
@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_observables_are_those_of_the_bold(backend, band):
    changes = {"backend": backend, "band_pass": band, "precision": "double", **SHORT}
    found = run(("bold", "observables"), size=2, **changes)
    for row in range(2):
        expected = PANEL.measure(found.analysed_bold(row), SHORT["repetition_time"])
        assert set(found.observables) == set(NAMES)
        for name in NAMES:
            np.testing.assert_array_equal(found.observables[name][row], expected[name])


def test_scores_in_slices_have_the_bits_of_those_of_kept_observables():
    targets, index = [target(0), target(1)], np.arange(SIZE) % 2
    comparison = Comparison(targets, index, ("fc_corr", "fc_normec", "metastability", "network_fc"))
    whole, sliced = run(("fc", "observables")), run(("state_means",), comparison=comparison)
    assert sliced.observables == {} and sliced.bold is None and sliced.fc is None
    for place, one in enumerate(targets):
        rows = np.flatnonzero(index == place)
        expected, found = COUNTED.score(whole, one, rows), COUNTED.score(sliced, one, rows)
        for name in ("metastability", "network_fc", "fc_corr", "cost"):
            np.testing.assert_array_equal(found[name], expected[name])
        stated = compare_observables({name: whole.observables[name][rows] for name in NAMES}, one, NAMES)
        np.testing.assert_array_equal(found["metastability"], stated["metastability"])
        cost = -found["fc_corr"] + 2 * found["metastability"] + found["network_fc"]
        np.testing.assert_allclose(found["cost"], cost)


@pytest.mark.parametrize("band", [None, (0.02, 0.2)])
def test_observables_are_those_of_pieces_without_their_censored_volumes(band):
    kept = np.ones(100, dtype=bool)
    kept[[3, 4, 60]] = False
    layout = lay_out([44, 56], kept)
    one = replace(target(0), layout=layout)
    comparison = Comparison([one], np.zeros(SIZE, int), ("fc_corr", "fc_normec", *NAMES))
    sliced = run(("state_means",), comparison=comparison, band_pass=band, duration=105.0, precision="double")
    whole = run(("bold", "observables"), band_pass=band, duration=105.0, precision="double")
    found = whole.measured_observables(layout)
    for row in range(SIZE):
        bold = whole.bold[row, whole.n_burn_in :]
        runs = [
            PANEL.measure(whole.measurement.prepare(bold[piece.start : piece.stop]), 1.0, piece.mask)
            for piece in layout.pieces
        ]
        for name, expected in pool_runs(runs, [42, 55]).items():
            np.testing.assert_array_equal(found[name][row], expected)
    assert not np.array_equal(found["network_fc"], whole.observables["network_fc"])
    for name, distances in compare_observables(found, one, NAMES).items():
        np.testing.assert_array_equal(sliced.scores[name], distances)


def test_recorded_observables_of_a_target_with_pieces_are_scored_by_pieces():
    layout = lay_out([44, 56])
    one = replace(target(0), layout=layout)
    whole = run(("fc", "bold", "observables"), duration=105.0, precision="double")
    expected = compare_observables(whole.measured_observables(layout), one, NAMES)
    found = COUNTED.score(whole, one)
    for name in NAMES:
        np.testing.assert_array_equal(found[name], expected[name])


def test_all_observables_are_scored_where_they_are_recorded_and_only_needed_ones_in_a_search():
    one = target(0)
    assert set(NAMES) <= set(COUNTED.score(run(("fc", "observables"), size=2), one))
    assert COUNTED.compared_terms(one) == ["fc_corr", "fc_diff", "fc_normec", "metastability", "network_fc"]


def test_a_simulation_that_diverged_has_the_worst_distance():
    sigma = np.where(np.arange(SIZE) == 4, 4.5e38, 0.01)
    weights = np.ones((NODES, NODES)) * 0.01
    comparison = Comparison(
        [target(0)], np.zeros(SIZE, int), ("fc_corr", "fc_normec", "metastability", "network_fc")
    )
    found = simulate(
        "rWW", weights, {"G": np.full(SIZE, 0.5), "sigma": sigma}, record=("state_means", "observables"),
        comparison=comparison, backend="cpu", panel=PANEL, **SETTINGS,
    )  # fmt: skip
    scores = COUNTED.score(found, target(0))
    assert found.status[4] == 1 and np.isnan(found.observables["edge_fcd"][4]).all()
    assert scores["metastability"][4] == 0.5 and scores["network_fc"][4] == 2.0
    assert scores["cost"][4] == COUNTED.worst_cost == 1 + 2 * 0.5 + 2.0


def test_a_target_without_an_observable_that_counts_is_refused():
    with pytest.raises(InputError, match="asks for metastability, which needs this observable of both"):
        COUNTED.score(run(("fc", "observables"), size=2), Target(target(0).fc))
    other = Target(target(0).fc, observables={"network_fc": np.zeros(7), "metastability": np.zeros(1)})
    with pytest.raises(InputError, match="network_fc has 3 values in simulations and 7 in the scan"):
        COUNTED.score(run(("fc", "observables"), size=2), other)


def test_a_panel_that_does_not_hold_what_is_compared_is_refused():
    comparison = Comparison([target(0)], np.zeros(2, int), ("fc_corr", "timescales"))
    with pytest.raises(InputError, match="observables timescales are compared, but not in panel"):
        run(("state_means",), size=2, comparison=comparison)
    with pytest.raises(InputError, match="needs a panel"):
        run(("observables",), size=2, panel=None)


@pytest.mark.slow
def test_on_a_gpu_bold_crosses_the_bus_only_for_observables(device, monkeypatch):
    copied, to_host = [], type(device).to_host
    monkeypatch.setattr(assembly, "_backend", lambda name: Backend(device, "memory-4x1"))
    monkeypatch.setattr(
        type(device), "to_host", lambda self, array: copied.append(array.shape) or to_host(self, array)
    )
    one, names = target(0), ("edge_fcd", "lagged_covariance", "network_fc")
    settings = {"backend": "cuda", "size": 3, "precision": "double", "duration": 3.0, "burn_in": 0.5}
    settings |= {"repetition_time": 0.1}
    for terms, crosses in ((("fc_corr", "fc_normec"), False), (("fc_corr", "fc_normec", *names), True)):
        copied.clear()
        found = run(("state_means",), comparison=Comparison([one], np.zeros(3, int), terms), **settings)
        assert any(len(shape) == 3 and shape[1] == 30 for shape in copied) == crosses
        assert found.bold is None and np.isfinite([found.scores[name] for name in terms]).all()
    expected = run(
        ("fc", "observables"), **{**settings, "backend": "reference", "panel": Panel(names, PANEL.regions)}
    )
    for name, values in compare_observables(expected.observables, one, names).items():
        np.testing.assert_allclose(found.scores[name], values, atol=1e-6)
