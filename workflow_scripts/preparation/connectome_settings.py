"""The settings of section ``connectome``, applied to one person's connectome."""

import numpy as np

from cubnm_core.connectomes.scaling import euclidean_lengths, scale, threshold_weights
from cubnm_core.errors import InputError

PLAUSIBLE = (10.0, 300.0)  # mm, mean length of the connections of a human brain


def kept_weights(weights, options):
    """Remove the connections that the settings call too weak.

    Parameters
    ----------
    weights : (N, N) array
    options : dict
        Section ``connectome`` of a completed configuration.

    Returns
    -------
    weights : (N, N) array
    notes : list of str
    """
    rules = options["threshold"]
    kept = threshold_weights(weights, rules["absolute"], rules["density"])
    removed, before = (int(np.count_nonzero(values)) for values in ((kept == 0) & (weights > 0), weights))
    notes = [f"{removed // 2} of {before // 2} connections were removed by the threshold"] if removed else []
    return kept, notes


def chosen_lengths(lengths, weights, positions, options):
    """Give the tract lengths that the settings ask for, and say where they do not go with the weights.

    Parameters
    ----------
    lengths : (N, N) array or None
        Of the person's file, in mm.
    weights : (N, N) array
        After the threshold.
    positions : (N, 3) array
        Of the node table, in mm; NaN where it has none.
    options : dict
        Section ``connectome`` of a completed configuration.

    Returns
    -------
    lengths : (N, N) array or None
    notes : list of str

    Raises
    ------
    InputError
        If a connection has no length though the settings refuse that, or coordinates are missing.
    """
    rules = options["lengths"]
    if rules["source"] == "euclidean":
        return euclidean_lengths(positions, rules["tortuosity"]), []
    if lengths is None:
        return None, []
    without = np.tril((weights > 0) & (np.minimum(lengths, lengths.T) == 0))
    count = int(np.count_nonzero(without))
    if count and rules["missing"] == "refuse":
        raise InputError(
            f"{count} connections have a weight but no length; correct the lengths, allow it "
            "(connectome.lengths.missing: flag), or take lengths from coordinates (source: euclidean)"
        )
    notes = [f"{count} connections have a weight but no length"] if count else []
    known = lengths[(weights > 0) & (lengths > 0)]
    if known.size and not PLAUSIBLE[0] <= known.mean() <= PLAUSIBLE[1]:
        notes.append(
            f"the mean length of the connections is {known.mean():.3g} mm; human brains have some tens: "
            "are the lengths in mm?"
        )
    return lengths, notes


def positions_of(nodes):
    """Give the coordinates of nodes in mm, (N, 3); NaN where the node table has none."""
    return np.array([[np.nan if node.get(axis) is None else node[axis] for axis in "xyz"] for node in nodes])


def ready(arrays, mu, positions, options, group_factor):
    """Turn the aligned connectome of a person into the one that is simulated.

    Parameters
    ----------
    arrays : dict
        ``weights`` (N, N) and, where given, ``lengths`` (N, N) of the nodes of the analysis.
    mu : float or None
        Coefficient of SIFT2.
    positions : (N, 3) array
    options : dict
        Section ``connectome`` of a completed configuration.
    group_factor : float or None

    Returns
    -------
    arrays : dict
        ``weights``, ``raw_sum`` and ``scale_factor``, and ``lengths`` where there are any.
    kept : (N, N) array
        The weights before they were scaled.
    notes : list of str

    Raises
    ------
    InputError
        If no connection is left, or lengths are refused.
    """
    kept, notes = kept_weights(arrays["weights"], options)
    if not kept.any():
        raise InputError("no connection at all is left; lower connectome.threshold")
    weights, factor = scale(kept, options["scaling"], group_factor, mu)
    found = {"weights": weights, "raw_sum": kept.sum(), "scale_factor": factor}
    lengths, more = chosen_lengths(arrays.get("lengths"), kept, positions, options)
    if lengths is not None:
        found["lengths"] = lengths
    return found, kept, notes + more
