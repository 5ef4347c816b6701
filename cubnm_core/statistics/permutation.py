"""Permutation tests of a term by the method of Freedman and Lane, for many responses at once.

Residuals of the model without the term are permuted and the term is tested anew (Freedman & Lane 1983,
doi:10.1080/07350015.1983.10509354; Winkler et al. 2014, doi:10.1016/j.neuroimage.2014.01.060). Parameters
that end at their bounds are not normal; this test does not need them to be. Groups may differ in their
variance: the statistic has the standard error HC3 (MacKinnon & White 1985, doi:10.1016/0304-4076(85)90158-7),
so that its distribution is the same with and without exchange in large samples (DiCiccio & Romano 2017,
doi:10.1080/01621459.2016.1202117). With a random intercept, residuals are permuted after the likeness within
clusters has been taken out of them.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from cubnm_core.statistics import mixed

TOLERANCE = 1e-8  # share of a statistic within which another one is as large
AT_ONCE = 400_000  # residuals of permuted data held at once by a thread; they stay in the cache
SMALLEST_SHARE = 1e-10  # of the residual variance, below which a variance counts as this
FULL_LEVERAGE = 1.0 - 1e-8  # of a person whom the model fits whatever the response


def permutation_test(design, columns, responses, permutations, clusters=None, threads=1):
    """Test a term by permutation.

    Parameters
    ----------
    design : (n, k) array
        Of full rank, with the intercept.
    columns : sequence of int
        Those of the term.
    responses : (n, M) array
    permutations : (P, n) int array
        As of :mod:`cubnm_core.statistics.exchange`.
    clusters : (n,) sequence, optional
        Whose members share a random intercept; the ratio of variances is that of the model without the term.
    threads : int

    Returns
    -------
    p : (M,) float64 array
        Share of the permutations, the data as they are among them, with a statistic as large (two-sided).
    p_familywise : (M,) float64 array
        The same for the largest statistic of all responses, which keeps the familywise error.
    """
    responses = np.asarray(responses, dtype=np.float64)
    parts = [
        (mine, _reduce(x, list(columns), y)) for mine, x, y in _whitened(design, columns, responses, clusters)
    ]
    observed = np.full(responses.shape[1], np.nan)
    for mine, reduced in parts:
        observed[mine] = _statistics(reduced, np.arange(len(design))[None])[0]
    needed = observed * (1.0 - TOLERANCE)
    reached, largest = np.zeros(responses.shape[1]), np.zeros(len(permutations))
    for mine, reduced in parts:
        counts, peaks = _compare(reduced, needed[mine], permutations, threads)
        reached[mine] = counts
        largest = np.maximum(largest, peaks)
    times = len(permutations) + 1
    p = np.where(np.isfinite(observed), (1.0 + reached) / times, np.nan)
    at_least = len(largest) - np.searchsorted(np.sort(largest), needed)
    # The largest statistic of the data as they are is at least any of them.
    return p, np.where(np.isfinite(observed), (1.0 + at_least) / times, np.nan)


def robust_statistic(design, columns, responses):
    """Give the statistic that permutations compare: of data as they are.

    Parameters
    ----------
    design, columns, responses
        As of :func:`permutation_test`.

    Returns
    -------
    (M,) float64 array
        Square of z, or F of several columns; NaN where a response does not vary beyond the model.
    """
    return _statistics(_reduce(design, list(columns), responses), np.arange(len(design))[None])[0]


def smallest_p(design, columns, permutations):
    """Give the smallest p that permutations allow: several may leave the test of a term as it is.

    Parameters
    ----------
    design, columns, permutations
        As of :func:`permutation_test`.

    Returns
    -------
    float
        Exchanging two groups of the same size, for one, gives the same two-sided statistic.
    """
    term, rest = _bases(design, list(columns))
    alike = np.ones(len(permutations), dtype=bool)
    for basis in (term, rest):
        overlap = basis.T @ basis[permutations]
        alike &= (overlap**2).sum(axis=(1, 2)) > basis.shape[1] * (1.0 - TOLERANCE)
    return (1.0 + alike.sum()) / (1.0 + len(permutations))


def _whitened(design, columns, responses, clusters):
    """Responses by the ratio of their variances: which, design and responses without likeness in clusters."""
    if clusters is None:
        yield np.ones(responses.shape[1], dtype=bool), design, responses
        return
    ratios = _round(mixed.variance_ratio(np.delete(design, columns, axis=1), responses, clusters))
    for ratio in np.unique(ratios):
        mine = ratios == ratio
        yield mine, mixed.whiten(design, clusters, ratio), mixed.whiten(responses[:, mine], clusters, ratio)


def _round(ratio):
    """Round the share of variance between clusters to a hundredth, so that few transformations do for all."""
    share = np.minimum(np.round(ratio / (1.0 + ratio), 2), 0.99)
    return share / (1.0 - share)


@dataclass(frozen=True, eq=False)
class _Reduced:
    """What a test permutes: an orthonormal basis of the design, and residuals of the model without the term.

    Attributes
    ----------
    q : int
        Columns of the term.
    basis : (n, k) array
        Its first q columns are those of the term.
    weights : (q (q + 1) / 2, n) array
        Of squared residuals of the whole model in every entry of the covariance of the term's coefficients.
    residuals : (n, M) array
        NaN where a response does not vary beyond the model.
    floor : (M,) array
        Least variance of a coefficient.
    """

    q: int
    basis: np.ndarray
    weights: np.ndarray
    residuals: np.ndarray
    floor: np.ndarray


def _bases(design, columns):
    """Orthonormal bases of the term, adjusted for the rest of the design, and of the rest."""
    rest = np.linalg.qr(np.delete(design, columns, axis=1))[0]
    term = design[:, columns] - rest @ (rest.T @ design[:, columns])
    return np.linalg.qr(term)[0], rest


def _reduce(design, columns, responses):
    term, rest = _bases(design, columns)
    residuals = responses - rest @ (rest.T @ responses)
    total = (residuals**2).sum(axis=0)
    vanishing = total <= len(design) * (1e-12 * np.abs(responses).max(axis=0)) ** 2
    residuals[:, vanishing] = np.nan
    floor = SMALLEST_SHARE * total / len(design)
    basis, weights = np.hstack([term, rest]), _hc3_weights(term, rest)
    return _Reduced(len(columns), basis, weights, residuals, floor)


def _hc3_weights(term, rest):
    """Weights of squared residuals in the covariance HC3 of the coefficients of an orthonormal term.

    The residual of somebody whom the model always fits is 0: the mean of the others' stands for its square.
    """
    n, free = len(term), len(term) - term.shape[1] - rest.shape[1]
    leverage = (term**2).sum(axis=1) + (rest**2).sum(axis=1)
    fitted = leverage > FULL_LEVERAGE
    products = np.array([term[:, a] * term[:, b] for a, b in _entries(term.shape[1])])
    weights = products / np.where(fitted, np.inf, 1.0 - leverage) ** 2
    return weights + np.tile(products[:, fitted].sum(axis=1, keepdims=True) / free, n)


def _entries(q):
    """Rows and columns of the lower triangle of a (q, q) matrix."""
    return list(zip(*np.tril_indices(q), strict=True))


def _compare(reduced, needed, permutations, threads):
    """How many permutations reach a statistic, by response, and the largest of every permutation."""
    from threadpoolctl import threadpool_limits

    step = max(1, AT_ONCE // (len(reduced.basis) * (len(needed) + reduced.basis.shape[1])))
    known = np.isfinite(needed)

    def compare(start):
        found = _statistics(reduced, permutations[start : start + step])
        return (found >= needed).sum(axis=0), found[:, known].max(axis=1, initial=0.0)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        counts, peaks = zip(*pool.map(compare, range(0, len(permutations), step)), strict=True)
    return np.sum(counts, axis=0), np.concatenate(peaks)


def _statistics(reduced, permutations):
    """Robust statistics of the term for every permutation (rows) and response.

    Permuting the rows of the design is as good as permuting the residuals, of which there are more.
    """
    basis, weights = reduced.basis[permutations], reduced.weights[:, permutations].transpose(1, 0, 2)
    count, n, rank = basis.shape
    coefficients = basis.transpose(0, 2, 1).reshape(-1, n) @ reduced.residuals
    coefficients = coefficients.reshape(count, rank, -1)
    squares = np.matmul(basis, coefficients)
    np.subtract(reduced.residuals, squares, out=squares)
    np.square(squares, out=squares)
    variances = np.matmul(weights, squares)
    if reduced.q > 1:
        return _wald(coefficients[:, : reduced.q], variances, reduced.floor)
    np.square(squares, out=squares)
    fourth = np.matmul(weights**2, squares)[:, 0] + reduced.floor**2
    variance = variances[:, 0] + reduced.floor
    return _squared_z(coefficients[:, 0] ** 2 / variance, 3.0 * variance**2 / fourth)


def _squared_z(squared_t, df):
    """Turn the square of t into that of a standard normal variable (Wallace 1959).

    Degrees of freedom of a variance are those of Satterthwaite (1946, doi:10.2307/3002019): few where few
    people with large residuals make most of it, as in a small group of large variance.
    """
    return df * np.log1p(squared_t / df) * ((8.0 * df + 1.0) / (8.0 * df + 3.0)) ** 2


def _wald(coefficients, entries, floor):
    """F of several coefficients (P, q, M) with their covariance, given as its lower triangle (P, ., M)."""
    q = coefficients.shape[1]
    covariance = np.empty((q, q, len(coefficients), coefficients.shape[2]))
    for number, (a, b) in enumerate(_entries(q)):
        covariance[a, b] = covariance[b, a] = entries[:, number]
    left, total = coefficients.transpose(1, 0, 2).copy(), 0.0
    for j in range(q):  # elimination, for all permutations and responses at once
        pivot = np.maximum(covariance[j, j], 0.0) + floor
        total = total + left[j] ** 2 / pivot
        share = covariance[j + 1 :, j] / pivot
        left[j + 1 :] -= share * left[j]
        covariance[j + 1 :, j + 1 :] -= share[:, None] * covariance[j, j + 1 :]
    return total / q
