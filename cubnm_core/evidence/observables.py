"""How well two scans of a person agree in an observable, and what may be said of it."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.evidence.reliability import agreement
from cubnm_core.measures.observables.catalogue import OBSERVABLES

#: Fewest people with two scans for whom an observable is called reliable, or not.
FEWEST = 20
#: Least value that the interval of the ICC must lie above: "fair" of Cicchetti 1994
#: (doi:10.1037/1040-3590.6.4.284).
LEAST = 0.4
#: People whose scans are compared with those of each other.
OTHERS = 100
TOO_FEW, RELIABLE, UNRELIABLE = "too few people", "reliable", "not shown to be reliable"


@dataclass(frozen=True)
class ScanAgreement:
    """What two scans of people say about an observable.

    Attributes
    ----------
    n_people : int
    icc, low, high : float
        ICC(2,1) of its summary, with a 95 % interval; NaN where there are too few people for one.
    own, others : float
        Median distance of the second scan of a person from the first scan of the same person, and of others.
    verdict : str
        One of :data:`TOO_FEW`, :data:`RELIABLE`, :data:`UNRELIABLE`.
    """

    n_people: int
    icc: float
    low: float
    high: float
    own: float
    others: float
    verdict: str


def scan_agreement(name, summaries, first, second):
    """Compare two scans of every person.

    Parameters
    ----------
    name : str
        Of the observable.
    summaries : (n, 2) array
        Of both scans of n people.
    first, second : (m, K) array
        The observable in both scans, of the first m people (all, or at most :data:`OTHERS`).

    Returns
    -------
    ScanAgreement
    """
    summaries = np.asarray(summaries, dtype=np.float64).reshape(-1, 2)
    found = agreement(summaries[:, :, None])
    icc, low, high = (float(values[0]) for values in (found.single, *found.single_interval))
    distances = np.array([OBSERVABLES[name].distance(first, one) for one in second])
    same = np.eye(len(distances), dtype=bool).reshape(distances.shape)
    return ScanAgreement(
        n_people=len(summaries),
        icc=icc,
        low=low,
        high=high,
        own=_median(distances[same]),
        others=_median(distances[~same]),
        verdict=_verdict(len(summaries), low),
    )


def _verdict(n_people, low):
    if n_people < FEWEST:
        return TOO_FEW
    return RELIABLE if low >= LEAST else UNRELIABLE


def _median(values):
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else float("nan")
