"""Rule statistics: formulas, covariates, who is left out, what is recovered, and what a user gets wrong."""

import numpy as np
import pytest
from statistics_cohort import DIFFERENCE, MadeStatistics

from cubnm_core.errors import InputError
from workflow_scripts.configuration import formulas
from workflow_scripts.statistics import covariates
from workflow_scripts.statistics.designs import make_design

MODEL = {"formula": "group", "test": None, "reference": {}, "random": None, "blocks": None}
MODEL |= {"response": "value", "sessions": None, "time": None, "combat": None}


@pytest.fixture
def made(tmp_path):
    return MadeStatistics(tmp_path)


def of(table, **where):
    """Rows with these values."""
    for name, value in where.items():
        table = table[table[name] == value]
    return table


def test_a_group_difference_comes_back_with_its_interval(made):
    rows, models, _ = made.run()
    found = of(rows, variable="G", sample="all").iloc[0]
    assert found["low"] < DIFFERENCE < found["high"]
    assert found["p_permutation_fdr"] < 0.05
    assert found["contrast"] == "patient − control"
    assert found["effect_low"] > 0.3
    assert of(rows, variable="w_p", sample="all").iloc[0]["p_permutation_fdr"] > 0.05
    assert models.iloc[0]["formula"] == "group + age + sex + mean_fd + site"
    assert models.iloc[0]["smallest_level"] == 20


def test_regions_are_corrected_over_each_state(made):
    rows = of(made.run()[0], quantity="state", sample="all")
    told = rows.set_index(["variable", "label"])["p_permutation_fdr"] < 0.05
    assert told["S_E"][[f"node_{number}" for number in range(16, 24)]].all()
    assert not told["S_E"][["node_0", "node_1"]].any()
    assert told["r_E"].sum() <= 2
    assert (rows["p_permutation_fwe"] >= rows["p_permutation"]).all()


def test_a_default_model_needs_groups_and_leaves_out_what_says_nothing(made):
    made.people = made.people.assign(sex="F", age=[*[np.nan] * 10, *range(30)])
    assert made.run()[1].iloc[0]["formula"] == "group + mean_fd + site"
    made.people = made.people.assign(group="control")
    rows, models, maps = made.run()
    assert rows.empty and models.empty and len(maps) == 2


@pytest.mark.slow
def test_relatives_share_a_random_intercept_without_being_asked(made):
    made.people["family"] = [f"f{number // 2}" for number in range(40)]
    assert made.run()[1].iloc[0]["random"] == "family"
    told = made.run({"level": {"formula": "group"}})[1].iloc[0]
    assert told["method"] == "ols"  # as it is stated
    made.people["family"] = [f"f{number}" for number in range(40)]
    assert made.run()[1].iloc[0]["method"] == "ols"
    made.people.loc[5:20, "family"] = None
    assert made.run()[1].iloc[0]["n"] == 40


def test_who_lacks_a_covariate_is_left_out_and_counted(made):
    made.people.loc[[3, 5], "age"] = np.nan
    made.fits.loc[7, "status"] = "failed"
    _, models, _ = made.run({"level": {"formula": "group + age"}})
    told = of(models, sample="all").iloc[0]
    assert (told["n"], told["n_left_out"]) == (37, 3)
    assert told["left_out"] == "1 without this fit; 2 without age"


@pytest.mark.slow
def test_sensitivity_run_leaves_out_poor_fits_and_boundary_hits(made):
    made.fits.loc[[0, 1], "at_bounds"] = "G: high"
    held_out = made.evaluation["split"] == "test"
    made.evaluation.loc[held_out & made.evaluation["participant_id"].isin(["001", "002"]), "mean"] = 0.05
    rows, models, _ = made.run({"level": {"formula": "group"}})
    told = of(models, sample="sensitivity").iloc[0]
    assert told["left_out"] == "2 with FC r below 0.1; 1 with a parameter at a bound"
    assert set(of(rows, sample="sensitivity")["n"]) == {37}
    rows, models, _ = made.run(
        {"level": {"formula": "group"}}, sensitivity={"fit_quality": None, "at_bounds": False}
    )
    assert set(rows["sample"]) == {"all"}
    assert "nobody is excluded" in of(models, sample="sensitivity").iloc[0]["note"]


def test_numbers_are_slopes_and_a_reference_turns_a_contrast(made):
    model = {"formula": "age + group", "test": ["age", "group"], "reference": {"group": "patient"}}
    rows = of(made.run({"level": model})[0], quantity="parameter", sample="all", variable="G")
    slope, level = (of(rows, term=name).iloc[0] for name in ("age", "group"))
    assert (slope["contrast"], slope["effect"]) == ("per unit of age", "partial_r")
    assert (level["contrast"], level["effect"]) == ("control − patient", "hedges_g")
    assert level["high"] < 0


def test_three_levels_are_tested_together_and_one_by_one(made):
    rows = of(made.run({"level": {"formula": "site"}})[0], variable="G", sample="all")
    assert list(rows["contrast"]) == ["any difference", "b − a", "c − a"]
    assert list(rows["df_term"]) == [2, 1, 1]
    assert rows.iloc[0]["effect"] == "partial_eta_squared" and np.isnan(rows.iloc[0]["estimate"])


@pytest.mark.slow
def test_sessions_are_averaged_unless_they_count_by_themselves(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2"))
    rows, models, _ = made.run({"mean": {"formula": "group"}})
    assert (models.iloc[0]["n"], models.iloc[0]["n_observations"]) == (12, 12)
    averaged = of(rows, variable="G", sample="all").iloc[0]
    mean = made.fits.groupby("participant_id")["param_G"].mean().to_numpy()
    assert averaged["estimate"] == pytest.approx(mean[1::2].mean() - mean[::2].mean())
    rows, models, _ = made.run({"each": {"formula": "group", "random": "participant_id"}})
    assert (models.iloc[0]["n"], models.iloc[0]["n_observations"]) == (12, 24)
    single = of(rows, variable="G", sample="all").iloc[0]
    assert single["method"] == "mixed" and single["df"] == 10
    assert single["estimate"] == pytest.approx(averaged["estimate"])


def test_sessions_that_are_left_out_are_not_called_people(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2"))
    made.fits.loc[[0, 2, 3], "at_bounds"] = "G: high"
    told = of(made.run({"mean": {"formula": "group"}})[1], sample="sensitivity").iloc[0]
    assert (told["n"], told["left_out"]) == (11, "3 session(s) with a parameter at a bound")


def test_what_differs_between_sessions_is_missing_in_their_mean(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2"))
    made.people = made.people.loc[made.people.index.repeat(2)].assign(session_id=["1", "2"] * 12)
    made.people.iloc[1, made.people.columns.get_loc("group")] = "patient"
    _, models, _ = made.run({"level": {"formula": "group"}})
    assert models.iloc[0]["left_out"] == "1 without group"


@pytest.mark.slow
def test_blocks_that_the_term_does_not_vary_in_give_no_permutation_p(made):
    made.people["family"] = [f"f{number // 4}{'ab'[number % 2]}" for number in range(40)]
    model = {"formula": "group", "blocks": "family", "quantities": ["parameters"]}
    rows, models, _ = made.run({"within": model})
    assert rows["p_permutation"].isna().all() and rows["p"].notna().all()
    assert "exchange: whole" in models.iloc[0]["note"]
    rows, models, _ = made.run({"whole": {**model, "exchange": "whole"}})
    assert of(rows, variable="G").iloc[0]["p_permutation"] < 0.05
    assert models["note"].isna().all() or "nobody" in models.iloc[1]["note"]


def test_permutations_suffice_for_a_single_node_to_be_found(made):
    """The 199 that are asked for would do for a parameter, but not for 24 nodes."""
    rows, models, _ = made.run({"level": {"formula": "group"}})
    told = of(models, sample="all").iloc[0]
    assert (told["permutations"], told["which_permutations"]) == (20 * 24, "random")
    assert "199 cannot make one of 24 responses significant after correction, 480 were used" in told["note"]
    smallest = of(rows, sample="all").groupby("quantity")["p_permutation_smallest"].unique()
    assert smallest["parameter"] == [1 / 200] and smallest["state"] == [1 / 481]
    told = made.run({"level": {"formula": "group"}}, alpha=0.01)[1].iloc[0]
    assert told["permutations"] == 100 * 24


def test_all_permutations_are_used_where_they_are_few(tmp_path):
    made = MadeStatistics(tmp_path, n=8)
    rows, models, _ = made.run({"level": {"formula": "group"}}, permutations=20_000)
    told = of(models, sample="all").iloc[0]
    assert (told["permutations"], told["which_permutations"]) == (70, "all")
    assert np.isnan(told["note"]) if isinstance(told["note"], float) else not told["note"]
    np.testing.assert_allclose(rows["p_permutation_smallest"], 2 / 70)
    assert (rows["p_permutation"] >= 2 / 70 - 1e-12).all()


def test_terms_that_cannot_be_told_apart_are_named_and_nothing_crashes(made):
    made.people["site"] = made.people["group"].map({"control": "a", "patient": "b"})
    rows, models, _ = made.run({"level": {"formula": "group + site"}})
    assert rows.empty
    assert (
        models.iloc[0]["note"]
        == "site[T.b] cannot be separated from the other terms of the formula (collinear)"
    )


@pytest.mark.parametrize(
    ("n", "note"),
    [(4, "4 people are too few for 2 coefficients"), (2, "too few"), (0, "group does not vary")],
)
def test_too_few_people_are_told(tmp_path, n, note):
    made = MadeStatistics(tmp_path, n=8)
    made.fits.loc[made.fits.index >= n, "status"] = "failed"
    rows, models, _ = made.run({"level": {"formula": "group"}})
    assert rows.empty and note in models.iloc[0]["note"]


def test_a_level_of_one_person_is_told(made):
    made.people["group"] = ["patient", *["control"] * 39]
    assert "group patient has only 1 person" in made.run({"level": {"formula": "group"}})[1].iloc[0]["note"]


def test_scores_are_not_explained_by_themselves(made):
    rows, models, _ = made.run({"level": {"formula": "group + fit_quality"}})
    assert "score" not in set(rows["quantity"])
    assert "scores are not explained by the quality of the fit" in models.iloc[0]["note"]


def test_a_state_that_a_fit_does_not_have_is_told(made):
    rows, models, _ = made.run({"level": {"formula": "group", "states": ["S_E", "S_I"]}})
    assert set(of(rows, quantity="state")["variable"]) == {"S_E"}
    assert "no state 'S_I'" in models.iloc[0]["note"]


def test_a_person_without_states_is_missing_there_only(made):
    lost = (made.states["participant_id"] == "004") & (made.states["variable"] == "S_E")
    made.states.loc[lost, "mean"] = np.nan
    rows = of(made.run({"level": {"formula": "group"}})[0], sample="all")
    assert set(of(rows, variable="S_E")["n"]) == {39} and set(of(rows, variable="r_E")["n"]) == {40}


def test_read_outs_are_correlated_with_maps(made):
    made.settings = {**made.settings, "free": {"w_p": {"value": 1.0, "maps": {"slope": [-1.0, 1.0]}}}}
    maps = made.run({"level": {"formula": "group"}})[2]
    mean = of(maps, variable="S_E", read_out="mean over people").iloc[0]
    assert mean["r"] > 0.95 and mean["source"] == "nodes" and mean["follows"]
    assert 0 < mean["p_spin"] <= mean["p_fdr"] <= 1 and mean["n_spins"] == 99
    effect = of(maps, variable="S_E", read_out="effect size").iloc[0]
    assert effect["r"] > 0.6 and effect["contrast"] == "patient − control"
    assert len(maps) == 4


def test_without_coordinates_maps_have_no_p(made):
    made.nodes = made.nodes.drop(columns=["x", "y", "z"])
    maps = made.run({"level": {"formula": "group"}})[2]
    assert maps["p_spin"].isna().all() and maps["r"].notna().all()
    assert maps["note"].str.contains("need coordinates").all()


def test_columns_of_numbers_are_numbers_and_names_stay_names(made):
    made.people["score"] = [str(number) for number in range(40)]
    made.people["group"] = ["1", "2"] * 20
    stated = [{"session_id": None, **row} for row in made.people.to_dict("records")]
    stated = [{**row, "participant_id": row["participant_id"][4:]} for row in stated]
    people = covariates.people_table(made.units, stated, made.qc.assign(key=[u["unit"] for u in made.units]))
    assert people["score"].dtype.kind == "i"
    design = make_design(MODEL | {"formula": "group*score", "test": ["score:group"]}, people)
    assert [each.name for each in design.contrasts] == ["per unit of group[T.2]:score"]


COLUMNS = ("participant_id", "age", "group", "site")
ROWS = [{"group": "control"}, {"group": "patient"}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"formula": "group + agee"}, "no column 'agee' in the participants table; did you mean 'age'?"),
        ({"formula": "group + log(ag)"}, "no column 'ag'"),
        ({"formula": "group +"}, "cannot be read"),
        ({"formula": "G ~ group"}, "terms joined by +"),
        ({"formula": "0 + group"}, "removes the intercept"),
        ({"formula": "1"}, "no term to test"),
        ({"test": ["age"]}, "the formula has no term 'age'; Allowed: group"),
        ({"random": "sites"}, "random: no column 'sites' in the participants table; did you mean 'site'?"),
        ({"blocks": "mean_fd"}, "blocks: no column 'mean_fd'"),
        ({"reference": {"group": "controls"}}, "nobody has 'controls'; did you mean 'control'?"),
        ({"reference": {"grup": "control"}}, "reference: no column 'grup'; did you mean 'group'?"),
    ],
)
def test_slips_in_a_model_are_told_before_the_first_job(change, said):
    found = formulas.check({"level": MODEL | change}, ROWS, COLUMNS)
    assert len(found) == 1 and said in found[0], found
    assert found[0].startswith("statistics.models.level.")


def test_right_models_pass():
    models = {
        "one": MODEL | {"formula": "group * age + mean_fd + np.log(fit_quality) + C(site)"},
        "two": MODEL | {"formula": "~ group", "test": ["group"], "random": "site", "blocks": "site"},
    }
    assert formulas.check(models, ROWS, COLUMNS) == []


def test_transformed_columns_that_are_not_finite_are_told(made):
    made.people.loc[0, "age"] = 0.0
    assert "not finite" in made.run({"level": {"formula": "np.log(age)"}})[1].iloc[0]["note"]
    with pytest.raises(InputError, match="cannot be read"):
        formulas.parse("age +* group")
