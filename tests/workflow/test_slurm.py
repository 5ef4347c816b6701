"""The workflow on a real Slurm of one node: GPUs apart, jobs over their limit resume, nobody stops others."""

import os
import re
import subprocess
import sys
import time

import pytest
import slurm
import yaml
from cohorts import SHORT_SCANS, read_tsv

from workflow_scripts.configuration.synthetic import SYNTHETIC_TABLES

# A term that takes its time until a file appears: the job is over its limit on machines of any speed.
SLOW_TERM = """
import os, time

def term(simulated_fc, simulated_fcd, target_fc, target_fcd, state_means):
    time.sleep(0.01 if os.path.exists("fast") else 2.0)
    return 0.0
"""
CONFIG = {
    **SYNTHETIC_TABLES,
    "synthetic": {"participants": 4, "nodes": 8, "scan_duration": 60.0, "dt": 1.0e-3},
    "bold": {"hemodynamics": "cubnm-1.5T", **SHORT_SCANS},
    "analysis": {"window": 10.0, "window_step": 2.0},
    "simulation": {"duration": 65.0, "burn_in": 5.0, "dt": 2.0e-3, "hemodynamic_dt": 1.0e-2},
    "batch_size": 2,
    "fits": {
        "homogeneous": {
            "fic": "analytical",
            "free": {"G": [0.5, 3.0], "w_p": [0.2, 2.0]},
            "terms": {"slow": {"file": "slow.py"}},
            "optimizer": {"population": 4, "generations": 12, "restarts": 1, "tolerance": 0.0},
        }
    },
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A running Slurm, and a folder with Snakemake's plugin for it."""
    if reason := slurm.obstacle():
        pytest.skip(reason)
    plugin = tmp_path_factory.mktemp("plugin")
    try:
        slurm.install(plugin)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"Slurm cannot be installed: {error}: {error.stderr[-500:]}")
    with slurm.LocalSlurm(tmp_path_factory.mktemp("slurm")) as daemons:
        searched = [str(plugin), *filter(None, [os.environ.get("PYTHONPATH")])]
        daemons.environment["PYTHONPATH"] = os.pathsep.join(searched)
        yield daemons


@pytest.fixture(scope="module")
def finished(cluster, repository, tmp_path_factory):
    """The folder of a cohort whose fits ran on Slurm, and what Snakemake printed."""
    folder = tmp_path_factory.mktemp("cohort")
    (folder / "slow.py").write_text(SLOW_TERM, encoding="utf-8")
    (folder / "made.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(repository / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(folder / "made.yaml")]
    here = {"cwd": folder, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    for target, spoilt in ((SYNTHETIC_TABLES["nodes"], ["sub-02_sc.tsv"]), ("prepare", [])):
        done = subprocess.run([*command, "--cores", "2", target], **here)
        assert done.returncode == 0, done.stdout
        for name in spoilt:
            (folder / "results" / "synthetic" / name).write_text("spoilt", encoding="utf-8")
    command += ["--workflow-profile", str(edited_profile(repository, folder)), "--", "fits"]
    said = folder / "said.txt"
    with open(said, "w", encoding="utf-8") as output:
        here["stdout"] = output
        process = subprocess.Popen(command, env=cluster.environment, **here)
        try:
            wait_for_the_limit(process, folder, said)
            process.wait(300)
        finally:
            process.kill()
    text = said.read_text(encoding="utf-8")
    assert process.returncode == 0, text
    return folder, text


def edited_profile(repository, folder):
    """Write the profile for clusters as somebody would who knows this one."""
    stored = (repository / "profiles" / "slurm-gpu" / "profile.yaml").read_text(encoding="utf-8")
    profile = yaml.safe_load(stored)
    profile["default-resources"] |= {"slurm_partition": "cpu", "mem_mb": 500}
    fit = {**profile["set-resources"]["fit"], "slurm_partition": "gpu", "runtime": "attempt + 1"}
    profile["set-resources"] |= {"fit": {**fit, "mem_mb": 1000}}
    profile |= {"set-threads": {"fit": 1}, "latency-wait": 10, "seconds-between-status-checks": 2}
    profile |= {"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 3}
    path = folder / "profile" / "profile.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    return path.parent


def wait_for_the_limit(process, folder, said):
    """Let the fits go fast as soon as the first attempt of one is over."""
    until = time.monotonic() + 150
    while process.poll() is None and time.monotonic() < until:
        if "Trying to restart job" in said.read_text(encoding="utf-8"):
            break
        time.sleep(0.2)
    (folder / "fast").touch()


def test_jobs_at_a_time_get_different_gpus(finished):
    folder, _ = finished
    cards = {
        path.name: re.search(r"CUDA_VISIBLE_DEVICES=(\S+)", path.read_text(encoding="utf-8")).group(1)
        for path in (folder / "logs" / "fit").iterdir()
    }
    assert sorted(cards.values()) == ["0", "1"], cards


def test_a_job_stops_before_its_limit_and_resumes_in_its_retry(finished):
    folder, text = finished
    assert "Trying to restart job" in text and "exit status 75" in text
    for path in (folder / "logs" / "fit").iterdir():
        assert "resumed after generation" in path.read_text(encoding="utf-8"), path.name
    rows = [row for row in read_tsv(folder / "results/fits/homogeneous/batch-002_fits.tsv")]
    assert [row["generations"] for row in rows] == ["12", "12"]


def test_one_person_stops_nobody(finished):
    folder, _ = finished
    rows = [
        row
        for batch in ("001", "002")
        for row in read_tsv(folder / f"results/fits/homogeneous/batch-{batch}_fits.tsv")
    ]
    found = {row["participant_id"]: row["status"] for row in rows}
    assert found == {"01": "ok", "02": "excluded", "03": "ok", "04": "ok"}
