"""Hilbert phases: synchrony, metastability and the FCD of phases.

Phases mean something for signals of a narrow band: give scans with a filter.
"""

import numpy as np

from cubnm_core.measures.distances import binned_cdf

SMOOTHED = 3  # neighbouring volumes whose phase patterns are averaged, as in Deco et al. 2019


def order(scan):
    """Order parameter of Kuramoto over time, (V,) in 0 to 1.

    With pairs within hemispheres only, the mean over hemispheres, weighted by their nodes.
    """
    blocks = scan.regions.blocks
    found = [np.abs(scan.phasors[:, block].mean(axis=1)) for block in blocks]
    return np.average(found, axis=0, weights=[len(block) for block in blocks])


def synchrony(scan):
    """Mean of the order parameter, (1,) in 0 to 1; Deco et al. 2017 (doi:10.1038/s41598-017-03073-5)."""
    return np.array([order(scan).mean()])


def metastability(scan):
    """Standard deviation of the order parameter, (1,); Deco et al. 2017 (doi:10.1038/s41598-017-03073-5)."""
    return np.array([order(scan).std()])


def phase_fcd(scan):
    """Distribution function (10000,) of similarities of phase patterns at any two times.

    A pattern holds cos(difference of phases) of all pairs, averaged over three volumes; patterns are compared
    by the cosine between them, as in Deco et al. 2019 (doi:10.1073/pnas.1905534116). Time by time matrices of
    products of single nodes give the sums over pairs without ever holding pairs.
    """
    phasors = scan.phasors
    products = np.zeros((len(phasors), len(phasors)))
    for block in scan.regions.blocks:
        cosine = np.ascontiguousarray(phasors.real[:, block])
        sine = np.ascontiguousarray(phasors.imag[:, block])
        crossed = cosine @ sine.T
        products += (cosine @ cosine.T) ** 2 + (sine @ sine.T) ** 2 + crossed**2 + crossed.T**2 - len(block)
    return similarity_distribution(_smooth(products))


def _smooth(products):
    """Products of the means over neighbouring times from products of every two times."""
    count = len(products) - SMOOTHED + 1
    rows = sum(products[start : start + count] for start in range(SMOOTHED))
    return sum(rows[:, start : start + count] for start in range(SMOOTHED))


def similarity_distribution(products):
    """Distribution function (10000,) of cosines of every two vectors, from their products (V, V)."""
    norms = np.sqrt(np.diag(products))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (products / norms / norms[:, None])[np.tril_indices(len(products), -1)]
    return (
        binned_cdf(cosines) if np.isfinite(cosines).all() else np.full_like(binned_cdf(np.zeros(1)), np.nan)
    )
