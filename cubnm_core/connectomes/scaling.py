"""Connectomes before they are simulated: thresholds, scaling, lengths, likeness to the others."""

import numpy as np

from cubnm_core.errors import InputError

MEAN_WEIGHT = 0.01  # of the whole matrix, zero diagonal included, as in cuBNM
SCALINGS = ("subject_mean", "subject_max", "group_constant", "mu", "log", "none")
NEEDS_GROUP = ("group_constant", "mu")  # rules with one factor for the whole cohort


def threshold_weights(weights, absolute=None, density=None):
    """Remove weak connections.

    Parameters
    ----------
    weights : (N, N) array
        Symmetric or not, without a diagonal.
    absolute : float, optional
        Weights below become 0.
    density : float, optional
        Share of all off-diagonal entries that stay: the strongest. Of equal ones all stay, so that a
        symmetric matrix stays symmetric.

    Returns
    -------
    (N, N) array
        A copy.

    Raises
    ------
    InputError
        If the density does not lie between 0 and 1.
    """
    kept = np.array(weights, dtype=np.float64)
    if absolute is not None:
        kept[kept < absolute] = 0.0
    if density is not None:
        if not 0 < density <= 1:
            raise InputError(f"a density of {density:g} is not a share between 0 and 1")
        n = len(kept)
        count = round(density * n * (n - 1))
        if count < np.count_nonzero(kept):
            weakest = np.sort(kept, axis=None)[-max(count, 1)]
            kept[kept < weakest] = 0.0
    return kept


def scale(weights, rule, group_factor=None, mu=None):
    """Bring weights to the order of magnitude that models are used with.

    Parameters
    ----------
    weights : (N, N) array
        As tractography gave them.
    rule : {"subject_mean", "subject_max", "group_constant", "mu", "log", "none"}
        ``subject_mean`` brings the mean of the whole matrix to 0.01 (as cuBNM), ``subject_max`` the largest
        weight to 1; both make people's total strengths equal or nearly so. ``group_constant`` multiplies
        everybody's weights by one factor, ``mu`` first by the person's own proportionality coefficient of
        SIFT2 (Smith et al. 2015, doi:10.1016/j.neuroimage.2015.06.092), so that strengths still differ
        between people. ``log`` takes log(1 + weight) before ``subject_mean``.
    group_factor : float, optional
        From :func:`group_factor`, for the rules that need it.
    mu : float, optional

    Returns
    -------
    weights : (N, N) array
    factor : float
        What the weights (with ``log``: their logarithms) were multiplied by.

    Raises
    ------
    InputError
        For an unknown rule, or without the numbers that it needs.
    """
    before = before_group(weights, rule, mu)
    if rule in ("subject_mean", "log"):
        factor = MEAN_WEIGHT / before.mean()
    elif rule == "subject_max":
        factor = 1.0 / before.max()
    elif rule in NEEDS_GROUP:
        if group_factor is None:
            raise InputError(f"the scaling {rule} needs the factor of the group")
        factor = group_factor
    else:
        factor = 1.0
    return before * factor, factor * (mu if rule == "mu" else 1.0)


def before_group(weights, rule, mu=None):
    """Give the weights that a factor then scales: logarithms for ``log``, multiplied by mu for ``mu``.

    Raises
    ------
    InputError
        For an unknown rule, or ``mu`` without a positive coefficient.
    """
    if rule not in SCALINGS:
        raise InputError(f"the scaling is {rule!r}; allowed are {', '.join(SCALINGS)}")
    if rule == "log":
        return np.log1p(weights)
    if rule != "mu":
        return np.asarray(weights, dtype=np.float64)
    if mu is None or not mu > 0:
        raise InputError(
            "the scaling mu needs the coefficient of SIFT2 of every connectome; write it as Mu into the JSON "
            "file beside it"
        )
    return np.asarray(weights, dtype=np.float64) * mu


def group_factor(means):
    """Give the one factor that brings the mean weight of a cohort to 0.01.

    Parameters
    ----------
    means : sequence of float
        Mean of every person's matrix, as of :func:`before_group`.

    Returns
    -------
    float
    """
    return MEAN_WEIGHT / float(np.mean(means))


def euclidean_lengths(positions, tortuosity=1.0):
    """Give distances between nodes, as a stand-in for tract lengths.

    Parameters
    ----------
    positions : (N, 3) array
        In mm.
    tortuosity : float
        How much longer a tract is than the straight line.

    Returns
    -------
    (N, N) array
        In mm.

    Raises
    ------
    InputError
        If a coordinate is missing.
    """
    places = np.asarray(positions, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 3 or not np.isfinite(places).all():
        raise InputError(
            "lengths from coordinates need x, y and z (mm) of every node in the node table; add them"
        )
    return tortuosity * np.linalg.norm(places[:, None] - places[None], axis=-1)


def similarity_to_others(features):
    """Correlate every vector with the mean of all others, which shows whose nodes are in another order.

    Parameters
    ----------
    features : collection of (P,) arrays
        One vector per person, such as FC or the logarithm of weights; gone through twice, so that it may read
        them from files one by one.

    Returns
    -------
    (S,) float64 array
        NaN for fewer than three people.
    """
    total, count = 0.0, 0
    for mine in features:
        total, count = total + np.asarray(mine, dtype=np.float64), count + 1
    if count < 3:
        return np.full(count, np.nan)
    return np.array([np.corrcoef(mine, (total - mine) / (count - 1))[0, 1] for mine in features])


def robust_z(values):
    """Give the distance of every number from the median in robust standard deviations (1.4826 times the MAD).

    Parameters
    ----------
    values : (S,) array
        NaN where unknown.

    Returns
    -------
    (S,) float64 array
        0 where all numbers agree.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).any():
        return np.full(len(numbers), np.nan)
    away = numbers - np.nanmedian(numbers)
    spread = 1.4826 * np.nanmedian(np.abs(away))
    return away / spread if spread > 0 else np.where(np.isnan(away), np.nan, 0.0)
