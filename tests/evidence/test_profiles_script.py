"""Rules profiles and identifiability: the cost around best candidates, and what searches tell."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import report_cohort
import report_identifiability
from cohorts import read_tsv
from prepared import PreparedCohort

from cubnm_core.evidence import identifiability as core
from workflow_scripts.cohort import batches
from workflow_scripts.evidence import identifiability, profiles
from workflow_scripts.fitting import evaluate, fit
from workflow_scripts.report.sections import identifiability as shown

SEEDS = {"first_seed": 1000, "seeds": 2}


@pytest.fixture(scope="module")
def profiled_cohort(tmp_path_factory):
    """Four people, one without a fit; profiles of the first two who came, one of them without a fit."""
    folder = tmp_path_factory.mktemp("fitted")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        cohort = PreparedCohort(folder, ("01", "02", "03", "04"))
        cohort.settings["retest"] = {"candidates": 2, "seeds": 2, "first_seed": 500}
        cohort.state("sub-01", "train", status="excluded", reasons=["too short"])
        fit.main(cohort.sm("fit"))
        evaluate.main(cohort.sm("evaluate", **SEEDS))
        profile(cohort, ["sub-01", "sub-02"])
        yield cohort


def profile(cohort, profiled):
    """Run both rules."""
    sm, folder = cohort.sm("fit"), "results/profiles/homogeneous"
    sm.input.fits, sm.params.profiled, sm.params.points = str(sm.output.fits), profiled, 5
    sm.params.first_seed, sm.params.seeds = SEEDS["first_seed"], SEEDS["seeds"]
    sm.output = SimpleNamespace(profiles=f"{folder}/1_profiles.tsv", searches=f"{folder}/1_searches.tsv")
    profiles.main(sm)
    made = {name: [path] for name, path in vars(sm.output).items()}
    evaluated = cohort.sm("evaluate").output.evaluation
    names = {"table": "identifiability", "correlations": "parameter_correlations", "profiles": "profiles"}
    identifiability.main(
        SimpleNamespace(
            input=SimpleNamespace(fits=[sm.input.fits], evaluation=[str(evaluated)], **made),
            output=SimpleNamespace(**{key: f"results/cohort/{name}.tsv" for key, name in names.items()}),
            params=SimpleNamespace(fits={"homogeneous": cohort.settings}),
            log=[],
        )
    )


def table(name):
    return pd.DataFrame(read_tsv(f"results/cohort/{name}.tsv"))


def test_a_profile_begins_where_the_evaluation_scored(profiled_cohort):
    rows = table("profiles")
    assert set(rows["participant_id"]) == {"02"}  # the first has no fit
    best = rows[rows["is_best"] == "True"]
    assert list(best["parameter"]) == ["G", "w_p"]
    scores = pd.DataFrame(read_tsv(profiled_cohort.sm("evaluate").output.evaluation))
    mine = scores.query("participant_id == '02' and split == 'train' and measure == 'cost'").iloc[0]
    np.testing.assert_allclose(best["cost"].astype(float), float(mine["mean"]), rtol=1e-6)
    np.testing.assert_allclose(best["sd"].astype(float), float(mine["sd"]), rtol=1e-4)
    assert set(rows["seeds"]) == {"1000-1001"} and set(rows["noise_sd"]) == {mine["sd"]}


def test_only_one_coordinate_moves_and_rows_rise(profiled_cohort):
    rows = table("profiles")
    for name, bounds in (("G", (0.5, 3.0)), ("w_p", (0.2, 2.0))):
        mine = rows[rows["parameter"] == name]
        value, position = mine["value"].astype(float), mine["position"].astype(float)
        assert 3 <= len(mine) <= 5 and value.is_monotonic_increasing
        np.testing.assert_allclose(value, bounds[0] + (bounds[1] - bounds[0]) * position)
        found = core.flat_interval(
            value.array, mine["cost"].astype(float).array, float(mine["noise_sd"].iloc[0])
        )
        assert float(mine["interval_low"].iloc[0]) == pytest.approx(found.low)
        assert mine["open_high"].iloc[0] == str(found.open_high)


def test_spreads_are_those_of_the_table_of_fits(profiled_cohort):
    rows = table("identifiability").set_index("parameter")
    fits = pd.DataFrame(read_tsv(profiled_cohort.sm("fit").output.fits)).query("status == 'ok'")
    values = fits.assign(G=fits["param_G"].astype(float))
    assert float(rows.loc["G", "sd_people"]) == pytest.approx(values.query("selected == 'True'")["G"].std())
    within = np.sqrt(values.groupby("participant_id")["G"].var().mean())
    assert float(rows.loc["G", "sd_restarts"]) == pytest.approx(within)
    assert list(rows[["n_people", "n_restarts", "n_retest", "n_profiles"]].loc["G"]) == ["3", "3", "3", "1"]
    assert (rows.loc["G", "bound_low"], rows.loc["G", "bound_high"]) == ("0.5", "3.0")
    assert set(rows["verdict"]) <= {"repeatable", "weak", "lost", "flat"}


def test_correlations_over_people_restarts_and_candidates(profiled_cohort):
    rows = table("parameter_correlations").set_index("level")
    assert set(zip(rows["parameter"], rows["other"], strict=True)) == {("G", "w_p")}
    assert list(rows.loc[["people", "restarts", "candidates"], "n"]) == ["3", "3", "6"]
    assert rows.loc["people", "r"] == "n/a"  # three people
    assert abs(float(rows.loc["candidates", "r"])) <= 1


def test_the_best_value_of_a_search_is_that_of_its_history(profiled_cohort):
    searches = pd.DataFrame(read_tsv("results/profiles/homogeneous/1_searches.tsv"))
    found = searches.query(
        "participant_id == '02' and restart == '0' and parameter == 'G' and other == 'n/a'"
    )
    history = pd.read_csv("results/histories/homogeneous/sub-02_restart-0.tsv", sep="\t", comment="#")
    best = history.loc[history["cost"].idxmin(), "param_G"]
    assert float(found["found"].iloc[0]) == pytest.approx(best)


def test_a_history_of_another_fit_is_left_out(profiled_cohort, capsys):
    path = profiled_cohort.folder / "results/histories/homogeneous/sub-03_restart-1.tsv"
    kept = path.read_text(encoding="utf-8")
    path.write_text("# the history of another fit\n" + kept, encoding="utf-8")
    try:
        profile(profiled_cohort, [])
    finally:
        path.write_text(kept, encoding="utf-8")
    assert "sub-03_restart-1.tsv is not the history of this fit" in capsys.readouterr().err
    assert table("profiles").empty
    rows = table("parameter_correlations").set_index("level")
    assert rows.loc["candidates", "n"] == "5"
    profile(profiled_cohort, ["sub-01", "sub-02"])


def test_people_with_profiles_stay_when_others_are_added():
    packed = {"001": ["sub-1_ses-a", "sub-1_ses-b"], "002": ["sub-2", "sub-3"]}
    assert batches.first_of_people(packed, 2) == ["sub-1_ses-a", "sub-2"]
    assert batches.first_of_people({**packed, "003": ["sub-0"]}, 2) == ["sub-1_ses-a", "sub-2"]
    assert batches.first_of_people(packed, 0) == []


@pytest.mark.slow
def test_the_page_of_aggregates_has_medians_in_place_of_people(tmp_path, monkeypatch):
    monkeypatch.setattr(report_cohort.person_figures, "main", report_identifiability.undrawn)
    cohort = report_identifiability.read(report_cohort.MadeCohort(tmp_path, people=6, nodes=8).write())
    (whole,), (told,) = shown.section(cohort).context["fits"], shown.aggregate(cohort).context["fits"]
    assert whole["pictures"]["profiles"].uri != told["pictures"]["profiles"].uri
    by_name = {row["name"]: row for row in told["rows"]}
    assert whole["rows"][1]["at_bounds"] == "1 of 6" and by_name["w_p"]["at_bounds"] == "fewer than 5 of 6"
    assert by_name["w_p"]["verdict"].startswith("not identifiable") and "±" in by_name["G"]["width"]
    cohort.tables["profiles"] = cohort.tables["profiles"].query("participant_id == '01'")
    cohort.tables["identifiability"]["n_profiles"] = 1
    (told,) = shown.aggregate(cohort).context["fits"]
    assert "profiles" not in told["pictures"] and told["rows"][0]["width"] == "–"
