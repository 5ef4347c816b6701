"""Whose a file is: ids are taken whole or refused, and one id has one spelling."""

import derivatives
import pytest
from cohorts import read_tsv

from workflow_scripts.cohort import tables
from workflow_scripts.index import __main__ as index
from workflow_scripts.index import owners


@pytest.mark.parametrize(
    ("folder", "name", "participant", "session"),
    [
        ("/sub-01/func", "sub-01_task-rest_bold.json", "01", None),
        ("/sub-01/ses-2/func", "sub-01_ses-2_task-rest_timeseries.tsv", "01", "2"),
        ("/sub-01_ses-2", "sub-01_ses-2_dwi.mat", "01", "2"),
        ("/sub-01/ses-2", "connectome.csv", "01", "2"),
        ("", "sub-A+1_ses-a+b_connectivity.mat", "A+1", "a+b"),
        ("", "sub-01.csv", "01", None),
        ("", "sub-01_task-rest.ptseries.nii", "01", None),
        ("/sub-01", "sub-01.sc.csv", "01", None),
        ("", "sub-01_Schaefer100_sc.csv", "01", None),
        ("", "sub-01_rest1_run-1_bold.csv", "01", None),
        ("/100307/REST1_LR", "bold.csv", "100307", None),
        ("/sub-NA", "sub-NA_sc.csv", "NA", None),
    ],
)
def test_ids_are_taken_whole(folder, name, participant, session):
    assert owners.owner_of(folder, name) == owners.Owner(participant, session, None)


@pytest.mark.parametrize(
    ("folder", "name", "participant", "problem"),
    [
        ("/sub-CON-001/func", "sub-CON-001_task-rest_bold.tsv", "CON-001", owners.SIGNS),
        ("", "sub-CON-001_task-rest_bold.tsv", "CON-001", owners.SIGNS),
        ("/sub-EMI_301/func", "sub-EMI_301_task-rest_bold.tsv", "EMI_301", owners.SIGNS),
        ("/sub-EMI_301/func", "bold.tsv", "EMI_301", owners.SIGNS),
        ("", "sub-EMI_301_task-rest_bold.tsv", "EMI", owners.CUT),
        ("", "sub-EMI_301_sc.csv", "EMI", owners.CUT),
        ("", "sub-a.b_task-rest_bold.tsv", "a.b", owners.SIGNS),
        ("/sub-a.b", "sub-a.b.csv", "a.b", owners.SIGNS),
        ("", "sub-a.b.csv", "a.b", owners.SIGNS),
        ("", "sub-01_ses-pre-op_bold.tsv", "01", owners.SIGNS),
        ("", "sub-01_ses-1_2_task-rest_bold.tsv", "01", owners.CUT),
        ("/sub-01/ses-1.5", "sub-01_ses-1.5_bold.tsv", "01", owners.SIGNS),
        ("", "sub-Jos\u00e9_bold.tsv", "Jos\u00e9", owners.SIGNS),
        ("", "sub-01 _bold.tsv", "01 ", owners.SIGNS),
        ("/sub-01", "sub-02_bold.tsv", "02", owners.CONTRADICTION),
        ("/sub-EMI_301", "sub-EMI_sc.csv", "EMI", owners.CONTRADICTION),
        ("/sub-01/ses-1", "sub-01_ses-01_bold.tsv", "01", owners.CONTRADICTION),
        ("/sub-group", "sub-group_sc.csv", "group", owners.KEPT),
    ],
)
def test_or_refused(folder, name, participant, problem):
    found = owners.owner_of(folder, name)
    assert (found.participant, found.problem) == (participant, problem)


def run(out, *roots, options=()):
    try:
        index.main(["--derivatives", *map(str, roots), "--out", str(out), *options])
    except SystemExit as refused:
        return str(refused.code)
    return ""


@pytest.mark.parametrize(
    ("case", "people"), [("hyphen", "CON-001"), ("underscore", "EMI_301"), ("plus", "A+1")]
)
def test_no_scan_is_paired_with_the_connectome_of_another(shared, tmp_path, case, people):
    folder = shared / "cases" / "R03" / case
    message = run(tmp_path, folder / "qsirecon", folder / "xcp_d")
    if case == "plus":
        assert {row["participant_id"] for row in read_tsv(tmp_path / "manifest.tsv")} == {"A+2"}
        (left,) = read_tsv(tmp_path / "left_out.tsv")
        assert (left["participant_id"], left["reason"]) == ("A+1", "no connectome")
    else:
        assert "an id has signs other than letters, digits and +" in message and people in message


@pytest.fixture
def two_datasets(tmp_path):
    """Scans of 01 and 02, connectomes of the same people by other names."""
    for person in ("01", "02"):
        derivatives.add_xcpd(tmp_path / "xcp_d", person, session="01")
    return tmp_path


def test_zeros_ahead_do_not_part_people_and_sessions(two_datasets, capsys):
    for person in ("1", "2"):
        derivatives.add_qsirecon(two_datasets / "qsirecon", person, session="1")
    assert run(two_datasets / "config", two_datasets / "xcp_d", two_datasets / "qsirecon") == ""
    rows = read_tsv(two_datasets / "config" / "manifest.tsv")
    assert {(row["participant_id"], row["session_id"]) for row in rows} == {("01", "01"), ("02", "01")}
    assert {row["kind"] for row in rows if row["participant_id"] == "02"} >= {"sc", "length", "bold"}
    printed = capsys.readouterr().out
    assert "sub-1 is sub-01, sub-2 is sub-02" in printed and "sub-01 ses-1 is ses-01" in printed
    assert read_tsv(two_datasets / "config" / "left_out.tsv") == []


def test_two_people_with_such_ids_stay_two(two_datasets, capsys):
    derivatives.add_xcpd(two_datasets / "xcp_d", "1", session="01")
    for person in ("1", "2"):
        derivatives.add_qsirecon(two_datasets / "qsirecon", person, session="01")
    assert run(two_datasets / "config", two_datasets / "xcp_d", two_datasets / "qsirecon") == ""
    rows = read_tsv(two_datasets / "config" / "manifest.tsv")
    assert {row["participant_id"] for row in rows} == {"1", "02"}
    assert (
        "taken for different people, because files of one kind have both: sub-01 and sub-1"
        in capsys.readouterr().out
    )
    left = read_tsv(two_datasets / "config" / "left_out.tsv")
    assert [(row["participant_id"], row["reason"]) for row in left] == [("01", "no connectome")]


def test_an_id_that_reads_like_a_missing_value(tmp_path):
    derivatives.add_xcpd(tmp_path / "xcp_d", "NA", volumes=150)
    derivatives.add_qsirecon(tmp_path / "qsirecon", "NA")
    assert run(tmp_path / "config", tmp_path / "xcp_d", tmp_path / "qsirecon") == ""
    assert {row["participant_id"] for row in tables.read_manifest(tmp_path / "config" / "manifest.tsv")} == {
        "NA"
    }
    assert tables.read_participants(tmp_path / "config" / "participants.tsv")[0]["participant_id"] == "NA"


def test_names_that_differ_right_behind_the_id_are_told(two_datasets):
    for person in ("01", "02"):
        for size in (100, 200):
            path = two_datasets / f"sub-{person}_ses-01_Schaefer{size}_sc.csv"
            path.write_text("0,1\n1,0\n", encoding="utf-8")
    atlas = ("--select", "bold.atlas=4S156Parcels")
    options = ("--files", "sc:csv:*_sc.csv", *atlas)
    message = run(two_datasets / "config", two_datasets, options=options)
    assert "differ right behind the id" in message and "Nothing is left" in message
    options = ("--files", "sc:csv:*_Schaefer100_sc.csv", *atlas)
    assert run(two_datasets / "config", two_datasets, options=options) == ""
