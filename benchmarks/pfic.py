"""Published figures, reproduced: the ten solutions of pFIC, simulated and scored as in their paper.

``python benchmarks/pfic.py --sets 100 3`` simulates the parameters that Zhang et al. 2024
(doi:10.1073/pnas.2318641121) publish for the Human Connectome Project on the connectome of their test set,
until there are 100 averages of ten simulations of the first solution and three of each other one, and keeps
every average: started again with larger numbers, it goes on. ``--checks`` measures instead what other steps,
double precision and the paper's last volume change. See README.md in this folder.
"""

import argparse
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import machine
import numpy as np
from scipy.io import loadmat

from cubnm_core import NUMERICS_VERSION, simulate
from cubnm_core.fitting.averages import Averaging, sets
from cubnm_core.measures.connectivity import (
    functional_connectivity,
    functional_connectivity_dynamics,
    pair_indices,
    sliding_windows,
)
from cubnm_core.measures.objective import Objective, Target

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "pfic.json"
SHARED = HERE.parents[1] / "shared" / "data"
DATA, FCD = SHARED / "pfic2024", SHARED / "kong2021" / "Desikan_input" / "fcd_test.mat"

NODES, RUNS = 68, 10
FIRST_SEED = 1000
BAND = (2.7, 3.3)  # Hz
STRONGEST = 0.02  # of a connectome
REPETITION_TIME, WINDOW = 0.72, 83  # s, volumes
PROTOCOL = {
    "fic": {"method": "analytical", "rate_band": BAND},
    "duration": 1008.0,
    "burn_in": 144.0,
    "repetition_time": REPETITION_TIME,
    "dt": 5e-4,
    "hemodynamic_dt": 5e-4,
    "window": (WINDOW - 1) * REPETITION_TIME,  # to the centres of the volumes at both ends
    "window_step": REPETITION_TIME,
    "hemodynamics": {"kappa": 0.65, "gamma": 0.41, "alpha": 0.33, "field_strength": 3.0, "echo_time": 0.0331},
}
MEASURES = {"fc_corr": 1.0, "fc_diff": 1.0, "fcd_ks_binned": 1.0}
OBJECTIVE = Objective(MEASURES, band=BAND, averaged=RUNS)

# Rows of test_all.csv, from 0
COSTS = {"1 - r": 10, "L1": 11, "KS": 12, "total": 13}
REGIONAL, COUPLING = {"w_EE": 14, "w_EI": 82, "sigma": 151}, 150


def main():
    options = _options()
    weights, target = connectome(options.data), read_target(options.data, options.fcd)
    solutions = published_solutions(options.data)
    if options.checks:
        result = read_result()
        result["checks"] = check(weights, target, solutions[0]["params"])
        write_result(result)
        print(json.dumps(result["checks"], indent=1, default=float))
        return
    first, others = options.sets
    for number, solution in enumerate(solutions, start=1):
        go_on(number, solution, first if number == 1 else others, weights, target, options.at_once)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder with input/ and reference_output/")
    parser.add_argument("--fcd", type=Path, default=FCD, help="distribution function of the FCD (.mat)")
    parser.add_argument(
        "--sets", type=int, nargs=2, default=(30, 3), metavar=("FIRST", "OTHERS"),
        help="averages of ten simulations: of the first solution, and of each other one",
    )  # fmt: skip
    parser.add_argument("--at-once", type=int, default=3, help="averages simulated at a time")
    parser.add_argument("--checks", action="store_true", help="measure steps, precision and last volume")
    return parser.parse_args()


def connectome(folder):
    """Connectome (68, 68) of the test set as the paper scales it."""
    weights = np.loadtxt(folder / "input" / "SC_test.csv", delimiter=",")
    return weights * (STRONGEST / weights.max())


def read_target(folder, fcd):
    """FC of the test set, with the distribution function of an FCD from another file."""
    fc = np.loadtxt(folder / "input" / "FC_test.csv", delimiter=",")[pair_indices(NODES)]
    (counts,) = (values.ravel() for name, values in loadmat(fcd).items() if name[0] != "_")
    return Target(fc, fcd_cdf=counts)


def published_solutions(folder):
    """Parameters and published test costs of every solution: list of dict."""
    table = np.loadtxt(folder / "reference_output" / "test" / "test_all.csv", delimiter=",")
    return [
        {
            "params": {name: column[row : row + NODES] for name, row in REGIONAL.items()}
            | {"G": column[COUPLING]},
            "published": {name: column[row] for name, row in COSTS.items()},
        }
        for column in table.T
    ]


def published_spread(folder):
    """Published test costs of solution 1, a value for each of 100 averages of ten: dict of (100,) arrays."""
    rows = np.loadtxt(folder / "reference_output" / "test" / "solution_1.csv", delimiter=",")
    return dict(zip(COSTS, rows, strict=True))


def run(weights, params, seeds, record=("fc", "fcd", "state_means"), **changes):
    """Simulate a solution under some noise seeds."""
    every = {name: np.repeat(np.asarray(value)[None], len(seeds), axis=0) for name, value in params.items()}
    return simulate("pFIC", weights, every, seed=seeds, record=record, **{**PROTOCOL, **changes})


def averages(simulated, target):
    """Score averages of ten simulations, in their order: list of dict."""
    found, rates = [], simulated.state_means["r_E"]
    number = sets(len(rates), RUNS)

    def take(rows, one):
        scores = OBJECTIVE.score(one, target)
        mine = rates[number == rows[0]]
        outside = ((mine < BAND[0]) | (mine > BAND[1])).any(axis=1)
        found.append(
            {
                "1 - r": 1 - scores["fc_corr"][0],
                "L1": scores["fc_diff"][0],
                "KS": scores["fcd_ks_binned"][0],
                "mean_fc": one.fc.mean(),
                "left_out": int(outside.sum()),
                "r_E": [mine.min(), mine.max()],
            }
        )

    Averaging(number, [BAND] * (number[-1] + 1), take)(np.arange(len(rates)), simulated)
    return found


def read_result():
    """What was computed so far: a dict of solution to list of averages under ``"solutions"``."""
    result = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    if result.get("numerics", NUMERICS_VERSION) != NUMERICS_VERSION:
        raise SystemExit(f"{RESULT} is of other numerics; move it away to start anew")
    return {"numerics": NUMERICS_VERSION, "solutions": {}, **result}


def write_result(result):
    """Keep a result."""
    result |= {"machine": machine.describe(), "date": date.today().isoformat()}
    RESULT.write_text(json.dumps(result, indent=1, default=float) + "\n", encoding="utf-8")


def go_on(number, solution, wanted, weights, target, at_once):
    """Simulate averages of a solution until there are as many as wanted, and keep them."""
    result = read_result()
    kept = result["solutions"].setdefault(str(number), [])
    while len(kept) < wanted:
        more = min(at_once, wanted - len(kept))
        first = FIRST_SEED * number + RUNS * len(kept)  # other noise for every solution
        kept += averages(run(weights, solution["params"], np.arange(first, first + RUNS * more)), target)
        write_result(result)
        means = ", ".join(
            f"{name} {np.mean([one[name] for one in kept]):.4f} ({solution['published'][name]:.4f})"
            for name in ("1 - r", "L1", "KS")
        )
        print(f"solution {number}, {len(kept)} averages: {means}", flush=True)


def check(weights, target, params):
    """Measure, under the same noise, what the paper's steps, precision and volumes change.

    Returns
    -------
    dict of str to dict of str to float
        Of an average of ten simulations with a haemodynamic step of 1 ms, in single precision, with the
        volumes as they are.
    """
    seeds = np.arange(FIRST_SEED, FIRST_SEED + RUNS)
    both = {"record": ("bold", "fc", "fcd", "state_means")}
    base = run(weights, params, seeds, hemodynamic_dt=1e-3, **both)
    others = {
        "haemodynamic step of 0.5 ms": run(weights, params, seeds, **both),
        "double precision": run(weights, params, seeds, hemodynamic_dt=1e-3, precision="double", **both),
        "last volume repeated": with_repeated_volume(base),
    }
    (ours,) = averages(base, target)
    changes = {}
    for name, other in others.items():
        (theirs,) = averages(other, target)
        changes[name] = {key: theirs[key] - ours[key] for key in ("mean_fc", "1 - r", "L1", "KS")}
    return changes


def with_repeated_volume(simulated):
    """The same simulations with the volumes of the paper: a volume later, the last one twice."""
    pairs = pair_indices(NODES)
    windows = sliding_windows(1200, REPETITION_TIME, PROTOCOL["window"], PROTOCOL["window_step"])
    kept = simulated.bold[:, simulated.n_burn_in :]
    moved = np.concatenate([kept[:, 1:], kept[:, -1:]], axis=1)
    fc = np.stack([functional_connectivity(series, pairs) for series in moved])
    fcd = np.stack([functional_connectivity_dynamics(series, pairs, *windows) for series in moved])
    return replace(simulated, fc=fc, fcd=fcd)


if __name__ == "__main__":
    main()
