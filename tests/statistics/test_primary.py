"""The test that was decided beforehand: found, recorded with its date, told apart from all others."""

import json
from copy import deepcopy

import numpy as np
import pytest
from cohorts import TinyCohort
from statistics_cohort import SETTINGS, MadeStatistics
from test_statistics_script import of

from cubnm_core.errors import InputError
from cubnm_core.statistics.linear_models import false_discovery_rate
from workflow_scripts.cohort import primary_record, statistical_models
from workflow_scripts.configuration import primary
from workflow_scripts.configuration.configuration import validate
from workflow_scripts.statistics import corrections

STATED = {"fit": "one", "contrast": "group", "quantity": "G", "model": None}
LEVEL = {
    "formula": "group + age",
    "test": ["group"],
    "quantities": ["parameters", "states", "scores"],
    "states": None,
    "reference": {},
}
MODELS = {"level": LEVEL, "other": {**LEVEL, "test": ["age"]}}


def find(models=MODELS, **changes):
    return primary.find({**STATED, **changes}, models, {"one": SETTINGS})


def test_a_test_is_found_by_its_term_alone():
    assert find() == primary.Primary("one", "level", "group", None, "parameter", "G")
    assert find(contrast="age").model == "other"
    assert find(contrast="group: patient - control").contrast == "patient − control"
    assert find(quantity="fc_corr").quantity == "score"
    assert find(quantity="S_E/S_I").quantity == find(quantity="r_E").quantity == "state"
    crossed = {"cross": {**LEVEL, "formula": "group * age", "test": ["group:age"]}}
    assert find(crossed, contrast="age:group").term == "group:age"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fit": "two"}, "statistics.primary.fit: no fit 'two'"),
        ({"model": "levels"}, "did you mean 'level'"),
        ({"contrast": "sex"}, "no model tests 'sex'"),
        ({"quantity": "w_I"}, "the fit has no 'w_I'"),
        ({"quantity": "w_p.myelin"}, "the fit has no 'w_p.myelin'"),
        ({"models": {"a": LEVEL, "b": LEVEL}}, "tested by several models (a, b); name one"),
        ({"models": {}}, "there is no statistical model"),
        ({"models": {"a": {**LEVEL, "quantities": ["states"]}}}, "quantities has no parameters; add them"),
        ({"models": {"a": {**LEVEL, "states": ["r_E"]}}, "quantity": "S_E"}, "does not name 'S_E'"),
        (
            {"models": {"a": {**LEVEL, "formula": "group + fit_quality"}}, "quantity": "fc_corr"},
            "take it out",
        ),
    ],
)
def test_what_is_not_there_is_named(changes, words):
    with pytest.raises(InputError) as raised:
        find(**changes)
    assert words in str(raised.value)


def test_levels_that_nobody_has_are_told_before_the_first_job():
    rows = [{"group": name} for name in ("control", "patient")]
    good = find(contrast="group: patient - control")
    assert primary.check_level(good, LEVEL, rows) == []
    assert primary.check_level(find(), LEVEL, rows) == []
    (text,) = primary.check_level(find(contrast="group: control - patient"), LEVEL, rows)
    assert "Allowed: patient − control" in text and "reference" in text
    assert primary.check_level(find(contrast="age: per unit of age"), LEVEL, [{"age": "31"}]) == []


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A small cohort of two groups, completed, with a primary analysis."""
    monkeypatch.chdir(tmp_path)
    cohort = TinyCohort(tmp_path, [f"{number:02d}" for number in range(1, 7)])
    for number, row in enumerate(cohort.participants):
        row |= {"group": "ab"[number % 2]}
    fit = next(iter(cohort.config["fits"]))
    stated = {"fit": fit, "contrast": "group", "quantity": "G"}
    cohort.config["statistics"] = {"primary": stated, "models": {"level": {"formula": "group"}}}
    cohort.write()
    return validate(cohort.config)


def entries(folder):
    return json.loads((folder / primary_record.RECORD).read_text())


def test_the_record_says_whether_there_were_results(config, tmp_path):
    assert statistical_models.check(config) == []
    primary_record.write(config)
    primary_record.write(config)
    (first,) = entries(tmp_path)
    assert not first["after_results"] and first["primary"]["variable"] == "G" and len(first["sha256"]) == 64
    made = tmp_path / "results" / "fits" / "one" / "batch-001_fits.tsv"
    made.parent.mkdir(parents=True)
    made.write_text("")
    changed = deepcopy(config)
    changed["statistics"]["primary"]["quantity"] = "fc_corr"
    primary_record.write(changed)
    changed["statistics"]["models"]["level"]["reference"] = {"group": "b"}
    primary_record.write(changed)
    primary_record.write({**changed, "statistics": {**changed["statistics"], "primary": None}})
    _, second, third, fourth = entries(tmp_path)
    assert second["after_results"] and second["primary"]["variable"] == "fc_corr"
    assert third["model"] == {"formula": "group", "reference": {"group": "b"}}
    assert fourth["primary"] is None and primary_record.read() == entries(tmp_path)


def test_other_models_and_settings_change_nothing(config, tmp_path):
    primary_record.write(config)
    config["statistics"]["models"]["more"] = {**config["statistics"]["models"]["level"], "formula": "age"}
    config["statistics"] |= {"permutations": 999, "alpha": 0.01}
    primary_record.write(config)
    assert len(entries(tmp_path)) == 1


def test_nothing_is_recorded_where_nothing_is_stated(config, tmp_path):
    config["statistics"]["primary"] = None
    primary_record.write(config)
    assert primary_record.read() == [] and not (tmp_path / "results").exists()


def test_a_damaged_record_stops_no_run_and_is_not_overwritten(config, tmp_path, caplog):
    path = tmp_path / primary_record.RECORD
    path.parent.mkdir(parents=True)
    path.write_text('[{"recorded": 1}]')
    primary_record.write(config)
    assert path.read_text() == '[{"recorded": 1}]' and "restore it from a copy" in caplog.text


def test_the_primary_test_stands_first_and_alone(tmp_path):
    made = MadeStatistics(tmp_path)
    made.add_fit("two")
    rows, _, maps = made.run({"level": {"formula": "group"}}, primary={**STATED, "model": "level"})
    first, others = rows.iloc[0], rows.iloc[1:]
    assert (first["role"], first["fit"], first["variable"]) == ("primary", "one", "G")
    assert first["n_corrected"] == 1 and first["p_permutation_fdr"] == first["p_permutation"]
    assert set(others["role"]) == {"exploratory"}
    # w_p of both fits and G of the other one
    family = of(others, quantity="parameter", sample="all")
    assert set(family["n_corrected"]) == {3}
    np.testing.assert_allclose(family["p_fdr"], false_discovery_rate(family["p"].to_numpy()))
    state = of(others, quantity="state", variable="S_E", sample="all")
    assert set(state["n_corrected"]) == {48}
    np.testing.assert_allclose(state["p_fdr"], false_discovery_rate(state["p"].to_numpy()))
    mean = maps[maps["read_out"] == "mean over people"]
    np.testing.assert_allclose(mean["p_fdr"], false_discovery_rate(mean["p_spin"].to_numpy()))
    assert set(mean["fit"]) == {"one", "two"}


def test_permutations_suffice_for_a_node_of_several_fits(tmp_path):
    made = MadeStatistics(tmp_path)
    made.add_fit("two")
    told = of(made.run({"level": {"formula": "group"}})[1], sample="all")
    assert set(told["permutations"]) == {2 * 20 * 24}


@pytest.mark.slow
def test_nodes_of_a_primary_state_are_corrected_among_themselves(tmp_path):
    made = MadeStatistics(tmp_path)
    made.add_fit("two")
    rows = made.run({"level": {"formula": "group"}}, primary={**STATED, "quantity": "S_E"})[0]
    assert set(rows["role"][:24]) == {"primary"} and set(of(rows, role="primary")["n_corrected"]) == {24}
    assert set(of(rows, variable="S_E", fit="two")["n_corrected"]) == {24}


@pytest.mark.slow
def test_a_term_of_several_columns_is_meant_as_a_whole(tmp_path):
    made = MadeStatistics(tmp_path)
    level = {"level": {"formula": "site"}}
    rows = made.run(level, primary={**STATED, "contrast": "site"})[0]
    assert list(of(rows, role="primary")["contrast"]) == ["any difference"]
    rows = made.run(level, primary={**STATED, "contrast": "site: c - a"})[0]
    assert list(of(rows, role="primary")["contrast"]) == ["c − a"]


def test_a_primary_score_is_the_held_out_one(tmp_path):
    rows = MadeStatistics(tmp_path).run(primary={**STATED, "quantity": "fc_corr"})[0]
    assert list(of(rows, role="primary")["split"]) == ["test"]


def test_families_without_p_stay_without():
    rows = [{"a": 1, "p": np.nan}, {"a": 1, "p": 0.02}, {"a": 2, "p": 0.04}]
    found = corrections.adjust(rows, ("a",), {"p": "q"})
    assert np.isnan(found[0]["q"]) and [row["n_corrected"] for row in found] == [1, 1, 1]
    assert [row["q"] for row in found[1:]] == [0.02, 0.04]


@pytest.mark.slow
def test_the_first_start_records_and_a_plan_does_not(snakemake, tmp_path):
    cohort = TinyCohort(tmp_path, [f"{number:02d}" for number in range(1, 7)])
    for number, row in enumerate(cohort.participants):
        row |= {"group": "ab"[number % 2]}
    (fit,) = cohort.config["fits"]
    stated = {"fit": fit, "contrast": "group: b - a", "quantity": "G"}
    cohort.config |= {"statistics": {"primary": stated}}
    status, text = snakemake("plan", config=cohort.write())
    assert status == 0, text
    assert "Detectable effects (80 % power" in text and f"the primary analysis, of G in fit {fit}" in text
    assert not (tmp_path / "results").exists()
    status, text = snakemake(
        "results/cohort/common_nodes.json", "--until", "common_nodes", config=cohort.write()
    )
    assert status == 0, text
    (entry,) = entries(tmp_path)
    assert entry["primary"]["contrast"] == "b − a" and not entry["after_results"]
    stated["contrast"] = "group: a - b"
    status, text = snakemake("--dry-run", config=cohort.write())
    assert status != 0 and "statistics.primary.contrast: group has no comparison 'a − b'" in text
