"""What an observable is, and how values of it are compared."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cubnm_core.measures import distances


@dataclass(frozen=True)
class Observable:
    """Numbers that are read out of the BOLD of one scan or simulation.

    Attributes
    ----------
    name : str
        In configurations and tables.
    title : str
        In the report.
    measure : callable
        ``measure(scan)`` gives the numbers (K,) of a :class:`cubnm_core.measures.observables.scan.Scan`.
    distance : callable
        ``distance(simulated, target)`` gives how far (B, K) numbers are from (K,): (B,), 0 is best.
    distance_title : str
        What this distance is.
    worst : float
        The largest distance, that of a simulation that failed.
    summary : callable
        ``summary(values, repetition_time)`` stands for the numbers in tables.
    summary_title, unit : str
        What that is, and its unit; "1" for none.
    doi : str
        Of the paper that describes it.
    pool : callable, optional
        ``pool(values, volumes)`` puts the numbers of runs together, by default their mean, weighted by
        volumes.
    needs : str, optional
        What the node table has to say: "networks" or "homologues".
    """

    name: str
    title: str
    measure: Callable
    distance: Callable
    distance_title: str
    worst: float
    summary: Callable
    summary_title: str
    unit: str
    doi: str
    pool: Callable = field(default=lambda values, volumes: np.average(values, axis=0, weights=volumes))
    needs: str = ""


def difference(simulated, target):
    """Mean absolute difference: (B,) from (B, K) and (K,)."""
    return np.abs(simulated - target).mean(axis=1)


def relative_difference(simulated, target):
    """Sum of absolute differences over the sum of both, of numbers from 0 on: (B,) in 0 to 1.

    Bray and Curtis 1957 (doi:10.2307/1942268).
    """
    return np.abs(simulated - target).sum(axis=1) / (simulated + target).sum(axis=1)


def disagreement(simulated, target):
    """1 minus the Pearson correlation: (B,) in 0 to 2."""
    return 1.0 - distances.correlation(simulated, target)


def largest_gap(simulated, target):
    """Kolmogorov-Smirnov distance of distribution functions: (B,) in 0 to 1."""
    return np.abs(simulated - target).max(axis=1)


def mean_of_distribution(cdf, repetition_time):
    """Mean of correlations whose distribution function is given in equal bins from -1 to 1."""
    width = 2.0 / len(cdf)
    return float(1.0 - width * (cdf.sum() - 0.5))


def mean_value(values, repetition_time):
    """Mean of the numbers."""
    return float(values.mean())
