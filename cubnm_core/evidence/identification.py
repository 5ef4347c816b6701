"""Identification: is a person found again among all people, by likeness alone?

After Finn et al. 2015 (doi:10.1038/nn.4135), for simulations as well as scans.
"""

from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np

EXACT_UP_TO = 7  # people whose labels are permuted in every way
DRAWS = 10_000


@dataclass(frozen=True)
class Identification:
    """How many people were found again, beside what permuted labels give.

    Attributes
    ----------
    n_people : int
    rate : float
        Share of the people whose own candidate is more like them than all others'.
    chance : float
        Mean rate under permuted labels, 1 / `n_people`.
    chance_low, chance_high : float
        Middle 95 % of the rates under permuted labels.
    p : float
        Share of the permutations that find at least as many; never 0.
    """

    n_people: int
    rate: float
    chance: float
    chance_low: float
    chance_high: float
    p: float


def similarity(one, other):
    """Pearson correlation of every row of `one` (n, P) with every row of `other` (m, P): (n, m) float64."""
    one, other = (_standardise(np.asarray(values, dtype=np.float64)) for values in (one, other))
    return one @ other.T


def _standardise(values):
    centred = values - values.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def person_similarity(values, rows, columns):
    """Average similarities of sessions into one number for every two people.

    Parameters
    ----------
    values : (n, m) array
    rows, columns : sequences of n and m participants
        Whose session each row and column is.

    Returns
    -------
    people : list
        Who has a row and a column, in the order of the rows.
    averaged : (k, k) array
    """
    people = [person for person in dict.fromkeys(rows) if person in set(columns)]
    left, right = (
        np.array([[owner == person for owner in owners] for person in people], dtype=np.float64)
        for owners in (rows, columns)
    )
    if not people:
        return [], np.empty((0, 0))
    known = np.nan_to_num(values, nan=-1.0)  # what does not vary is like nobody
    return people, (left @ known @ right.T) / np.outer(left.sum(axis=1), right.sum(axis=1))


def identify(values, seed=0):
    """Find every person's own candidate.

    For the p value, labels of people are permuted with the matrix left as it is, so that one candidate who
    is like everybody, which makes the outcomes of people depend on each other, does so in every permutation.

    Parameters
    ----------
    values : (k, k) array
        Similarity of candidate (row) and person (column). A tie finds nobody.
    seed : int, optional
        Of the permutations, where there are too many people to try them all.

    Returns
    -------
    Identification or None
        None for fewer than two people.
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    if n < 2:
        return None
    best = values.max(axis=0)
    winner = np.where((values == best).sum(axis=0) == 1, values.argmax(axis=0), -1)
    found = int((winner == np.arange(n)).sum())
    hits = _permuted_hits(winner, seed)
    low, high = np.quantile(hits, [0.025, 0.975], method="inverted_cdf") / n
    exact = n <= EXACT_UP_TO
    at_least = (hits >= found).sum()
    p = at_least / len(hits) if exact else (at_least + 1) / (len(hits) + 1)
    return Identification(n, found / n, 1 / n, float(low), float(high), float(p))


def _permuted_hits(winner, seed):
    """How many people are found under each permutation of the labels, the true one among the exact ones."""
    n = len(winner)
    if n <= EXACT_UP_TO:
        labels = np.fromiter(permutations(range(n)), dtype=(int, n), count=factorial(n))
        return (labels == winner).sum(axis=1)
    generator = np.random.default_rng(seed)
    return np.array([(generator.permutation(n) == winner).sum() for _ in range(DRAWS)])
