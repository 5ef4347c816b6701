"""Models that people do not suffice for are named before the first job, with the numbers and the remedy."""

import re

import pytest
from cohorts import TinyCohort, labelled, symmetric

from workflow_scripts.cohort import planned_cohort, statistical_models
from workflow_scripts.configuration.configuration import validate
from workflow_scripts.files.job import write_tsv
from workflow_scripts.statistics import detectable, planned_designs


@pytest.fixture
def six(tmp_path, monkeypatch):
    """Six people of two groups, with age and two sexes."""
    monkeypatch.chdir(tmp_path)
    cohort = TinyCohort(tmp_path, [f"{number:02d}" for number in range(1, 7)])
    for number, row in enumerate(cohort.participants):
        row |= {
            "group": "ab"[number % 2],
            "age": 20 + number**2,
            "sex": "FM"[number // 3],
            "site": f"s{number % 3}",
        }
    return cohort


def found(cohort, models=None):
    """Give what is said of the people of a cohort at the start."""
    cohort.config["statistics"] = {"models": models}
    cohort.write()
    config = validate(cohort.config)
    assert statistical_models.check(config) == [] and statistical_models.has_people(config)
    return planned_designs.check(config, planned_cohort.PlannedCohort(config).units())


def test_too_few_people_are_told_with_columns_counts_and_remedy(six):
    (text,) = found(six, {"level": {"formula": "group + age + sex + mean_fd"}})
    assert "statistics.models.level: 'group + age + sex + mean_fd' gives no result: " in text
    assert "0 people" in text and "6 without mean_fd" in text and "take terms out" in text
    (text,) = found(six, {"level": {"formula": "group + age + sex + fit_quality"}})
    assert "6 people are too few for 5 coefficients" in text
    assert "columns age, fit_quality, group, sex; 6 people, not counted: nobody" in text
    assert found(six, {"level": {"formula": "group + age"}}) == []


def test_what_is_measured_later_is_no_reason(six):
    for formula in ("fit_quality", "sc_strength", "scale_factor", "np.log(sc_strength) + group"):
        assert found(six, {"level": {"formula": formula}}) == []
    for row in six.participants:
        row["mean_fd"] = 0.1 + row["age"] / 1000
    assert found(six, {"level": {"formula": "group + mean_fd"}}) == []


def test_people_who_cannot_be_fitted_do_not_count(six):
    assert found(six, {"level": {"formula": "group + age"}}) == []
    six.manifest = [row for row in six.manifest if (row["participant_id"], row["kind"]) != ("06", "sc")]
    (text,) = found(six, {"level": {"formula": "group + age"}})
    assert "5 people are too few for 3 coefficients" in text
    assert "not counted: 1 without connectome or scan" in text
    six.config["connectome"] = {"source": "group"}
    six.add("group", "sc", labelled(symmetric(9)))
    assert found(six, {"level": {"formula": "group + age"}}) == []


def test_missing_covariates_constant_columns_and_lone_levels_are_told(six):
    six.participants[0]["age"] = None
    assert "5 people are too few for 3" in found(six, {"level": {"formula": "group + age"}})[0]
    assert "1 without age" in found(six, {"level": {"formula": "group + age"}})[0]
    six.participants[0]["age"] = 20
    for row in six.participants:
        row["scanner"] = "one"
    assert "scanner does not vary" in found(six, {"level": {"formula": "scanner"}})[0]
    six.participants[0]["scanner"] = "two"
    assert "scanner two has only 1 person" in found(six, {"level": {"formula": "scanner"}})[0]
    models = {"a": {"formula": "group"}, "b": {"formula": "age + I(2 * age)"}}
    (text,) = found(six, models)
    assert text.startswith("statistics.models.b: ") and "collinear" in text


def test_the_default_model_is_tried_as_well(six):
    (text,) = found(six)
    assert "statistics.models.group: 'group + age + sex + site' gives no result" in text
    assert "6 people are too few for 6 coefficients" in text
    six.participants = [{**row, "sex": "F", "site": "s"} for row in six.participants]
    assert found(six) == []


def test_sessions_of_a_person_count_once_unless_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = TinyCohort(tmp_path, ["01", "02", "03", "04"])
    cohort.manifest = [
        {**row, "session_id": session, **({"run_id": row["run_id"]} if "run_id" in row else {})}
        for row in cohort.manifest
        for session in ("a", "b")
    ]
    cohort.participants = [
        {
            "participant_id": row["participant_id"],
            "session_id": session,
            "group": "xy"[number % 2],
            "age": age,
        }
        for number, row in enumerate(cohort.participants)
        for session, age in (("a", 20 + number), ("b", 22 + number**2))
    ]
    (text,) = found(cohort, {"level": {"formula": "group"}})
    assert "4 people are too few for 2 coefficients" in text
    assert found(cohort, {"level": {"formula": "group", "random": "participant_id"}}) == []


@pytest.mark.parametrize("models", [{}, None])
def test_without_models_or_groups_nothing_is_tried(tiny_cohort, monkeypatch, models):
    monkeypatch.chdir(tiny_cohort.folder)
    tiny_cohort.config["statistics"] = {"models": models}
    assert not statistical_models.has_people(validate(tiny_cohort.config))


def test_a_dry_run_says_it_and_goes_on(six, snakemake):
    six.config["statistics"] = {"models": {"level": {"formula": "group + age + sex + fit_quality"}}}
    status, output = snakemake("--dry-run", "--quiet", config=six.write())
    assert status == 0
    assert (
        "Note: statistics.models.level: 'group + age + sex + fit_quality' gives no result: 6 people" in output
    )


def detectable_lines(cohort, reliability=None, **statistics):
    cohort.config["statistics"] = statistics
    cohort.write()
    config = validate(cohort.config)
    if reliability is not None:
        path = cohort.folder / detectable.RELIABILITY
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tsv(path, reliability)
    return detectable.lines(config, planned_cohort.PlannedCohort(config).units())


def test_the_effects_that_would_be_found_are_told(six):
    head, line, *rest = detectable_lines(six, models={"level": {"formula": "group + age"}})
    assert "80 % power, two-sided test of one response at 0.05" in head
    found = re.fullmatch(r"  level, group \(b − a\), 6 people: d (\d\.\d\d)", line)
    assert 3.5 < float(found[1]) < 6  # 3.1 without the covariate, in groups of three
    assert any("Reliability is not known yet" in text for text in rest)
    assert detectable_lines(six, models={}) == []


def test_the_primary_analysis_comes_first_with_its_reliability(six):
    (fit,) = six.config["fits"]
    row = {"fit": fit, "source": "simulated", "quantity": "parameter", "icc_type": "ICC(2,1)", "label": None}
    known = [{**row, "variable": "G", "icc": 0.25}, {**row, "variable": "w_p", "icc": -0.1}]
    models = {"age": {"formula": "age"}, "level": {"formula": "group"}}
    stated = {"fit": fit, "contrast": "group", "quantity": "G"}
    _, first, second, *rest = detectable_lines(six, known, models=models, primary=stated)
    assert "the primary analysis, of G in fit" in first and "w_p" not in first
    size, true = re.search(r"d (\d\.\d\d);.* ICC 0\.25\) (\d+\.\d\d)", first).groups()
    assert float(true) == pytest.approx(2 * float(size), abs=0.02)
    assert second.startswith("  age, age (per unit of age), 6 people: partial r ")
    assert "w_p" in second and "none is large enough" in second
    assert not any("not known yet" in text for text in rest)


def problems(cohort, model):
    """What stops the run at its start, of models and then of their sessions."""
    cohort.config["statistics"] = {"models": {"level": model}}
    cohort.write()
    config = validate(cohort.config)
    units = planned_cohort.PlannedCohort(config).units().values()
    return statistical_models.check(config), statistical_models.check_sessions(config, units)


def test_small_sites_stop_the_run_where_combat_is_asked_for(six):
    assert problems(six, {"formula": "group + site"}) == ([], [])
    (text,), _ = problems(six, {"formula": "group", "combat": "site"})
    assert text.startswith("statistics.models.level.combat: ComBat needs 10 people of every site")
    assert "s0 (2), s1 (2), s2 (2)" in text and "the site in the formula, or under random" in text
    (text,), _ = problems(six, {"formula": "group", "combat": "scanner"})
    assert "statistics.models.level.combat: no column 'scanner'" in text


def test_sessions_that_nobody_has_stop_the_run(six):
    change = {"formula": "group", "response": "change", "sessions": ["a", "b"]}
    _, found = problems(six, change)
    assert found[0].endswith("nobody has a session 'a'; the manifest has no sessions (column session_id)")
    six.manifest = [{**row, "session_id": name} for row in six.manifest for name in ("a", "c")]
    _, found = problems(six, change)
    assert found == ["statistics.models.level.sessions: nobody has a session 'b'; Allowed: a, c"]
