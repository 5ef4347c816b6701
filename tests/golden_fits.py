"""Fits whose fingerprints and histories were recorded once and hold for good.

All inputs are fractions of powers of two and ratios of whole numbers: the same bits on every machine.
"""

from copy import deepcopy
from pathlib import Path

import numpy as np

from cubnm_core.fitting import packing
from cubnm_core.fitting.run import run_fits
from cubnm_core.fitting.search_space import Prior
from cubnm_core.measures.objective import Target
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.cohort.units import Unit
from workflow_scripts.configuration import configuration
from workflow_scripts.configuration.fit_settings import resolve_fit
from workflow_scripts.fitting import fit_problems, simulators
from workflow_scripts.fitting.histories import FileStore
from workflow_scripts.fitting.people import Person
from workflow_scripts.fitting.simulators import CohortSimulator

N = 6
# What fingerprints hold of other software; here it stands still.
SOFTWARE = {"pymoo": "0.6.1.5", "cma": "4.4.0"}
NODES = [{"index": i, "label": f"n{i}", "hemisphere": "LR"[i // 3], "network": "ab"[i % 2]} for i in range(N)]
OPTIMIZER = {
    "name": "cmaes", "population": 4, "generations": 2, "restarts": 1,
    "sigma": 0.5, "tolerance": 0.0, "seed": 1,
}  # fmt: skip
DIFFERENTIAL = {**OPTIMIZER, "name": "de"}
FIT = {
    "model": "rWW",
    "fic": "analytical",
    "free": {"G": [0.5, 3.0], "w_p": [0.25, 2.0]},
    "fixed": {"J_N": 0.15},
    "objective": {"fc_corr": 1.0, "fcd_ks": 1.0},
    "optimizer": OPTIMIZER,
}
CONFIG = {
    "manifest": "manifest.tsv",
    "nodes": "nodes.tsv",
    "bold": {"hemodynamics": "cubnm-1.5T"},
    "analysis": {"window": 10.0, "window_step": 2.0},
    "simulation": {
        "duration": 45.0,
        "burn_in": 5.0,
        "dt": 2.0e-3,
        "hemodynamic_dt": 1.0e-2,
        "backend": "cpu",
    },
}
WITHOUT_CONTROL = {"fic": None, "fixed": {}, "objective": {"fc_corr": 1.0, "fcd_ks": 1.0}}
MYELIN = {"free": {"G": [0.5, 3.0], "w_p": {"bounds": [0.25, 2.0], "maps": {"myelin": [-0.5, 0.5]}}}}

# Changes of the fit by case; names that occur below change something else, too.
CASES = {
    **{
        model: {**WITHOUT_CONTROL, "model": model, "free": {"G": [0.5, 3.0]}, "optimizer": DIFFERENTIAL}
        for model in ("rWWEx", "WC", "JR", "Kuramoto", "Hopf", "MPR")
    },
    "rWW": {},
    "rWW without control": WITHOUT_CONTROL,
    "plasticity": {"fic": {"method": "plasticity", "target": 3.5, "warm_up": 20.0}},
    "numerical": {"fic": {"method": "numerical", "trials": 4}, "rate_limits": [1.0, 5.0]},
    "rates": {"objective": {"fc_corr": 1.0, "rate_penalty": 0.5}, "constraints": {"rate_band": 0.25}},
    "delays": {"delays": True, "free": {"G": [0.5, 3.0], "v": [2.0, 16.0]}},
    "maps": MYELIN,
    "maps with limits": {
        "free": {
            "G": [0.5, 3.0],
            "w_p": {"value": 1.0, "maps": {"myelin": [-0.5, 0.5]}, "limits": [0.25, 4.0]},
        }
    },
    "groups": {"free": {"G": [0.5, 3.0], "w_p": {"bounds": [0.25, 2.0], "groups": "network"}}},
    "a column": {"fixed": {"J_N": {"column": "current"}}},
    "a term of one's own": {"terms": {"own": {"file": "own.py", "weight": 0.5, "worst": 2.0}}},
    "several objectives": {
        "objectives": ["fc_corr", {"fcd_ks": 1.0, "fc_diff": 0.5}],
        "objective": {},
        "optimizer": {**OPTIMIZER, "name": "nsga2"},
    },
    "re-test": {"retest": {"candidates": 2, "seeds": 2, "first_seed": 500}, "replicates": 2},
    "initial point": {"optimizer": {**OPTIMIZER, "initial": {"G": 1.125, "w_p": 0.6875}}},
    "start with shrinkage": {},
    "a distribution function": {"objective": {"fc_corr": 1.0, "fcd_ks_binned": 1.0}},
    "grid": {"optimizer": {**OPTIMIZER, "name": "grid", "shape": {"G": 3, "w_p": 5}}},
    "sobol": {"optimizer": {**OPTIMIZER, "name": "sobol"}},
    "options": {"optimizer": {**DIFFERENTIAL, "options": {"CR": 0.5}}},
    "pairs": {},
    "precision": {"simulation": {"precision": "double", "scheme": "heun"}},
}
CHANGES = {"pairs": {"analysis": {"window": 10.0, "window_step": 2.0, "pairs": "intrahemispheric"}}}
TABLE = "label\tmyelin\tcurrent\n" + "".join(f"n{i}\t{i * i % 5 / 4}\t{(8 + i) / 64}\n" for i in range(N))
TERM = "def term(*_):\n    return 0.5\n"


def settings(case, folder, **optimizer):
    """Resolve the settings of a case; the folder, the working directory, gets the files that it needs.

    Parameters
    ----------
    case : str
    folder : Path
    **optimizer
        Other settings of the search.
    """
    (folder / "maps.tsv").write_text(TABLE, encoding="utf-8")
    (folder / "own.py").write_text(TERM, encoding="utf-8")
    fit = deepcopy({**FIT, **CASES[case]})
    if "objectives" in fit:
        del fit["objective"]
    fit["optimizer"] |= optimizer
    maps = {"maps": {"path": "maps.tsv", "normalise": "none"}}
    config = configuration.validate({**CONFIG, **maps, **CHANGES.get(case, {}), "fits": {"golden": fit}})
    return resolve_fit(config, "golden")


def person(case):
    """Make a person of simple numbers."""
    i, j = np.indices((N, N))
    weights = np.where(i == j, 0.0, ((i * j + i + j) % 7 + 1) / 64.0)
    lengths = np.where(i == j, 0.0, 10.0 + 5.0 * ((i + j) % 9))
    pairs = np.arange(N * (N - 1) // 2)
    windows = np.arange(15 * 14 // 2)
    target = {"fc": (pairs * 7 % 13 - 6) / 16.0, "fcd": (windows * 5 % 17) / 32.0}
    if case == "a distribution function":
        target = {"fc": target["fc"], "fcd": None, "fcd_cdf": np.arange(1, 10_001) / 10_000}
    targets = {"train": Target(**target)}
    return Person(Unit("01", ""), weights, targets, 1.0, lengths if case == "delays" else None)


def problems(case, folder, **optimizer):
    """Make the problems of a case, and what their histories belong to."""
    chosen = settings(case, folder, **optimizer)
    space = search_space(chosen, NODES)
    begin = None
    if case == "start with shrinkage":
        centre = np.array([0.25, 0.75])
        begin = {"sub-01": {"initial": centre, "prior": Prior(centre, 0.5)}}
    people = {"sub-01": person(case)}
    simulator = CohortSimulator(chosen, NODES, 1)
    found, histories = fit_problems.make_problems(people, simulator, begin, space)
    return list(found.values()), histories, chosen


def fingerprints(case):
    """Give the fingerprint of every history of a case, in the working directory."""
    _, histories, _ = problems(case, Path.cwd())
    return {key: history.fingerprint for key, history in histories.items()}


def search(case, folder, simulate_batch=None, **optimizer):
    """Fit a case on the CPU, with its histories in a folder.

    Parameters
    ----------
    case : str
    folder : Path
    simulate_batch : callable, optional
        In place of simulations.
    **optimizer
        Other settings of the search.

    Returns
    -------
    str
        The kind of device that simulates here.
    """
    members, histories, chosen = problems(case, Path.cwd(), **optimizer)
    hemispheres = [node["hemisphere"] for node in NODES]
    wanted = fit_problems.needed_arrays(members)
    simulate_batch = simulate_batch or simulators.batch_simulator(chosen, hemispheres, 1.0, wanted, 1)
    device = packing.device_name("cpu")
    run_fits(members, simulate_batch, FileStore(folder, histories), max_simulations=8, device=device)
    return device
