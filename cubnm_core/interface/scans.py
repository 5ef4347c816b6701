"""Scans that simulations are compared with: from BOLD to a target, and from simulations to scores."""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import pair_indices
from cubnm_core.measures.objective import Objective, Target
from cubnm_core.measures.pieces import Measurement, lay_out
from cubnm_core.simulation.schedule import exact

#: Keywords of `simulate` that say how FC and FCD are computed, and so hold for the scan as well.
MEASURED = ("window", "window_step", "window_edges", "band_pass", "global_signal")

_FEWEST = 50  # volumes: an array with fewer of these than of nodes lies on its side


@dataclass(frozen=True, eq=False)
class Scan:
    """The scan of one person.

    Attributes
    ----------
    target : Target
    volumes : int or None
        Of all runs together; None where that is not known.
    nodes : int or None
    """

    target: Target
    volumes: int | None
    nodes: int | None


def read_scan(scan, repetition_time, hemispheres=None, interhemispheric=True, **measured):
    """Compute the FC and FCD of a scan as those of simulations are computed.

    Parameters
    ----------
    scan : (T, N) array, list of such, or Target
        BOLD of one run or of several, which are compared with pieces as long as they are; or what was
        computed already.
    repetition_time : float
        In s.
    hemispheres, interhemispheric
        As of `cubnm_core.simulate`.
    measured
        Any of `MEASURED`, as of `cubnm_core.simulate`. Scans and simulations are filtered alike.

    Returns
    -------
    Scan

    Raises
    ------
    InputError
        If an array is no BOLD of time by node, or a node has no signal.
    """
    if isinstance(scan, Target):
        volumes = None if scan.layout is None else scan.layout.n_volumes
        return Scan(scan, volumes, None)
    runs = [
        np.asarray(run, dtype=np.float64) for run in (scan if isinstance(scan, (list, tuple)) else [scan])
    ]
    _check_runs(runs)
    nodes = runs[0].shape[1]
    pairs = pair_indices(nodes, hemispheres, "all" if interhemispheric else "intrahemispheric")
    settings = {"window": 30.0, "window_step": 5.0} | measured
    measurement = Measurement(pairs, repetition_time, **settings)
    layout = lay_out([len(run) for run in runs])
    fc, fcd = measurement.measure(np.concatenate(runs), layout, with_fcd=_has_windows(measurement, layout))
    return Scan(Target(fc, fcd, layout=layout if len(runs) > 1 else None), layout.n_volumes, nodes)


def matched_duration(scan, burn_in, repetition_time):
    """Seconds that a simulation lasts to be as long as a scan, burn-in included.

    Raises
    ------
    InputError
        If nobody knows how long the scan is.
    """
    if scan.volumes is None:
        raise InputError("duration: how long the scan is cannot be known from a Target; give it in s")
    return float(exact(burn_in) + scan.volumes * exact(repetition_time))


def choose_objective(cost, target, fic, band):
    """The cost of a fit: as stated, or FC and FCD, and the rates where they are controlled.

    Parameters
    ----------
    cost : dict of str to float, Objective or None
    target : Target
    fic : str, mapping or None
        As of `cubnm_core.simulate`.
    band : (low, high) or None
        Firing rates in Hz that the cost allows.

    Returns
    -------
    Objective
    """
    if isinstance(cost, Objective):
        return cost
    if cost is None:
        cost = {"fc_corr": 1.0} | ({"fcd_ks": 1.0} if target.binned_fcd is not None else {})
        cost |= {"rate_penalty": 0.5} if fic is not None else {}
    objective = Objective(terms=dict(cost))
    return objective if band is None else replace(objective, band=tuple(band))


def score(run, scan, repetition_time=None, *, cost=None, band=None, **measured):
    """Compare simulations with a scan.

    Parameters
    ----------
    run : cubnm_core.Simulation
        That recorded FC and FCD, and BOLD if there are several runs.
    scan : (T, N) array, list of such, or Target
        See `cubnm_core.fit`.
    repetition_time : float, optional
        Of the scan in s; that of the simulations by default.
    cost : dict of str to float, optional
        Weights of the terms; see `cubnm_core.fit`.
    band : (low, high), optional
        Firing rates in Hz that ``rate_penalty`` allows; 2 to 4 by default.
    measured
        `hemispheres`, `interhemispheric`, and what says how FC and FCD are computed, as given to `simulate`.

    Returns
    -------
    dict of str to (B,) arrays
        Every term that can be had, and ``cost``. A simulation that failed has the worst value of each.
    """
    target = read_scan(scan, repetition_time or run.repetition_time, **measured).target
    return choose_objective(cost, target, None, band).score(run, target)


def _check_runs(runs):
    for run in runs:
        if run.ndim != 2 or run.shape[1] != runs[0].shape[1]:
            shapes = ", ".join(str(each.shape) for each in runs)
            raise InputError(f"BOLD is an array of (time, node), one for every run; found shapes {shapes}")
        if len(run) < min(run.shape[1], _FEWEST):
            raise InputError(
                f"BOLD of shape {run.shape} has {len(run)} volumes of {run.shape[1]} nodes; time comes "
                "first: transpose it"
            )
        if not np.isfinite(run).all():
            raise InputError("BOLD holds values that are not finite; leave such volumes or nodes out")


def _has_windows(measurement, layout):
    """Whether a scan is long enough for an FCD; a warning where it is not."""
    try:
        measurement.cuts(layout, True)
    except InputError as error:
        warnings.warn(f"no FCD is computed: {error}", stacklevel=4)
        return False
    return True
