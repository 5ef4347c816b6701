"""The index command: what is found in folders of derivatives, paired, chosen, left out; edits stay."""

import json
import shutil

import derivatives
import pytest
from cohorts import read_tsv

from workflow_scripts import readers
from workflow_scripts.cohort import table_checks
from workflow_scripts.configuration.configuration import validate
from workflow_scripts.index import __main__ as index
from workflow_scripts.index import names

PEOPLE = ("01", "02", "10")
QUESTION = "Several files are candidates"


@pytest.fixture
def folders(tmp_path):
    """Three people with XCP-D and QSIRecon, one without connectome, one without scan."""
    for person in PEOPLE:
        derivatives.add_xcpd(tmp_path / "xcp_d", person, volumes=150)
        derivatives.add_qsirecon(tmp_path / "qsirecon", person)
    derivatives.add_xcpd(tmp_path / "xcp_d", "11", volumes=150)
    derivatives.add_qsirecon(tmp_path / "qsirecon", "12")
    derivatives.add_atlas(tmp_path / "xcp_d", "4S156Parcels")
    derivatives.add_bids(tmp_path / "bids", ["01", "02", "10", "11", "99"])
    return tmp_path


def run(folders, *options, found=("xcp_d", "qsirecon")):
    """Run the command and give what it printed, or the message with which it refused."""
    roots = [str(folders / name) for name in found]
    try:
        asked = ["--derivatives", *roots, "--out", str(folders / "config"), *options]
        index.main(asked)
    except SystemExit as refused:
        return str(refused.code)
    return ""


def manifest(folders):
    return read_tsv(folders / "config" / "manifest.tsv")


def reasons(folders):
    """Why somebody or something was left out, by participant."""
    found = {}
    for row in read_tsv(folders / "config" / "left_out.tsv"):
        found.setdefault(row["participant_id"], []).append(row["reason"])
    return found


def test_from_derivatives_to_tables_the_workflow_takes(folders, capsys):
    assert run(folders, "--participants", str(folders / "bids" / "participants.tsv")) == ""
    rows = manifest(folders)
    assert [row["participant_id"] for row in rows if row["kind"] == "sc"] == ["01", "02", "10"]
    scans = [row for row in rows if row["kind"] == "bold" and row["participant_id"] == "02"]
    assert [(row["run_id"], row["role"]) for row in scans] == [
        ("task-rest_run-1", "train"),
        ("task-rest_run-2", "test"),
    ]
    assert {row["repetition_time"] for row in scans} == {"0.8"}
    assert {row["atlas"] for row in rows} == {"4S156Parcels"}
    assert reasons(folders)["11"] == ["no connectome"] and reasons(folders)["12"] == ["no scan"]
    nodes = read_tsv(folders / "config" / "nodes.tsv")
    assert [node["label"] for node in nodes] == list(derivatives.LABELS[:6])
    people = read_tsv(folders / "config" / "participants.tsv")
    assert people[1] == {"participant_id": "02", "age": "21", "sex": "F"}
    printed = capsys.readouterr().out
    assert "2 people of " in printed and "11, 99" in printed
    assert "not used: 4S456Parcels" in printed and "not used: radius2_count" in printed

    config = {name: str(folders / "config" / f"{name}.tsv") for name in ("manifest", "participants", "nodes")}
    fit = {"model": "rWW", "fic": "analytical", "free": {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}}
    config |= {"bold": {"hemodynamics": "cubnm-3T"}, "simulation": {"duration": 120.0}, "fits": {"one": fit}}
    found = table_checks.read_tables(validate(config))
    assert table_checks.missing_files(found, "manifest") == []
    first = {row["kind"]: row for row in found if row["participant_id"] == "01"}
    assert readers.read(first["sc"]).row_labels == derivatives.LABELS
    assert readers.read(first["bold"]).values.shape == (150, 8)


def test_several_atlases_are_a_question(folders):
    for person in PEOPLE:
        shutil.rmtree(folders / "qsirecon" / f"sub-{person}")
        place = derivatives.folder(folders / "qsirecon", person, kind="dwi")
        for atlas in derivatives.ATLASES:
            (place / f"sub-{person}_atlas-{atlas}_connectome.csv").write_text("0,1\n1,0\n", encoding="utf-8")
    own = ("--files", "sc:mrtrix_csv:*_connectome.csv")
    message = run(folders, *own)
    assert QUESTION in message
    assert "--select sc.atlas=...   found: 4S156Parcels (3 people), 4S456Parcels (3 people)" in message
    assert not (folders / "config").exists()
    assert run(folders, *own, "--select", "atlas=4S456Parcels", "--set", "sc.labels_file=names.txt") == ""
    rows = manifest(folders)
    assert {row["atlas"] for row in rows} == {"4S456Parcels"}
    assert {row["labels_file"] for row in rows if row["kind"] == "sc"} == {"names.txt"}


def test_a_selection_that_fits_nothing_names_what_there_is(folders):
    message = run(folders, "--select", "atlas=Glasser")
    assert "--select atlas=Glasser: no such value; found: 4S156Parcels, 4S456Parcels" in message
    message = run(folders, "--set", "bold.censorship=none")
    assert "not a column of the manifest that can be set" in message and "censoring" in message


def test_two_strategies_of_denoising_are_a_question(folders):
    shutil.copytree(folders / "xcp_d", folders / "xcp_d_gsr")
    message = run(folders, found=("xcp_d", "xcp_d_gsr", "qsirecon"))
    assert "--select bold.dataset=...   found: xcp_d (4 people), xcp_d_gsr (4 people)" in message
    options = ("--select", "dataset=xcp_d_gsr")
    assert run(folders, *options, found=("xcp_d", "xcp_d_gsr", "qsirecon")) == ""
    assert all("xcp_d_gsr" in row["path"] for row in manifest(folders) if row["kind"] in ("bold", "mask"))


def test_strategies_below_one_folder_are_a_question_too(folders):
    derivatives.add_xcpd(folders / "all" / "xcp_d", "01")
    derivatives.add_xcpd(folders / "all" / "xcp_d_gsr", "01")
    derivatives.add_qsirecon(folders / "all" / "qsirecon", "01")
    (folders / "all" / "loop").symlink_to(folders / "all", target_is_directory=True)
    message = run(folders, found=("all", "all/xcp_d"))
    assert "bold.dataset=...   found: all/xcp_d (1 people), all/xcp_d_gsr (1 people)" in message
    assert run(folders, "--select", "dataset=all/xcp_d", found=("all",)) == ""
    assert len(manifest(folders)) == 8


def test_a_damaged_file_of_one_person_stops_nobody(folders):
    name = "sub-01/dwi/sub-01_space-ACPC_connectivity.mat"
    (folders / "qsirecon" / name).write_bytes(b"MATLAB 5.0 MAT-file, cut off")
    assert run(folders) == ""
    assert len({row["participant_id"] for row in manifest(folders)}) == 3


def test_content_that_was_not_fetched(shared, tmp_path, capsys):
    case = shared / "cases" / "R05"
    index.main(["--derivatives", str(case / "qsirecon"), str(case / "xcp_d"), "--out", str(tmp_path)])
    assert len(read_tsv(tmp_path / "nodes.tsv")) == 6
    printed = capsys.readouterr().out
    assert "Content not fetched" in printed and "2 files" in printed
    assert "pointer of git-annex" in printed and "pointer of Git LFS" in printed


def test_runs_put_together_are_not_a_run_of_their_own(folders):
    derivatives.add_xcpd(folders / "xcp_d", "01", runs=("",))
    assert run(folders) == ""
    runs = {row["run_id"] for row in manifest(folders) if row["participant_id"] == "01"}
    assert runs == {"n/a", "task-rest_run-1", "task-rest_run-2"}
    assert "holds other runs of the person, put together" in reasons(folders)["01"]


def test_other_tasks_are_left_out(folders, capsys):
    derivatives.add_xcpd(folders / "xcp_d", "01", runs=("1", "2"), task="nback")
    assert run(folders) == ""
    assert not any("nback" in row["path"] for row in manifest(folders))
    assert "task rest, because it is resting-state; not used: task nback" in capsys.readouterr().out


def test_duplicates_are_told(folders):
    copy = derivatives.folder(folders / "qsirecon", "01", kind="copy")
    name = "sub-01_space-ACPC_connectivity.mat"
    shutil.copy(folders / "qsirecon" / "sub-01" / "dwi" / name, copy)
    assert run(folders) == ""
    assert len([row for row in manifest(folders) if row["participant_id"] == "01"]) == 8
    assert reasons(folders)["01"] == ["another file with the same ids is taken"] * 2


@pytest.mark.parametrize(
    ("roles", "given", "people"),
    [("auto", {"n/a"}, 3), ("none", {"n/a"}, 3), ("runs", {"train", "test"}, 2)],
)
def test_roles_where_somebody_has_one_run_only(folders, roles, given, people):
    for path in (folders / "xcp_d" / "sub-10" / "func").glob("*run-2*"):
        path.unlink()
    assert run(folders, "--roles", roles) == ""
    scans = [row for row in manifest(folders) if row["kind"] == "bold"]
    assert len({row["participant_id"] for row in scans}) == people
    assert {row.get("role", "n/a") for row in scans} == given
    assert ("10" in reasons(folders)) == (roles == "runs")


def test_sessions_get_their_dates_and_are_told_from_each_other(tmp_path, capsys):
    for session in ("baseline", "year2"):
        derivatives.add_xcpd(tmp_path / "xcp_d", "01", session=session, runs=("1",), volumes=50)
    derivatives.add_qsirecon(tmp_path / "qsirecon", "01", session="baseline")
    dates = (("baseline", "2020-01-01"), ("year2", "2022-01-01"))
    derivatives.add_bids(tmp_path / "bids", ["01"], sessions=dates)
    assert run(tmp_path, "--participants", str(tmp_path / "bids" / "participants.tsv")) == ""
    people = read_tsv(tmp_path / "config" / "participants.tsv")
    assert [(row["session_id"], row["acq_time"], row["age"]) for row in people] == [
        ("baseline", "2020-01-01", "20"),
        ("year2", "2022-01-01", "20"),
    ]
    assert "1 sessions have scans but no connectome of their own" in capsys.readouterr().out
    assert run(tmp_path, "--select", "session=baseline") == ""
    assert {row["session_id"] for row in manifest(tmp_path)} == {"baseline"}


def test_an_edited_table_stays(folders, capsys):
    run(folders)
    path = folders / "config" / "manifest.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("02")]
    edited = "\n".join(line.replace("\ttrain", "\ttest") for line in kept) + "\n"
    path.write_text(edited, encoding="utf-8")
    capsys.readouterr()
    assert run(folders) == ""
    printed = capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == edited
    assert "edited, so kept" in printed
    assert "8 new (02 sc, 02 length, 02 task-rest_run-1 bold, ...), 2 changed" in printed
    assert len(read_tsv(folders / "config" / "manifest.new.tsv")) == len(lines) - 1
    assert "participants.tsv: 3 rows, unchanged" in printed


def test_an_untouched_table_is_written_anew(folders, capsys):
    run(folders)
    derivatives.add_qsirecon(folders / "qsirecon", "11")
    capsys.readouterr()
    run(folders)
    assert (
        "manifest.tsv: 32 rows; 8 new (11 sc, 11 length, 11 task-rest_run-1 bold, ...)"
        in capsys.readouterr().out
    )
    assert not (folders / "config" / "manifest.new.tsv").exists()


def test_scans_before_denoising_links_and_unknown_files_are_counted(folders, capsys):
    place = derivatives.folder(folders / "fmriprep", "01")
    (place / "sub-01_task-rest_space-MNI_desc-preproc_bold.nii.gz").write_bytes(b"")
    (place / "sub-01_desc-brain_mask.nii.gz").write_bytes(b"")
    (folders / "qsirecon" / "sub-01" / "dwi" / "sub-01_ses-9_space-ACPC_connectivity.mat").symlink_to("gone")
    assert run(folders, found=("xcp_d", "qsirecon", "fmriprep")) == ""
    printed = capsys.readouterr().out
    assert "BOLD of fMRIPrep before denoising; denoise it first" in printed
    assert "1 x sub-*_desc-brain_mask.nii.gz" in printed
    assert "Links that lead nowhere" in printed


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--derivatives", "nowhere"), "nowhere: no such folder"),
        (("--select", "bold.space"), "write [KIND.]NAME=VALUE"),
        (("--set", "bold.repetition_time=0_8"), "'0_8' is not a number; write it without underscores"),
        (("--set", "bold.censoring=cut"), "--set censoring=cut: censoring: 'cut' is not allowed"),
        (("--files", "sc:mrtrix"), "write KIND:FORMAT:PATTERN"),
        (("--files", "fcd:mrtrix_csv:*"), "no format mrtrix_csv for fcd"),
        (("--participants", "nowhere.tsv"), "participants table nowhere.tsv: No such file"),
        (
            (
                "--unpaired",
                "keep",
                "--select",
                "sc.atlas=4S156Parcels",
                "--select",
                "bold.atlas=4S456Parcels",
            ),
            "in common",
        ),
    ],
)
def test_options_that_cannot_be_followed(folders, option, words):
    assert words in run(folders, *option)
    assert not (folders / "config").exists()


def test_two_people_of_the_hcp_as_they_lie_there(shared, tmp_path):
    own = [("sc", "sc/*/ctx_parc-schaefer-100_desc-strength.npz")]
    own += [("bold", "bold/*/ctx_parc-schaefer-100_desc-bold.npz")]
    files = [part for kind, pattern in own for part in ("--files", f"{kind}:cubnm_npz:{pattern}")]
    statements = ("--set", "bold.repetition_time=0.72", "--set", "assume_order=Schaefer-100, 7 networks")
    assert run(tmp_path, *files, *statements, found=(shared / "data" / "hcp",)) == ""
    rows = manifest(tmp_path)
    assert [(row["participant_id"], row["run_id"], row["role"]) for row in rows[:3]] == [
        ("100206", "n/a", "n/a"),
        ("100206", "task-REST1_dir-LR", "train"),
        ("100206", "task-REST2_dir-LR", "test"),
    ]
    path = tmp_path / "config" / rows[1]["path"]
    assert readers.read({"path": str(path), "kind": "bold", "format": "cubnm_npz"}).values.size


@pytest.mark.parametrize(
    ("name", "file_format", "kinds"),
    [
        ("sub-1_task-rest_space-MNI_atlas-Gordon_timeseries.tsv", "xcpd_tsv", ("bold",)),
        ("sub-1_task-rest_space-fsLR_seg-4S156Parcels_stat-mean_timeseries.tsv", "xcpd_tsv", ("bold",)),
        ("sub-1_seg-Tian_stat-mean_timeseries.ptseries.nii", "ptseries", ("bold",)),
        ("sub-1_space-T1w_connectivity.mat", "qsirecon_mat", ("sc", "length")),
        ("sub-1_space-dwi_atlas-aparc_desc-SIFT2_full-edgeLengths.shape.gii", "micapipe_gii", ("length",)),
        ("sub-1_atlas-A_meas-tractLength_relmat.dense.tsv", "dense_tsv", ("length",)),
        ("sub-1_atlas-A_meas-streamlines_relmat.dense.tsv", "dense_tsv", ("sc",)),
        ("sub-1_task-rest_outliers.tsv", "tsv", ("mask",)),
        ("Counts.csv", "ebrains_csv", ("sc",)),
    ],
)
def test_names_of_tools(name, file_format, kinds):
    found = names.meaning(names.shape(name))
    assert (found.format, found.kinds) == (file_format, kinds)


def test_the_record_says_what_was_asked(folders):
    run(folders, "--roles", "none")
    record = json.loads((folders / "config" / "index.json").read_text(encoding="utf-8"))
    assert record["options"]["roles"] == "none"
    assert record["summary"][0].startswith("Found ")
