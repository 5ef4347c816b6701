"""Quality control before any fit: who is unlike the others, and what else calls for attention."""

import numpy as np
import pandas as pd
import pytest
from cohorts import TinyCohort, symmetric
from preparing import finished, of_tables, rewrite
from report_cohort import MadeCohort

from cubnm_core.connectomes.scaling import robust_z, similarity_to_others
from cubnm_core.errors import InputError
from workflow_scripts.export.coupling import coupling_rows
from workflow_scripts.preparation.quality_control import add_flags
from workflow_scripts.report.cohort import read_cohort
from workflow_scripts.report.page import render
from workflow_scripts.report.sections import inputs

PEOPLE = ("01", "02", "03", "04", "05")


@pytest.fixture
def cohort(tmp_path):
    return TinyCohort(tmp_path, participants=PEOPLE)


def shared_signal(cohort):
    """Give everybody much the same connectome and FC, as people have."""
    generator = np.random.default_rng(5)
    typical, mixing = symmetric(9), generator.standard_normal((6, 6))
    for person in PEOPLE:
        noise = np.triu(generator.lognormal(0, 0.1, (6, 6)), 1)
        rewrite(cohort, person, "sc", typical * (noise + noise.T))
        for run in ("1", "2"):
            rewrite(cohort, person, "bold", generator.standard_normal((150, 6)) @ mixing, run=run)
    return typical, mixing


def test_a_shuffled_person_is_unlike_the_others(cohort):
    typical, mixing = shared_signal(cohort)
    order = [3, 5, 0, 4, 1, 2]
    rewrite(cohort, "03", "sc", typical[np.ix_(order, order)])
    scan = (np.random.default_rng(1).standard_normal((150, 6)) @ mixing)[:, order]
    rewrite(cohort, "04", "bold", scan, run="1")
    _, rows = finished(of_tables(cohort))
    words = {person: row["flags"] for person, row in rows.items()}
    assert "unlike the connectomes of the others" in words["03"]
    assert "unlike the FC of the others" in words["04"]
    for person in ("01", "02", "05"):
        assert "unlike" not in words[person]


def test_outliers_in_strength_short_runs_and_stated_motion_are_flagged(cohort):
    shared_signal(cohort)
    for number, row in enumerate(cohort.participants):
        row["mean_fd"] = 0.7 if number == 1 else 0.1
    rewrite(cohort, "05", "sc", 30 * symmetric(9))
    for run in ("1", "2"):
        cohort.row("03", "bold", run)["repetition_time"] = 0.7
    _, rows = finished(of_tables(cohort))
    assert "total strength is an outlier" in rows["05"]["flags"]
    assert [person for person, row in rows.items() if "another repetition time" in row["flags"]] == ["03"]
    assert "mean framewise displacement above 0.5 mm" in rows["02"]["flags"]
    assert "framewise" not in rows["01"]["flags"]
    assert all("a run is shorter than 5 minutes" in row["flags"] for row in rows.values())


def test_likeness_and_robust_distance():
    generator = np.random.default_rng(0)
    common = generator.standard_normal(50)
    vectors = [common + 0.1 * generator.standard_normal(50) for _ in range(6)]
    vectors[2] = generator.permutation(vectors[2])
    likeness = similarity_to_others(vectors)
    assert likeness.argmin() == 2 and np.delete(likeness, 2).min() > 0.9
    assert robust_z(likeness)[2] < -3.5
    assert np.isnan(similarity_to_others(vectors[:2])).all()
    np.testing.assert_array_equal(robust_z([1.0, 1.0, 1.0]), 0)


@pytest.mark.slow
def test_the_report_shows_flags_missing_nodes_and_every_number(tmp_path):
    cohort = read_cohort(MadeCohort(tmp_path).write(), tmp_path)
    section = render(cohort, [inputs.section(cohort)])
    assert "Check the files of the flagged units (1 of 6)" in section
    assert "unlike the connectomes of the others" in section
    assert "Missing nodes: 1" in section and "region_99" in section
    assert "Every quality-control measure as points of all people" in section


def test_coupling_stands_beside_the_scale_of_its_connectome():
    record = {"unit": "sub-01", "participant_id": "01", "session_id": "", "status": "ok", "scale_factor": 0.5}
    record |= {"settings": {"scaling": "log"}, "qc": {"raw_sum": 40.0}, "scaled_sum": 20.0}
    fit = {"participant_id": "01", "session_id": "n/a", "fit": "one", "selected": "True", "param_G": "3.0"}
    fits = pd.DataFrame([fit, {**fit, "selected": "False", "param_G": "9.0"}])
    (row,) = coupling_rows(fits, [record], {"one": {}})
    assert (row["scaling"], row["G"], row["G_times_factor"], row["G_times_strength"]) == (
        "log",
        3.0,
        1.5,
        60.0,
    )
    other = {**record, "unit": "sub-02", "participant_id": "02", "settings": {"scaling": "none"}}
    with pytest.raises(InputError, match="G cannot be pooled over log, none"):
        coupling_rows(fits, [record, other], {"one": {}})
    assert coupling_rows(fits.drop(columns="param_G"), [record], {"one": {}}) == []
    own = {"one": {"strongest_weight": 0.02}}
    (row,) = coupling_rows(fits, [{**record, "strongest_weight": 0.1}], own)
    found = (row["scale_factor"], row["G"], row["G_times_factor"], row["G_times_strength"])
    assert found == pytest.approx((0.1, 3.0, 0.3, 12.0))
    (row,) = coupling_rows(fits, [record], own)  # prepared before fits had a scale of their own
    assert np.isnan(row["G_times_factor"])


def test_motion_that_is_no_number_is_refused(cohort):
    for number, row in enumerate(cohort.participants):
        row["mean_fd"] = "low" if number == 1 else 0.2
    prepared = of_tables(cohort)
    prepared.decide()
    prepared.connectomes()
    prepared.targets()
    with pytest.raises(InputError, match=r"participants\.tsv: mean_fd of 02 is 'low' and not a number"):
        prepared.quality()


def test_rounding_is_no_outlier_in_strength():
    empty = dict.fromkeys(
        ("sc_similarity", "fc_similarity", "largest_component", "nodes", "shortest_run", "mean_fd")
    )
    empty |= {"missing_nodes": 0, "isolated_nodes": 0, "repetition_time": 1.0, "notes": ""}
    rows = [{**empty, "raw_sum": 40.0 + 1e-9 * number**4} for number in range(6)]
    add_flags(rows, {"mean_fd": 0.5, "outlier": 3.5})
    assert all(row["flags"] == "" for row in rows)
    rows[5]["raw_sum"] = 80.0
    add_flags(rows, {"mean_fd": 0.5, "outlier": 3.5})
    assert [row["flags"] for row in rows] == [""] * 5 + ["total strength is an outlier"]
