"""How like its target a simulated FC or FCD is: the measures that goodness-of-fit terms are made of.

Every measure takes a batch of simulations, one per row, and looks at each row by itself.
"""

import numpy as np

from cubnm_core.errors import InputError

CDF_BINS = (
    10_000  # of correlations from -1 to 1, as Kong et al. 2021 (doi:10.1038/s41467-021-26704-y) bin the FCD
)


def correlation(simulated, target):
    """Pearson correlation of every row of `simulated` (B, P) with `target` (P,): (B,) in -1 to 1."""
    x = simulated - simulated.mean(axis=1, keepdims=True)
    y = target - target.mean()
    norms = np.sqrt(np.sum(x**2, axis=1)) * np.sqrt(np.sum(y**2))
    return np.sum(x * y, axis=1) / norms


def mean_difference(simulated, target):
    """Absolute difference between the means of every row of `simulated` (B, P) and of `target` (P,): (B,)."""
    return np.abs(simulated.mean(axis=1) - target.mean())


def normalised_distance(simulated, target):
    """Euclidean distance over its largest possible value, ``2 * sqrt(P)`` for correlations.

    Rows of `simulated` (B, P) against `target` (P,): (B,) in 0 to 1. cuBNM 0.1.0 calls it ``fc_normec``.
    """
    return np.sqrt(np.sum((simulated - target) ** 2, axis=1)) / (2 * np.sqrt(target.size))


def kolmogorov_smirnov(simulated, sorted_target):
    """Two-sample Kolmogorov-Smirnov statistic of every row, exact, ties included.

    Parameters
    ----------
    simulated : (B, W) array
    sorted_target : (K,) array
        In rising order.

    Returns
    -------
    (B,) float64 array
        The largest distance between the two empirical distribution functions, in 0 to 1; NaN for a row that
        holds a value that is not finite.
    """
    values = np.sort(np.asarray(simulated, dtype=np.float64), axis=1)
    n, k = values.shape[1], sorted_target.size
    # The distance can only peak at a simulated value or just before one: between two of them the simulated
    # distribution function is flat and the target's only rises.
    up_to = np.searchsorted(sorted_target, values, side="right") / k
    before = np.searchsorted(sorted_target, values, side="left") / k
    ahead = (np.arange(1, n + 1) / n - up_to).max(axis=1)
    behind = (before - np.arange(n) / n).max(axis=1)
    return np.where(_finite_rows(values), np.maximum(ahead, behind), np.nan)


def binned_cdf(fcd):
    """Distribution function of correlations at the upper edges of 10,000 equal bins from -1 to 1.

    Parameters
    ----------
    fcd : (W,) array
        Finite.

    Returns
    -------
    (10000,) float64 array
        Rising to 1.
    """
    place = np.floor((np.asarray(fcd, dtype=np.float64) + 1) * (CDF_BINS / 2)).astype(np.int64)
    counts = np.bincount(np.clip(place, 0, CDF_BINS - 1), minlength=CDF_BINS)
    return np.cumsum(counts) / counts.sum()


def check_cdf(cdf):
    """Give a binned distribution function of the user's, in counts or shares, as shares.

    Parameters
    ----------
    cdf : (10000,) array
        Number, or share, of FCD values up to the upper edge of every bin.

    Returns
    -------
    (10000,) float64 array

    Raises
    ------
    InputError
        If it has another length, is not finite, falls somewhere, or never rises above 0.
    """
    cdf = np.asarray(cdf, dtype=np.float64)
    if cdf.shape != (CDF_BINS,):
        raise InputError(
            f"The binned distribution function of the FCD has shape {cdf.shape}; it needs {CDF_BINS} values, "
            "one for every bin from -1 to 1."
        )
    if not np.isfinite(cdf).all() or (np.diff(cdf) < 0).any() or cdf[0] < 0 or cdf[-1] <= 0:
        raise InputError(
            "The binned distribution function of the FCD must rise from 0 on without ever falling; this one "
            "does not. Give cumulative counts or shares, not a histogram."
        )
    return cdf / cdf[-1]


def binned_kolmogorov_smirnov(simulated, target_cdf):
    """Kolmogorov-Smirnov statistic of every row, from distribution functions in 10,000 bins.

    It differs from the exact one by no more than the share of values that one bin holds, and serves
    where a target has come as a distribution function.

    Parameters
    ----------
    simulated : (B, W) array
    target_cdf : (10000,) array
        From :func:`binned_cdf` or :func:`check_cdf`.

    Returns
    -------
    (B,) float64 array
        In 0 to 1; NaN for a row that holds a value that is not finite.
    """
    distances = np.full(len(simulated), np.nan)
    for row in np.flatnonzero(_finite_rows(simulated)):
        distances[row] = np.abs(binned_cdf(simulated[row]) - target_cdf).max()
    return distances


def _finite_rows(values):
    return np.isfinite(values).all(axis=1)
