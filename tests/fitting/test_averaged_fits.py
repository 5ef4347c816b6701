"""Fits that score averages, search in coarser steps and scale connectomes themselves, from end to end."""

import numpy as np
import pytest
from cohorts import read_tsv
from prepared import PreparedCohort

from cubnm_core import simulate
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import evaluate, fit, landscapes, simulators

COARSE = {"dt": 5e-3, "hemodynamic_dt": 1e-2}
STRONGEST = 0.05


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Two people, whose candidates are averages of two simulations, and whose re-tests of three."""
    monkeypatch.chdir(tmp_path)
    made = PreparedCohort(tmp_path, people=("01", "02"))
    made.settings["optimizer"] |= {"name": "random", "population": 4, "generations": 1, "restarts": 1}
    made.settings |= {"objective": {"fc_corr": 1.0, "fc_diff": 1.0}, "replicates": 2}
    made.settings["retest"] = {"candidates": 2, "seeds": 3, "first_seed": 500}
    made.settings |= {"averaged_runs": 2, "search_steps": COARSE, "strongest_weight": STRONGEST}
    made.settings["rate_limits"] = [0.0, 500.0]
    made.settings["simulation"] |= {"dt": 1e-3, "hemodynamic_dt": 5e-3}  # finer than those of the search
    return made


def averaged_scores(cohort, unit, params, seeds, split="train", **steps):
    """Correlation with the mean FC of some simulations, and difference of the means, by hand."""
    weights = Archive(cohort.connectome(unit)).arrays(unit)["weights"]
    target = Archive(cohort.target(unit, split)).arrays(unit)["fc"]
    keywords = simulators.simulation_keywords(cohort.settings, 1.0) | steps
    params = {name: value[None] if np.ndim(value) else value for name, value in params.items()}
    run = simulate("rWW", weights * STRONGEST / weights.max(), params, seed=seeds, record=("fc",), **keywords)
    fc = run.fc.astype(float).mean(axis=0)
    return np.corrcoef(fc, target)[0, 1], abs(fc.mean() - target.mean())


@pytest.mark.slow
def test_search_and_retest_and_evaluation_score_averages_in_their_own_steps(cohort):
    sm = cohort.sm("fit")
    fit.main(sm)
    for row in read_tsv(sm.output.fits):
        unit = f"sub-{row['participant_id']}"
        best = {"G": float(row["param_G"]), "w_p": float(row["param_w_p"]), "J_N": 0.15}
        fine = averaged_scores(cohort, unit, best, [500, 501, 502])
        assert float(row["retest_cost"]) == pytest.approx(fine[1] - fine[0], abs=1e-5)
        coarse = averaged_scores(cohort, unit, best, [0, 1], **COARSE)
        assert float(row["fc_corr"]) == pytest.approx(coarse[0], abs=1e-5)
        assert float(row["fc_diff"]) == pytest.approx(coarse[1], abs=1e-5)
        assert abs(averaged_scores(cohort, unit, best, [0, 1])[0] - coarse[0]) > 1e-4
        assert landscapes.read(sm.output.landscape, unit).values.shape[0] == 4

    sm = cohort.sm("evaluate", first_seed=1000, seeds=4)
    evaluate.main(sm)
    rows = [row for row in read_tsv(sm.output.evaluation) if row["measure"] == "fc_corr"]
    assert len(rows) == 4 and {row["n_seeds"] for row in rows} == {"4"}
    models = {row["participant_id"]: row for row in read_tsv(cohort.sm("fit").output.fits)}
    for row in rows:
        unit, model = f"sub-{row['participant_id']}", models[row["participant_id"]]
        best = {"G": float(model["param_G"]), "w_p": float(model["param_w_p"]), "J_N": 0.15}
        both = [
            averaged_scores(cohort, unit, best, seeds, row["split"])[0]
            for seeds in ([1000, 1001], [1002, 1003])
        ]
        assert float(row["mean"]) == pytest.approx(np.mean(both), abs=1e-5)
        assert float(row["sd"]) == pytest.approx(np.std(both, ddof=1), abs=1e-5)


def test_a_history_belongs_to_averages_steps_and_scale(cohort):
    """Each makes another fit; the steps of the re-test alone make another re-test only."""
    marks = {"all": cohort.marks()}
    for name in ("averaged_runs", "search_steps", "strongest_weight"):
        kept = cohort.settings.pop(name)
        marks[name] = cohort.marks()
        cohort.settings[name] = kept
    keys = [key for key in marks["all"] if not key.endswith("_retest")]
    assert keys and all(len({mark[key] for mark in marks.values()}) == 4 for key in keys)
    assert cohort.marks() == marks["all"]
    cohort.settings["averaged_runs"] = 4  # in evaluations only
    assert cohort.marks() == marks["all"]
    cohort.settings["simulation"]["dt"] = 5e-4
    finer = cohort.marks()
    assert all((finer[key] == marks["all"][key]) == (key in keys) for key in finer)


@pytest.mark.slow
def test_a_fit_of_pfic_finds_its_inhibition_and_is_evaluated(cohort):
    """The published model through the scripts, with w_EI and sigma held; rates stay near 3 Hz."""
    cohort.settings |= {"model": "pFIC", "strongest_weight": 0.02, "rate_limits": [2.7, 3.3]}
    cohort.settings["free"] = {"G": [0.5, 2.0], "w_EE": [2.75, 4.0]}
    cohort.settings["fixed"] = {"w_EI": 2.5, "sigma": 0.002}
    fit.main(cohort.sm("fit"))
    rows = read_tsv(cohort.sm("fit").output.fits)
    assert {row["status"] for row in rows} == {"ok"} and all(float(row["fc_corr"]) > -1 for row in rows)
    sm = cohort.sm("evaluate", first_seed=1000, seeds=2)
    evaluate.main(sm)
    regional = [row for row in read_tsv(sm.output.regional_parameters) if row["variable"] == "wIE"]
    weights = [float(row["value"]) for row in regional]
    assert len(weights) == 2 * 8 and min(weights) > 0.5 and len(set(weights)) > 8
    rates = [float(row["mean"]) for row in read_tsv(sm.output.states) if row["variable"] == "r_E"]
    assert len(rates) == 2 * 8 and all(2.9 < rate < 3.2 for rate in rates)
