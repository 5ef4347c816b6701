"""The whole way of a synthetic cohort, and a workflow killed in the middle of a fit."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import pytest
import yaml
from cohorts import LITTLE_EVIDENCE, SHORT_SCANS, read_tsv

from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES
from workflow_scripts.evidence.compare_fits import BASELINES

pytestmark = pytest.mark.slow

FITS = "results/fits/homogeneous/batch-001_fits.tsv"


@pytest.fixture(scope="module")
def configuration(tmp_path_factory):
    """A synthetic cohort of four people with eight nodes and scans of seconds."""
    config = {
        **SYNTHETIC_TABLES,
        "synthetic": {"participants": 4, "nodes": 8, "scan_duration": 60.0, "dt": 1.0e-3},
        "bold": {"hemodynamics": "cubnm-1.5T", **SHORT_SCANS},
        "analysis": {"window": 10.0, "window_step": 2.0},
        "simulation": {"duration": 65.0, "burn_in": 5.0, "dt": 2.0e-3, "hemodynamic_dt": 1.0e-2},
        "fits": {
            "homogeneous": {
                "fic": "analytical",
                "free": {"G": [0.5, 3.0], "w_p": [0.2, 2.0]},
                "optimizer": {"population": 5, "generations": 12, "restarts": 2, "tolerance": 0.0},
            }
        },
        "evaluation": {**LITTLE_EVIDENCE, "seeds": 5},
    }
    path = tmp_path_factory.mktemp("configuration") / "made.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def start(repository, configuration):
    """Start Snakemake in a folder, as a group of processes of its own."""

    def begin(folder, *arguments, python=sys.executable):
        command = [
            python,
            "-m",
            "snakemake",
            *arguments,
            "--snakefile",
            str(repository / "Snakefile"),
        ]
        command += ["--directory", str(folder), "--cores", "2", "--configfile", str(configuration)]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            start_new_session=True,
        )

    return begin


@pytest.fixture(scope="module")
def run(start, warm_python):
    """Run Snakemake to its end; give what it printed."""

    def finish(folder, *arguments, python=warm_python):
        process = start(folder, *arguments, python=python)
        text, _ = process.communicate()
        assert process.returncode == 0, text
        return text

    return finish


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
    """The folder of a workflow that ran to its end, and what it printed; in processes as a user's."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, run(folder, python=sys.executable)


def histories(folder):
    """The bytes of all histories, by name."""
    found = (folder / "results" / "histories" / "homogeneous").iterdir()
    return {path.name: path.read_bytes() for path in found if path.suffix == ".tsv"}


def fits(folder):
    """The table of fits without the time they took."""
    return [{key: cell for key, cell in row.items() if key != "seconds"} for row in read_tsv(folder / FITS)]


def test_a_made_cohort_comes_out_as_tables_and_a_report(finished):
    folder, text = finished
    assert "generation 12: 4 people in 8 of 8 searches" in text
    cohort = folder / "results" / "cohort"
    recovery = read_tsv(cohort / "recovery.tsv")
    assert len(recovery) == 8 and {row["parameter"] for row in recovery} == {"G", "w_p"}
    truth = {
        (row["participant_id"], row["parameter"]): row["value"]
        for row in read_tsv(folder / SYNTHETIC_TABLES["truth"])
    }
    assert all(row["truth"] == truth[row["participant_id"], row["parameter"]] for row in recovery)
    measures = {row["measure"] for row in read_tsv(cohort / "baselines.tsv") if row["value"] != "n/a"}
    assert measures >= {*BASELINES, "distance_decay", "global_signal_share"}
    compared = {(row["other"], row["n_people"], row["p"]) for row in read_tsv(cohort / "fit_comparison.tsv")}
    assert compared == {(name, "4", "n/a") for name in BASELINES}
    assert {row["measure"] for row in read_tsv(cohort / "optimism.tsv")} == {"fc_corr", "fcd_ks", "cost"}
    assert read_tsv(cohort / "exclusions.tsv") == []
    assert len(read_tsv(cohort / "convergence.tsv")) == 4 * 2 * 12
    report = folder / "results" / "report"
    assert "could not be generated" not in (report / "index.html").read_text(encoding="utf-8")
    assert {path.stem for path in (report / "people").glob("*.html")} == {f"sub-0{k}" for k in (1, 2, 3, 4)}


def test_provenance_names_versions_seeds_and_every_input(finished):
    folder, _ = finished
    stored = json.loads((folder / "results" / "cohort" / "provenance.json").read_text(encoding="utf-8"))
    assert stored["software"]["pymoo"] and stored["software"]["numerics_version"] >= 1
    assert stored["config"]["holdout_resolved"] == "run"
    assert stored["seeds"]["evaluation_noise_seeds"] == "1000 to 1004"
    assert stored["computed"]["simulations_of_fits"] == 4 * 2 * 12 * 5
    assert len(stored["inputs"]) == 4 + 4 * 4
    assert set(stored["computed"]["seconds_of_rules"]) >= {"fit", "evaluate", "prepare_bold"}


def test_snakemake_packs_the_report(finished, run):
    folder, _ = finished
    run(folder, "--report", "report.zip")
    with zipfile.ZipFile(folder / "report.zip") as packed:
        names = {name.rpartition("/")[2] for name in packed.namelist()}
    tables = {"evaluation.tsv", "fits.tsv", "exclusions.tsv"}
    assert names >= {"report.html", "index.html", "shared.html", *tables}


def test_a_second_run_has_nothing_to_do(finished, run):
    folder, _ = finished
    assert "Nothing to be done" in run(folder)


def test_a_workflow_killed_in_a_fit_resumes_to_the_same_bits(finished, start, run, tmp_path):
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    for name in ("fits", "histories"):
        shutil.rmtree(tmp_path / "results" / name)
    process = start(tmp_path, "fits")
    first = tmp_path / "results" / "histories" / "homogeneous" / "sub-01_restart-0.tsv"
    while process.poll() is None and not (first.exists() and b"generation 1 complete" in first.read_bytes()):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / FITS).exists()
    begun = first.read_bytes()
    run(tmp_path, "--unlock")
    assert "resumed after generation" in run(tmp_path, "fits")
    assert first.read_bytes().startswith(begun[: begun.rindex(b"\n#")])
    of_people = {name: text for name, text in histories(finished[0]).items() if name.startswith("sub-")}
    assert histories(tmp_path) == of_people
    assert fits(tmp_path) == fits(finished[0])


def test_a_fit_with_lost_outputs_is_replayed_from_its_histories(finished, run):
    folder, _ = finished
    before, kept = fits(folder), histories(folder)
    (folder / FITS).unlink()
    text = run(folder, "fits")
    assert "generation" in text and "simulations/s" not in text
    assert fits(folder) == before and histories(folder) == kept
