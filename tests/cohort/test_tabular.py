"""One reader for all tables: lost cells, double columns, missing values, finite numbers, ids."""

import re

import pytest

from cubnm_core.errors import InputError
from workflow_scripts.cohort import tables

HEADER = "participant_id\tage\tgroup\tscore\n"


def read(tmp_path, text):
    path = tmp_path / "participants.tsv"
    path.write_text(text, encoding="utf-8")
    return tables.read_participants(path)


def refusal(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + "01\t20\tpatient\n", ["line 2: 3 cells, but the header has 4", "'score'"]),
        (HEADER + "01\t20\ta\t1\n\n02\t\t21\tb\t2\n", ["line 4: 5 cells", "a tab too many"]),
        ("participant_id\tage\tage\n01\t20\t21\n", ["column 'age' appears twice"]),
        ("participant_id\t\tage\n01\t5\t21\n", ["column 2 has no name"]),
        (HEADER + '01\t20\t"a\t1\n02\t20\tb\t1\n', ["line 2: a quotation mark is not closed"]),
        (HEADER + "01\tinf\ta\t1\n", ["line 2: age: 'inf' is not a finite number"]),
        (HEADER + "01\t1e999\ta\t1\n", ["line 2: age: '1e999' is not a finite number"]),
        (HEADER + "01\t2_5\ta\t1\n", ["line 2: age: '2_5' is not a number"]),
        (HEADER + "01\t20,5\ta\t1\n", ["line 2: age: '20,5' has a decimal comma; write '20.5'"]),
        (HEADER + "01\t20\ta\t1\n02\t20\ta\tInf\n", ["line 3: score: 'Inf' is not a finite number"]),
        (HEADER + "01\t20\ta\t1\n02\t20\ta\t0_8\n", ["line 3: score: '0_8' is not a number"]),
        (HEADER + "NA\t20\ta\t1\n", ["line 2: participant_id is empty"]),
        (HEADER + "sub-CON-001\t20\ta\t1\n", ["line 2: participant_id: 'CON-001'"]),
        (
            "participant_id\tsession\n01\t1\n01\t2\n",
            ["line 3: same participant_id 01", "'session'", "rename"],
        ),
    ],
)
def test_slips_are_named_with_line_and_column(tmp_path, text, words):
    message = refusal(tmp_path, text)
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    "word", ["n/a", "N/A", "NA", "NaN", "nan", "", "NULL", "null", "#N/A", "<NA>", " NA "]
)
def test_one_list_of_words_for_missing_in_every_column(tmp_path, word):
    rows = read(tmp_path, HEADER + f"01\t{word}\t{word}\t{word}\n02\t20\tb\t1.5\n")
    assert [(row["age"], row["group"], row["score"]) for row in rows] == [(None,) * 3, (20.0, "b", "1.5")]


def test_what_is_right_is_read(tmp_path):
    text = HEADER.replace("\n", "\t\n") + " sub-A+1 \t 20 \tnone\t1,5\t\n\n02\t2.05e1\ta b\tword\t\n"
    rows = read(tmp_path, "\ufeff" + text)
    assert [row["participant_id"] for row in rows] == ["A+1", "02"]
    assert [(row["age"], row["group"], row["score"]) for row in rows] == [
        (20.0, "none", "1,5"),
        (20.5, "a b", "word"),
    ]


def test_whole_numbers_with_a_point_are_whole_numbers(tiny_cohort):
    tiny_cohort.row("01", "bold", "1")["volumes"] = "150.0"  # as pandas writes columns with gaps
    assert tiny_cohort.read()[1]["volumes"] == 150
    tiny_cohort.row("01", "bold", "1")["repetition_time"] = "0_8"
    with pytest.raises(InputError, match=r"line 3: repetition_time: '0_8' is not a number; write it without"):
        tiny_cohort.read()


def test_ids_that_differ_in_zeros_are_pointed_at(tiny_cohort):
    tiny_cohort.participants[0]["participant_id"] = "1"
    with pytest.raises(InputError, match=r"no row for 01 of the manifest.*1 is not 01"):
        tiny_cohort.read()
    tiny_cohort.participants[0] = {"participant_id": "01", "session_id": "1", "group": "a"}
    for row in tiny_cohort.manifest:
        row["session_id"] = "01" if row["participant_id"] == "01" else None
    for row in tiny_cohort.participants[1:]:
        row["session_id"] = None
    with pytest.raises(InputError, match="sub-01 has a session 1, the manifest calls it 01"):
        tiny_cohort.read()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Participant_ID", "column 'participant_id' is missing; rename 'Participant_ID'"),
        ("participant id", "column 'participant_id' is missing; rename 'participant id'"),
        ("participantid", "column 'participant_id' is missing; rename 'participantid'"),
        ("participant_id\tage\tAge", "the columns 'age' and 'Age' differ in capitals only"),
    ],
)
def test_columns_that_are_spelled_otherwise_are_named(tmp_path, header, words):
    with pytest.raises(InputError, match=re.escape(words)):
        read(tmp_path, f"{header}\n01{chr(9) * header.count(chr(9))}\n")


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("a", "A", "a and A differ in capitals only"),
        ("sub-P1", "p1", "P1 and p1 differ in capitals only"),
    ],
)
def test_people_who_are_one_on_some_disks_are_refused(tiny_cohort, first, second, words):
    for row in [*tiny_cohort.manifest, *tiny_cohort.participants]:
        row["participant_id"] = {"01": first, "02": second}.get(row["participant_id"], "03")
    with pytest.raises(InputError, match=words):
        tiny_cohort.read()


@pytest.mark.parametrize("other", ["1", "001", "sub-1"])
def test_a_person_whose_scans_and_connectome_have_two_spellings_is_named(tiny_cohort, other):
    tiny_cohort.participants.append({"participant_id": other, "group": "a"})
    tiny_cohort.row("01", "sc")["participant_id"] = other
    name = other.removeprefix("sub-")
    with pytest.raises(InputError, match=f"{name} has connectomes only and 01 scans only"):
        tiny_cohort.read()


def test_zeros_may_tell_people_apart_who_have_everything(tiny_cohort):
    tiny_cohort.participants[1]["participant_id"] = "1"
    for row in tiny_cohort.manifest:
        row["participant_id"] = "1" if row["participant_id"] == "02" else row["participant_id"]
    assert {row["participant_id"] for row in tiny_cohort.read()} == {"01", "1", "03"}


def test_names_too_long_for_a_file_are_refused(tiny_cohort):
    tiny_cohort.participants[0]["participant_id"] = "a" * 200
    with pytest.raises(InputError, match=r"line 2: participant_id: 'a+' is too long"):
        tiny_cohort.read()


def test_words_of_r_and_pandas_are_no_groups(shared):
    folder = shared / "cases" / "R08"
    with pytest.raises(InputError, match=r"participants\.tsv, line 7: age: 'inf' is not a finite number"):
        tables.read_participants(folder / "participants.tsv")
    text = (folder / "participants.tsv").read_text(encoding="utf-8").replace("inf", "35")
    assert "NA" in text and "NaN" in text


def test_missing_groups_of_that_case_are_missing(shared, tmp_path):
    text = (shared / "cases" / "R08" / "participants.tsv").read_text(encoding="utf-8")
    rows = read(tmp_path, text.replace("inf", "35"))
    assert {row["group"] for row in rows} == {"control", "patient", None}
