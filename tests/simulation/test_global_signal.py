"""Global-signal regression of simulations: known answers, everywhere the same, after filter and burn-in."""

import numpy as np
import pytest
from devices_under_test import Backend
from minimal_settings import BASE, refusal

from cubnm_core import simulate
from cubnm_core.errors import InputError
from cubnm_core.evidence import global_signal as model
from cubnm_core.measures import connectivity
from cubnm_core.measures.observables.panel import Panel
from cubnm_core.measures.observables.scan import Regions
from cubnm_core.simulation import assembly
from workflow_scripts.configuration import configuration
from workflow_scripts.configuration.analysis import resolve_analysis
from workflow_scripts.configuration.fit_settings import resolve_fit
from workflow_scripts.fitting.simulators import simulation_keywords

NODES = 6
SETTINGS = {
    "duration": 12.0, "burn_in": 2.0, "repetition_time": 0.25, "dt": 2e-3, "hemodynamic_dt": 2e-3,
    "window": 4.0, "window_step": 1.0, "hemodynamics": "cubnm-1.5T", "precision": "double",
}  # fmt: skip


def run(**changes):
    weights = np.random.default_rng(1).random((NODES, NODES)) * (1 - np.eye(NODES)) * 0.05
    keywords = {**SETTINGS, "backend": "cpu", "record": ("bold", "fc", "fcd"), "seed": 1, **changes}
    return simulate("rWW", weights, {"G": np.array([0.5, 1.5, 2.5])}, **keywords)


def test_what_nodes_share_is_gone_and_nothing_else():
    rng = np.random.default_rng(0)
    shared, own = rng.standard_normal((500, 1)), rng.standard_normal((500, NODES))
    bold = 100 + own + shared * np.arange(1, NODES + 1)
    found = connectivity.regress_global_signal(bold)
    centred = bold - bold.mean(axis=0)
    mean = centred.mean(axis=1)
    np.testing.assert_allclose(
        mean @ (found - found.mean(axis=0)), 0.0, atol=1e-9
    )  # uncorrelated with the mean
    np.testing.assert_allclose(found.mean(axis=0), bold.mean(axis=0))
    np.testing.assert_allclose((found - found.mean(axis=0)).mean(axis=1), 0.0, atol=1e-9)
    expected = [
        node - np.polyval(np.polyfit(mean, node, 1), mean) for node in centred.T
    ]  # ordinary regression
    np.testing.assert_allclose(found - found.mean(axis=0), np.transpose(expected), atol=1e-9)
    np.testing.assert_array_equal(connectivity.regress_global_signal(found), found)  # not rounding either


def test_nodes_without_a_common_signal_stay_as_they_are():
    bold = np.outer(np.sin(np.arange(50)), [1.0, -1.0])
    np.testing.assert_array_equal(connectivity.regress_global_signal(bold), bold)


@pytest.mark.parametrize("band", [None, (0.1, 1.0)])
def test_fc_fcd_and_observables_are_of_what_is_left(band):
    panel = Panel(("metastability", "edge_fcd"), Regions(("L",) * NODES))
    record = ("bold", "fc", "fcd", "observables")
    found = run(global_signal="regressed", band_pass=band, record=record, panel=panel)
    kept, pairs = run(band_pass=band), connectivity.pair_indices(NODES)
    np.testing.assert_array_equal(found.bold, kept.bold)  # which is given as it was simulated
    assert (found.fc.mean(axis=1) < kept.fc.mean(axis=1)).all()
    windows = connectivity.sliding_windows(40, 0.25, 4.0, 1.0)
    for row in range(3):
        after = kept.bold[row, kept.n_burn_in :]
        after = after if band is None else connectivity.band_pass(after, 0.25, band)
        after = connectivity.regress_global_signal(after)
        np.testing.assert_array_equal(found.analysed_bold(row), after)
        np.testing.assert_allclose(found.fc[row], connectivity.functional_connectivity(after, pairs))
        dynamics = connectivity.functional_connectivity_dynamics(after, pairs, *windows)
        np.testing.assert_allclose(found.fcd[row], dynamics)
        for name, values in panel.measure(after, 0.25).items():
            np.testing.assert_allclose(found.observables[name][row], values)


@pytest.mark.slow
@pytest.mark.parametrize("band", [None, (0.1, 1.0)])
def test_a_gpu_regresses_as_the_reference_does(device, monkeypatch, band):
    changes = {"global_signal": "regressed", "band_pass": band, "duration": 9.0}
    expected = run(backend="reference", **changes)
    monkeypatch.setattr(assembly, "_backend", lambda name: Backend(device, "memory-4x1"))
    found = run(backend="cuda", **changes)
    np.testing.assert_allclose(found.fc, expected.fc, atol=1e-6)
    np.testing.assert_allclose(found.fcd, expected.fcd, atol=1e-6)
    alone = run(backend="cuda", **changes | {"record": ("fc",)})
    np.testing.assert_array_equal(alone.fc, found.fc)


def test_an_unknown_treatment_is_refused():
    with pytest.raises(InputError, match="'removed' is unknown; allowed are kept, regressed"):
        run(global_signal="removed")


def test_the_setting_reaches_simulations_and_the_baseline_and_changes_nothing_by_default():
    plain = configuration.validate(BASE)
    stated = configuration.validate({**BASE, "bold": {**BASE["bold"], "global_signal": "regressed"}})
    assert "global_signal" not in resolve_analysis(plain)
    assert simulation_keywords(resolve_fit(plain, "one"), 1.0)["global_signal"] == "kept"
    assert simulation_keywords(resolve_fit(stated, "one"), 1.0)["global_signal"] == "regressed"
    scans = [
        model.make_scan(300.0, 0.0, 1.0, ["L"] * 4, resolve_analysis(config)) for config in (plain, stated)
    ]
    bold = model.mix(*model.signals(scans[0], 0.5, 1), 0.6)
    kept, regressed = (scan.features(bold)[0].mean() for scan in scans)
    assert kept > 0.5 and regressed < 0.0


def test_a_synthetic_cohort_keeps_its_global_signal():
    synthetic = {
        "manifest": "synthetic/manifest.tsv", "nodes": "synthetic/nodes.tsv", "synthetic": {},
        "participants": "synthetic/participants.tsv", "truth": "synthetic/truth.tsv",
    }  # fmt: skip
    config = {**BASE, **synthetic, "bold": {**BASE["bold"], "global_signal": "regressed"}}
    assert "bold.global_signal: scans of a synthetic cohort keep" in refusal(config)
