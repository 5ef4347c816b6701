"""Every form of the kernels, NVIDIA's checks and its counters: parts of the GPU benchmark."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from gpu_base import connectome, make_case, only, peer_environment, tried
from programs import ProgramFailed

import cubnm_core
from cubnm_core.backends.cuda import forms
from cubnm_core.equations.files import load_model
from cubnm_core.equations.lowering import lower

HERE = Path(__file__).resolve().parent
SANITIZERS = ("memcheck", "racecheck")
SANITIZER_LIMIT = 120.0  # s of each
#: Counters of one launch: issue slots used, registers, blocks at a time, wavefronts of shared memory, stalls.
COUNTERS = (
    "sm__inst_issued.avg.pct_of_peak_sustained_active", "launch__registers_per_thread",
    "launch__occupancy_limit_registers", "launch__occupancy_limit_shared_mem",
    "l1tex__data_pipe_lsu_wavefronts_mem_shared.sum",
    "smsp__average_warps_issue_stalled_no_instruction_per_issue_active.ratio",
    "smsp__average_warps_issue_stalled_barrier_per_issue_active.ratio",
)  # fmt: skip
COUNTED_BATCHES = (128, 5280)


def every_form(options, device):
    """Every kind of form on a small batch: the same bits as the first."""
    rows, first = [], {}  # first: results of the first form, by delays
    for delayed in (False, True):
        arguments, keywords = _small_case(delayed)
        for form in _kinds(device, delayed):
            case = {"form": _shape(form), "delayed": delayed}
            rows.append(tried(options, case, _same_bits, form, arguments, keywords, first))
    return rows


def _small_case(delayed):
    (model, weights, params), keywords = make_case("rWW", delayed, nodes=13)
    return (model, weights, params), {**keywords, "duration": 1.0, "dt": 1e-3, "burn_in": 0.25}


def _kinds(device, delayed):
    """A form of every kind for the small batch, however it is ranked."""
    program = lower(load_model("rWW"), 1e-3)
    base = forms.Form(13, 1, 1, 1, "memory", delayed=delayed, inner_steps=1, state_interval=5)
    kinds = {}
    for form in forms.ranked_forms(base, program, "single", (3, 2), device):
        kinds.setdefault((form.weights, form.stepwise, form.rows, form.cols, form.split), form)
    return list(kinds.values())


def _same_bits(form, arguments, keywords, first):
    with only(form):
        found = cubnm_core.simulate(*arguments, backend="cuda", precision="single", **keywords)
    expected = first.setdefault(form.delayed, found)
    same = np.array_equal(found.bold, expected.bold)
    same &= all(np.array_equal(found.state_means[n], expected.state_means[n]) for n in found.state_means)
    return {"agrees": bool(same)}


def sanitizers(options, device):
    """NVIDIA's checks of memory and of races on every kind of form, or that they are not installed."""
    return [tried(options, {"tool": tool}, _sanitize, tool) for tool in SANITIZERS]


def _sanitize(tool):
    program = shutil.which("compute-sanitizer")
    if program is None:
        return {"found": "compute-sanitizer is not installed"}
    command = [program, "--tool", tool, sys.executable, HERE / "gpu.py", "--parts", "every_form", "--quick"]
    with tempfile.TemporaryDirectory() as folder:
        done = _run_beside([*command, "--output", folder], SANITIZER_LIMIT)
    summary = re.findall(r"=+ ((?:ERROR|RACECHECK) SUMMARY.*)", done.stdout + done.stderr)
    if not summary:
        raise ProgramFailed((done.stderr or done.stdout).strip()[-300:])
    return {"found": summary[-1], "agrees": bool(re.search(r"\b0 (errors|hazards)", summary[-1]))}


def _run_beside(command, limit):
    """Another process on the card that this one holds."""
    given = {"env": peer_environment() | {"SLURM_JOB_ID": "beside"}, "timeout": limit}  # it takes no lease
    given["env"].pop("CUBNM_LEASE_DIR", None)
    return subprocess.run([*map(str, command)], capture_output=True, text=True, **given)


def counters(options, device):
    """Counters of one launch of the integration, by NVIDIA's `ncu` where it is installed and allowed."""
    return [tried(options, {"batch": size}, _counters, size) for size in COUNTED_BATCHES]


def run_once(size):
    """A short batch, for a profiler."""
    params, keywords = {"G": np.linspace(0.0, 2.0, size)}, {"backend": "cuda", "precision": "single"}
    keywords |= {
        "duration": 0.6,
        "repetition_time": 0.1,
        "burn_in": 0.0,
        "dt": 1e-4,
        "record": ("state_means",),
    }
    cubnm_core.simulate("rWW", connectome(100), params, **keywords)


def _counters(size):
    program = shutil.which("ncu")
    if program is None:
        return {"found": "ncu is not installed"}
    folders = [str(HERE), str(HERE.parent)]
    code = f"import sys; sys.path[:0] = {folders!r}; import gpu_checks; gpu_checks.run_once({size})"
    chosen = ["--clock-control", "none", "-k", "regex:integrate", "-s", "1", "-c", "1", "--csv"]
    command = [program, *chosen, "--metrics", ",".join(COUNTERS), sys.executable, "-c", code]
    done = _run_beside(command, 60.0)
    values = dict(re.findall(r'"([a-z0-9_]+__[\w.]+)","[^"]*","([^"]+)"', done.stdout))
    if not values:
        raise ProgramFailed((done.stderr.strip() or done.stdout.strip())[-300:])
    return {name: values.get(name, "") for name in COUNTERS}


def _shape(form):
    kind = "stepwise" if form.stepwise else form.weights
    return f"{kind} {form.rows}x{form.cols}" + f" split {form.split}" * (form.split > 1)
