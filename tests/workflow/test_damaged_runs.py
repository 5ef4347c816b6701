"""Finished runs whose files are damaged, and cohorts with one unusual scan: what the next start says."""

import shutil
import subprocess

import pytest
import yaml
from cases import copy_case
from cohorts import read_tsv
from conftest import SHARED
from damages import overwrite

from workflow_scripts.configuration.schemas import schema

pytestmark = pytest.mark.slow

BATCH = "results/{}/homogeneous/batch-001_{}.tsv"
DERIVED = ("results/cohort/fits.tsv", "results/cohort/statistics.tsv", "results/report/index.html")


def place(case, folder):
    """Copy a small cohort; its scans are shorter than what is asked of them today."""
    path = copy_case(SHARED, case, folder) / "my.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key in ("shortest_scan", "shortest_fcd"):
        if key in schema("config")["properties"]["bold"].get("properties", {}):
            config["bold"][key] = None
    path.write_text(yaml.safe_dump(config), encoding="utf-8")


@pytest.fixture(scope="module")
def run(repository, warm_python):
    """Run Snakemake in a folder; return the exit code, and all that was printed and logged."""

    def start(folder, *arguments):
        command = [warm_python, "-m", "snakemake", *arguments, "--snakefile", str(repository / "Snakefile")]
        command += ["--directory", str(folder), "--cores", "2", "--configfile", str(folder / "my.yaml")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        logs = [path.read_text(encoding="utf-8") for path in (folder / "logs").rglob("*.log")]
        return done.returncode, "\n".join([done.stdout, done.stderr, *logs])

    return start


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
    """A run that came to its end."""
    folder = tmp_path_factory.mktemp("finished")
    place("B10", folder)
    code, text = run(folder)
    assert code == 0, text
    return folder


@pytest.fixture
def damaged_run(finished, tmp_path):
    """A copy of it, times of files included, without what is made of the tables of the batch."""
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    for name in DERIVED:
        (folder / name).unlink()
    shutil.rmtree(folder / "logs")
    return folder


def lose_end(content):
    return b"".join(content.splitlines(keepends=True)[:3])


def cut_in_a_line(content):
    return content[: len(content) * 3 // 4 - 3]


def zero_half(content):
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


@pytest.mark.parametrize(("name", "damage", "sealed"), [
    (BATCH.format("fits", "fits"), lose_end, True),
    (BATCH.format("fits", "fits"), lose_end, False),  # as a former version leaves it
    (BATCH.format("evaluation", "evaluation"), cut_in_a_line, True),
    (BATCH.format("evaluation", "states"), zero_half, False),
])  # fmt: skip
def test_a_table_that_is_not_whole_is_named(run, damaged_run, name, damage, sealed):
    path = damaged_run / name
    overwrite(path, damage(path.read_bytes()))
    if not sealed:
        for seal in path.parent.glob(".*.sha256"):
            seal.unlink()
    code, text = run(damaged_run, "cohort")
    assert code != 0 and f"{name}: " in text and "remove it and start again: it is made anew" in text


def test_a_table_that_was_removed_is_made_again(run, damaged_run):
    (damaged_run / BATCH.format("fits", "fits")).unlink()
    code, text = run(damaged_run, "cohort")
    assert code == 0, text
    fits = read_tsv(damaged_run / "results/cohort/fits.tsv")
    assert {row["participant_id"] for row in fits} == {"01", "02", "03"}


@pytest.mark.parametrize("content", [b"", b'{"written": "20', b"\0" * 500])
def test_a_damaged_provenance_stops_nothing(run, finished, tmp_path, content):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    overwrite(folder / "results/cohort/provenance.json", content)
    code, text = run(folder, "--dry-run")
    assert code == 0 and "Traceback" not in text, text


@pytest.mark.parametrize(("name", "keep", "behind"), [
    ("results/cohort/common_nodes.json", 0, ()),
    ("results/batches.tsv", 0, ()),
    ("results/prepared/batch-001_connectome.npz", 2000, ("results/cohort/qc.tsv",)),
    ("results/prepared/batch-001_connectome.json", 1000, ("results/cohort/qc.tsv",)),
    ("results/targets/batch-001_split-train_target.npz", 3000, ("results/cohort/qc.tsv",)),
    ("results/cohort/brain.npz", 400, ()),
])  # fmt: skip
def test_a_file_that_was_cut_off_is_named_with_the_remedy(run, damaged_run, name, keep, behind):
    overwrite(damaged_run / name, (damaged_run / name).read_bytes()[:keep])
    for other in behind:
        (damaged_run / other).unlink()
    code, text = run(damaged_run)
    assert code != 0 and name in text and ("remove it" in text or "delete it" in text)


def test_a_person_without_fcd_has_a_fit_like_the_others(run, tmp_path):
    place("B04", tmp_path)
    code, text = run(tmp_path, "fits")
    assert code == 0, text
    rows = {row["participant_id"]: row for row in read_tsv(tmp_path / BATCH.format("fits", "fits"))}
    assert [row["status"] for row in rows.values()] == ["ok"] * 3
    assert rows["02"]["fcd_ks"] == "n/a" and float(rows["01"]["fcd_ks"]) >= 0


def test_a_scan_that_ends_early_ends_nothing_else(run, tmp_path):
    place("B05", tmp_path)
    code, text = run(tmp_path, "--keep-going")
    assert code == 0, text
    told = [row["reason"] for row in read_tsv(tmp_path / "results/cohort/exclusions.tsv")
            if row["participant_id"] == "02"]  # fmt: skip
    assert told
    fits = {row["participant_id"]: row["status"] for row in read_tsv(tmp_path / BATCH.format("fits", "fits"))}
    assert (fits["01"], fits["03"]) == ("ok", "ok") and fits["02"] != "ok"
