"""How sharply one scan determines parameters: sandwich variances at the optimum of an expected cost.

A cost is no likelihood. Between scans its optimum scatters with the variance H^-1 V H^-1: H is the curvature
of the cost, V the variance of its slope under the sampling covariance of the FC (Huber 1967; Godambe 1960,
doi:10.1214/aoms/1177705693). The scatter is around what the cost prefers, which need not be the truth:
expected correlations rise with the strength of FC, so that ``fc_corr`` alone overestimates coupling. It holds
within the model: where the model is wrong, it says too little.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.linear.expectation import target_slope


@dataclass(frozen=True)
class Uncertainty:
    """Of K parameters fitted to one scan.

    Attributes
    ----------
    names : tuple of str
    sd : (K,) array
        Standard errors, in the units of the parameters.
    correlation : (K, K) array
    curvature : (K, K) array
        Of the expected cost.
    """

    names: tuple
    sd: np.ndarray
    correlation: np.ndarray
    curvature: np.ndarray


def estimate_uncertainty(respond, point, steps, target_fc, weights):
    """Estimate standard errors of parameters at the optimum of an expected cost.

    Parameters
    ----------
    respond : callable
        ``respond(points)`` gives the `LinearResponse` of a dict of (B,) arrays, compared with the target.
    point : dict of str to float
        The optimum.
    steps : dict of str to float
        Half-widths of the differences, small beside what changes FC.
    target_fc : (P,) array
    weights : dict of str to float
        Of terms in the cost, signed: the cost is the weighted sum of the terms.

    Returns
    -------
    Uncertainty

    Raises
    ------
    InputError
        If a network next to the optimum is unstable, or the cost has no minimum there.
    """
    names = tuple(point)
    moves = _moves(len(names))
    centre, half = (np.array([values[name] for name in names]) for values in (point, steps))
    response = respond(dict(zip(names, (centre + moves * half).T, strict=True)))
    unstable = np.flatnonzero(~(response.growth < 0))
    if len(unstable):
        values = centre + moves[unstable[0]] * half
        at = ", ".join(f"{name} = {value:g}" for name, value in zip(names, values, strict=True))
        raise InputError(f"there is no stable fixed point next to the optimum, at {at}")
    cost = sum(weight * response.expected[term] for term, weight in weights.items())
    curvature = _curvature(moves, cost) / np.outer(half, half)
    if np.linalg.eigvalsh(curvature).min() <= 0:
        raise InputError("the expected cost has no minimum here; it is flat or a saddle")
    slopes = [
        target_slope(response.sampling(row), target_fc, weights) for row in range(1, 2 * len(names) + 1)
    ]
    mixed = np.array([(slopes[2 * i] - slopes[2 * i + 1]) / (2 * half[i]) for i in range(len(names))])
    variance = response.sampling(0).covariances(mixed)
    bread = np.linalg.inv(curvature)
    covariance = bread @ variance @ bread
    sd = np.sqrt(np.diag(covariance))
    return Uncertainty(names, sd, covariance / np.outer(sd, sd), curvature)


def _moves(size):
    """The centre, then steps forth and back along every axis, then both ways along every pair of axes."""
    axes = np.eye(size)
    pairs = [axes[i] + axes[j] for i, j in combinations(range(size), 2)]
    return np.array(
        [np.zeros(size), *(s * a for a in axes for s in (1, -1)), *(s * p for p in pairs for s in (1, -1))]
    )


def _curvature(moves, cost):
    """Second differences of the cost, in units of the steps."""
    size = moves.shape[1]
    along = cost[1 : 2 * size + 1].reshape(size, 2).sum(axis=1) - 2 * cost[0]
    found = np.diag(along)
    both = cost[2 * size + 1 :].reshape(-1, 2).sum(axis=1) - 2 * cost[0]
    for (i, j), value in zip(combinations(range(size), 2), both, strict=True):
        found[i, j] = found[j, i] = (value - along[i] - along[j]) / 2
    return found
