"""Which time steps give the scores of a fine one: six models, two schemes, the same Brownian paths.

``python benchmarks/time_steps.py``; goes on where it was stopped. See README.md in this folder.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path

import numpy as np
from hcp_group import DATA, HEMISPHERES, group_data

from cubnm_core import STAGE_VERSIONS
from cubnm_core.evidence.time_steps import judge, score_step
from cubnm_core.fitting.designs import sobol

HERE = Path(__file__).resolve().parent
RESULT, PAGE = HERE / "results" / "time_steps.json", HERE / "results" / "time_steps.md"
GROUP = "group-train706"
POINTS, DESIGN_SEED, SEEDS = 32, 0, 4
REFERENCE, COARSER = "euler_maruyama", (5, 10, 20)  # times the finest step
SCHEMES = {"euler_maruyama": "Euler–Maruyama", "heun": "Heun"}
SCORES = {"fc_corr": "FC r", "fc_diff": "mean FC", "fc_normec": "FC distance", "fcd_ks": "KS of FCD"}
SLOW = {"duration": 45.0, "burn_in": 5.0, "repetition_time": 0.72, "window": 10.0, "window_step": 2.0}
FAST = {"duration": 14.0, "burn_in": 2.0, "repetition_time": 0.24, "window": 3.0, "window_step": 0.6}
FASTER = {"duration": 5.0, "burn_in": 1.0, "repetition_time": 0.08, "window": 1.0, "window_step": 0.2}
#: Finest step in s; parameters that vary, with bounds, and others; times; states whose means are scores.
MODELS = {
    "rWW": {
        "step": 1e-4, "free": {"G": (0.001, 10.0), "w_p": (0.0, 2.0), "J_N": (0.001, 0.5)}, "fixed": {},
        "more": {"fic": "analytical"}, "times": SLOW, "states": ("r_E", "S_E"),
    },
    "rWWEx": {
        "step": 1e-4, "free": {"G": (0.0, 5.0), "w": (0.4, 1.1), "I0": (0.25, 0.35)},
        "fixed": {"sigma": 0.005}, "times": SLOW, "states": ("r", "S"),
    },
    "WC": {
        "step": 1e-4, "free": {"G": (0.0, 10.0), "c_EE": (10.0, 20.0), "P_E": (0.0, 2.0)},
        "fixed": {"sigma_E": 0.005, "sigma_I": 0.005}, "times": SLOW, "states": ("E",),
    },
    "Hopf": {
        "step": 1e-4, "free": {"G": (0.0, 3.0), "a": (-1.0, 0.5), "sigma": (0.01, 0.1)}, "fixed": {},
        "times": SLOW, "states": (),
    },
    "JR": {
        "step": 1e-4, "free": {"G": (0.0, 50.0), "J": (65.0, 250.0), "sigma": (1e-4, 1e-2)}, "fixed": {},
        "times": FAST, "states": ("y1",),
    },
    "MPR": {
        "step": 1e-5, "free": {"G": (0.0, 2.0), "eta": (-6.0, -3.0), "J": (10.0, 18.0)}, "fixed": {},
        "times": FASTER, "states": ("r",),
    },
}  # fmt: skip

_TEXT = """\
# Coarser time steps with the same scores

`python benchmarks/time_steps.py`, {date}; simulations of stage version {version}. {points} points of a Sobol
design between the bounds below, each under the same {seeds} noise seeds at every step, on the same Brownian
path (noise of a coarse step is the sum of the normals of the finest); connectome, FC and FCD of the Human
Connectome Project ({group}). Every step is compared with Euler–Maruyama at the finest step.

A step is **taken** where |bias| + 1.64 SE stays below a third of the SD over noise seeds for every score,
both over all points and over the quarter of them where the score varies most between seeds, as it does near
an instability, and where the biases of single points (root mean square, sampling subtracted) do too. The
table has the score that comes off worst: bias (SE; biases of single points), in SD over seeds. Scores of FC
and FCD ({scores}) are judged apart from mean states. These
vary so little between seeds that small biases refuse a step, which may weigh nothing in a cost.

{table}

**Read with care.** Simulations are short (below), so that their SD over seeds is larger than that of a scan
of 15 minutes, by a factor of four to five for 40 s: a step that is taken here may be refused there, one that
is refused here for its bias is refused there too.

{models}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of cuBNM's data files")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    chosen = parser.parse_args()
    data = group_data(chosen.data, GROUP)
    for name in chosen.models:
        for scheme, times in runs():
            measure(name, scheme, times, data)
        write_page(read_result())
    print(PAGE.read_text(encoding="utf-8"))


def runs():
    """What is simulated of every model: scheme, and step as a multiple of the finest; the reference first."""
    yield REFERENCE, 1
    for scheme in SCHEMES:
        for times in COARSER:
            yield scheme, times


def measure(name, scheme, times, data):
    """Simulate the points of a model at one step, unless that has been done, and keep the scores."""
    result, key = read_result(), f"{scheme} {times}"
    done = result["models"].setdefault(name, {"about": about(name), "scores": {}, "cpu": {}})
    if done["about"] != about(name):
        raise SystemExit(f"{RESULT}: {name} was measured under other settings; delete its part to start anew")
    if key in done["scores"]:
        return
    started = time.process_time()
    scores = simulate_points(name, scheme, times, *data)
    done["scores"][key] = {score: rounded(values) for score, values in scores.items()}
    done["cpu"][key] = time.process_time() - started
    write_result(result)
    print(f"{name}, {key}: {done['cpu'][key]:.0f} CPU s", flush=True)


def rounded(values):
    """Nested lists of an array, with the digits that count."""
    return np.vectorize(lambda value: float(f"{value:.6g}"))(values).tolist()


def simulate_points(name, scheme, times, weights, target):
    """Scores of all points of a model, a dict of (points, seeds) arrays."""
    model = MODELS[name]
    step = model["step"]
    return score_step(
        name, weights, {**points(name), **fixed(name)}, target,
        dt=round(times * step, 9), noise_step=step, seeds=range(SEEDS), states=model["states"], scheme=scheme,
        hemodynamic_dt=2e-3, hemodynamics="cubnm-3T", interhemispheric=False, hemispheres=HEMISPHERES,
        **model["times"], **model.get("more", {}),
    )  # fmt: skip


def points(name):
    """Values of the free parameters of a model, a dict of (points,) arrays."""
    free = MODELS[name]["free"]
    low, high = np.array(list(free.values())).T
    places = low + sobol(POINTS, len(free), DESIGN_SEED) * (high - low)
    return dict(zip(free, places.T, strict=True))


def fixed(name):
    """Values of parameters that are the same at all points."""
    return {key: np.full(POINTS, value) for key, value in MODELS[name]["fixed"].items()}


def about(name):
    """What the scores of a model depend on, as JSON gives it back."""
    stated = {"points": POINTS, "seeds": SEEDS, "design": DESIGN_SEED, "group": GROUP, **MODELS[name]}
    stated["version"] = STAGE_VERSIONS["simulation"]
    return json.loads(json.dumps(stated))


def read_result():
    """What was measured so far."""
    return json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"models": {}}


def write_result(result):
    """Keep a result."""
    result["date"] = date.today().isoformat()
    temporary = RESULT.with_suffix(".tmp")
    temporary.write_text(json.dumps(result) + "\n", encoding="utf-8")
    temporary.replace(RESULT)


def write_page(result):
    """Write the table of what was measured."""
    head = ("model", "scheme", "step (ms)", "CPU s", "FC and FCD", "mean states")
    lines = [head, ["---"] * len(head)]
    for name in MODELS:
        lines += rows(name, result["models"].get(name, {"scores": {}}))
    table = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    models = "\n".join(description(name) for name in MODELS)
    text = _TEXT.format(
        date=result["date"], version=STAGE_VERSIONS["simulation"], points=POINTS, seeds=SEEDS, group=GROUP,
        scores=", ".join(SCORES.values()), table=table, models=models,
    )  # fmt: skip
    PAGE.write_text(text, encoding="utf-8")


def rows(name, done):
    """Rows of one model."""
    scores = {key: {s: np.array(v, float) for s, v in one.items()} for key, one in done["scores"].items()}
    step = MODELS[name]["step"]
    for scheme, times in runs():
        key, first = f"{scheme} {times}", (name, SCHEMES[scheme], f"{1e3 * times * step:g}")
        if key not in scores:
            yield (*first, "", "not simulated yet", "")
            continue
        cpu = f"{done['cpu'][key]:.0f}"
        if times == 1:
            usable = np.isfinite(np.stack(list(scores[key].values()))).all(axis=(0, 2)).sum()
            yield (*first, cpu, f"reference; {usable} of {POINTS} points have all scores", "")
            continue
        found = [verdict(scores[f"{REFERENCE} 1"], scores[key], is_fc) for is_fc in (True, False)]
        yield (*first, cpu, *found)


def verdict(fine, coarse, is_fc):
    """What is said of the scores of FC and FCD, or of mean states: text."""
    names = [score for score in fine if (score in SCORES) is is_fc]
    if not names:
        return ""
    shifts, reason = judge({name: fine[name] for name in names}, coarse, 0.0)
    if not shifts:
        return reason
    worst = max(shifts, key=lambda shift: shift.size)
    where = "" if worst.points == "all" else " where it varies most"
    sizes = f"{worst.bias:+.2f} ({worst.error:.2f}; {worst.spread:.2f})"
    return f"**{reason.split(':')[0]}**: {SCORES.get(worst.score, worst.score)}{where} {sizes}"


def description(name):
    """What was simulated of a model, one item of a list."""
    model = MODELS[name]
    free = ", ".join(f"{key} {low:g}–{high:g}" for key, (low, high) in model["free"].items())
    fixed = "".join(f", {key} {value:g}" for key, value in model["fixed"].items())
    states = ", ".join(model["states"]) or "none"
    times = (
        "{kept:g} s after {burn_in:g} s of burn-in, repetition time {repetition_time:g} s, windows of "
        "{window:g} s".format(kept=model["times"]["duration"] - model["times"]["burn_in"], **model["times"])
    )
    return f"* **{name}**: {free}{fixed}; {times}; mean states: {states}."


if __name__ == "__main__":
    main()
