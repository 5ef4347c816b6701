"""Rule fit: rows for everybody, whatever happens to single people, and a checkpoint that is used."""

from pathlib import Path

import numpy as np
import pytest
from cohorts import read_tsv
from prepared import PreparedCohort

from workflow_scripts.cohort.units import FitKey
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import fit, simulators


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return PreparedCohort(tmp_path)


def run(cohort):
    """Run the rule; rows of its tables, without the time it took."""
    sm = cohort.sm("fit")
    fit.main(sm)
    fits = read_tsv(sm.output.fits)
    for row in fits:
        del row["seconds"]
    return fits, read_tsv(sm.output.convergence)


def test_every_person_and_restart_has_its_rows(cohort):
    fits, convergence = run(cohort)
    assert [(row["participant_id"], row["restart"]) for row in fits] == [
        (p, r) for p in ("01", "02", "03") for r in "01"
    ]
    for row in fits:
        mine = [
            line
            for line in convergence
            if (line["participant_id"], line["restart"]) == (row["participant_id"], row["restart"])
        ]
        best = np.array([float(line["best_cost"]) for line in mine])
        assert row["status"] == "ok" and row["simulations"] == "15" == mine[-1]["simulations_so_far"]
        assert (np.diff(best) <= 0).all() and best[-1] == float(row["cost"])
        expected = -float(row["fc_corr"]) + float(row["fcd_ks"]) + 0.5 * float(row["rate_penalty"])
        assert float(row["cost"]) == pytest.approx(expected)
        assert 0.5 <= float(row["param_G"]) <= 3.0 and row["param_J_N"] == "0.15"
    for person in ("01", "02", "03"):
        costs = {row["selected"]: float(row["cost"]) for row in fits if row["participant_id"] == person}
        assert costs["True"] <= costs["False"]


def test_a_finished_fit_is_replayed_without_simulations(cohort, monkeypatch):
    before = run(cohort)

    def refuse(*_):
        raise AssertionError("something was simulated")

    monkeypatch.setattr(simulators, "batch_simulator", lambda *_: refuse)
    assert run(cohort) == before


@pytest.mark.slow
def test_fits_do_not_depend_on_who_else_is_in_the_batch(cohort):
    together, _ = run(cohort)
    for path in Path("results/histories/homogeneous").iterdir():
        path.unlink()
    cohort.units = cohort.units[1:2]
    alone, _ = run(cohort)
    assert alone == [row for row in together if row["participant_id"] == "02"]


def test_excluded_and_unreadable_people_are_rows_with_a_reason(cohort):
    cohort.state("sub-01", "train", status="excluded", reasons=["run 1: too short"])
    cohort.write_target("sub-02", "train", fc=np.array([0.1, np.nan]), fcd=np.array([0.1]))
    fits, convergence = run(cohort)
    by_person = {row["participant_id"]: row for row in fits}
    assert (by_person["01"]["status"], by_person["01"]["reason"]) == ("excluded", "run 1: too short")
    assert by_person["02"]["status"] == "failed" and "values not finite" in by_person["02"]["reason"]
    assert by_person["03"]["status"] == "ok"
    assert {row["participant_id"] for row in convergence} == {"03"}


def test_nobody_left_is_a_table_without_fits(cohort):
    for ids in cohort.units:
        cohort.state(ids["unit"], "train", status="excluded", reasons=["no scan"])
    fits, convergence = run(cohort)
    assert [row["status"] for row in fits] == ["excluded"] * 3 and convergence == []


@pytest.mark.slow
def test_one_damaged_history_fails_alone(cohort):
    before, _ = run(cohort)
    path = Path("results/histories/homogeneous/sub-02_restart-0.tsv")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], *lines[4:]]))
    after, _ = run(cohort)
    (failed,) = [row for row in after if row["status"] == "failed"]
    assert (failed["participant_id"], failed["restart"]) == ("02", "0")
    assert "sub-02_restart-0.tsv, line" in failed["reason"]
    others = [row["selected"] for row in after if row["participant_id"] == "02" and row["status"] == "ok"]
    assert others == ["True"]
    for person in ("01", "03"):
        assert [row for row in after if row["participant_id"] == person] == [
            row for row in before if row["participant_id"] == person
        ]


def test_an_error_that_hits_everybody_fails_the_job(cohort, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("the engine is broken")

    monkeypatch.setattr(simulators, "batch_simulator", lambda *_: broken)
    with pytest.raises(ZeroDivisionError):
        fit.main(cohort.sm("fit"))


def test_progress_is_logged_once_per_generation(cohort):
    run(cohort)
    lines = [line for line in Path("logs/fit.log").read_text().splitlines() if " generation " in line]
    assert len(lines) == 3
    assert (
        "generation 1: 3 people in 6 of 6 searches, best costs" in lines[0]
        and "simulations/s, at most" in lines[0]
    )
    assert "at most 0 s left" in lines[2]


CHANGES = {
    "optimizer": {"seed": 2},
    "simulation": {"dt": 5e-4},
    "analysis": {"window": 12.0},
    "fixed": {"J_N": 0.16},
    "free": {"G": [0.5, 3.5]},
    "objective": {"fc_diff": 1.0},
}


@pytest.mark.parametrize("section", CHANGES)
def test_every_setting_is_in_the_fingerprint(cohort, section):
    before = cohort.marks()
    assert before == cohort.marks()
    cohort.settings[section] = {**cohort.settings[section], **CHANGES[section]}
    assert not set(cohort.marks().values()) & set(before.values())


def test_data_are_in_the_fingerprint_and_other_people_are_not(cohort):
    before = cohort.marks()
    weights = Archive(cohort.connectome("sub-02")).arrays("sub-02")["weights"]
    cohort.write_connectome("sub-02", weights=weights * (1 + 1e-15))
    changed = {key for key, mark in cohort.marks().items() if mark != before[key]}
    assert changed == {"sub-02_restart-0", "sub-02_restart-1"}
    assert len(set(before.values())) == 6


@pytest.mark.parametrize(("key", "value"), [("scheme", "heun"), ("precision", "double")])
def test_scheme_and_precision_are_in_the_fingerprint(cohort, key, value):
    before = cohort.marks()
    cohort.settings["simulation"] = {**cohort.settings["simulation"], key: value}
    assert not set(before.values()) & set(cohort.marks().values())


def test_people_with_short_scans_are_fitted_and_scored_without_an_fcd(cohort):
    before = cohort.marks()
    for split in cohort.splits:
        arrays = job.read_npz(cohort.target("sub-02", split))
        cohort.write_target("sub-02", split, fc=arrays["sub-02/fc"])
        state = {
            "status": "ok",
            "reasons": [],
            "repetition_time": 1.0,
            "fcd_left_out": "8.0 minutes are left",
        }
        cohort.state("sub-02", split, **state)
    people, unusable = cohort.read()
    assert unusable == {} and cohort.settings["objective"]["fcd_ks"]
    after = cohort.marks()
    assert {key for key in before if before[key] != after[key]} == {
        str(FitKey("sub-02", restart)) for restart in range(2)
    }
    candidates = [
        (person, person.candidate({"G": 1.0, "w_p": 1.0, "J_N": 0.15}, [7])) for person in people.values()
    ]
    found = dict(zip(people, cohort.simulator.evaluate(candidates), strict=True))
    scores = {name: evaluated.scores["train"] for name, (_, evaluated) in found.items()}
    assert "fcd_ks" in scores["sub-01"] and "fcd_ks" not in scores["sub-02"]
    mine = scores["sub-02"]
    np.testing.assert_allclose(mine["cost"], 0.5 * mine["rate_penalty"] - mine["fc_corr"])
    cohort.settings["objective"] = {"fcd_ks": 1.0, "rate_penalty": 0.5}
    _, unusable = cohort.read()
    assert list(unusable) == ["sub-02"] and "nothing but the FCD" in unusable["sub-02"]["reason"]
