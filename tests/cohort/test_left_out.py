"""People of a study who are in no row of the manifest are told of, and nobody else."""

import pytest
from cohorts import TinyCohort

from cubnm_core.errors import InputError
from workflow_scripts.cohort import left_out
from workflow_scripts.export import cohort_tables

UNITS = [{"participant_id": "01", "session_id": ""}, {"participant_id": "02", "session_id": "a"}]


def row(participant, session="", reason="no connectome"):
    return {"participant_id": participant, "session_id": session, "reason": reason}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (row("03"), True),
        (row("03", "a"), True),
        (row("01", reason="another file with the same ids is taken"), False),  # the person is in
        (row("01", "a"), False),  # a scan of a session, where the person has none in the manifest
        (row("02", "b", "one run only, so none can be held out"), True),  # a session that is lost
        (row("02", "a"), False),
        (row("02"), False),
    ],
)
def test_who_is_lost(entry, told):
    found = left_out.exclusion_rows([entry], [], UNITS)
    assert found == ([{**entry, "stage": "index", "fit": None}] if told else [])


def test_several_files_of_a_person_are_one_reason():
    entries = [row("CON-001", reason="the id ends somewhere else")] * 40 + [row("CON-001")]
    found = left_out.exclusion_rows(entries, ["CON-001"], UNITS)
    assert [entry["reason"] for entry in found] == ["the id ends somewhere else", "no connectome"]


def test_people_of_the_participants_table_without_a_row():
    found = left_out.exclusion_rows([row("03")], ["01", "02", "03", "04", "04"], UNITS)
    assert [(entry["participant_id"], entry["stage"]) for entry in found] == [
        ("03", "index"),
        ("04", "participants"),
    ]


def test_ids_are_read_as_everywhere(tmp_path):
    path = tmp_path / "left_out.tsv"
    path.write_text("participant_id\tsession_id\treason\nsub-007\tses-01\tno scan\n08\tn/a\t\n", "utf-8")
    assert left_out.read(path) == [row("007", "01", "no scan"), row("08", reason="no recorded reason")]
    assert left_out.read(None) == []


def test_a_table_that_cannot_be_read_is_told_before_the_first_job(tmp_path):
    cohort = TinyCohort(tmp_path)
    cohort.config["left_out"] = str(tmp_path / "left_out.tsv")
    with pytest.raises(InputError, match=r"left_out table .*left_out\.tsv: No such file"):
        cohort.read()
    (tmp_path / "left_out.tsv").write_text("participant_id\n03\n", encoding="utf-8")
    with pytest.raises(InputError, match="column 'session_id' is missing"):
        cohort.read()


def test_nobody_left_out_is_no_problem(tmp_path):
    cohort = TinyCohort(tmp_path)
    cohort.config["left_out"] = str(tmp_path / "left_out.tsv")
    (tmp_path / "left_out.tsv").write_text("participant_id\tsession_id\treason\n", encoding="utf-8")
    assert len(cohort.read()) == 9


def test_columns_are_those_of_the_exclusions():
    (found,) = left_out.exclusion_rows([row("03")], [], UNITS)
    assert list(found) == cohort_tables.EXCLUSIONS
