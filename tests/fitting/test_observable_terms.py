"""Observables from targets to costs, scores and tables; whose scans lack one; terms that ask for scans."""

from types import SimpleNamespace

import numpy as np
import pytest
from cohorts import read_tsv
from prepared import N_NODES, PreparedCohort

from workflow_scripts.cohort import observables as cohort_observables
from workflow_scripts.cohort import tables
from workflow_scripts.cohort.observables import BOLD, OBSERVABLE
from workflow_scripts.evidence import observables
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import evaluate, fit

NAMES = ["synchrony", "metastability", "edge_fcd"]
SEEDS = {"first_seed": 1000, "seeds": 3}


def read_out(cohort, bold):
    panel = cohort_observables.make_panel(tables.read_nodes("nodes.tsv"), cohort.settings["analysis"])
    return {OBSERVABLE + name: values for name, values in panel.measure(bold, 1.0).items()}


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Three people whose targets hold observables and BOLD; a cost of FC and metastability."""
    monkeypatch.chdir(tmp_path)
    made = PreparedCohort(tmp_path)
    made.settings["analysis"]["observables"] = NAMES
    made.settings["objective"] = {"fc_corr": 1.0, "metastability": 2.0}
    made.settings["optimizer"] |= {"generations": 2, "restarts": 1}
    for place, ids in enumerate(made.units):
        for split, seed in (("train", place), ("test", 10 + place)):
            rng = np.random.default_rng(seed)
            bold = rng.standard_normal((90, N_NODES)) + 0.2 * (1 + place) * rng.standard_normal((90, 1))
            arrays = Archive(made.target(ids["unit"], split)).arrays(ids["unit"])
            made.write_target(ids["unit"], split, **arrays, **read_out(made, bold), **{f"{BOLD}1": bold})
    return made


def lose(cohort, unit, *names):
    arrays = Archive(cohort.target(unit, "train")).arrays(unit)
    cohort.write_target(unit, "train", **{name: arrays[name] for name in arrays if name not in names})


def fitted(cohort):
    sm = cohort.sm("fit")
    fit.main(sm)
    return {row["participant_id"]: row for row in read_tsv(sm.output.fits)}


def scored(cohort):
    sm = cohort.sm("evaluate", **SEEDS)
    evaluate.main(sm)
    return sm.output


def test_an_observable_counts_in_the_search_and_is_scored_on_held_out_scans(cohort):
    rows = fitted(cohort)
    for row in rows.values():
        expected = -float(row["fc_corr"]) + 2 * float(row["metastability"])
        assert row["status"] == "ok" and float(row["cost"]) == pytest.approx(expected)
        assert "synchrony" not in row  # read out, but no part of the search
    scores = read_tsv(scored(cohort).evaluation)
    found = {(row["participant_id"], row["split"], row["measure"]): float(row["mean"]) for row in scores}
    for person in rows:
        for split in ("train", "test"):
            for name in NAMES:
                assert 0 < found[person, split, name] < 1
            cost = -found[person, split, "fc_corr"] + 2 * found[person, split, "metastability"]
            assert found[person, split, "cost"] == pytest.approx(cost)


def test_values_and_distances_of_scans_and_simulations_reach_the_tables(cohort):
    fitted(cohort)
    output = scored(cohort)
    sm = SimpleNamespace(
        input=SimpleNamespace(
            targets=[
                str(cohort.target(ids["unit"], split)) for ids in cohort.units for split in cohort.splits
            ],
            simulations=[output.simulations],
            evaluation=[output.evaluation],
        ),
        output=SimpleNamespace(table="observables.tsv", agreement="observable_agreement.tsv"),
        params=SimpleNamespace(
            units=cohort.units, splits=cohort.splits, fits=["homogeneous"], observables=NAMES
        ),
        log=["logs/observables.log"],
    )
    observables.main(sm)
    rows = read_tsv("observables.tsv")
    assert len(rows) == 3 * len(NAMES) * 4  # two scans, one simulation compared with both
    saved, targets = (
        job.read_npz(output.simulations),
        Archive(cohort.target("sub-02", "train")).arrays("sub-02"),
    )
    mine = {
        (row["source"], row["split"]): row
        for row in rows
        if row["participant_id"] == "02" and row["observable"] == "metastability"
    }
    value = float(mine["scan", "train"]["value"])
    assert value == pytest.approx(float(targets[f"{OBSERVABLE}metastability"][0]))
    assert float(mine["simulation", "train"]["value"]) == pytest.approx(
        float(saved[f"sub-02/{OBSERVABLE}metastability"][0])
    )
    rescan = abs(value - float(mine["scan", "test"]["value"]))
    assert float(mine["scan", "test"]["distance"]) == pytest.approx(rescan)
    assert mine["scan", "train"]["distance"] == "n/a"
    evaluation = read_tsv(output.evaluation)
    (score,) = (
        row["mean"]
        for row in evaluation
        if (row["participant_id"], row["split"], row["measure"]) == ("02", "test", "metastability")
    )
    assert mine["simulation", "test"]["distance"] == score
    agreed = {row["observable"]: row for row in read_tsv("observable_agreement.tsv")}
    assert {row["verdict"] for row in agreed.values()} == {"too few people"}
    assert {row["n_people"] for row in agreed.values()} == {"3"}


def test_whose_scan_lacks_an_observable_of_the_cost_is_excluded_and_nobody_else(cohort):
    lose(cohort, "sub-01", f"{OBSERVABLE}metastability")
    cohort.state("sub-01", "train", status="ok", reasons=[], repetition_time=1.0,
                 notes=["without metastability: run 1: 15 volumes count"])  # fmt: skip
    lose(cohort, "sub-02", f"{OBSERVABLE}edge_fcd")  # which no cost names
    rows = fitted(cohort)
    assert [rows[name]["status"] for name in ("01", "02", "03")] == ["excluded", "ok", "ok"]
    assert rows["01"]["reason"] == "without metastability: run 1: 15 volumes count"
    assert "edge_fcd" not in {row["measure"] for row in read_tsv(scored(cohort).evaluation)
                              if row["participant_id"] == "02" and row["split"] == "train"}  # fmt: skip


def test_fingerprints_hold_the_observables_of_the_cost_and_no_others(cohort):
    marks = cohort.marks()
    cohort.settings["objective"] = {"fc_corr": 1.0}
    plain = cohort.marks()
    assert set(plain.values()).isdisjoint(marks.values())
    del cohort.settings["analysis"]["observables"]
    assert cohort.marks() == plain  # read out or not
    cohort.settings["analysis"]["observables"] = NAMES
    cohort.settings["objective"] = {"fc_corr": 1.0, "metastability": 2.0}
    arrays = Archive(cohort.target("sub-03", "train")).arrays("sub-03")
    cohort.write_target("sub-03", "train", **arrays | {f"{OBSERVABLE}metastability": np.array([0.123])})
    changed = cohort.marks()
    assert {key for key in marks if marks[key] != changed[key]} == {"sub-03_restart-0"}
    cohort.settings["constraints"] = {"edge_fcd": 0.5}
    assert set(cohort.marks().values()).isdisjoint(changed.values())


TERM = """
def term(simulated_bold, target_bold, repetition_time):
    (scan,) = target_bold
    assert simulated_bold.shape == (40, 8) and scan.shape == (90, 8) and repetition_time == 1.0
    return abs(simulated_bold.std(axis=0).mean() - {factor} * scan.std(axis=0).mean())
"""


def test_a_term_gets_the_scans_it_asks_for_and_belongs_to_their_fingerprint(cohort, tmp_path):
    (tmp_path / "mine.py").write_text(TERM.format(factor=0.5), encoding="utf-8")
    plain = cohort.marks()
    cohort.settings["terms"] = {"mine": {"file": "mine.py", "weight": 1.0, "worst": 9.0}}
    rows, marks = fitted(cohort), cohort.marks()
    for row in rows.values():
        expected = -float(row["fc_corr"]) + 2 * float(row["metastability"]) + float(row["mine"])
        assert row["status"] == "ok" and float(row["cost"]) == pytest.approx(expected)
    assert {row["measure"] for row in read_tsv(scored(cohort).evaluation)} > {"mine", "cost"}
    assert set(plain.values()).isdisjoint(marks.values())
    arrays = Archive(cohort.target("sub-01", "train")).arrays("sub-01")
    cohort.write_target("sub-01", "train", **arrays | {f"{BOLD}1": 2 * arrays[f"{BOLD}1"]})
    changed = cohort.marks()
    assert {key for key in marks if marks[key] != changed[key]} == {"sub-01_restart-0"}
    lose(cohort, "sub-02", f"{BOLD}1")
    again = fitted(cohort)
    assert again["02"]["status"] == "excluded" and "no BOLD, which a term" in again["02"]["reason"]
