"""Participants tables given to the index command: as strict as in the workflow; ids that differ in zeros."""

import derivatives
import nibabel
import numpy as np
import pytest
from cohorts import read_tsv

from workflow_scripts.index import __main__ as index


def run(out, folders, *options):
    try:
        index.main(["--derivatives", *map(str, folders), "--out", str(out), *options])
    except SystemExit as refused:
        return str(refused.code)
    return ""


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("cell_lost", "cell_lost.tsv, line 3: 4 cells, but the header has 5"),
        ("tab_too_many", "tab_too_many.tsv, line 3: 6 cells, but the header has 5"),
        ("two_ids", "two_ids.tsv: column 'participant_id' appears twice"),
        ("blanks_behind_ids", ""),
    ],
)
def test_tables_with_a_slip(shared, tmp_path, table, words):
    case = shared / "cases" / "R06"
    message = run(tmp_path, [case / "qsirecon", case / "xcp_d"], "--participants", str(case / f"{table}.tsv"))
    assert words in message and bool(words) == bool(message)
    if not words:
        people = read_tsv(tmp_path / "participants.tsv")
        assert [(row["participant_id"], row["age"], row["group"]) for row in people] == [
            ("P01", "20", "control"),
            ("P02", "21", "patient"),
            ("P03", "22", "control"),
        ]


@pytest.fixture
def folders(tmp_path):
    """Two people with two sessions each, called 01 and 02."""
    for person in ("001", "002"):
        for session in ("01", "02"):
            derivatives.add_xcpd(tmp_path / "xcp_d", person, session=session)
            derivatives.add_qsirecon(tmp_path / "qsirecon", person, session=session)
    return [tmp_path / "xcp_d", tmp_path / "qsirecon"]


def given(tmp_path, folders, text):
    """Run the command with a participants table and give its message and the rows that it wrote."""
    path = tmp_path / "participants.tsv"
    path.write_text(text, encoding="utf-8")
    message = run(tmp_path / "config", folders, "--participants", str(path))
    table = tmp_path / "config" / "participants.tsv"
    return message, read_tsv(table) if table.exists() else []


def test_zeros_that_a_spreadsheet_dropped(tmp_path, folders, capsys):
    message, rows = given(tmp_path, folders, "participant_id\tage\n1\t20\nsub-2\t21\n")
    assert message == "" and [(row["participant_id"], row["age"]) for row in rows] == [
        ("001", "20"),
        ("002", "21"),
    ]
    assert (
        "2 ids differ from those of the files in zeros ahead (1 is 001, sub-2 is 002)"
        in capsys.readouterr().out
    )


def test_two_spellings_of_one_id_are_two_people(tmp_path, folders, capsys):
    _, rows = given(tmp_path, folders, "participant_id\tage\n1\t20\n01\t30\nsub-002\t21\n")
    assert [row["age"] for row in rows] == ["n/a", "21"]
    printed = capsys.readouterr().out
    assert "1 people are not in" in printed and "2 people of" in printed


def test_a_column_session_is_understood(tmp_path, folders, capsys):
    text = "participant_id\tsession\tage\n001\tses-1\t20\n001\tses-2\t22\n002\tses-1\t30\n002\tses-2\t32\n"
    message, rows = given(tmp_path, folders, text)
    assert message == "" and [(row["session_id"], row["age"]) for row in rows] == [
        ("01", "20"),
        ("02", "22"),
        ("01", "30"),
        ("02", "32"),
    ]
    printed = capsys.readouterr().out
    assert "the column session holds the sessions" in printed
    assert "sub-001: sessions of the table and of the files differ in zeros (1 is 01, 2 is 02)" in printed


def test_a_column_session_that_names_no_session_is_named(tmp_path, folders, capsys):
    _, rows = given(tmp_path, folders, "participant_id\tsession\n001\tmorning\n002\tevening\n")
    assert [row["session"] for row in rows] == ["morning", "evening"]
    assert "the column session is taken for data of people" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("participant_id\tage\n001\tinf\n", "line 2: age: 'inf' is not a finite number"),
        ("participant_id\tage\n001\t2_5\n", "line 2: age: '2_5' is not a number"),
        ("participant_id\tage\n001\t20\n001\t21\n", "line 3: same participant_id 001 as line 2"),
        ("participant_id\tage\n999\t89+\n001\t21\n", ""),
        ("id\tage\n999\t89\n", "column 'participant_id' is missing"),
    ],
)
def test_values_are_checked_of_people_of_the_manifest(tmp_path, folders, text, words):
    message, _ = given(tmp_path, folders, text)
    assert words in message and bool(words) == bool(message), message


def test_sessions_tables_are_read_as_strictly(tmp_path, folders):
    person = tmp_path / "sub-001"
    person.mkdir()
    (person / "sub-001_sessions.tsv").write_text("session_id\tacq_time\nses-01\n", encoding="utf-8")
    message, _ = given(tmp_path, folders, "participant_id\tage\n001\t20\n")
    assert "sub-001_sessions.tsv, line 2: 1 cells, but the header has 2" in message


def test_folders_of_numbers_are_people(tmp_path):
    for person in ("100206", "100307"):
        for run_name in ("rfMRI_REST1_LR", "rfMRI_REST2_LR"):
            place = tmp_path / "hcp" / person / "MNINonLinear" / "Results" / run_name
            place.mkdir(parents=True)
            axis = nibabel.cifti2.SeriesAxis(0, 0.72, 40)
            models = [
                nibabel.cifti2.BrainModelAxis.from_surface([vertex], 9, "CortexLeft") for vertex in range(3)
            ]
            labels = ("LH_Vis_1", "LH_Vis_2", "LH_Cont_1")
            parcels = nibabel.cifti2.ParcelsAxis.from_brain_models(list(zip(labels, models, strict=True)))
            image = nibabel.Cifti2Image(np.random.default_rng(1).random((40, 3)), (axis, parcels))
            nibabel.save(image, place / f"{run_name}_Atlas_MSMAll_hp2000_clean.ptseries.nii")
        weights = tmp_path / "sc" / f"sub-{person}_weights.csv"
        weights.parent.mkdir(exist_ok=True)
        weights.write_text("a", encoding="utf-8")
    assert (
        run(tmp_path / "config", [tmp_path / "hcp", tmp_path / "sc"], "--files", "sc:csv:*_weights.csv") == ""
    )
    rows = read_tsv(tmp_path / "config" / "manifest.tsv")
    scans = [row for row in rows if row["kind"] == "bold"]
    assert [(row["participant_id"], row["run_id"], row["role"]) for row in scans[:2]] == [
        ("100206", "task-REST1_dir-LR", "train"),
        ("100206", "task-REST2_dir-LR", "test"),
    ]
    assert {row["format"] for row in scans} == {"ptseries"}
    assert len(read_tsv(tmp_path / "config" / "nodes.tsv")) == 3
