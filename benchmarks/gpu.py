"""How right and how fast simulations are on a GPU, beside cuBNM on the same card in the same run.

``python benchmarks/gpu.py`` writes `results/<card>.json` and `.md`. See README.md in this folder.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import machine
import numpy as np
from programs import ProgramFailed, interpreter

import cubnm_core
from cubnm_core.backends.cuda import card, forms, plan
from cubnm_core.comparison import FC_TERMS, Comparison
from cubnm_core.equations import load_model
from cubnm_core.objective import Target

HERE = Path(__file__).resolve().parent
MODELS = ("rWW", "rWWEx", "WC", "JR", "Kuramoto", "Hopf", "MPR")
#: Largest difference from the reference, relative to the largest value of each array.
TOLERANCE = {"double": 1e-8, "single": 1e-3}
BATCHES = (1, 8, 32, 128, 512, 1024, 4096, 32768)
NODES = ((68, 4096), (100, 4096), (200, 4096), (456, 1024), (1000, 256), (4000, 8), (10000, 1))
#: Multiply-adds of the coupling in FP32 and what a node needs besides, in clocks per node, step and
#: multiprocessor at 100 nodes; see docs/gpu.md.
COUPLING_CLOCKS, LOCAL_CLOCKS = 0.78, 0.35
SECONDS = 60.0  # simulated
#: A scan whose FC and FCD, or scores, are timed, and how many of it.
SCAN = {
    "duration": 900.0, "repetition_time": 0.72, "burn_in": 30.0, "dt": 1e-4, "window": 30.0,
    "window_step": 5.0,
}  # fmt: skip
SCANS, QUICK_SCANS = 2048, 64


def main():
    options = _options()
    device = card.current_card()
    result = {
        "card": device.name,
        "date": date.today().isoformat(),
        "command": " ".join(["python benchmarks/gpu.py", *(["--quick"] if options.quick else [])]),
        "versions": versions(),
        "machine": machine.describe(),
    }
    path = Path(options.output) / f"{re.sub(r'[^a-z0-9]+', '-', device.name.lower()).strip('-')}.json"
    for name, part in PARTS.items():
        if name in options.parts:
            started = time.perf_counter()
            result[name] = part(options, device)
            print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(result, indent=1) + "\n")
            path.with_suffix(".md").write_text(markdown(result))
    print(path.with_suffix(".md").read_text())
    return int(any(not row["agrees"] for row in result.get("correctness", [])))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small batches and few nodes only")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
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
    return {**found, "cupy": cupy.__version__}


def connectome(nodes, seed=0):
    """A made-up connectome: log-normal weights, a quarter of the pairs, mean incoming weight 1."""
    rng = np.random.default_rng(seed)
    weights = np.exp(rng.normal(0, 1, (nodes, nodes)).astype(np.float32))
    weights *= rng.random((nodes, nodes), np.float32) < 0.25
    np.fill_diagonal(weights, 0)
    return weights / weights.sum(axis=0).mean()


# --- parts --------------------------------------------------------------------------------------------------


def correctness(options, device):
    """Every model, with and without delays, in both precisions, against the reference."""
    rows = []
    for model in MODELS:
        for delayed in (False, True):
            arguments, keywords = _case(model, delayed)
            expected = cubnm_core.simulate(*arguments, backend="reference", **keywords)
            for precision in ("double", "single"):
                if precision == "single" and load_model(model).precision == "double":
                    continue
                found = cubnm_core.simulate(*arguments, backend="cuda", precision=precision, **keywords)
                error = max(_error(found.bold, expected.bold), _states_error(found, expected))
                rows.append(
                    {
                        "model": model,
                        "delayed": delayed,
                        "precision": precision,
                        "error": error,
                        "agrees": bool(error <= TOLERANCE[precision]),
                    }
                )
                print(rows[-1], flush=True)
    return rows


def _case(model, delayed, nodes=37, size=5):
    """Two connectomes, an odd number of nodes, a tile that is not full."""
    weights = np.stack([connectome(nodes, seed) for seed in (1, 2)])
    scale = 0.01 if model == "Kuramoto" else 1.0  # below chaos, where rounding would part two programs
    params = {"G": np.linspace(0.2, 1.0, size) * scale}
    keywords = {
        "connectome": np.arange(size) % 2, "seed": np.arange(size) // 2, "duration": 2.0, "burn_in": 0.5,
        "repetition_time": 0.25, "dt": 1e-4, "record": ("bold", "state_means"), "state_period": 0.005,
    }  # fmt: skip
    if delayed:
        keywords["lengths"] = np.random.default_rng(3).uniform(0, 100, weights.shape)
        params["v"] = np.repeat([5.0, 8.0], size)[:size]
    return (model, weights, params), keywords


def _error(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _states_error(found, expected):
    return max(_error(found.state_means[name], values) for name, values in expected.state_means.items())


def batches(options, device):
    """Simulated seconds per second against the size of a batch, 100 nodes, time step 0.1 ms."""
    weights = connectome(100)
    sizes = [size for size in BATCHES if not options.quick or size <= 128]
    return [_throughput(device, weights, size, SECONDS, 1e-4) for size in sizes]


def nodes(options, device):
    """Simulated seconds per second against the number of nodes; 1,000 and more at a time step of 1 ms."""
    rows = []
    for count, size in NODES:
        if options.quick and count > 200:
            continue
        dt = 1e-3 if count >= 1000 else 1e-4
        seconds = SECONDS if count <= 200 else 10.0 if count < 4000 else 2.0
        rows.append(_throughput(device, connectome(count), size, seconds, dt))
    return rows


def _throughput(device, weights, size, seconds, dt, record=("state_means",)):
    count = len(weights)
    keywords = {
        "duration": seconds, "repetition_time": 1.0, "burn_in": 0.0, "dt": dt, "record": record,
        "backend": "cuda", "precision": "single",
    }  # fmt: skip
    params = {"G": np.linspace(0.0, 2.0, size)}
    cubnm_core.simulate("rWW", weights, params, **{**keywords, "duration": 1.0})  # compiles
    taken = [_seconds(lambda: cubnm_core.simulate("rWW", weights, params, **keywords)) for _ in range(3)]
    rate = size * seconds / statistics.median(taken)
    row = {"nodes": count, "batch": size, "dt": dt, "seconds": seconds, "taken": taken, "rate": rate}
    row["share"] = rate * dt / 1e-4 / limit(device, count)
    print(row, flush=True)
    return row


def _seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def limit(device, count):
    """Simulated seconds per second at dt 0.1 ms that counted FP32 instructions allow."""
    clocks = count * (COUPLING_CLOCKS * count / 100 + LOCAL_CLOCKS)
    return device.multiprocessors * _clock(device) / clocks * 1e-4


def _clock(device):
    """Highest clock in Hz."""
    import cupy

    return cupy.cuda.Device().attributes["ClockRate"] * 1e3


def connectivity(options, device):
    """Time of FC and FCD, and of scores in their place: 900 s at TR 0.72 s with and without them."""
    size = QUICK_SCANS if options.quick else SCANS
    keywords = {**SCAN, "backend": "cuda", "precision": "single"}
    weights, params = connectome(100), {"G": np.linspace(0.0, 2.0, size)}
    bare = {"record": ("state_means",)}
    wanted = {
        "without": bare,
        "with": {"record": ("state_means", "fc", "fcd")},
        "scores": {**bare, "comparison": _comparison(size)},
    }
    times = {
        name: _seconds(lambda what=what: cubnm_core.simulate("rWW", weights, params, **what, **keywords))
        for name, what in wanted.items()
    }
    shares = {
        f"share of {name}": (times[name] - times["without"]) / times[name] for name in ("with", "scores")
    }
    return {"batch": size, **times, **shares}


def _comparison(size, people=8):
    """Made-up targets of some people: FC of 100 nodes, and FCD of four scans of 15 minutes."""
    rng = np.random.default_rng(2)
    targets = [Target(rng.uniform(-0.2, 1, 4950), rng.uniform(-0.2, 1, 60_000)) for _ in range(people)]
    return Comparison(targets, np.arange(size) % people, (*FC_TERMS, "fcd_ks"))


def choice(options, device):
    """Forms timed beside the one that is chosen by counting: is the rule right?"""
    weights, rows = connectome(100), []
    for size in (1, 128, 512) if options.quick else (1, 128, 512, 2048, 8192, 32768):
        for form in _candidates(device, size):
            with _only(form):
                row = _throughput(device, weights, size, 10.0, 1e-4)
            shape = {k: getattr(form, k) for k in ("lanes", "rows", "cols", "weights", "split", "stepwise")}
            rows.append({"batch": size, "rate": row["rate"], **shape})
    return rows


def _candidates(device, size, count=6):
    """The forms with the least estimated time, one for each kind first."""
    program = _program()
    base = forms.Form(100, 1, 1, 1, "memory", inner_steps=10, state_interval=10)
    ranked = forms.ranked_forms(base, program, "single", (size,), device)
    kinds = {}
    for form in ranked:
        kinds.setdefault((form.weights, form.stepwise, form.rows * form.cols, form.split), form)
    return list(kinds.values())[:count]


def _program():
    from cubnm_core.lowering import lower

    return lower(load_model("rWW"), 1e-4)


@contextmanager
def _only(form):
    """Every batch runs in this form."""
    original = plan.choose_form
    plan.choose_form = lambda *arguments: form
    try:
        yield
    finally:
        plan.choose_form = original


def cubnm(options, device):
    """cuBNM 0.1.0 on the same card: the same connectome, no feedback inhibition, no FC and FCD."""
    try:
        python = interpreter("cubnm", "cubnm==0.1.0", options.cubnm_python)
    except ProgramFailed as error:
        return {"missing": str(error), "rows": []}
    sizes = [128] if options.quick else [1, 128, 4096, 32768]
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/connectome.npy", connectome(100))
        script = HERE / "peers" / "cubnm_gpu.py"
        command = [python, script, f"{folder}/connectome.npy", SECONDS, "gpu", *sizes]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    print(*rows, sep="\n", flush=True)
    return {"rows": rows} if rows else {"rows": [], "missing": done.stderr[-500:]}


PARTS = {
    "correctness": correctness,
    "batches": batches,
    "nodes": nodes,
    "connectivity": connectivity,
    "cubnm": cubnm,
    "choice": choice,
}


# --- the page -----------------------------------------------------------------------------------------------


def markdown(result):
    """Results for people."""
    lines = [f"# {result['card']}", "", f"`{result['command']}`, {result['date']}; {result['versions']}", ""]
    for name, text in TEXTS.items():
        if name in result:
            lines += [f"## {name}", "", *text(result), ""]
    return "\n".join(lines)


def _table(rows, columns):
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return head + ["| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |" for row in rows]


def _cell(value):
    return (
        f"{value:,.3g}"
        if isinstance(value, float) and abs(value) < 100
        else (f"{value:,.0f}" if isinstance(value, float) else str(value))
    )


def _batches_text(result):
    ours = {row["batch"]: row for row in result["batches"]}
    peers = {row["batch"]: row.get("rate") for row in result.get("cubnm", {"rows": []})["rows"]}
    rows = [
        {
            **row,
            "cuBNM": peers.get(size) or "not measured",
            "ratio": row["rate"] / peers[size] if peers.get(size) else "",
        }
        for size, row in ours.items()
    ]
    return _table(rows, ("batch", "rate", "share", "cuBNM", "ratio"))


TEXTS = {
    "correctness": lambda result: _table(
        result["correctness"], ("model", "delayed", "precision", "error", "agrees")
    ),
    "batches": _batches_text,
    "nodes": lambda result: _table(result["nodes"], ("nodes", "batch", "dt", "rate", "share")),
    "connectivity": lambda result: _table(
        [result["connectivity"]], ("batch", "without", "with", "scores", "share of with", "share of scores")
    ),
    "choice": lambda result: _table(
        result["choice"], ("batch", "rate", "lanes", "rows", "cols", "weights", "split", "stepwise")
    ),
}


if __name__ == "__main__":
    sys.exit(main())
