"""Changes between two sessions and slopes over several, as responses of people."""

import numpy as np
import pandas as pd
import pytest
from statistics_cohort import MadeStatistics
from statsmodels.regression.mixed_linear_model import MixedLM
from test_statistics_script import of

from workflow_scripts.configuration import formulas
from workflow_scripts.configuration.schemas import complete, schema
from workflow_scripts.statistics import sessions

CHANGE = {"formula": "group", "response": "change", "sessions": ["1", "2"], "quantities": ["parameters"]}
SLOPE = {**CHANGE, "response": "slope", "sessions": ["1", "2", "3"]}


def test_a_change_is_the_second_session_less_the_first(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2"))
    rows, models, _ = made.run({"change": CHANGE})
    wide = made.fits.pivot(index="participant_id", columns="session_id", values="param_G")
    change = (wide["2"] - wide["1"]).to_numpy()
    found = of(rows, variable="G", sample="all").iloc[0]
    assert found["estimate"] == pytest.approx(change[1::2].mean() - change[::2].mean())
    told = of(models, sample="all").iloc[0]
    assert (told["response"], told["sessions"], told["n"]) == ("change", "1, 2", 12)
    turned = of(made.run({"change": {**CHANGE, "sessions": ["2", "1"]}})[0], variable="G", sample="all").iloc[
        0
    ]
    assert turned["estimate"] == pytest.approx(-found["estimate"])


def test_whoever_lacks_a_session_is_left_out_and_counted(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2"))
    made.fits.loc[[1, 4], "status"] = "failed"
    told = of(made.run({"change": CHANGE})[1], sample="all").iloc[0]
    assert told["n"] == 10 and "2 without both sessions" in told["left_out"]
    made.fits.loc[6, "at_bounds"] = "G: low"
    told = of(made.run({"change": CHANGE})[1], sample="sensitivity").iloc[0]
    assert told["n"] == 9 and "3 without both sessions" in told["left_out"]


def test_motion_enters_as_its_mean_and_its_change(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2"))
    model = {**CHANGE, "formula": "mean_fd_change + mean_fd", "test": ["mean_fd_change", "mean_fd"]}
    found = of(made.run({"change": model})[0], variable="G", sample="all").set_index("term")["estimate"]
    wide = made.qc.pivot(index="participant_id", columns="session_id", values="mean_fd")
    g = made.fits.pivot(index="participant_id", columns="session_id", values="param_G")
    design = np.column_stack([np.ones(12), wide["2"] - wide["1"], wide.mean(axis=1)])
    expected = np.linalg.lstsq(design, g["2"] - g["1"], rcond=None)[0]
    np.testing.assert_allclose(found[["mean_fd_change", "mean_fd"]], expected[1:])


def test_slopes_are_tested_as_random_slopes_are(tmp_path):
    """Where all have the same sessions, a mixed model with random slopes gives the same test."""
    made = MadeStatistics(tmp_path, n=24, sessions=("1", "2", "3"), seed=5)
    place = made.fits["session_id"].astype(float) - 1
    own, slope = np.repeat(made.rng.normal(0, 1, (2, 24)), 3, axis=1)
    made.fits["param_G"] += own + (0.3 * made.patient + slope) * place
    found = of(made.run({"slope": SLOPE})[0], variable="G", sample="all").iloc[0]
    rows = pd.DataFrame({"y": made.fits["param_G"], "time": place, "group": made.patient})
    exog = np.column_stack([np.ones(72), rows["time"], rows["group"], rows["time"] * rows["group"]])
    fitted = MixedLM(rows["y"], exog, made.fits["participant_id"], exog_re=exog[:, :2]).fit(reml=True)
    assert found["estimate"] == pytest.approx(fitted.fe_params.iloc[3], rel=1e-3)
    assert found["se"] == pytest.approx(fitted.bse_fe.iloc[3], rel=1e-2)
    assert found["df"] == 22


def test_slopes_are_per_unit_of_the_time_that_is_named(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2", "3"))
    made.people = made.people.loc[made.people.index.repeat(3)].reset_index(drop=True)
    made.people["session_id"] = ["1", "2", "3"] * 12
    made.people["years"] = [0.0, 1.0, 4.0] * 12
    found = of(made.run({"slope": {**SLOPE, "time": "years"}})[0], variable="G", sample="all").iloc[0]
    values = made.fits["param_G"].to_numpy().reshape(12, 3)
    slopes = np.polyfit([0.0, 1.0, 4.0], values.T, 1)[0]
    assert found["estimate"] == pytest.approx(slopes[1::2].mean() - slopes[::2].mean())
    made.people.loc[made.people.index[1], "years"] = np.nan  # two sessions are left
    told = of(made.run({"slope": {**SLOPE, "time": "years"}})[1], sample="all").iloc[0]
    assert told["n"] == 11 and "1 without 3 sessions or more" in told["left_out"]


def test_a_missing_value_is_missing_in_the_change(tmp_path):
    made = MadeStatistics(tmp_path, n=12, sessions=("1", "2"))
    held_out = (made.evaluation["split"] == "test") & (made.evaluation["participant_id"] == "003")
    made.evaluation.loc[held_out & (made.evaluation["session_id"] == "2"), "mean"] = np.nan
    rows = of(made.run({"change": {**CHANGE, "quantities": ["scores", "parameters"]}})[0], sample="all")
    assert set(of(rows, quantity="score")["n"]) == {11} and set(of(rows, quantity="parameter")["n"]) == {12}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"response": "value"}, "only changes and slopes have it"),
        ({"sessions": ["1", "2", "3"]}, "3 sessions are named, and a change is the second of two"),
        ({"sessions": None}, "0 sessions are named"),
        ({"response": "slope"}, "a slope of everybody's own needs three"),
        ({"time": "age"}, "a change is not divided by time"),
        ({"random": "participant_id"}, "one value per person"),
        ({"response": "slope", "sessions": ["1", "2", "3"], "time": "years"}, "no column 'years'"),
    ],
)
def test_what_does_not_go_together_is_told(change, words):
    assert any(words in text for text in problems(change))


def test_the_change_of_motion_is_no_covariate_of_values():
    assert problems({"formula": "group + mean_fd_change"}) == []
    plain = {"response": "value", "sessions": None, "formula": "group + mean_fd_change"}
    assert "no column 'mean_fd_change'" in problems(plain)[0]


def problems(change):
    rules = schema("config")["properties"]["statistics"]
    settings = {"models": {"level": {**CHANGE, **change}}}
    complete(settings, rules)
    columns = ("participant_id", "group", "age")
    return formulas.check(settings["models"], [{"participant_id": "1", "group": "a", "age": 1}], columns)


def test_sessions_at_the_same_time_make_no_slope():
    people = pd.DataFrame(
        {"participant_id": list("aaabbb"), "session_id": list("123123"), "years": [1, 1, 1, 0, 1, 2]},
        index=[f"u{number}" for number in range(6)],
    )
    left_out = {}
    found = sessions.select({**SLOPE, "time": "years"}, people, left_out)
    assert set(found["participant_id"]) == {"b"} and left_out == {"without 3 sessions or more": 1}
    np.testing.assert_allclose(found["weight"], [-0.5, 0, 0.5])
