"""Linear response against simulation: FC and expected scores of all models with a stable fixed point.

``python benchmarks/linear.py`` draws points over the bounds of each model's parameters, simulates every point
under several noise seeds, and holds FC and scores against those of `linear_response`, which sees no long
simulation. Finished cases are kept in the result and not run again; ``--only`` names some.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path

import machine
import numpy as np
from scipy.stats import qmc, spearmanr

from cubnm_core import linear_response, simulate
from cubnm_core.linear.branches import NoisyRun
from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.connectivity import pair_indices
from cubnm_core.measures.objective import Target

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared" / "data" / "hcp"
POINTS, SEEDS, BATCH = 64, 8, 64
SCAN = {"duration": 330.0, "burn_in": 30.0, "repetition_time": 0.72}
BALLOON = {"hemodynamics": "friston-3T"}
RWW = {"G": (0.1, 4.0), "w_p": (0.0, 2.0), "J_N": (0.02, 0.5)}
MILLISECOND = {"dt": 1e-3, "hemodynamic_dt": 1e-3}
CASES = {
    "rWW, group": {"model": "rWW", "bounds": RWW, "fic": "analytical", **MILLISECOND},
    "rWW, 100206": {
        "model": "rWW",
        "connectome": "100206",
        "bounds": RWW,
        "fic": "analytical",
        **MILLISECOND,
    },
    "rWW, 100307": {
        "model": "rWW",
        "connectome": "100307",
        "bounds": RWW,
        "fic": "analytical",
        **MILLISECOND,
    },
    "rWW, delays": {
        "model": "rWW",
        "connectome": "100206",
        "bounds": RWW | {"v": (2.0, 10.0)},
        "fic": "analytical",
        "dt": 5e-4,
        "hemodynamic_dt": 1e-3,
        "delays": True,
    },
    "rWWEx, group": {
        "model": "rWWEx",
        "bounds": {"G": (0.05, 1.5), "w": (0.3, 1.0), "I0": (0.27, 0.33), "sigma": (0.001, 0.01)},
        **MILLISECOND,
    },
    "WC, group": {
        "model": "WC",
        "bounds": {"G": (0.1, 10.0), "c_EE": (8.0, 14.0), "P_E": (0.0, 0.5), "sigma_E": (5e-5, 5e-3)},
        "dt": 5e-4,
        "hemodynamic_dt": 1e-3,
    },
    "JR, group": {
        "model": "JR",
        "bounds": {"G": (0.0, 50.0), "J": (65.0, 110.0), "sigma": (1e-5, 1e-3)},
        **MILLISECOND,
    },
    "Hopf, group": {
        "model": "Hopf",
        "bounds": {"G": (0.0, 5.0), "a": (-1.0, -0.1), "sigma": (0.005, 0.03)},
        "dt": 1e-2,
        "hemodynamic_dt": 1e-2,
    },
    "MPR, group": {
        "model": "MPR",
        "bounds": {"G": (0.0, 20.0), "eta": (-8.0, -4.5), "J": (10.0, 15.0), "sigma": (0.001, 0.03)},
        "points": 16,
        "dt": 1e-4,
        "hemodynamic_dt": 1e-3,
    },
}


def main():
    options = _options()
    path = HERE / "results" / "linear.json"
    result = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    for name in options.only or CASES:
        if name in result["cases"] and not options.again:
            continue
        result["cases"][name] = {"machine": machine.describe(), **_compare(name, CASES[name], options)}
        result["date"] = date.today().isoformat()
        path.write_text(as_text(result), encoding="utf-8")
        path.with_suffix(".md").write_text(_markdown(result))
        print(_markdown({"cases": {name: result["cases"][name]}}), flush=True)


def as_text(result):
    """A result as JSON, a line for every list of a case."""
    cases = [
        f'"{name}": {{\n'
        + ",\n".join(f' "{key}": {json.dumps(_rounded(value))}' for key, value in case.items())
        + "\n}"
        for name, case in result["cases"].items()
    ]
    return f'{{"date": "{result["date"]}", "cases": {{\n' + ",\n".join(cases) + "\n}}\n"


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder with sc and fc of cuBNM 0.1.0")
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", nargs="+", choices=CASES)
    parser.add_argument("--again", action="store_true", help="run finished cases again")
    return parser.parse_args()


def _compare(name, case, options):
    """Simulate the points of a case, and ask linear response for them."""
    weights, target = _data(options.data, case.get("connectome", "group-train706"))
    names, bounds = list(case["bounds"]), np.array(list(case["bounds"].values()))
    count = min(case.get("points", options.points), options.points)
    drawn = qmc.Sobol(len(names), rng=17).random(count)
    points = dict(zip(names, (bounds[:, 0] + drawn * (bounds[:, 1] - bounds[:, 0])).T, strict=True))
    settings = SCAN | {key: case[key] for key in ("dt", "hemodynamic_dt", "fic") if key in case}
    settings |= {} if case["model"] == "Hopf" else BALLOON
    settings |= {"hemispheres": ["L"] * 50 + ["R"] * 50, "interhemispheric": False, "backend": "cpu"}
    if case.get("delays"):
        settings["lengths"] = _lengths(options.data, case["connectome"])
    simulated, seconds = _simulate(case, weights, target, points, settings, options.seeds)
    started = time.process_time()
    noisy = NoisyRun(dt=case["dt"]) if case["model"] != "Hopf" else None
    comparison = Comparison([target], np.zeros(count, int), FC_TERMS)
    linear = linear_response(
        case["model"], weights, points, **settings, comparison=comparison, noisy=noisy, seed=1000
    )
    return {
        "seconds": {
            "simulated, a point and seed": seconds,
            "linear, a point": (time.process_time() - started) / count,
        },
        "points": {key: np.round(value, 5).tolist() for key, value in points.items()},
        "growth": linear.growth.tolist(),
        "noisy_growth": linear.noisy_growth.tolist(),
        "distance": linear.distance.tolist(),
        "flags": {key: value.tolist() for key, value in linear.flags.items()},
        "pattern": _patterns(linear.fc, simulated["fc"]),
        "simulated": {term: simulated[term].tolist() for term in FC_TERMS},
        "expected": {term: linear.expected[term].tolist() for term in FC_TERMS},
        "sampling_sd": {term: linear.sampling_sd[term].tolist() for term in FC_TERMS},
    }


def _simulate(case, weights, target, points, settings, seeds):
    """Mean FC (points, P) and scores (points, seeds), and CPU seconds of one simulation."""
    count = len(next(iter(points.values())))
    every = np.repeat(np.arange(count), seeds)
    noise = np.arange(count * seeds)  # no two simulations share their noise
    scheme = "euler_maruyama" if "lengths" in settings else "heun"
    scores, fc = {term: np.full(count * seeds, np.nan) for term in FC_TERMS}, []
    started = time.process_time()
    for first in range(0, len(every), BATCH):
        rows = slice(first, first + BATCH)
        run = simulate(
            case["model"],
            weights,
            {key: value[every[rows]] for key, value in points.items()},
            **settings,
            scheme=scheme,
            seed=noise[rows],
            record=("fc",),
            comparison=Comparison([target], np.zeros(len(noise[rows]), int), FC_TERMS),
        )
        fc.append(run.fc)
        for term in FC_TERMS:
            scores[term][rows] = run.scores[term]
    seconds = (time.process_time() - started) / len(every)
    found = {term: values.reshape(count, seeds) for term, values in scores.items()}
    return found | {"fc": np.concatenate(fc).reshape(count, seeds, -1).mean(axis=1)}, seconds


def _patterns(linear, simulated):
    """Correlation of the expected FC with the mean simulated one; None where there is none."""
    found = [np.corrcoef(one, other)[0, 1] for one, other in zip(linear, simulated, strict=True)]
    return [round(float(value), 4) if np.isfinite(value) else None for value in found]


def _data(folder, name):
    """A connectome scaled to a mean of 0.01, and the FC of the group as target."""
    weights = _load(folder / "sc" / name, "strength")
    weights = weights / weights.mean() * 0.01
    pairs = pair_indices(100, ["L"] * 50 + ["R"] * 50, "intrahemispheric")
    fc = np.load(folder / "fc" / "group-train706" / "REST" / "ctx_parc-schaefer-100_desc-fc.npz")["arr_0"]
    return weights, Target(fc=fc[pairs])


def _lengths(folder, name):
    return _load(folder / "sc" / name, "length")


def _load(folder, what):
    path = next(path for path in sorted(folder.iterdir()) if what in path.name)
    return np.load(path)["arr_0"] if path.suffix == ".npz" else np.loadtxt(path)


_HEAD = """\
# Linear response against simulation

`python benchmarks/linear.py`. Points over each model's bounds (Sobol), {seeds} noise seeds each, 300 s after
the burn-in, repetition time 0.72 s, pairs within hemispheres; target: the mean FC of 706 people of the HCP.
Flagged are points without a stable fixed point, with several, or where fluctuations change the slowest decay
by more than 30 %; the other columns are about the points that are not, but for the rank over all that are
stable. Pattern: correlation of the expected FC with the mean simulated one, median and 5 % quantile. Error:
expected score less the mean simulated one, whose standard error (SE) the table gives, too. SD: between scans,
expected and simulated. CPU s: of a simulated point and seed, and of a linear point with its noisy runs.

| case | points | flagged | pattern r | term | rank r, all | rank r | error | size | SE | ≤ .01 | SD | CPU s |
|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def _markdown(result):
    seeds = max(len(case["simulated"]["fc_corr"][0]) for case in result["cases"].values())
    rows = [_row(name, case, term) for name, case in result["cases"].items() for term in FC_TERMS]
    return "\n".join([_HEAD.format(seeds=seeds), *rows, ""])


def _row(name, case, term):
    simulated, expected = np.array(case["simulated"][term], float), np.array(case["expected"][term], float)
    mean, sd = simulated.mean(axis=1), simulated.std(axis=1, ddof=1)
    stable = np.isfinite(expected) & np.isfinite(mean)
    flagged = np.any(list(case["flags"].values()), axis=0)
    kept = stable & ~flagged
    if kept.sum() < 3:
        return (
            f"| {name} | {len(mean)} | {flagged.sum()} | | {term} | too few points are left | | | | | | | |"
        )
    error = (expected - mean)[kept]
    pattern = np.array(case["pattern"], float)[kept]
    seconds = case["seconds"]
    cells = [
        name,
        len(mean),
        int(flagged.sum()),
        f"{np.median(pattern):.3f} ({np.quantile(pattern, 0.05):.3f})",
        term,
        f"{spearmanr(expected[stable], mean[stable])[0]:.3f}",
        f"{spearmanr(expected[kept], mean[kept])[0]:.3f}",
        f"{error.mean():+.4f}",
        f"{np.abs(error).mean():.4f}",
        f"{(sd[kept] / np.sqrt(simulated.shape[1])).mean():.4f}",
        f"{(np.abs(error) <= 0.01).mean():.0%}",
        f"{np.mean(case['sampling_sd'][term] * kept.astype(float), where=kept):.4f} / {sd[kept].mean():.4f}",
        f"{seconds['simulated, a point and seed']:.2f} / {seconds['linear, a point']:.2f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
