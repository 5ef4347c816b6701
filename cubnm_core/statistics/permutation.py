"""Permutation tests of a term by the method of Freedman and Lane, for many responses at once.

Residuals of the model without the term are permuted and the term is tested anew (Freedman & Lane 1983,
doi:10.1080/07350015.1983.10509354; Winkler et al. 2014, doi:10.1016/j.neuroimage.2014.01.060). Parameters
that end at their bounds are not normal; this test does not need them to be. With a random intercept,
residuals are permuted after the likeness within clusters has been taken out of them.
"""

import numpy as np

from cubnm_core.statistics import mixed

TOLERANCE = 1e-10  # share of a statistic within which another one is as large
CHUNK = 4_000_000  # numbers of a permuted design held at once


def draw_permutations(n, count, seed, blocks=None, whole=False):
    """Draw permutations of people that keep to exchangeability blocks.

    Parameters
    ----------
    n : int
        People.
    count : int
    seed : int
    blocks : (n,) sequence, optional
        Name of everybody's block; people change places within it.
    whole : bool
        Whether, instead, blocks of the same size change places as wholes, their members in order: for terms
        that do not vary within blocks.

    Returns
    -------
    (count, n) int array
    """
    rng = np.random.default_rng(seed)
    places = [np.arange(n)] if blocks is None else _members(blocks)
    found = np.tile(np.arange(n), (count, 1))
    if not whole:
        for members in places:
            found[:, members] = rng.permuted(found[:, members], axis=1)
        return found
    for size in sorted({len(members) for members in places}):
        alike = np.array([members for members in places if len(members) == size])
        for row in found:
            row[alike] = rng.permutation(alike)
    return found


def _members(blocks):
    names, place = np.unique(np.asarray(blocks), return_inverse=True)
    return [np.flatnonzero(place == number) for number in range(len(names))]


def permutation_test(design, columns, responses, permutations, clusters=None):
    """Test a term by permutation.

    Parameters
    ----------
    design : (n, k) array
        Of full rank, with the intercept.
    columns : sequence of int
        Those of the term.
    responses : (n, M) array
    permutations : (P, n) int array
        As of :func:`draw_permutations`.
    clusters : (n,) sequence, optional
        Whose members share a random intercept; the ratio of variances is that of the model without the term.

    Returns
    -------
    p : (M,) float64 array
        Share of the permutations, the data as they are among them, with a t (two-sided) or F as large.
    p_familywise : (M,) float64 array
        The same for the largest statistic of all responses, which keeps the familywise error.
    """
    responses = np.asarray(responses, dtype=np.float64)
    permutations = np.vstack([np.arange(len(design)), permutations])
    ratios = np.zeros(responses.shape[1])
    if clusters is not None:
        found = mixed.variance_ratio(np.delete(design, columns, axis=1), responses, clusters)
        ratios = _round(found)
    statistics = np.empty((len(permutations), responses.shape[1]))
    for ratio in np.unique(ratios):
        mine = ratios == ratio
        x, y = design, responses[:, mine]
        if ratio:
            x, y = mixed.whiten(x, clusters, ratio), mixed.whiten(y, clusters, ratio)
        statistics[:, mine] = _freedman_lane(x, list(columns), y, permutations)
    return _p_values(statistics)


def _round(ratio):
    """Round the share of variance between clusters to a hundredth, so that few transformations do for all."""
    share = np.minimum(np.round(ratio / (1.0 + ratio), 2), 0.99)
    return share / (1.0 - share)


def _p_values(statistics):
    """Compare with the first row, the data as they are; constant responses have no p."""
    known = np.isfinite(statistics[0])
    needed = statistics[0] * (1.0 - TOLERANCE)
    p, p_familywise = np.full((2, len(needed)), np.nan)
    p[known] = (statistics >= needed).mean(axis=0)[known]
    if known.any():
        largest = statistics[:, known].max(axis=1)
        p_familywise[known] = (largest[:, None] >= needed[known]).mean(axis=0)
    return p, p_familywise


def _freedman_lane(design, columns, responses, permutations):
    """F of the term for every permutation (rows) and response.

    Permuting the rows of an orthonormal basis of the design is as good as permuting the residuals, and all
    permutations together are one matrix product.
    """
    rest = np.linalg.qr(np.delete(design, columns, axis=1))[0]
    residuals = responses - rest @ (rest.T @ responses)
    term = design[:, columns] - rest @ (rest.T @ design[:, columns])
    basis = np.hstack([np.linalg.qr(term)[0], rest])
    total = (residuals**2).sum(axis=0)
    vanishing = total <= len(design) * (1e-12 * np.abs(responses).max(axis=0)) ** 2
    n, rank = basis.shape
    found = np.empty((len(permutations), responses.shape[1]))
    step = max(1, CHUNK // basis.size)
    for start in range(0, len(permutations), step):
        permuted = basis[permutations[start : start + step]].transpose(0, 2, 1)
        squares = (permuted.reshape(-1, n) @ residuals).reshape(len(permuted), rank, -1) ** 2
        explained, others = squares[:, : len(columns)].sum(axis=1), squares[:, len(columns) :].sum(axis=1)
        left = np.maximum(total - explained - others, np.finfo(float).tiny)
        found[start : start + step] = explained / len(columns) / (left / (n - rank))
    found[:, vanishing] = np.nan
    return found
