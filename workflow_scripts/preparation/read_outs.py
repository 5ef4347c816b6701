"""What targets hold beside FC and FCD: observables of the scans, and their BOLD for terms that ask for it."""

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.observables.panel import pool_runs, summarise
from workflow_scripts.cohort.observables import BOLD, OBSERVABLE


def read_observables(pieces, series, panel):
    """Read the observables of a panel out of the runs of a person.

    Parameters
    ----------
    pieces : list of dict
        ``run``, ``kept`` (T,) and ``repetition_time``, as of
        :func:`workflow_scripts.preparation.empirical_targets.segments`.
    series : list of (T, N) array
        Their BOLD, filtered.
    panel : cubnm_core.measures.observables.panel.Panel

    Returns
    -------
    arrays : dict of str to (K,) array
        Of all runs together.
    read_outs : dict of str to dict of str to float
        Name of an observable to its summary in every run.
    notes : list of str
        Observables that cannot be had, and why.
    """
    arrays, read_outs, notes = {}, {}, []
    volumes = [int(np.count_nonzero(piece["kept"])) for piece in pieces]
    for name in panel.names:
        runs, place = [], pieces[0]
        try:
            for place, bold in zip(pieces, series, strict=True):
                runs.append(panel.measure(bold, place["repetition_time"], place["kept"], [name]))
            _check_order(pieces)
        except InputError as error:
            notes.append(f"without {name}: run {place['run']}: {error}")
            continue
        pooled = pool_runs(runs, volumes)[name]
        if not np.isfinite(pooled).all():
            notes.append(f"without {name}: it is not finite in every node")
            continue
        arrays[OBSERVABLE + name] = pooled
        read_outs[name] = {
            piece["run"]: summarise(run, piece["repetition_time"])[name]
            for piece, run in zip(pieces, runs, strict=True)
        }
    return arrays, read_outs, notes


def _check_order(pieces):
    """Refuse runs whose volumes are no series in time."""
    unknown = [piece["run"] for piece in pieces if not piece["gaps_known"]]
    if unknown:
        raise InputError(
            "volumes were removed, and nothing says which; name them in a file of kind mask, or give a scan "
            "with interpolated volumes"
        )


def keep_bold(pieces, series):
    """Give the BOLD of every run, NaN in volumes that are censored: dict of str to (T, N) array."""
    return {
        f"{BOLD}{piece['run']}": np.where(piece["kept"][:, None], bold, np.nan)
        for piece, bold in zip(pieces, series, strict=True)
    }
