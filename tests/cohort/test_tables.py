"""Manifest, participants and nodes: what is read, and what is refused with which words."""

import pytest

from cubnm_core.errors import InputError
from workflow_scripts.cohort import table_checks, tables
from workflow_scripts.configuration import configuration


def refusal(cohort):
    with pytest.raises(InputError) as caught:
        cohort.read()
    return str(caught.value)


def test_rows_carry_clean_ids_and_reachable_paths(tiny_cohort):
    tiny_cohort.manifest[0]["participant_id"] = "sub-01"
    rows = tiny_cohort.read()
    assert rows[0]["participant_id"] == "01"
    assert rows[0]["path"] == str(tiny_cohort.folder / "sub-01_sc.tsv")
    assert rows[1]["repetition_time"] == 0.8
    assert rows[0]["role"] is None


def test_ids_stay_text(tiny_cohort):
    assert [
        row["participant_id"] for row in tables.read_participants(tiny_cohort.folder / "participants.tsv")
    ] == [
        "01",
        "02",
        "03",
    ]


def test_units_are_sessions_and_share_a_connectome_without_session(tiny_cohort):
    for run, session in (("1", "a"), ("2", "b")):
        tiny_cohort.row("02", "bold", run)["session_id"] = f"ses-{session}"
    tiny_cohort.config["holdout"] = "none"
    cohort = tables.units(tiny_cohort.read(), "individual")
    assert list(cohort) == ["sub-01", "sub-02_ses-a", "sub-02_ses-b", "sub-03"]
    assert cohort["sub-02_ses-b"]["session_id"] == "b"
    assert [row["kind"] for row in cohort["sub-02_ses-b"]["connectome"]] == ["sc"]
    assert [row["run_id"] for row in cohort["sub-02_ses-b"]["bold"]] == ["2"]


def test_a_person_with_a_connectome_only_is_a_unit(tiny_cohort):
    tiny_cohort.manifest = [
        row for row in tiny_cohort.manifest if row["kind"] == "sc" or row["participant_id"] != "03"
    ]
    assert tables.units(tiny_cohort.read(), "individual")["sub-03"]["bold"] == []


def test_one_connectome_for_everybody(tiny_cohort):
    tiny_cohort.config["connectome"] = {"source": "group"}
    assert "participant_id 'group'" in refusal(tiny_cohort)
    tiny_cohort.manifest.append({**tiny_cohort.row("01", "sc"), "participant_id": "group"})
    cohort = tables.units(tiny_cohort.read(), "group")
    assert list(cohort) == ["sub-01", "sub-02", "sub-03"]
    assert {row["participant_id"] for unit in cohort.values() for row in unit["connectome"]} == {"group"}


def test_auto_holds_out_runs_only_if_there_is_a_test_run(tiny_cohort):
    rows = tiny_cohort.read()
    assert tables.resolve_holdout(rows, "auto") == "run"
    assert tables.resolve_holdout([row for row in rows if row["role"] != "test"], "auto") == "split_half"
    assert tables.resolve_holdout(rows, "none") == "none"


def test_planned_manifest_passes_the_checks_of_a_real_one(tmp_path, tiny_cohort):
    planned = tables.plan_manifest({"participants": 3, "repetition_time": 1.0, "sessions": 1})
    tiny_cohort.manifest = planned
    tiny_cohort.write()
    rows = tables.read_manifest(tmp_path / "manifest.tsv")
    assert [row["role"] for row in rows if row["participant_id"] == "02"] == [None, None, "train", "test"]


@pytest.mark.parametrize("holdout", ["run", "auto"])
def test_both_with_a_held_out_run_asked(tiny_cohort, holdout):
    tiny_cohort.config["holdout"] = holdout
    tiny_cohort.row("02", "bold", "1")["role"] = "both"
    message = refusal(tiny_cohort)
    assert "line 6: role is both, but whole runs are held out" in message
    assert "split_half" in message


def test_nothing_to_hold_out(tiny_cohort):
    """One person without a held-out run stops nobody; a cohort without any asks for something else."""
    tiny_cohort.row("03", "bold", "2")["role"] = "train"
    tiny_cohort.write()
    assert tiny_cohort.read()
    for row in tiny_cohort.manifest:
        row |= {"role": "train"} if row["kind"] == "bold" else {}
    tiny_cohort.config["holdout"] = "run"
    assert "nobody has a run with role test, so there is nothing to hold out" in refusal(tiny_cohort)


def test_split_half_refuses_runs_with_a_role(tiny_cohort):
    tiny_cohort.config["holdout"] = "split_half"
    assert "role is test, but holdout: split_half cuts every run" in refusal(tiny_cohort)


def test_duplicate_rows_and_people(tiny_cohort):
    tiny_cohort.manifest.append(dict(tiny_cohort.row("01", "bold", "2")))
    assert "line 11: same participant_id 01, run_id 2, kind bold as line 4; keep one" in refusal(tiny_cohort)
    tiny_cohort.manifest.pop()
    tiny_cohort.participants.append({"participant_id": "sub-02", "group": "b"})
    assert "participants.tsv, line 5: same participant_id 02 as line 3" in refusal(tiny_cohort)


def test_a_person_missing_from_the_participants(tiny_cohort):
    tiny_cohort.participants.pop()
    assert "participants.tsv: no row for 03 of the manifest" in refusal(tiny_cohort)


def test_midline_nodes_have_no_intrahemispheric_pairs(tiny_cohort):
    tiny_cohort.nodes[2]["hemisphere"] = "B"
    tiny_cohort.read()
    tiny_cohort.config["analysis"] = {"pairs": "intrahemispheric"}
    assert "LH_Cont_1 lie in both hemispheres" in refusal(tiny_cohort)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("kind", "dti", ["line 2: kind: 'dti' is not allowed", "bold, fc, fcd, length, mask, motion, sc"]),
        ("format", "npx", ["did you mean 'npz'?"]),
        ("participant_id", "a_b", ["line 2: participant_id", "a_b"]),
        ("path", "", ["line 2: path is empty"]),
        ("role", "train", ["line 2: role is given for a row of kind sc"]),
        ("repetition_time", "fast", ["repetition_time: 'fast' is not a finite number"]),
        ("repetition_time", "720", ["repetition_time", "720.0"]),
        ("atlas", "other", ["several parcellations"]),
    ],
)
def test_a_wrong_cell_of_the_manifest(tiny_cohort, column, value, words):
    for row in tiny_cohort.manifest[1:]:
        row["atlas"] = "schaefer"
    tiny_cohort.manifest[0][column] = value
    message = refusal(tiny_cohort)
    for word in words:
        assert word in message


def test_a_wrong_column_and_a_table_without_tabs(tmp_path):
    path = tmp_path / "nodes.tsv"
    path.write_text("index\tlabel\themisphre\n0\ta\tL\n1\tb\tR\n", encoding="utf-8")
    with pytest.raises(InputError, match="column 'hemisphere' is missing"):
        tables.read_nodes(path)
    path.write_text("index,label,hemisphere\n0,a,L\n", encoding="utf-8")
    with pytest.raises(InputError, match="parted by tabs"):
        tables.read_nodes(path)
    path.write_text("participant_id\tkind\tpath\tformat\trol\n01\tsc\ta.tsv\ttsv\ttrain\n", encoding="utf-8")
    with pytest.raises(InputError, match="unknown column 'rol'; did you mean 'role'"):
        tables.read_manifest(path)


@pytest.mark.parametrize(
    ("index", "label", "words"),
    [
        (3, "b", "line 3: index is 3, but the rows count up from 0, so it must be 1"),
        (1, "a", "same label a as line 2"),
    ],
)
def test_a_wrong_node_table(tmp_path, index, label, words):
    path = tmp_path / "nodes.tsv"
    path.write_text(f"index\tlabel\themisphere\n0\ta\tL\n{index}\t{label}\tR\n", encoding="utf-8")
    with pytest.raises(InputError, match=words):
        tables.read_nodes(path)


def test_missing_and_empty_files_are_all_listed(tiny_cohort):
    (tiny_cohort.folder / "sub-01_sc.tsv").unlink()
    (tiny_cohort.folder / "sub-02_run-1_bold.tsv").write_text("", encoding="utf-8")
    problems = table_checks.missing_files(tiny_cohort.read(), "manifest.tsv")
    assert len(problems) == 2
    assert "manifest.tsv, line 2: no file" in problems[0]
    assert "line 6" in problems[1] and "is empty" in problems[1]


def test_an_absent_table_is_named(tiny_cohort):
    tiny_cohort.config["manifest"] = "manifst.tsv"
    tiny_cohort.write()
    config = configuration.validate({**tiny_cohort.config, "nodes": str(tiny_cohort.folder / "nodes.tsv")})
    with pytest.raises(InputError, match=r"manifst\.tsv: No such file"):
        table_checks.read_tables(config)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"analysis": {"window": 0.7}}, "shorter than one repetition time"),
        ({"analysis": {"window": 99.5, "window_step": 5.0}}, "at least two windows, 1 fit"),
        ({"bold": {"hemodynamics": "cubnm-3T", "band_pass": [0.01, 0.7]}}, "0.7 Hz is not below half"),
        ({"simulation": {"duration": 120.0, "hemodynamic_dt": 1.0}}, "must lie between hemodynamic_dt"),
    ],
)
def test_times_that_do_not_go_with_the_scans(tiny_cohort, changes, words):
    tiny_cohort.config |= changes
    assert words in refusal(tiny_cohort)
