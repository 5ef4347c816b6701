"""Several objectives at once: which candidates no other beats, and which of them to go on with."""

import numpy as np


def non_dominated(costs):
    """Candidates that no other beats in one objective without losing in another.

    Parameters
    ----------
    costs : (n, k) array
        To be minimised, all finite.

    Returns
    -------
    (m,) int array
        Rows, rising; of candidates with equal costs the first.
    """
    costs = np.asarray(costs, dtype=np.float64)
    _, first = np.unique(costs, axis=0, return_index=True)
    kept = []
    for row in np.sort(first):
        other = costs[first]
        beaten = ((other <= costs[row]).all(axis=1) & (other < costs[row]).any(axis=1)).any()
        if not beaten:
            kept.append(row)
    return np.array(kept, dtype=int)


def distance_to_ideal(costs, front):
    """How far candidates lie from the best value of every objective at once, each scaled to its range.

    Parameters
    ----------
    costs : (n, k) array
    front : (m, k) array
        Costs of the front that gives the ranges; an objective that is the same along it does not count.

    Returns
    -------
    (n,) array
        Euclidean distance from the ideal point of the front, in ranges of the front.
    """
    ideal, extent = front.min(axis=0), np.ptp(front, axis=0)
    scaled = (np.asarray(costs) - ideal) / np.where(extent > 0, extent, 1.0)
    return np.sqrt((np.where(extent > 0, scaled, 0.0) ** 2).sum(axis=1))
