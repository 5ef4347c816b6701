"""From files to simulations: what fitting, evaluating and repeating a simulation have in common."""

import logging
from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.objective import Target
from cubnm_core.simulation.simulation import chosen_backend
from workflow_scripts.cohort import tables

logger = logging.getLogger(__name__)

SIMULATION_KEYS = ("duration", "burn_in", "dt", "hemodynamic_dt", "hemodynamics", "scheme", "precision")
NOT_VALUES = (
    "the FCD is a distribution function, and fcd_ks compares values: weigh fcd_ks_binned in the objective"
)
NO_LENGTHS = (
    "no tract lengths, which conduction delays need: add a row of kind length to the manifest, or leave "
    "delays out"
)


@dataclass(frozen=True, eq=False)
class Person:
    """Prepared files of one unit.

    Attributes
    ----------
    ids : dict
        ``unit``, ``participant_id`` and ``session_id``.
    weights : (N, N) array
        Scaled connectome.
    targets : dict of str to Target
        By split; only those that are usable.
    repetition_time : float
        In s, of the scans.
    lengths : (N, N) array or None
        Tract lengths in mm, where delays need them.
    """

    ids: dict
    weights: np.ndarray
    targets: dict
    repetition_time: float
    lengths: np.ndarray | None = None


def read_person(ids, connectomes, targets, delays=False, objective=None):
    """Read the prepared connectome and the empirical targets of a unit.

    Parameters
    ----------
    ids : dict
        ``unit``, ``participant_id`` and ``session_id``.
    connectomes : workflow_scripts.files.archives.Archive
    targets : dict of str to workflow_scripts.files.archives.Archive
        By split; the training split decides whether the unit can be used.
    delays : bool
        Whether tract lengths are needed.
    objective : dict of str to float, optional
        Weights of the terms of the cost; a split without what they need cannot be used.

    Returns
    -------
    Person or list of str
        The reasons, where the unit was excluded before, or lacks tract lengths or an FCD that are needed.
    """
    unit = ids["unit"]
    states = {split: archive.records[unit] for split, archive in targets.items()}
    reasons = [*_reasons(connectomes.records[unit]), *_reasons(states["train"])]
    if reasons:
        return list(dict.fromkeys(reasons))
    arrays = connectomes.arrays(unit)
    if delays and "lengths" not in arrays:
        return [NO_LENGTHS]
    usable = {
        split: archive.arrays(unit) for split, archive in targets.items() if states[split]["status"] == "ok"
    }
    lacking = {split: _lacking(found, states[split], objective or {}) for split, found in usable.items()}
    if lacking["train"] is not None:
        return [lacking["train"]]
    for split in [split for split, reason in lacking.items() if reason is not None]:
        logger.warning("%s is not scored on the split %s: %s", unit, split, lacking[split])
        del usable[split]
    return Person(
        ids=ids,
        weights=arrays["weights"],
        targets={
            split: Target(fc=found["fc"], fcd=found.get("fcd"), fcd_cdf=found.get("fcd_cdf"))
            for split, found in usable.items()
        },
        repetition_time=states["train"]["repetition_time"],
        lengths=arrays["lengths"] if delays else None,
    )


def _lacking(arrays, state, objective):
    """Say why a target has no FCD of the form that an objective weighs, or None if it has."""
    if "fcd" in arrays or not (objective.get("fcd_ks") or objective.get("fcd_ks_binned")):
        return None
    if "fcd_cdf" in arrays:
        return NOT_VALUES if objective.get("fcd_ks") else None
    told = [note for note in state.get("notes", []) if note.startswith("without FCD")]
    return "; ".join(told) or "no FCD, which the objective of this fit weighs"


def _reasons(state):
    """Why a prepared file is not to be used."""
    return [] if state["status"] == "ok" else state["reasons"]


def read_hemispheres(path):
    """Give the hemisphere of every node of the node table, a list of "L", "R" and "B"."""
    return [row["hemisphere"] for row in tables.read_nodes(path)]


def batch_simulator(settings, hemispheres, repetition_time, record, threads=None):
    """Fix everything about a simulation that does not change within a fit.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit.
    hemispheres : sequence of str
    repetition_time : float
        In s.
    record : sequence of str
        As of :func:`cubnm_core.simulate`.
    threads : int, optional
        All cores that this process may use by default.

    Returns
    -------
    callable
        ``simulate_batch`` as :func:`cubnm_core.fitting.run.run_fits` wants it. With a comparison, its scores
        come in place of FC and FCD.
    """
    from cubnm_core import load_model, simulate

    model = load_model(settings["model"])
    fixed = simulation_keywords(settings, repetition_time)
    without_arrays = tuple(name for name in record if name not in ("fc", "fcd"))

    def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
        return simulate(
            model,
            weights,
            params,
            connectome=connectome,
            lengths=lengths,
            seed=seed,
            hemispheres=hemispheres,
            record=record if comparison is None else without_arrays,
            comparison=comparison,
            threads=threads,
            **fixed,
        )

    return simulate_batch


def result_bytes(settings, nodes, repetition_time):
    """Size of what a search keeps of one simulation, nearly.

    Means of some ten states; FC and FCD only where a term of the user's own needs them.
    """
    simulation = settings["simulation"]
    if not settings["terms"]:
        return 80 * nodes
    step = max(settings["analysis"]["window_step"], repetition_time)
    windows = (simulation["duration"] - simulation["burn_in"]) / step
    return int(4 * nodes**2 / 2 + 4 * windows**2 / 2 + 80 * nodes)


def used_backend(settings):
    """Name the engine that runs here, whatever "auto" means on the next machine."""
    return chosen_backend(settings["simulation"]["backend"])


def simulation_keywords(settings, repetition_time):
    """Translate the settings of a fit into keywords of :func:`cubnm_core.simulate`.

    Returns
    -------
    dict
        Without nodes, parameters, seed and what is recorded.
    """
    analysis = settings["analysis"]
    return {
        **{key: settings["simulation"][key] for key in SIMULATION_KEYS},
        "backend": used_backend(settings),
        "fic": inhibition_keyword(settings),
        "repetition_time": repetition_time,
        "window": analysis["window"],
        "window_step": analysis["window_step"],
        "window_edges": analysis["edges"],
        "band_pass": analysis["band_pass"],
        "interhemispheric": analysis["pairs"] == "all",
    }


def inhibition_keyword(settings):
    """Give the feedback inhibition control with the limits of firing rates outside which it has failed."""
    control = settings["fic"]
    return None if control is None else {**control, "rate_band": settings["rate_limits"]}


def shared_repetition_time(people):
    """Give the repetition time that the people of a batch share, in s."""
    times = {person.repetition_time for person in people}
    if len(times) > 1:
        raise InputError(
            f"scans with different repetition times ({sorted(times)} s) cannot be fitted in one batch"
        )
    return times.pop()
