"""What the table of cases does not show: scaling over threads, time to start, memory."""

import os
import subprocess
import sys
import tempfile
import time

from programs import HERE, Conversation, Program

THREADS = 2
PAIRS = 15
SECONDS = 20
STARTS = 5
KIBIBYTE = 1024

_START = """
import numpy as np
from cubnm_core import simulate
simulate("rWW", np.full((100, 100), 0.01), {"G": np.linspace(0.3, 0.8, 8)}, duration=0.1, repetition_time=0.1,
         burn_in=0.0, record=("bold",), backend="cpu", fic="analytical", hemodynamics="cubnm-1.5T")
"""

_MEMORY = """
import resource, numpy as np
from cubnm_core import simulate
weights = np.tril(np.random.default_rng(100).lognormal(0, 1.5, (100, 100)), -1)
weights = weights + weights.T
weights /= weights.sum(axis=1).mean()
run = simulate("rWW", weights, {"G": np.linspace(0.1, 1.0, 1000)}, duration=900.0, repetition_time=1.0,
               dt=1e-3, record=("fc", "fcd"), backend="cpu", fic="analytical", hemodynamics="cubnm-1.5T")
assert np.isfinite(run.fc).all() and np.isfinite(run.fcd).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, run.fc.nbytes + run.fcd.nbytes)
"""


def scaling(connectome, observation):
    """Wall time of a batch of 64 on one thread and on two: the best of several turns, as others may be busy.

    Parameters
    ----------
    connectome : Path
    observation : dict

    Returns
    -------
    dict
        Best wall seconds, their ratio, and how much more CPU time two threads take together than one.
    """
    program = Program("cubnm_core", "cubnm_core_cpu.py", sys.executable, durations=(SECONDS,), work=0)
    case = {
        "model": "rWW",
        "connectome": str(connectome),
        "batch": 64,
        "precision": "single",
        "seconds": SECONDS,
    }
    cases = {count: {**case, "observation": observation, "threads": count} for count in (1, THREADS)}
    times = {count: [] for count in cases}
    with Conversation(program) as conversation:
        for asked in cases.values():
            conversation.ask("prepare", asked)
        for _ in range(PAIRS):
            for count, asked in cases.items():
                times[count].append(conversation.ask("measure", asked))
    best = {count: min(time["wall"] for time in of) for count, of in times.items()}
    cpu = {count: min(time["cpu"] for time in of) for count, of in times.items()}
    return {
        "turns": PAIRS,
        "simulated": SECONDS,
        "wall, 1 thread": best[1],
        f"wall, {THREADS} threads": best[THREADS],
        "speed-up": best[1] / best[THREADS],
        "CPU time relative to 1 thread": cpu[THREADS] / cpu[1],
        "cores": len(os.sched_getaffinity(0)),
    }


def start_up():
    """Seconds from starting Python to the end of a tiny simulation, compiling or with kernels at hand.

    Returns
    -------
    dict
        Wall and CPU seconds; those from the cache are the best of several.
    """
    with tempfile.TemporaryDirectory() as folder:
        first, *others = (_seconds_of_process(_START, {"CUBNM_CACHE_DIR": folder}) for _ in range(1 + STARTS))
    return {
        "compiling": dict(zip(("wall", "cpu"), first, strict=True)),
        "from the cache": {"wall": min(wall for wall, _ in others), "cpu": min(cpu for _, cpu in others)},
        "turns": STARTS,
    }


def memory():
    """Peak memory of a process with 1,000 simulations of 900 s at a time step of 1 ms, recording FC and FCD.

    Returns
    -------
    dict
        In bytes, and the CPU seconds it took.
    """
    before = os.times()
    output = _run(_MEMORY, {}).stdout.split()
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {"peak": int(output[0]) * KIBIBYTE, "results": int(output[1]), "cpu": used}


def _seconds_of_process(code, variables):
    """Wall and CPU seconds of a fresh Python process."""
    before, started = os.times(), time.perf_counter()
    _run(code, variables)
    wall, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


def _run(code, variables):
    path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, **variables, "PYTHONPATH": path}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, check=True, text=True, stdout=subprocess.PIPE)
