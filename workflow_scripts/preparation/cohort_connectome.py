"""One connectome for everybody, or of everybody what most have: mean and consensus of a cohort."""

import hashlib

import numpy as np

from cubnm_core.connectomes.group import consensus_connectome, mean_connectome, pool_connectomes
from cubnm_core.connectomes.scaling import euclidean_lengths
from cubnm_core.errors import InputError
from workflow_scripts.preparation.connectome_settings import kept_weights, positions_of

AVERAGES = ("mean", "consensus")


def needs_group(options):
    """Say whether the settings ask for an average of the cohort."""
    return options["source"] in AVERAGES or options["mask"] == "consensus"


def average(options, connectomes, units, nodes, inside):
    """Average the connectomes of the cohort, before they are scaled.

    Parameters
    ----------
    options : dict
        As of :func:`workflow_scripts.configuration.connectome.select_scaling`.
    connectomes : workflow_scripts.files.archives.Archive
        Aligned.
    units : sequence of str
        Whose connectomes can be used.
    nodes : list of dict
        Of the analysis.
    inside : (M,) int array
        Their places in the aligned matrices.

    Returns
    -------
    dict of str to ndarray
        ``weights`` (M, M), and ``lengths`` (M, M) in mm where anybody has any.

    Raises
    ------
    InputError
        If nobody's connectome can be used, or a consensus has neither lengths nor coordinates.
    """
    if not units:
        raise InputError("nobody's connectome can be averaged: all people were excluded")
    pooled = pool_connectomes(_each(options, connectomes, units, np.ix_(inside, inside)))
    if options["source"] == "mean" and options["mask"] == "none":
        weights, lengths = mean_connectome(pooled)
    else:
        hemispheres = [node["hemisphere"] for node in nodes]
        weights, lengths = consensus_connectome(pooled, hemispheres, _distances(pooled, nodes))
    return {"weights": weights} if lengths is None else {"weights": weights, "lengths": lengths}


def _distances(pooled, nodes):
    """Give distances from coordinates where no tract lengths are known; None where lengths are."""
    positions = positions_of(nodes)
    if pooled.mean_lengths is not None or not np.isfinite(positions).all():
        return None
    return euclidean_lengths(positions)


def _each(options, connectomes, units, places):
    """Read one connectome after the other."""
    for unit in units:
        arrays = connectomes.arrays(unit)
        weights, _ = kept_weights(arrays["weights"][places], options)
        yield weights, arrays["lengths"][places] if "lengths" in arrays else None


def apply_group(arrays, group, options):
    """Give a person the connectome that the settings ask for.

    Parameters
    ----------
    arrays, group : dict of str to ndarray
        ``weights`` (M, M) and, where there are any, ``lengths`` (M, M), of the person and of the cohort.
    options : dict

    Returns
    -------
    arrays : dict of str to ndarray
    notes : list of str
    """
    if options["source"] in AVERAGES:
        return group, []
    if options["mask"] == "none":
        return arrays, []
    lost = (arrays["weights"] > 0) & (group["weights"] == 0)
    note = (
        f"{np.count_nonzero(lost) // 2} connections are not in the consensus of the cohort and were removed"
    )
    return {**arrays, "weights": np.where(lost, 0.0, arrays["weights"])}, [note] if lost.any() else []


def digest(arrays):
    """Hash averages, so that files made with others are known; None where there are none."""
    if not arrays:
        return None
    sums = hashlib.sha256()
    for name in sorted(arrays):
        sums.update(np.ascontiguousarray(arrays[name]).tobytes())
    return sums.hexdigest()
