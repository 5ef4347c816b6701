"""Sweeps and fits in one call: the parameters behind a scan come back, as tables, files and figures."""

import json
import warnings

import numpy as np
import pytest

import cubnm_core as cc
from cubnm_core.measures.objective import Objective

NODES = 8
SETTINGS = {
    "repetition_time": 1.0, "fic": "analytical", "hemodynamics": "cubnm-1.5T",
    "dt": 2e-3, "hemodynamic_dt": 2e-3, "window": 20.0, "burn_in": 10.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights():
    """A connectome on the scale of the models."""
    raw = np.triu(np.random.default_rng(3).lognormal(size=(NODES, NODES)), 1)
    return cc.connectome(raw + raw.T) * 100 / NODES


@pytest.fixture(scope="module")
def bold(weights):
    """A scan of the model itself at G = 0.3, (120, N)."""
    run = cc.simulate("rWW", weights, {"G": 0.3}, duration=130, seed=0, record=("bold",), **SETTINGS)
    return run.bold[0, run.n_burn_in :].astype(float)


@pytest.fixture(scope="module")
def swept(weights, bold):
    """A sweep over the coupling, under the noise of the scan."""
    return cc.grid("rWW", weights, bold, {"G": (0.1, 0.5, 5)}, **SETTINGS)


@pytest.fixture(scope="module")
def fitted(weights, bold):
    """A fit to the same scan as two runs."""
    free = {"G": (0.1, 0.5), "w_p": (0.5, 2.0)}
    options = {"population": 6, "generations": 3, "restarts": 2, "retest": (2, 2)}
    return cc.fit("rWW", weights, [bold[:50], bold[50:]], free, **options, **SETTINGS)


def test_a_sweep_finds_the_parameter_that_made_the_scan(swept):
    assert swept.best == {"G": pytest.approx(0.3)}
    assert swept.scores["fc_corr"] == pytest.approx(1.0) and swept.scores["fcd_ks"] < 0.01
    np.testing.assert_allclose(swept.columns["G"], [0.1, 0.2, 0.3, 0.4, 0.5])
    assert swept.table["cost"].min() == swept.cost


def test_a_fit_is_as_good_as_it_says(fitted, bold):
    assert fitted.table["restart"].nunique() == 2 and len(fitted.table) == 36
    first = fitted.simulate(seed=0)
    assert first.params["G"][0] == pytest.approx(fitted.best["G"])
    again = cc.score(first, [bold[:50], bold[50:]], window=20.0)
    for name in ("fc_corr", "fcd_ks"):
        assert again[name][0] == pytest.approx(fitted.scores[name], abs=1e-6)
    fresh = fitted.evaluate(seeds=3)
    assert fresh["cost"].shape == (3,) and np.isfinite(fresh["cost"]).all()


def test_simulations_last_as_long_as_the_runs(fitted):
    assert fitted.simulate().bold.shape[1] == 10 + 120
    assert [piece.stop for piece in fitted.problems[0].target.layout.pieces] == [50, 120]


def test_saved_files_hold_every_candidate_and_the_best_one(swept, tmp_path):
    table, best = swept.save(tmp_path / "made" / "sweep")
    lines = table.read_text().splitlines()
    assert len(lines) == 6 and lines[0].split("\t")[:3] == ["restart", "generation", "G"]
    assert json.loads(best.read_text())["best"] == {"G": pytest.approx(0.3)}


def test_figures_show_what_was_found(swept, fitted):
    figure = swept.plot_landscape("fc_corr")
    (line, best) = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), [0.1, 0.2, 0.3, 0.4, 0.5])
    assert best.get_xdata()[0] == pytest.approx(0.3)
    assert figure.axes[0].get_ylabel() == "fc_corr"
    (points,) = fitted.plot_landscape().axes[0].collections
    assert len(points.get_offsets()) == 36
    assert len(fitted.plot_convergence().axes[0].lines) == 2
    assert fitted.plot_fc().axes[0].get_title() == "scan"
    with pytest.raises(cc.InputError, match="no 'nothing' to be drawn"):
        swept.plot_landscape("nothing")


def test_what_matters_by_default_follows_the_scan_and_the_control(weights, bold):
    with pytest.warns(UserWarning, match="no FCD is computed"):
        short = cc.grid("rWW", weights, bold[:22], {"G": (0.2, 0.3, 2)}, **SETTINGS)
    assert short.problems[0].objective.terms == {"fc_corr": 1.0, "rate_penalty": 0.5}
    free = {**SETTINGS, "fic": None}
    own = cc.grid("rWW", weights, bold, {"G": (0.1, 0.2, 2)}, cost={"fc_diff": 1.0}, **free)
    assert own.problems[0].objective.terms == {"fc_diff": 1.0}
    objective = Objective({"fc_corr": 1.0})
    stated = cc.grid("rWW", weights, bold, {"G": (0.1, 0.2, 2)}, cost=objective, **free)
    assert stated.problems[0].objective is objective


def test_regions_have_values_of_their_own(weights, bold):
    w_p = np.linspace(1.0, 1.6, NODES)
    found = cc.grid("rWW", weights, bold, {"G": (0.2, 0.3, 2)}, fixed={"w_p": w_p}, **SETTINGS)
    np.testing.assert_allclose(found.simulate().params["w_p"], w_p[None])


def test_a_target_needs_a_duration(weights, bold):
    target = cc.Target(np.corrcoef(bold.T)[np.tril_indices(NODES, -1)])
    with pytest.raises(cc.InputError, match="duration: how long the scan is"):
        cc.grid("rWW", weights, target, {"G": (0.2, 0.3, 2)}, **SETTINGS)
    found = cc.grid("rWW", weights, target, {"G": (0.2, 0.3, 2)}, duration=100, **SETTINGS)
    assert found.simulate().bold.shape[1] == 100


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scan": np.zeros((8, 200))}, "time comes first"),
        ({"scan": np.zeros((200, 8, 1))}, "array of \\(time, node\\)"),
        ({"scan": np.full((200, 8), np.nan)}, "not finite"),
        ({"scan": np.random.default_rng(0).random((200, 9))}, "9 nodes and the connectome 8"),
        ({"free": {"G": (1.0, 2.0)}}, "a grid needs \\(low, high, points\\)"),
        ({"free": {"g": (1.0, 2.0, 2)}}, "no parameter 'g'"),
        ({"seed": 3}, "seed: a search decides"),
        ({"cost": {"fc_cor": 1.0}}, "no term 'fc_cor'"),
    ],
)
def test_mistakes_are_told(weights, bold, changes, words):
    scan, free = changes.pop("scan", bold), changes.pop("free", {"G": (0.2, 0.3, 2)})
    scan = np.tile(scan, (1, 10)) if scan.shape == (8, 20) else scan
    with pytest.raises(cc.InputError, match=words):
        cc.grid("rWW", weights, scan, free, **SETTINGS, **changes)


def test_a_connectome_that_was_not_scaled_is_told(weights, bold):
    with pytest.warns(UserWarning, match="scale the connectome"):
        cc.grid("rWW", weights * 1e4, bold, {"G": (0.2, 0.3, 2)}, **SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cc.grid("rWW", weights, bold, {"G": (0.2, 0.3, 2)}, **SETTINGS)
