"""Fits by linear response, from end to end: expected scores, simulated where it does not hold."""

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cohorts import read_tsv
from minimal_settings import BASE, refusal
from prepared import PreparedCohort

from cubnm_core import linear_response, simulate
from cubnm_core.fitting import expectations
from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.objective import Target
from workflow_scripts.configuration import configuration, fit_settings
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import evaluate, fit, landscapes, simulators, starting_points

FREE = {"G": [0.5, 2.0], "w_p": [0.2, 1.2]}
NONLINEAR = 0.04  # flags some candidates of the cohort and not others


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Two people, ten points each, some of which are flagged."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cubnm_core.linear.response.NONLINEAR", NONLINEAR)
    made = PreparedCohort(tmp_path, people=("01", "02"))
    made.settings |= {"method": "linear", "objective": {"fc_corr": 1.0, "rate_penalty": 0.5}, "free": FREE}
    made.settings["optimizer"] |= {"name": "sobol", "population": 5, "generations": 2, "restarts": 1}
    return made


def history(unit="sub-01", restart=0, fit="homogeneous"):
    """Candidates of a history, by the names of its columns."""
    path = Path(f"results/histories/{fit}/{unit}_restart-{restart}.tsv")
    lines = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(zip(lines[0], np.array(lines[1:], float).T, strict=True))


def conditions(cohort, unit):
    """Weights and target of a person, and keywords of simulations."""
    weights = Archive(cohort.connectome(unit)).arrays(unit)["weights"]
    target = Target(Archive(cohort.target(unit, "train")).arrays(unit)["fc"])
    return weights, target, simulators.simulation_keywords(cohort.settings, 1.0)


def params_of(found):
    return {"G": found["param_G"], "w_p": found["param_w_p"], "J_N": 0.15}


@pytest.mark.slow
def test_candidates_have_expected_scores_and_those_that_are_flagged_have_simulated_ones(cohort):
    fit.main(cohort.sm("fit"))
    found, (weights, target, keywords) = history(), conditions(cohort, "sub-01")
    count = len(found["cost"])
    comparison = Comparison([target], np.zeros(count, int), FC_TERMS)
    alike = {key: keywords[key] for key in ("duration", "burn_in", "repetition_time", "hemodynamics", "fic")}
    alike |= {"dt": keywords["dt"], "hemodynamic_dt": keywords["hemodynamic_dt"], "comparison": comparison}
    expected = linear_response("rWW", weights, params_of(found), **alike)
    simulated = simulate(
        "rWW", weights, params_of(found), record=("state_means",), **keywords | {"comparison": comparison}
    )
    flagged = expected.flagged
    assert 0 < flagged.sum() < count  # lest half of what follows says nothing
    np.testing.assert_array_equal(found["simulated"], flagged)
    np.testing.assert_array_equal(found["growth"], expected.growth)
    for name, values in expected.flags.items():
        np.testing.assert_array_equal(found[f"flag_{name}"], values)
    for name in FC_TERMS:
        wanted = np.where(flagged, simulated.scores[name], expected.expected[name])
        np.testing.assert_allclose(found[name], wanted, rtol=1e-12)
    assert "fcd_ks" not in found
    rates = np.where(flagged[:, None], simulated.state_means["r_E"], expected.state_means["r_E"])
    outside = np.clip(rates - 4.0, 0, None) + np.clip(2.0 - rates, 0, None)
    penalty = (1 - np.exp(-0.05 * outside)).mean(axis=1)
    np.testing.assert_allclose(found["rate_penalty"], penalty, rtol=1e-6)
    np.testing.assert_allclose(found["cost"], 0.5 * penalty - found["fc_corr"], rtol=1e-6)


def test_flagged_candidates_may_count_as_the_worst_in_place_of_being_simulated(cohort, monkeypatch):
    fit.main(cohort.sm("fit"))
    before = history()

    def refuse(*_):
        raise AssertionError("something was simulated")

    monkeypatch.setattr(simulators, "batch_simulator", lambda *_: refuse)
    cohort.settings["flagged"] = "worst"
    fit.main(cohort.sm("fit"))
    found, flagged = history(), before["simulated"] == 1
    assert not found["simulated"].any() and flagged.any()
    for name in ("u_G", "growth", "flag_nonlinear"):
        np.testing.assert_array_equal(found[name], before[name])
    np.testing.assert_array_equal(found["cost"][~flagged], before["cost"][~flagged])
    assert (found["cost"][flagged] == 1.5).all() and (found["status"][flagged] == 1).all()


def test_scores_of_the_evaluation_are_simulated(cohort):
    fit.main(cohort.sm("fit"))
    sm = cohort.sm("evaluate", first_seed=1000, seeds=2)
    evaluate.main(sm)
    (row,) = [
        row
        for row in read_tsv(sm.output.evaluation)
        if (row["participant_id"], row["split"], row["measure"]) == ("01", "train", "fc_corr")
    ]
    (best,) = [row for row in read_tsv(cohort.sm("fit").output.fits) if row["participant_id"] == "01"]
    weights, target, keywords = conditions(cohort, "sub-01")
    params = {name: float(best[f"param_{name}"]) for name in ("G", "w_p", "J_N")}
    run = simulate("rWW", weights, params, seed=[1000, 1001], record=("fc",), **keywords)
    scores = [np.corrcoef(fc, target.fc)[0, 1] for fc in run.fc.astype(float)]
    assert float(row["mean"]) == pytest.approx(np.mean(scores), abs=1e-5)
    assert "fcd_ks" in {row["measure"] for row in read_tsv(sm.output.evaluation)}


def test_retests_are_simulated(cohort):
    cohort.settings["retest"] = {"candidates": 2, "seeds": 2, "first_seed": 500}
    fit.main(cohort.sm("fit"))
    (best,) = [row for row in read_tsv(cohort.sm("fit").output.fits) if row["participant_id"] == "01"]
    weights, target, keywords = conditions(cohort, "sub-01")
    params = {name: float(best[f"param_{name}"]) for name in ("G", "w_p", "J_N")}
    run = simulate("rWW", weights, params, seed=[500, 501], record=("fc", "state_means"), **keywords)
    scores = cohort.simulator.objective.score(run, target)
    assert float(best["retest_cost"]) == pytest.approx(scores["cost"].mean(), abs=1e-5)


KINDS = {
    "delays": {"delays": True, "free": FREE | {"v": [2.0, 16.0]}},
    "plasticity": {
        "fic": {"method": "plasticity", "target": 3.0, "warm_up": 10.0},
        "rate_limits": [2.5, 3.5],
    },
    "groups": {"free": FREE | {"J_N": {"bounds": [0.1, 0.2], "groups": "hemisphere"}}, "fixed": {}},
    "without control": {"fic": None, "objective": {"fc_corr": 1.0}, "rate_limits": None},
    "finer retest": {"search_steps": {"dt": 2e-3, "hemodynamic_dt": 1e-2}, "replicates": 2},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fit_may_have_expected_scores(cohort, kind):
    cohort.settings |= KINDS[kind]
    cohort.settings["optimizer"] |= {"generations": 1, "population": 4}
    cohort.units = cohort.units[:1]
    fit.main(cohort.sm("fit"))
    (row,) = read_tsv(cohort.sm("fit").output.fits)
    assert row["status"] == "ok", row["reason"]
    found = history()
    assert (found["status"] != 1).all() and len(set(found["cost"])) == 4
    expected = found["simulated"] == 0
    assert expected.any() and (found["growth"][expected] < 0).all()


class Killed(BaseException):
    """The end of a process."""


@pytest.mark.slow
def test_a_fit_that_was_killed_goes_on_to_the_same_bytes(cohort, monkeypatch):
    cohort.settings["optimizer"] |= {"name": "cmaes", "restarts": 2, "generations": 3}
    fit.main(cohort.sm("fit"))
    folder = Path("results/histories/homogeneous")
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    score, calls = expectations.Expectations.__call__, []

    def mortal(self, *given):
        calls.append(given)
        if len(calls) == 2:
            raise Killed
        return score(self, *given)

    monkeypatch.setattr(expectations.Expectations, "__call__", mortal)
    with pytest.raises(Killed):
        fit.main(cohort.sm("fit"))
    assert 0 < sum(path.stat().st_size for path in folder.iterdir()) < sum(map(len, whole.values()))
    path = folder / "sub-02_restart-1.tsv"
    path.write_bytes(path.read_bytes()[:-40])  # torn while it was written
    fit.main(cohort.sm("fit"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    marks = [history(unit, restart)["simulated"] for unit in ("sub-01", "sub-02") for restart in (0, 1)]
    assert {0.0, 1.0} == set(np.concatenate(marks))


def test_a_batch_changes_nothing(cohort, monkeypatch):
    fit.main(cohort.sm("fit"))
    together = history("sub-02")
    for path in Path("results/histories/homogeneous").iterdir():
        path.unlink()
    cohort.units = cohort.units[1:]
    monkeypatch.setattr(simulators.LinearSearch, "pack_size", lambda *_: 3)
    fit.main(cohort.sm("fit"))
    alone = history("sub-02")
    for name, values in together.items():
        np.testing.assert_array_equal(values, alone[name])


def test_the_method_is_in_the_fingerprint_and_so_is_what_it_depends_on(cohort, monkeypatch):
    marks = [cohort.marks()]
    cohort.settings["flagged"] = "worst"
    marks.append(cohort.marks())
    monkeypatch.setattr("cubnm_core.linear.response.NONLINEAR", 0.2)
    marks.append(cohort.marks())
    monkeypatch.setattr("workflow_scripts.fitting.expected_scores.VERSION", 99)
    marks.append(cohort.marks())
    for name in ("flagged", "method"):
        del cohort.settings[name]
    marks.append(cohort.marks())
    assert len({frozenset(mark.values()) for mark in marks}) == 5


def test_candidates_and_their_marks_are_in_the_tables(cohort):
    sm = cohort.sm("fit")
    fit.main(sm)
    (row,) = [row for row in read_tsv(sm.output.fits) if row["participant_id"] == "01"]
    assert 0 < float(row["simulations"]) == history()["simulated"].sum() < 10
    counted = [line["simulations_so_far"] for line in read_tsv(sm.output.convergence)]
    assert counted == ["5", "10"] * 2
    assert row["simulated"] in ("0.0", "1.0") and float(row["growth"]) < 0
    landscape, found = landscapes.read(sm.output.landscape, "sub-01"), history()
    np.testing.assert_array_equal(landscape.values[:, landscape.terms.index("simulated")], found["simulated"])


@pytest.mark.slow
def test_a_second_fit_starts_from_the_optimum_and_from_the_best_flagged_point(cohort):
    """Both fits through their scripts: the first one linear, the second one simulated and re-tested."""
    before = cohort.sm("fit")
    fit.main(before)
    (best,) = [row for row in read_tsv(before.output.fits) if row["participant_id"] == "01"]
    found = history()
    second = cohort.sm("fit")
    second.input.start, second.input.candidates = before.output.fits, before.output.landscape
    second.wildcards.fit = "verified"
    paths = {name: path.replace("homogeneous", "verified") for name, path in vars(second.output).items()}
    second.output = SimpleNamespace(**paths)
    settings = {**cohort.settings, "objective": {"fc_corr": 1.0, "fcd_ks": 1.0}}
    settings |= {"start": {"from": "homogeneous", "shrinkage": 0.0, "flagged": 1}}
    settings |= {"retest": {"candidates": 2, "seeds": 2, "first_seed": 500}}
    settings |= {"search_steps": {"dt": 5e-3, "hemodynamic_dt": 1e-2}}
    settings["optimizer"] = {
        **settings["optimizer"],
        "name": "cmaes",
        "generations": 2,
        "restarts": 2,
        "sigma": 0.1,
    }
    del settings["method"]
    second.params.settings = settings
    fit.main(second)
    ended = [row for row in read_tsv(second.output.fits) if row["participant_id"] == "01"]
    firsts = [history(restart=restart, fit="verified") for restart in (0, 1)]
    assert firsts[0]["param_G"][0] == pytest.approx(float(best["param_G"]))
    distances = np.maximum(
        abs(found["u_G"] - found["u_G"][found["cost"].argmin()]),
        abs(found["u_w_p"] - found["u_w_p"][found["cost"].argmin()]),
    )
    flagged = (found["simulated"] == 1) & (distances >= starting_points.APART)
    wanted = np.where(flagged, found["cost"], np.inf).argmin()
    assert np.isfinite(found["cost"][wanted]) and flagged[wanted]
    assert firsts[1]["u_G"][0] == pytest.approx(found["u_G"][wanted], abs=1e-6)
    assert firsts[1]["u_w_p"][0] == pytest.approx(found["u_w_p"][wanted], abs=1e-6)
    assert "simulated" not in firsts[0] and all(row["retest_cost"] != "n/a" for row in ended)
    (chosen,) = [row for row in ended if row["selected"] == "True"]
    weights, target, keywords = conditions(cohort, "sub-01")
    params = {name: float(chosen[f"param_{name}"]) for name in ("G", "w_p", "J_N")}
    run = simulate("rWW", weights, params, seed=[500, 501], record=("fc",), **keywords)
    r = [np.corrcoef(fc, target.fc)[0, 1] for fc in run.fc.astype(float)]
    retested = [row for row in retest_rows() if row["param_G"] == pytest.approx(params["G"])]
    assert retested[0]["fc_corr"] == pytest.approx(np.mean(r), abs=1e-5)


def retest_rows():
    """Rows of the re-tests of the second fit of the first person."""
    tables = [history(restart=f"{restart}_retest", fit="verified") for restart in (0, 1)]
    return [
        {name: values[row] for name, values in table.items()}
        for table in tables
        for row in range(len(table["cost"]))
    ]


def resolve(**entries):
    """Resolve a fit with further entries."""
    config = deepcopy(BASE)
    config["fits"]["one"] |= entries
    return fit_settings.resolve_fit(configuration.validate(config), "one")


def refused(**entries):
    config = deepcopy(BASE)
    config["fits"]["one"] |= entries
    return refusal(config)


def test_settings_of_other_fits_do_not_know_of_it():
    assert not {"method", "flagged"} & set(resolve())
    assert not {"method", "flagged"} & set(resolve(method="simulation", flagged="simulate"))
    assert resolve(method="linear")["method"] == "linear"


def test_a_cost_that_nobody_stated_has_no_fcd():
    long = {"duration": 1200.0}
    assert "fcd_ks" in resolve(simulation=long)["objective"]
    assert resolve(method="linear", simulation=long)["objective"] == {"fc_corr": 1.0, "rate_penalty": 0.5}


@pytest.mark.parametrize("term", ["fcd_ks", "fcd_ks_binned", "synchrony", "lagged_covariance"])
def test_terms_that_only_simulations_have_are_refused_with_a_remedy(term):
    message = refused(method="linear", objective={"fc_corr": 1.0, term: 1.0})
    assert "fits.one: method linear gives fc_corr, fc_diff" in message
    assert f"add a second fit with {term} that starts from this one (start: {{from: one}})" in message


def test_constraints_several_objectives_own_terms_and_averages_are_refused_alike(tmp_path):
    assert "add a second fit with fcd_ks" in refused(method="linear", constraints={"fcd_ks": 0.2})
    search = {"name": "nsga2"}
    several = {"objectives": ["fc_corr", {"fcd_ks": 1.0}], "optimizer": search}
    assert "add a second fit with fcd_ks" in refused(method="linear", **several)
    allowed = {"objectives": ["fc_corr", "fc_diff"], "optimizer": search, "constraints": {"rate_band": 0.1}}
    assert resolve(method="linear", **allowed)["method"] == "linear"
    term = tmp_path / "term.py"
    term.write_text("def term(simulated_fc, target_fc):\n    return 0.0\n", encoding="utf-8")
    own = refused(method="linear", terms={"own": {"file": str(term)}})
    assert "add a second fit with own" in own
    assert "fits.one.averaged_runs: method linear" in refused(method="linear", averaged_runs=2)


def test_models_without_derivatives_or_fixed_points_are_refused_by_name(tmp_path):
    kuramoto = refused(method="linear", model="Kuramoto", free={"G": [0.1, 5.0]}, fic=None)
    assert "fits.one.method: linear response needs a fixed point, and theta of Kuramoto" in kuramoto
    model = Path(__file__).parents[2] / "cubnm_core" / "models" / "WC.toml"
    text = model.read_text(encoding="utf-8")
    own = tmp_path / "kinked.toml"
    own.write_text(text.replace("logistic(", "abs("), encoding="utf-8")
    message = refused(method="linear", model=str(own), free={"G": [0.1, 5.0]})
    assert "fits.one.method: linear response needs derivatives" in message and "abs()" in message


def test_flags_without_linear_response_are_refused():
    assert "fits.one.flagged: only linear response flags" in refused(flagged="worst")
