"""How right and how fast simulations are on a GPU, beside cuBNM on the same card in the same run.

Three commands of under ten minutes each write `results/<card>.json` and `.md`, after every part:
``python benchmarks/gpu.py correctness``, ``... throughput`` and ``... cubnm``. See README.md in this folder.
"""

import argparse
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import gpu_page
import machine
import numpy as np
from gpu_base import LIMIT, connectome, make_case, only, peer_environment, tried
from gpu_checks import counters, every_form, sanitizers
from programs import ProgramFailed, interpreter

import cubnm_core
from cubnm_core.backends.cuda import card, driver, forms, runtime
from cubnm_core.equations.files import load_model
from cubnm_core.equations.lowering import lower
from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.objective import Target

HERE = Path(__file__).resolve().parent
MODELS = ("rWW", "rWWEx", "WC", "JR", "Kuramoto", "Hopf", "MPR")
#: Largest difference from the reference, relative to the largest value of each array.
TOLERANCE = {"double": 1e-8, "single": 1e-3}
BATCHES = (1, 8, 32, 128, 512, 1024, 4096, 32768)
NODES = ((68, 4096), (100, 4096), (200, 4096), (456, 1024), (1000, 256), (4000, 8), (10000, 1))
CHOICE = (1, 128, 512, 2048, 8192, 32768)  # simulations in forms beside the chosen one
#: Multiply-adds of the coupling in FP32 and what a node needs besides, in clocks per node, step and
#: multiprocessor at 100 nodes; see docs/simulation/gpu.md.
COUPLING_CLOCKS, LOCAL_CLOCKS = 0.78, 0.35
SECONDS = 20.0  # simulated
WORKERS = len(os.sched_getaffinity(0))  # processes that compute the reference
#: A scan whose FC and FCD, or scores, are timed; how many of it, and with how many bytes of free memory.
SCAN = {
    "duration": 900.0, "repetition_time": 0.72, "burn_in": 30.0, "dt": 1e-4, "window": 30.0,
    "window_step": 5.0, "hemodynamics": "cubnm-1.5T",
}  # fmt: skip
SCANS, QUICK_SCANS = 2048, 64
LITTLE_MEMORY = 4 * 2**30
#: Nodes, batch, time step and seconds that cuBNM simulates: as above, but shorter where it takes minutes.
PEER_CASES = (
    (100, 1, 1e-4, SECONDS), (100, 128, 1e-4, SECONDS), (100, 4096, 1e-4, 20.0), (100, 32768, 1e-4, 20.0),
    (1000, 256, 1e-3, 10.0), (10000, 1, 1e-3, 10.0),
)  # fmt: skip
PEER_LIMIT = 300.0  # s


def main():
    options = _options()
    device = card.current_card()
    path = Path(options.output) / f"{re.sub(r'[^a-z0-9]+', '-', device.name.lower()).strip('-')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    result = json.loads(path.read_text()) if path.exists() else {}  # parts that are not measured now stay
    result |= {"card": device.name, "versions": versions(), "machine": machine.describe()}
    options.ends = time.monotonic() + LIMIT
    for name in options.parts or COMMANDS[options.command]:
        started = time.perf_counter()
        result[name] = PARTS[name](options, device)
        taken = round(time.perf_counter() - started)
        about = {"date": date.today().isoformat(), "quick": options.quick, "taken": taken}
        result.setdefault("parts", {})[name] = about
        print(f"{name}: {taken} s", flush=True)
        path.write_text(json.dumps(result, indent=1) + "\n")
        path.with_suffix(".md").write_text(gpu_page.markdown(result))
    print(path.with_suffix(".md").read_text())
    measured = options.parts or COMMANDS[options.command]
    ours = [row for name in measured if name != "cubnm" for row in result[name]]
    return int(any("failed" in row or row.get("agrees") is False for row in ours))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="?", choices=COMMANDS, default="all", help="parts to measure")
    parser.add_argument("--quick", action="store_true", help="small batches and few nodes only")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="in place of a command")
    parser.add_argument("--cubnm-python", metavar="PATH", help="Python of an environment with cubnm 0.1.0")
    parser.add_argument("--output", default=str(HERE / "results"), help="folder of the results")
    return parser.parse_args()


def versions():
    """Of what the figures depend on."""
    found = {"cubnm_core": cubnm_core.__version__, "numpy": np.__version__}
    try:
        import cupy
    except ImportError:
        return found
    return {**found, "cupy": cupy.__version__, "driver": driver.CUDA.driver_release()}


# --- is it right? -------------------------------------------------------------------------------------------


def correctness(options, device):
    """Every model, with and without delays, in both precisions, against the reference."""
    cases = [(model, delayed) for model in MODELS for delayed in (False, True)]
    asked = [make_case(*case) for case in cases]
    rows = []
    for (model, delayed), given, expected in zip(cases, asked, _references(asked), strict=True):
        precisions = ("double",) if load_model(model).precision == "double" else ("double", "single")
        for precision in precisions:
            case = {"model": model, "delayed": delayed, "precision": precision}
            rows.append(tried(options, case, _agreement, *given, precision, expected))
    return rows


def _references(asked):
    """What the reference gives, one after the other, computed side by side: a case takes half a minute."""
    if WORKERS == 1:
        yield from map(_reference, asked)
        return
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_reference, asked)


def _reference(asked):
    arguments, keywords = asked
    return cubnm_core.simulate(*arguments, backend="reference", **keywords)


def _agreement(arguments, keywords, precision, expected):
    found = cubnm_core.simulate(*arguments, backend="cuda", precision=precision, **keywords)
    means = expected.state_means
    errors = [_error(found.bold, expected.bold), *(_error(found.state_means[n], means[n]) for n in means)]
    return {"error": max(errors), "agrees": bool(max(errors) <= TOLERANCE[precision])}


def _error(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


# --- how fast is it? ----------------------------------------------------------------------------------------


def batches(options, device):
    """Simulated seconds per second against the size of a batch, 100 nodes, time step 0.1 ms."""
    sizes = [size for size in BATCHES if not options.quick or size <= 128]
    return [throughput(options, device, 100, size, SECONDS, 1e-4) for size in sizes]


def nodes(options, device):
    """Simulated seconds per second against the number of nodes; 1,000 and more at a time step of 1 ms."""
    rows = []
    for count, size in NODES:
        if options.quick and count > 200:
            continue
        dt = 1e-3 if count >= 1000 else 1e-4
        seconds = SECONDS if count <= 200 else 10.0 if count < 4000 else 2.0
        rows.append(throughput(options, device, count, size, seconds, dt))
    return rows


def throughput(options, device, count, size, seconds, dt):
    """Simulated seconds per second of a batch, the median of three; a row of a table."""
    case = {"nodes": count, "batch": size, "dt": dt, "seconds": seconds}
    return tried(options, case, _rate, device, count, size, seconds, dt)


def _rate(device, count, size, seconds, dt):
    weights, params = connectome(count), {"G": np.linspace(0.0, 2.0, size)}
    keywords = {
        "duration": seconds, "repetition_time": 1.0, "burn_in": 0.0, "dt": dt, "record": ("state_means",),
        "backend": "cuda", "precision": "single",
    }  # fmt: skip
    cubnm_core.simulate("rWW", weights, params, **{**keywords, "duration": 1.0})  # compiles
    with _device_times(device) as spans:
        taken = [_seconds(lambda: cubnm_core.simulate("rWW", weights, params, **keywords)) for _ in range(3)]
    on_device = sum(device.seconds_between(*span) for span in spans) / len(taken)
    rate = size * seconds / statistics.median(taken)
    kernels = size * seconds / on_device
    return {"taken": taken, "rate": rate, "device": kernels, "share": share(device, count, kernels, dt)}


@contextmanager
def _device_times(device):
    """Marks of the device before the first kernel and after the last of every slice: no work of the host."""
    advance, spans = runtime._Slice._advance, []

    def marked(self):
        start = device.mark()
        kept = advance(self)
        spans.append((start, device.mark()))
        return kept

    runtime._Slice._advance = marked
    try:
        yield spans
    finally:
        runtime._Slice._advance = advance


def _seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def share(device, count, rate, dt):
    """Share of the time steps per second that counted FP32 instructions allow; NaN if no clock is told."""
    clocks = count * (COUPLING_CLOCKS * count / 100 + LOCAL_CLOCKS)
    return rate / dt * clocks / (device.multiprocessors * _clock(device))


def _clock(device):
    """Highest clock in Hz."""
    import cupy

    return cupy.cuda.Device().attributes.get("ClockRate", np.nan) * 1e3


def connectivity(options, device):
    """Time of FC and FCD, and of scores in their place: 900 s at TR 0.72 s with and without them.

    Once with the memory of the card, once with little of it: the time may not depend on that.
    """
    size = QUICK_SCANS if options.quick else SCANS
    rows = [tried(options, {"batch": size, "memory": "all"}, _shares, size)]
    with _occupied(device, LITTLE_MEMORY):
        case = {"batch": size, "memory": f"{LITTLE_MEMORY / 2**30:.0f} GiB free"}
        rows.append(tried(options, case, _shares, size))
    return rows


def _shares(size):
    weights, params = connectome(100), {"G": np.linspace(0.0, 2.0, size)}
    short = {"duration": SCAN["burn_in"] + 2 * SCAN["window"]}
    bare, times = {"record": ("state_means",)}, {}
    wanted = {
        "without": bare,
        "with": {"record": ("state_means", "fc", "fcd")},
        "scores": {**bare, "comparison": _comparison(size)},
    }
    for name, what in wanted.items():
        keywords = {**SCAN, **what, "backend": "cuda", "precision": "single"}
        cubnm_core.simulate("rWW", weights, params, **{**keywords, **short})  # compiles
        times[name] = _seconds(lambda given=keywords: cubnm_core.simulate("rWW", weights, params, **given))
    spent = {name: times[name] - times["without"] for name in ("with", "scores")}
    return times | {f"share of {name}": spent[name] / times[name] for name in spent}


@contextmanager
def _occupied(device, left):
    """All of a card's memory taken but for so many bytes."""
    ballast = device.empty((max(4, device.free_memory() - left) // 4,))
    try:
        yield
    finally:
        del ballast


def _comparison(size, people=8):
    """Made-up targets of some people: FC of 100 nodes, and FCD of four scans of 15 minutes."""
    rng = np.random.default_rng(2)
    targets = [Target(rng.uniform(-0.2, 1, 4950), rng.uniform(-0.2, 1, 60_000)) for _ in range(people)]
    return Comparison(targets, np.arange(size) % people, (*FC_TERMS, "fcd_ks"))


def cubnm(options, device):
    """cuBNM 0.1.0 on the same card: the same connectomes, no feedback inhibition, no FC and FCD.

    Every case in a process of its own, without the start of the simulations and the drawing of the noise.
    """
    try:
        python = interpreter("cubnm", "cubnm==0.1.0", options.cubnm_python)
    except ProgramFailed as error:
        return [{"failed": str(error)}]
    environment, names, rows = peer_environment(), ("nodes", "batch", "dt", "seconds"), []
    for case in PEER_CASES[:2] if options.quick else PEER_CASES:
        rows.append(
            tried(options, dict(zip(names, case, strict=True)), _peer_rate, python, environment, *case)
        )
    return rows


def _peer_rate(python, environment, count, size, dt, seconds):
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/connectome.npy", connectome(count))
        command = [python, HERE / "peers" / "cubnm_gpu.py", f"{folder}/connectome.npy", size, dt, seconds]
        options = {"env": environment, "capture_output": True, "text": True, "timeout": PEER_LIMIT}
        done = subprocess.run([*map(str, command)], **options)
    if done.returncode:
        raise ProgramFailed(done.stderr.strip()[-300:])
    return json.loads(done.stdout.splitlines()[-1])


# --- was the right form chosen? -----------------------------------------------------------------------------


def choice(options, device):
    """Forms timed beside the one that is chosen by counting."""
    rows = []
    for size in CHOICE[:3] if options.quick else CHOICE:
        for form in _candidates(device, size):
            shape = {k: getattr(form, k) for k in ("lanes", "rows", "cols", "weights", "split", "stepwise")}
            with only(form):
                rows.append(throughput(options, device, 100, size, 10.0, 1e-4) | shape)
    return rows


def _candidates(device, size, count=6):
    """The best form of every kind, those with the least estimated time."""
    base = forms.Form(100, 1, 1, 1, "memory", inner_steps=10, state_interval=10)
    kinds = {}
    for form in forms.ranked_forms(base, lower(load_model("rWW"), 1e-4), "single", (size,), device):
        kinds.setdefault((form.weights, form.stepwise, form.rows * form.cols, form.split), form)
    return list(kinds.values())[:count]


PARTS = {
    "correctness": correctness,
    "every_form": every_form,
    "sanitizers": sanitizers,
    "batches": batches,
    "nodes": nodes,
    "connectivity": connectivity,
    "cubnm": cubnm,
    "choice": choice,
    "counters": counters,
}
COMMANDS = {
    "correctness": ("every_form", "correctness", "sanitizers"),
    "throughput": ("batches", "nodes", "choice", "counters"),
    "cubnm": ("cubnm", "connectivity"),
    "all": tuple(PARTS),
}


if __name__ == "__main__":
    sys.exit(main())
