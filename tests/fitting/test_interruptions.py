"""Fits interrupted, on full disks, with damaged files: a clear message, and the next run recovers."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cohorts import read_tsv
from prepared import PreparedCohort

from cubnm_core import STAGE_VERSIONS
from cubnm_core.simulation.simulation import Simulation
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import fit, histories, interruptions, simulators
from workflow_scripts.fitting.interruptions import TimeLimit


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(simulators, "batch_simulator", made_simulator)
    return PreparedCohort(tmp_path)


def made_simulator(*_):
    """A simulator that takes no time."""

    def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
        size, pairs = len(seed), np.linspace(0, 1, 28)
        own = weights[connectome].mean(axis=(1, 2))[:, None]
        fc = np.sin(params["G"][:, None] * pairs + own) * np.cos(params["w_p"][:, None] * pairs)
        fcd = np.tile(np.linspace(0, 0.5, 105), (size, 1))
        means = {"r_E": np.full((size, 8), 3.0)}
        return Simulation(None, fc, fcd, means, {}, params, np.zeros(size, int), 0, 0.0)

    return simulate_batch


def run(cohort):
    """Run the rule; its tables, without the time it took."""
    sm = cohort.sm("fit")
    fit.main(sm)
    rows = read_tsv(sm.output.fits)
    for row in rows:
        del row["seconds"]
    return rows, read_tsv(sm.output.convergence), read_tsv(sm.output.front)


def kept_histories():
    return {path.name: path.read_bytes() for path in Path("results/histories/homogeneous").iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("request_name", ["KILL", "TERM"])
def test_killed_fits_go_on_to_the_same_bytes(repository, request_name):
    """Twenty kills take minutes; see benchmarks/kill_test.py."""
    command = [sys.executable, repository / "benchmarks" / "kill_test.py", "--kills", "1"]
    done = subprocess.run([*command, "--signal", request_name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 fits are the same, byte by byte" in done.stdout
    assert f"(status {-9 if request_name == 'KILL' else interruptions.PAUSED})" in done.stdout


def test_a_request_to_end_is_heard_while_simulations_run():
    code = (
        "import threading, time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from workflow_scripts.fitting import interruptions\n"
        "restore = interruptions.end_at_once()\n"
        "with ThreadPoolExecutor(1) as pool:\n"
        "    waiting = pool.submit(time.sleep, 60)\n"
        "    print('running', flush=True)\n"
        "    waiting.result()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    started = time.perf_counter()
    process.terminate()
    _, told = process.communicate()
    assert process.returncode == interruptions.PAUSED and time.perf_counter() - started < 10
    assert b"SIGTERM: the generations that are running are dropped, all others are kept" in told


def test_a_job_near_its_time_limit_stops_itself_and_the_next_one_goes_on(cohort, monkeypatch):
    before = run(cohort)
    for path in Path("results/histories/homogeneous").iterdir():
        path.unlink()
    Path("results/fits/homogeneous/batch-001_fits.tsv").unlink()
    asked = []
    monkeypatch.setattr(
        TimeLimit, "pause", lambda _: asked.append(1) or ("no time" if len(asked) > 2 else None)
    )
    with pytest.raises(SystemExit) as ended:
        run(cohort)
    assert ended.value.code == interruptions.PAUSED
    assert not Path("results/fits/homogeneous/batch-001_fits.tsv").exists()
    told = Path("logs/fit.log").read_text()
    assert "Paused: no time; 6 of 6 searches are unfinished; all complete generations are kept" in told
    monkeypatch.undo()
    monkeypatch.chdir(cohort.folder)
    monkeypatch.setattr(simulators, "batch_simulator", made_simulator)
    assert run(cohort) == before


def test_time_limits_are_those_of_schedulers():
    submitted = {"SLURM_JOB_ID": "7", interruptions.SUBMITTED: "1"}
    assert TimeLimit(0.01, {}).pause() is None  # minutes that nobody enforces
    assert TimeLimit(0.01, {"SLURM_JOB_ID": "7"}).pause() is None  # a workflow inside an allocation
    assert "s are left of the time limit" in TimeLimit(0.5, submitted).pause()
    assert TimeLimit(60, submitted).pause() is None
    soon = {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": str(time.time() + 30)}
    assert "another pack of simulations may take 60 s" in TimeLimit(60, soon).pause()


def test_a_pack_that_would_not_end_in_time_is_not_begun(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(interruptions.time, "time", lambda: now[0])
    limit = TimeLimit(10, {"PBS_JOBID": "7", interruptions.SUBMITTED: "1"})
    assert limit.pause() is None
    now[0] += 200  # what the first pack took: 340 s are left after the next one, which is enough for a third
    assert limit.pause() is None
    now[0] += 200
    assert limit.pause() == (
        "200 s are left of the time limit, and another pack of simulations may take 360 s"
    )


def test_a_full_disk_ends_in_words_and_loses_one_generation_at_most(cohort, monkeypatch):
    before, whole = run(cohort), kept_histories()
    for path in Path("results/histories/homogeneous").iterdir():
        path.unlink()
    written = []

    def full(descriptor):
        written.append(1)
        if len(written) > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(histories, "WRITERS", 1)
        patched.setattr(histories.os, "fsync", full)
        with pytest.raises(
            OSError, match=r"generation 1 of .* cannot be kept in .*No space left on device"
        ) as told:
            run(cohort)
    assert "free some space there" in str(told.value) and told.value.errno == errno.ENOSPC
    for name, content in kept_histories().items():
        assert whole[name].startswith(content) and content.endswith(b"bits\n")
    assert run(cohort) == before and kept_histories() == whole


def test_a_disk_that_takes_half_a_block_leaves_no_half_block(cohort, monkeypatch):
    before, whole = run(cohort), kept_histories()
    path = Path("results/histories/homogeneous/sub-02_restart-0.tsv")
    content = path.read_bytes()
    cut = content.index(b"# generation 1 complete")
    path.write_bytes(content[: content.index(b"\n", cut) + 1])
    opened = open

    class Half:
        def __init__(self, *arguments, **options):
            self.file = opened(*arguments, **options)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, block):
            return self.file.write(block[: len(block) // 2])

        def __getattr__(self, name):
            return getattr(self.file, name)

    with monkeypatch.context() as patched:
        patched.setattr(histories, "open", Half, raising=False)
        with pytest.raises(OSError, match="No space left on device"):
            run(cohort)
    assert path.read_bytes() == content[: content.index(b"\n", cut) + 1]
    assert run(cohort) == before and kept_histories() == whole


def test_a_truncated_history_is_completed(cohort):
    before, whole = run(cohort), kept_histories()
    for name, content in whole.items():
        Path("results/histories/homogeneous", name).write_bytes(content[: int(0.6 * len(content))])
    assert run(cohort) == before and kept_histories() == whole
    assert "the last generation was torn by an interruption" in Path("logs/fit.log").read_text()


def test_a_person_whose_every_simulation_diverges_is_a_row(cohort, monkeypatch):
    mean = float(Archive(cohort.connectome("sub-02")).arrays("sub-02")["weights"].mean())

    def diverging(*_):
        made = made_simulator()

        def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
            found = made(weights, connectome, params, seed, lengths)
            bad = weights[connectome].mean(axis=(1, 2)) == mean
            found.fc[bad], found.status[bad] = np.nan, 1
            return found

        return simulate_batch

    monkeypatch.setattr(simulators, "batch_simulator", diverging)
    rows, _, _ = run(cohort)
    of_02 = [row for row in rows if row["participant_id"] == "02"]
    assert {row["status"] for row in of_02} == {"failed"}
    assert all("simulations failed (diverged)" in row["reason"] for row in of_02)
    assert not any(row["selected"] == "True" for row in of_02)
    assert {row["status"] for row in rows if row["participant_id"] != "02"} == {"ok"}


@pytest.mark.parametrize("damage", [lambda content: content[:200], lambda content: b"\0" * len(content)])
def test_a_corrupted_input_fails_alone_and_recovers(cohort, damage):
    before = run(cohort)
    path = cohort.target("sub-02", "train")
    content = path.read_bytes()
    path.write_bytes(damage(content))
    rows, _, _ = run(cohort)
    by_person = {row["participant_id"]: row for row in rows}
    assert by_person["02"]["status"] == "failed"
    assert "prepared files are damaged" in by_person["02"]["reason"]
    assert {by_person[name]["status"] for name in ("01", "03")} == {"ok"}
    path.write_bytes(content)
    assert run(cohort) == before


def test_a_history_of_another_numerics_version_is_refused_and_set_aside(cohort, monkeypatch):
    run(cohort)
    old = kept_histories()
    monkeypatch.setitem(STAGE_VERSIONS, "simulation", 999)
    run(cohort)
    told = Path("logs/fit.log").read_text()
    assert "was made with numerics version 1 and cannot be resumed with version 999" in told
    kept = kept_histories()
    assert sorted(content for name, content in kept.items() if name.endswith(".stale")) == sorted(
        old.values()
    )
    fresh = [content for name, content in kept.items() if name.endswith(".tsv")]
    assert len(fresh) == 6 and all(b"numerics version 999" in content for content in fresh)


def test_a_changed_budget_goes_on_and_a_changed_search_starts_anew(cohort):
    run(cohort)
    short = kept_histories()
    cohort.settings["optimizer"]["generations"] = 5
    run(cohort)
    for name, content in kept_histories().items():
        assert content.startswith(short[name]) and len(content) > len(short[name])
    cohort.settings["retest"] = {"candidates": 2, "seeds": 2, "first_seed": 500}
    run(cohort)
    assert len(kept_histories()) == 12 and not any(name.endswith(".stale") for name in kept_histories())
    cohort.settings["optimizer"]["sigma"] = 0.3
    run(cohort)
    assert sum(name.endswith(".stale") for name in kept_histories()) == 12


def test_people_of_another_repetition_time_are_a_class_of_their_own(cohort):
    cohort.state("sub-03", "train", status="ok", reasons=[], repetition_time=0.5)
    rows, _, _ = run(cohort)
    assert [row["status"] for row in rows] == ["ok"] * 6


def test_histories_lie_where_the_configuration_says(cohort):
    sm = cohort.sm("fit")
    sm.resources.histories = "elsewhere/checkpoints"
    fit.main(sm)
    assert len(list(Path("elsewhere/checkpoints/homogeneous").iterdir())) == 6
    assert job.MISSING == "n/a" and not Path("results/histories").exists()
