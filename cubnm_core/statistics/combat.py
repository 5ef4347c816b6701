"""Differences between sites taken out by ComBat, and a permutation test that repeats this every time.

ComBat (Johnson et al. 2007, doi:10.1093/biostatistics/kxj037; Fortin et al. 2018,
doi:10.1016/j.neuroimage.2017.11.024) gives every site a mean and a variance for every region, drawn towards
those of the other regions. It keeps what covariates explain, estimated from the same data: tests of
harmonised data that ignore this find too much. Here every permutation is harmonised anew, so that both sides
of the comparison have been through the same. The empirical Bayes estimates are those of the library
neuroCombat.
"""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.statistics.permutation import TOLERANCE, robust_statistic

VANISHING = 1e-12  # residual spread, as a share of the values, below which a response does not vary
FEWEST_REGIONS = 2  # of which the distribution over regions is estimated


class Combat:
    """ComBat for people of known sites.

    Parameters
    ----------
    sites : (n,) sequence
        Name of everybody's site.
    preserved : (n, k) array
        What is kept: covariates and tested terms, without intercept and sites.

    Raises
    ------
    InputError
        If sites explain some of what is to be kept.
    """

    def __init__(self, sites, preserved):
        names, place = np.unique(np.asarray(sites), return_inverse=True)
        member = np.eye(len(names))[place]
        self._design = np.hstack([member, preserved])
        if np.linalg.matrix_rank(self._design) < self._design.shape[1]:
            raise InputError("sites and terms of the formula cannot be separated (collinear)")
        self._inverse = np.linalg.pinv(self._design)
        self._shares = member.mean(axis=0)
        people = [np.flatnonzero(place == number) for number in range(len(names))]
        self._info = {
            "n_batch": len(names),
            "n_sample": len(place),
            "sample_per_batch": np.array([len(own) for own in people]),
            "batch_info": people,
            "ref_level": None,
        }

    def harmonise(self, responses):
        """Take differences between sites out.

        Parameters
        ----------
        responses : (n, M) array
            Two regions or more; all vary beyond sites and covariates.

        Returns
        -------
        (n, M) float64 array
        """
        library = import_module("neuroCombat.neuroCombat")  # the package names a function like this module
        coefficients = self._inverse @ responses
        sites = self._info["n_batch"]
        mean = self._shares @ coefficients[:sites]
        kept = self._design[:, sites:] @ coefficients[sites:]
        variance = ((responses - self._design @ coefficients) ** 2).mean(axis=0)
        standardised = ((responses - mean - kept) / np.sqrt(variance)).T
        priors = library.fit_LS_model_and_find_priors(standardised, self._design, self._info, False)
        shifts, scales = library.find_parametric_adjustments(standardised, priors, self._info, False)
        means = np.repeat(mean[:, None], len(responses), axis=1)
        described = (means, kept.T, variance[:, None], self._info, responses.T)
        return library.adjust_data_final(standardised, self._design, shifts, scales, *described).T


def harmonised_test(design, columns, responses, sites, permutations, threads=1):
    """Test a term on harmonised responses, which are harmonised anew in every permutation.

    Residuals of sites and covariates are permuted as by Freedman and Lane.

    Parameters
    ----------
    design : (n, k) array
        Of full rank, with the intercept in front, without sites.
    columns : sequence of int
        Those of the term.
    responses : (n, M) array
    sites : (n,) sequence
    permutations : (P, n) int array
        Within sites, whose people may differ in their variance.
    threads : int

    Returns
    -------
    harmonised : (n, M) float64 array
        NaN where a response does not vary beyond sites and covariates.
    p, p_familywise : (M,) float64 array
        As of :func:`cubnm_core.statistics.permutation.permutation_test`.

    Raises
    ------
    InputError
        If there are too few regions, or sites explain a term of the design.
    """
    from threadpoolctl import threadpool_limits

    responses = np.asarray(responses, dtype=np.float64)
    combat = Combat(sites, design[:, 1:])
    member = (np.asarray(sites)[:, None] == np.unique(np.asarray(sites))).astype(float)
    rest = np.linalg.qr(np.hstack([member, np.delete(design, [0, *columns], axis=1)]))[0]
    fitted = rest @ (rest.T @ responses)
    residuals = responses - fitted
    varying = residuals.std(axis=0) > VANISHING * np.abs(responses).max(axis=0)
    if varying.sum() < FEWEST_REGIONS:
        raise InputError("ComBat needs two regions or more whose values vary within sites")
    fitted, residuals = fitted[:, varying], residuals[:, varying]
    known = combat.harmonise(responses[:, varying])
    needed = robust_statistic(design, columns, known) * (1.0 - TOLERANCE)

    def compare(order):
        found = robust_statistic(design, columns, combat.harmonise(fitted + residuals[order]))
        return found >= needed, found.max()

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        reached, largest = zip(*pool.map(compare, permutations), strict=True)
    times, places = len(permutations) + 1, np.flatnonzero(varying)
    at_least = len(largest) - np.searchsorted(np.sort(largest), needed)
    whole = (
        _spread(values, places, responses.shape[1])
        for values in (
            known,
            (1.0 + np.sum(reached, axis=0)) / times,
            (1.0 + at_least) / times,
        )
    )
    return tuple(whole)


def _spread(values, places, count):
    """Put the values of some responses in their places among all; NaN elsewhere."""
    found = np.full((*values.shape[:-1], count), np.nan)
    found[..., places] = values
    return found
