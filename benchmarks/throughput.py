"""How fast simulations are on the CPU, beside cuBNM and tvboptim measured in the same run.

``python benchmarks/throughput.py`` measures CPU seconds (never wall time) per simulation of 60 s, everything
included, and writes `results/throughput_<processor>.json` and `.md`. See README.md in this folder.
"""

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import extras
import machine
import numpy as np
import tables
from programs import HERE, Conversation, Program, ProgramFailed, interpreter

REPORTED = 60  # s of simulated time that a figure is for
OBSERVATION = {"repetition_time": 1.0, "burn_in": 1.0, "window": 2.0, "window_step": 1.0}  # s
#: Without windows FC and FCD are left out: 1 s of 1,000 nodes has too few volumes for them.
BOLD_ONLY = {"repetition_time": 1.0, "burn_in": 0.0}
MOST_NODES_WITH_FC = 400
BRAIN = (140.0, 170.0, 120.0)  # mm
REPEATS = (3, 15)  # at least and at most
AGREEMENT = 0.03  # between the quartiles, relative to the median


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    model: str
    nodes: int
    batch: int
    precision: str
    velocity: float | None = None  # of conduction in m/s; without one there are no delays


CASES = [
    Case("rWW", nodes, batch, precision)
    for nodes in (100, 200, 400)
    for precision in ("single", "double")
    for batch in (1, 8, 64)
]
#: Each model in its own precision.
MODEL_CASES = [
    Case("rWWEx", 100, 64, "single"),
    Case("WC", 100, 64, "single"),
    Case("JR", 100, 64, "double"),
    Case("Kuramoto", 100, 64, "single"),
    Case("rWW", 100, 8, "single", velocity=2.0),
    Case("rWWEx", 100, 8, "single", velocity=2.0),
    Case("rWW", 1000, 16, "single"),
]
#: Simulated seconds for these: short, as the slowest programs take most of the time.
MODEL_DURATIONS = (10, 1)
MODEL_REPEATS = (3, 5)
MODEL_PEERS = ("cubnm",)

OURS = "cubnm_core"
#: What to install, and what the programs are asked to do. cuBNM runs the simulations of a batch one after the
#: other, so that its time for one stands for all.
PEERS = {
    "cubnm": (
        "cubnm==0.1.0",
        {"durations": (20, 5), "work": 2e5, "precisions": ("double",), "batches": (1,)},
    ),
    "tvboptim": ("tvboptim", {"durations": (10, 5, 2), "work": 5e6}),
}
#: Numba told to compile for a CPU with 256-bit registers.
AVX2 = {"NUMBA_CPU_NAME": "znver3", "NUMBA_CPU_FEATURES": "+avx2,+fma,-avx512f"}


def main():
    options = _options()
    here = machine.describe()
    path = HERE / "results" / f"throughput_{machine.slug(here)}{'_quick' if options.quick else ''}.json"
    for part in (part for part in PARTS if part in options.parts):
        about = {"date": date.today().isoformat(), "command": _command(options), **machine.conditions()}
        _save(path, {"machine": here, part: {**about, **PARTS[part](options)}})
    print(f"\n{path.with_suffix('.md').read_text()}\nwritten to {path} and .md")


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 nodes and single precision only")
    parser.add_argument("--avx2", action="store_true", help="also compiled for a CPU with 256-bit registers")
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=[part for part in PARTS if part != "memory"],
        help="what to measure; the other results stay (memory, which takes minutes, only if named)",
    )
    parser.add_argument(
        "--memory", dest="parts", action="append_const", const="memory", help="memory as well"
    )
    parser.add_argument("--cubnm-python", metavar="PATH", help="Python of an environment with cubnm 0.1.0")
    parser.add_argument("--tvboptim-python", metavar="PATH", help="Python of an environment with tvboptim")
    return parser.parse_args()


def _command(options):
    """The command as typed, without the paths of this machine."""
    switches = [f"--{name}" for name in ("quick", "avx2") if getattr(options, name)]
    return " ".join(["python benchmarks/throughput.py", *switches, "--parts", *options.parts])


def _cases(options):
    programs, missing = available_programs(options)
    with tempfile.TemporaryDirectory() as folder:
        rows, about = measure(_asked(CASES, options), programs, folder)
    return {"programs": about, "missing": missing, "rows": rows}


def _models(options):
    programs, missing = available_programs(options, MODEL_PEERS)
    programs = [replace(program, durations=MODEL_DURATIONS) for program in programs]
    with tempfile.TemporaryDirectory() as folder:
        rows, about = measure(_asked(MODEL_CASES, options), programs, folder, MODEL_REPEATS)
        lengths = np.load(tract_lengths(100, folder))
    return {"programs": about, "missing": missing, "mean length": lengths[lengths > 0].mean(), "rows": rows}


def _asked(cases, options):
    if not options.quick:
        return cases
    return [case for case in cases if case.nodes == 100 and case.precision == "single"]


def _scaling(options):
    with tempfile.TemporaryDirectory() as folder:
        return extras.scaling(connectome(100, folder), OBSERVATION)


def _start_up(options):
    return extras.start_up()


def _memory(options):
    return extras.memory()


PARTS = {"cases": _cases, "models": _models, "scaling": _scaling, "start-up": _start_up, "memory": _memory}


def available_programs(options, peers=tuple(PEERS)):
    """Programs to measure, ours first, and why others are missing."""
    ours = Program(OURS, "cubnm_core_cpu.py", sys.executable, durations=(60, 30, 20, 10, 5), work=2e7)
    programs, missing = [ours], {}
    if options.avx2:
        programs.append(replace(ours, name=f"{OURS}, 256 bit", variables=AVX2))
    for name in peers:
        requirement, limits = PEERS[name]
        try:
            python = interpreter(name, requirement, getattr(options, f"{name}_python"))
        except ProgramFailed as failure:
            missing[name] = str(failure)
            print(f"without {name}: {failure}", flush=True)
            continue
        programs.append(Program(name, f"{name}_cpu.py", python, **limits))
    return programs, missing


# --- measuring ----------------------------------------------------------------------------------------------


def measure(cases, programs, folder, repeats=REPEATS):
    """Seconds of every case and program, interleaved, and what the programs say about themselves.

    Parameters
    ----------
    cases : list of Case
    programs : list of Program
    folder : Path
        For connectomes.
    repeats : (int, int)
        At least and at most.

    Returns
    -------
    rows : list of dict
        The cases, with what each program needed.
    about : dict
        Descriptions of the programs.
    """
    rows, about = [], {}
    for model, nodes in dict.fromkeys((case.model, case.nodes) for case in cases):
        with ExitStack() as stack:
            running = [stack.enter_context(Conversation(program)) for program in programs]
            for case in cases:
                if (case.model, case.nodes) == (model, nodes):
                    seconds = _measured_together(case, running, folder, repeats)
                    rows.append({**asdict(case), "seconds": seconds})
            about |= {conversation.program.name: _description(conversation) for conversation in running}
    return rows, about


def _measured_together(case, running, folder, repeats):
    """One case by all programs, taking turns until the repeats of each one agree."""
    requests, seconds = {}, {}
    for conversation in running:
        request = _request(case, conversation.program, folder)
        try:
            conversation.ask("prepare", request)
        except ProgramFailed as failure:
            print(f"{case}: {failure}", flush=True)
            continue
        requests[conversation], seconds[conversation] = request, []
    while unsettled := [c for c, values in seconds.items() if not _settled(values, repeats)]:
        for conversation in unsettled:
            request = requests[conversation]
            cpu = conversation.ask("measure", request)["cpu"]
            seconds[conversation].append(cpu / request["batch"] * REPORTED / request["seconds"])
    found = {c.program.name: _summary(requests[c], values) for c, values in seconds.items()}
    print(case, {name: f"{s['median']:.3g} ± {s['spread']:.0%}" for name, s in found.items()}, flush=True)
    return found


def _request(case, program, folder):
    """What a program is asked to run for a case: long enough to measure, short enough to wait for."""
    batch = max(size for size in program.batches if size <= case.batch)
    affordable = program.work / (case.nodes**2 * batch)
    request = {
        "model": case.model,
        "connectome": str(connectome(case.nodes, folder)),
        "batch": batch,
        "precision": case.precision if case.precision in program.precisions else program.precisions[0],
        "seconds": next((s for s in program.durations if s <= affordable), program.durations[-1]),
        "observation": OBSERVATION if case.nodes <= MOST_NODES_WITH_FC else BOLD_ONLY,
    }
    if case.velocity is None:
        return request
    return request | {"lengths": str(tract_lengths(case.nodes, folder)), "velocity": case.velocity}


def _settled(seconds, repeats):
    fewest, most = repeats
    return len(seconds) >= most or (len(seconds) >= fewest and _spread(seconds) <= AGREEMENT)


def _spread(seconds):
    """Distance of the quartiles relative to the median."""
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return (high - low) / statistics.median(seconds)


def _summary(request, seconds):
    kept = {"batch": request["batch"], "precision": request["precision"], "simulated": request["seconds"]}
    return {"median": statistics.median(seconds), "spread": _spread(seconds), "repeats": len(seconds), **kept}


def _description(conversation):
    try:
        return conversation.ask("describe")
    except ProgramFailed as failure:
        return {"failed": str(failure)}


def connectome(nodes, folder):
    """File of a made-up connectome: log-normal, symmetric, no self-connections, strengths of 1 on average."""
    path = Path(folder) / f"connectome_{nodes}.npy"
    weights = np.tril(np.random.default_rng(nodes).lognormal(0, 1.5, (nodes, nodes)), -1)
    weights = weights + weights.T
    np.save(path, weights / weights.sum(axis=1).mean())
    return path


def tract_lengths(nodes, folder):
    """File of made-up tract lengths in mm: straight lines between points in a box of a brain's size."""
    path = Path(folder) / f"lengths_{nodes}.npy"
    points = np.random.default_rng(nodes).uniform(0, BRAIN, (nodes, 3))
    np.save(path, np.linalg.norm(points[:, None] - points, axis=-1))
    return path


def _save(path, measured):
    """Put what was measured in its place among earlier results."""
    path.parent.mkdir(exist_ok=True)
    result = (json.loads(path.read_text()) if path.exists() else {}) | measured
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(tables.markdown(result))


if __name__ == "__main__":
    main()
