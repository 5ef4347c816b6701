"""The group data and the protocol of cuBNM's paper, shared by the benchmarks that repeat its fits.

Reduced Wong-Wang model, 900 s at a repetition time of 0.72 s, analytical feedback inhibition control, pairs
within hemispheres, no filter; cost = KS - r + 0.5 x rate penalty (doi:10.1101/2025.11.13.688224).
"""

from pathlib import Path

import numpy as np

from cubnm_core import simulate
from cubnm_core.measures.connectivity import pair_indices
from cubnm_core.measures.objective import Objective, Target

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "hcp"
PREFIX = "ctx_parc-schaefer-100"

HEMISPHERES = ("L",) * 50 + ("R",) * 50
PROTOCOL = {
    "duration": 900.0,
    "repetition_time": 0.72,
    "burn_in": 30.0,
    "dt": 1e-4,
    "hemodynamic_dt": 1e-3,
    "fic": "analytical",
    "hemodynamics": "cubnm-3T",
    "window": 30.0,
    "window_step": 5.0,
    "interhemispheric": False,
}
BOUNDS = {"G": (0.001, 10.0), "w_p": (0.0, 2.0), "J_N": (0.001, 0.5)}
OBJECTIVE = Objective({"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5}, band=(2.0, 4.0))


def group_data(folder, group):
    """Connectome (100, 100) of a group, scaled to a mean of 0.01 as in cuBNM, and its target."""
    strength = _array(folder / "sc" / group / f"{PREFIX}_desc-strength.npz")
    fc = _array(folder / "fc" / group / "REST" / f"{PREFIX}_exc-inter_desc-fc.npz")
    fcd = _array(folder / "fcd" / group / "REST" / f"{PREFIX}_exc-inter_window-30_step-5_desc-fcdtril.npz")
    pairs = pair_indices(len(HEMISPHERES), HEMISPHERES, "intrahemispheric")
    return strength * (0.01 / strength.mean()), Target(fc[pairs], fcd)


def brain_map(folder, name):
    """Map (100,) of the data, such as myelinmap_zscore."""
    return np.loadtxt(folder / "maps" / f"{PREFIX}_desc-{name}.txt")


def _array(path):
    with np.load(path) as arrays:
        return arrays[arrays.files[0]]


def simulate_group(weights, connectome, params, seed, lengths, comparison=None, *, backend, **steps):
    """Simulate a batch as the fits of cuBNM's paper do; has the form that `run_fits` asks for.

    `steps` are time steps other than those of the protocol.
    """
    return simulate(
        "rWW",
        weights,
        params,
        connectome=connectome,
        lengths=lengths,
        seed=seed,
        hemispheres=HEMISPHERES,
        record=("state_means",) if comparison else ("fc", "fcd", "state_means"),
        comparison=comparison,
        backend=backend,
        **PROTOCOL | steps,
    )


def test_point(run, weights, target, point, seeds):
    """Scores of a point, a dict of floats or (N,) arrays, under some seeds: a dict of (seeds,) arrays."""
    params = {name: np.repeat(np.asarray(value)[None], len(seeds), axis=0) for name, value in point.items()}
    simulation = run(weights[None], np.zeros(len(seeds), dtype=int), params, seeds, None)
    return OBJECTIVE.score(simulation, target)


def summary(scores):
    """Mean and SD over the seeds of one point."""
    names = ("fc_corr", "fcd_ks", "rate_penalty", "cost")
    return {name: {"mean": scores[name].mean(), "sd": scores[name].std(ddof=1)} for name in names}
