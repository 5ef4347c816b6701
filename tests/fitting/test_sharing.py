"""Fits of other settings in the packs of a job: the same histories, never two writers, the owner first."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cohorts import TinyCohort, read_tsv
from prepared import PreparedCohort
from test_packs import costs_of, problem, simulate_batch

from cubnm_core import simulate
from cubnm_core.errors import InputError
from cubnm_core.fitting.heterogeneity import MapScaled, coefficient_name
from cubnm_core.fitting.run import MemoryStore, run_fits
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.measures.objective import Objective, Target
from cubnm_core.simulation.simulation import Simulation
from workflow_scripts.fitting import claims, fit, simulators
from workflow_scripts.fitting.claims import Claim
from workflow_scripts.fitting.histories import GuestStore, History

OTHER = Objective({"fc_diff": 1.0})


class Guest:
    """A guest that is welcome for a number of packs."""

    def __init__(self, problems, packs=100, store=None):
        self.problems, self.store, self.packs = problems, store or MemoryStore(), packs
        self.has_left = False

    def is_welcome(self):
        self.packs -= 1
        return self.packs >= 0

    def leave(self):
        self.has_left = True


def visitors(*people, **changes):
    """Fits of other settings; their keys are those of the hosts'."""
    return [replace(problem(person, {"seed": 5}), objective=OTHER, **changes) for person in people]


def test_guests_take_free_places_and_change_nothing():
    hosts, sizes, guest = [problem(0), problem(1)], [], Guest(visitors(0, 1, 2))

    def watched(weights, *others):
        sizes.append(len(others[2]))
        return simulate_batch(weights, *others)

    found = run_fits(hosts, watched, MemoryStore(), max_simulations=32, guests=[guest])
    assert sizes == [16] + [32] * 5  # two hosts of eight, and two guests from the second pack on
    for one, result in zip(hosts, found, strict=True):
        assert costs_of(result) == costs_of(run_fits([one], simulate_batch, MemoryStore())[0])
    assert not guest.has_left
    assert {key: len(history) for key, history in guest.store.histories.items()} == {
        "sub-0_restart-0": 5, "sub-1_restart-0": 5
    }  # fmt: skip
    refused = []

    def counted(*arguments):
        refused.append(len(arguments[1]))
        return simulate_batch(*arguments)

    resumed = run_fits(guest.problems, counted, guest.store)
    assert sum(refused) == 8 * (1 + 1 + 6)
    for one, result in zip(guest.problems, resumed, strict=True):
        assert costs_of(result) == costs_of(run_fits([one], simulate_batch, MemoryStore())[0])


def test_guests_that_are_done_or_no_longer_welcome_leave():
    short = Guest([replace(one, optimizer=replace(one.optimizer, generations=2)) for one in visitors(3)])
    unwelcome, waiting = Guest(visitors(4), packs=2), Guest(visitors(5), packs=0)
    run_fits([problem(0)], simulate_batch, MemoryStore(), guests=[short, unwelcome, waiting])
    assert short.has_left and len(short.store.load("sub-3_restart-0")) == 2
    assert len(unwelcome.store.load("sub-4_restart-0")) == 2 and not waiting.store.histories


def test_guests_wait_while_the_hosts_fill_the_pack():
    hosts, guest = [problem(person, {"generations": 2}) for person in range(3)], Guest(visitors(0))
    run_fits(hosts, simulate_batch, MemoryStore(), max_simulations=16, guests=[guest])
    assert len(guest.store.load("sub-0_restart-0")) == 2  # once the third host is alone


def test_an_error_with_guests_sends_only_them_away(caplog):
    class Full(MemoryStore):
        def append_all(self, generations):
            raise OSError("no space left")

    def odd(weights, connectome, *others):
        if len(weights) > 1:
            raise ValueError("two connectomes")
        return simulate_batch(weights, connectome, *others)

    caplog.set_level("INFO")
    alone = costs_of(run_fits([problem(0)], simulate_batch, MemoryStore())[0])
    for simulator, guest in ((simulate_batch, Guest(visitors(1), store=Full())), (odd, Guest(visitors(1)))):
        assert costs_of(run_fits([problem(0)], simulator, MemoryStore(), guests=[guest])[0]) == alone
        assert guest.has_left and not guest.store.histories
    assert "no space left" in caplog.text and "two connectomes" in caplog.text


@pytest.mark.slow
def test_fits_with_regional_and_global_values_of_a_parameter_share_a_call():
    calls = []

    def simulator(weights, connectome, params, seed, lengths, comparison=None):
        calls.append(len(seed))
        settings = {"duration": 12.0, "burn_in": 2.0, "repetition_time": 0.5, "dt": 1e-3, "fic": "analytical"}
        record = ("fc", "state_means") if comparison is None else ("state_means",)
        return simulate(
            "rWW", weights, params, connectome=connectome, seed=seed, record=record, comparison=comparison,
            backend="cpu", hemodynamics="cubnm-1.5T", **settings,
        )  # fmt: skip

    target = Target(np.linspace(-0.5, 0.9, 15))
    weights = np.random.default_rng(2).lognormal(-4, 1, (6, 6)) * (1 - np.eye(6))
    bounds = {"G": (0.5, 2.0), "w_p": (0.5, 2.0)}
    rule = MapScaled({"map": np.linspace(0, 1, 6)})
    regional = SearchSpace({**bounds, coefficient_name("w_p", "map"): (-0.2, 0.2)}, regional={"w_p": rule})
    hosts = [problem(0, weights=weights, target=target, space=SearchSpace(bounds))]
    guest = Guest([problem(0, weights=weights, target=target, space=regional)])
    found = run_fits(hosts, simulator, MemoryStore(), guests=[guest])
    assert calls == [8] + [16] * 5
    assert costs_of(found[0]) == costs_of(run_fits(hosts, simulator, MemoryStore())[0])
    (alone,) = run_fits(guest.problems, simulator, MemoryStore())
    shared = guest.store.load(guest.problems[0].key)
    assert [one.cost.tolist() for one in shared] == costs_of(alone)[: len(shared)] and len(shared) == 5


def test_the_owner_of_a_claim_comes_first(tmp_path):
    owner, borrower, third = (Claim(tmp_path, "one", "001") for _ in range(3))
    assert borrower.borrow() and not third.borrow() and not borrower.is_wanted
    waiting = threading.Thread(target=owner.take)
    waiting.start()
    while not borrower.is_wanted:
        time.sleep(0.01)
    assert waiting.is_alive()
    borrower.release()
    waiting.join(10)
    assert not waiting.is_alive() and not borrower.borrow()
    owner.release()
    assert third.borrow() and Claim(tmp_path, "one", "002").borrow()


def test_a_claim_ends_with_its_process(tmp_path):
    imported = "import sys, time; from workflow_scripts.fitting.claims import Claim"
    code = f"{imported}; c = Claim(sys.argv[1], 'one', '001')"
    command = [sys.executable, "-c", f"{code}; print(c.borrow(), flush=True); time.sleep(60)", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "True\n" and not Claim(tmp_path, "one", "001").borrow()
    process.kill()
    process.wait()
    assert Claim(tmp_path, "one", "001").borrow()


def test_packs_are_shared_on_local_disks_without_a_scheduler_only(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        "2 1 0:50 / /net rw,nosuid shared:1 - nfs4 server:/net rw\n"
        "3 2 8:2 / /net/fast\\040disk rw - xfs /dev/sdb rw\n"
    )
    monkeypatch.setattr(claims, "MOUNTS", mounts)
    assert claims.allowed("/data/histories", {})
    assert not claims.allowed("/net/me/histories", {})
    assert claims.allowed("/net/fast disk/histories", {})
    assert not claims.allowed("/data/histories", {"SLURM_JOB_ID": "7"})
    monkeypatch.setattr(claims, "MOUNTS", tmp_path / "none")
    assert not claims.allowed("/data/histories", {})


def test_a_guest_leaves_histories_of_other_settings_alone(tmp_path):
    one, space = problem(0), problem(0).space
    theirs = GuestStore(tmp_path, {one.key: History("a" * 64, space)})
    run_fits([one], simulate_batch, theirs)
    before = theirs.path(one.key).read_bytes()
    changed = GuestStore(tmp_path, {one.key: History("b" * 64, space)})
    with pytest.raises(InputError, match="history of other settings"):
        changed.load(one.key)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {f"{one.key}.tsv": before}


# --- the rule -----------------------------------------------------------------------------------------------


def cohort_of(folder, name="one", pause=0.0):
    """A prepared cohort in a folder, as the job of one of two fits gets it; the simulator is made up."""
    os.chdir(folder)
    simulators.batch_simulator = made_simulator(pause)
    claims.allowed = lambda folder: True
    cohort = PreparedCohort(Path(folder))
    cohort.settings["optimizer"] |= {"population": 8, "generations": 12, "tolerance": 0.0}
    other = {**cohort.settings, "objective": {"fc_corr": 1.0}, "noise_seed": 4}
    fits = {"one": cohort.settings, "other": other}
    claims.write("results/histories", fits)
    sm = cohort.sm("fit")
    sm.resources.shares, sm.wildcards.fit, sm.params.settings = 1, name, fits[name]
    for kind in ("fits", "convergence", "front", "landscape"):
        ending = "npz" if kind == "landscape" else "tsv"
        setattr(sm.output, kind, f"results/fits/{name}/batch-001_{kind}.{ending}")
    return sm


def made_simulator(pause):
    """Simulators that take a while."""

    def batch_simulator(*_):
        def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
            time.sleep(pause)
            pairs = np.linspace(0, 1, 28)
            own = weights[connectome].mean(axis=(1, 2))[:, None] + seed[:, None]
            fc = np.sin(params["G"][:, None] * pairs + own) * np.cos(params["w_p"][:, None] * pairs)
            fcd = np.tile(np.linspace(0, 0.5, 105), (len(seed), 1))
            means = {"r_E": np.full((len(seed), 8), 3.0)}
            return Simulation(None, fc, fcd, means, {}, params, np.zeros(len(seed), int), 0, 0.0)

        return simulate_batch

    return batch_simulator


def started(folder, name, pause):
    """A process that runs the job of a fit."""
    code = "import sys; from test_sharing import cohort_of; from workflow_scripts.fitting import fit"
    code += "; fit.main(cohort_of(sys.argv[1], sys.argv[2], float(sys.argv[3])))"
    path = os.pathsep.join(map(str, Path(__file__).parents[:3]))
    command = [sys.executable, "-c", code, str(folder), name, str(pause)]
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def written(folder):
    """Histories as bytes, tables without the time they took."""
    found = {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("results/histories/*/*.tsv")
    }
    for path in folder.glob("results/fits/*/*.tsv"):
        rows = read_tsv(path)
        found[str(path.relative_to(folder))] = [{**row, "seconds": ""} for row in rows]
    return found


def generations(folder, name):
    paths = (folder / "results/histories" / name).glob("*.tsv")
    return sum(path.read_text().count("# generation ") for path in paths)


@pytest.fixture(scope="module")
def unshared(tmp_path_factory):
    """What both fits write when each is alone."""
    folder = tmp_path_factory.mktemp("unshared")
    for name in ("one", "other"):
        code = "import sys; from test_sharing import cohort_of; from workflow_scripts.fitting import fit"
        code += "; sm = cohort_of(sys.argv[1], sys.argv[2]); sm.resources.shares = 0; fit.main(sm)"
        path = os.pathsep.join(map(str, Path(__file__).parents[:3]))
        command = [sys.executable, "-c", code, str(folder), name]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True)
    assert generations(folder, "one") == generations(folder, "other") == 3 * 2 * 12
    return written(folder)


@pytest.mark.slow
def test_the_second_job_goes_on_from_what_the_first_one_left(tmp_path, unshared):
    assert started(tmp_path, "one", 0.0).wait() == 0
    assert generations(tmp_path, "other") == 3 * 2 * 11
    second = started(tmp_path, "other", 0.0)
    text = second.communicate()[0].decode()
    assert second.returncode == 0 and "resumed after generation 10" in text
    assert written(tmp_path) == unshared


@pytest.mark.slow
def test_two_jobs_at_once_never_write_one_history(tmp_path, unshared):
    first = started(tmp_path, "one", 0.5)
    while first.poll() is None and not generations(tmp_path, "other"):
        time.sleep(0.01)
    second = started(tmp_path, "other", 0.0)
    text = second.communicate()[0].decode()
    assert second.returncode == 0 and first.wait() == 0, text
    assert min(map(int, re.findall("resumed after generation (.*)", text))) < 10  # where the first one ends
    assert written(tmp_path) == unshared


@pytest.mark.slow
def test_a_job_killed_while_it_had_guests_leaves_whole_histories(tmp_path, unshared):
    first = started(tmp_path, "one", 0.02)
    while first.poll() is None and generations(tmp_path, "other") < 20:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    assert first.wait() != 0 and generations(tmp_path, "other") < 66
    jobs = [started(tmp_path, name, 0.0) for name in ("other", "one")]
    assert [process.wait() for process in jobs] == [0, 0]
    assert written(tmp_path) == unshared


def test_fits_that_cannot_share_a_call_are_no_guests(tmp_path, monkeypatch):
    monkeypatch.setattr(simulators, "batch_simulator", simulators.batch_simulator)
    monkeypatch.setattr(claims, "allowed", claims.allowed)
    monkeypatch.chdir(tmp_path)
    sm = cohort_of(tmp_path)
    fits = claims.read("results/histories")
    coarse = {**fits["other"], "simulation": {**fits["other"]["simulation"], "dt": 5e-4}}
    begun = {**fits["other"], "start": {"from": "one"}}
    more = {**fits["other"], "free": {"G": [0.5, 3.0]}}
    claims.write("results/histories", {"one": fits["one"], "coarse": coarse, "begun": begun, "more": more})
    fit.main(sm)
    assert {path.name for path in Path("results/histories").iterdir()} == {".shared", "one"}


# --- the workflow -------------------------------------------------------------------------------------------


def test_settings_and_batches_of_any_size_give_the_same_fits(snakemake, tmp_path):
    cohort = TinyCohort(tmp_path, participants=("01", "02"))
    cohort.config["holdout"], base = "none", cohort.config["fits"]["homogeneous"]
    base["optimizer"] = {"population": 4, "generations": 4}
    cohort.config["fits"] = {"one": base, "other": {**base, "objective": {"fc_corr": 1.0}}}
    cohort.config["simulation"]["duration"] = 60.0
    found = {}
    for size, shared in ((1, False), (2, True)):
        cohort.config |= {"batch_size": size, "histories": {"folder": f"histories-{size}", "shared": shared}}
        code, text = snakemake("fits", config=cohort.write())
        assert code == 0, text
        tables = [tmp_path / f"results/fits/{name}/batch-001_fits.tsv" for name in ("one", "other")]
        if size == 1:
            tables += [path.with_name("batch-002_fits.tsv") for path in tables]
        rows = [row for path in tables for row in read_tsv(path)]
        found[size] = sorted(str({**row, "seconds": ""}) for row in rows)
        logs = [path.read_text() for path in tmp_path.glob("logs/fit/*_batch-001.log")]
        assert len(logs) == 2 and sum("resumed after generation 2" in text for text in logs) == shared
        (tmp_path / "results" / "batches.tsv").unlink()
        shutil.rmtree(tmp_path / "results" / "fits")
    assert found[1] == found[2] and len(found[1]) == 2 * len(tables) * 2
