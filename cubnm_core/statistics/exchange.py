"""Permutations of people: who may change places with whom, and all distinct orders where they are few."""

from dataclasses import dataclass
from math import factorial, prod

import numpy as np


@dataclass(frozen=True, eq=False)
class Permutations:
    """Orders of people for a permutation test.

    Attributes
    ----------
    orders : (P, n) int array
        Without the unchanged one, if these are all.
    exhaustive : bool
        Whether these are all that change something.
    """

    orders: np.ndarray
    exhaustive: bool

    @property
    def count(self):
        """Random permutations, or distinct ones with the unchanged order."""
        return len(self.orders) + self.exhaustive


def choose_permutations(design, count, seed, blocks=None, whole=False, clusters=None):
    """Give every distinct rearrangement of a design's rows if there are few, else random permutations.

    Parameters
    ----------
    design : (n, k) array
        People with the same row (and cluster) are not told apart.
    count : int
        Rearrangements up to which all are given; beyond, so many permutations are drawn.
    seed : int
    blocks, whole
        As of :func:`draw_permutations`.
    clusters : (n,) sequence, optional
        Whose members share a random intercept.

    Returns
    -------
    Permutations
    """
    kinds, sets = _kinds(design, clusters), _exchangeable(len(design), blocks, whole)
    if _count_arrangements(kinds, sets) <= count:
        return Permutations(_all_permutations(kinds, sets), exhaustive=True)
    return Permutations(draw_permutations(len(design), count, seed, blocks, whole), exhaustive=False)


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
    found = np.tile(np.arange(n, dtype=np.int32), (count, 1))
    for units in _exchangeable(n, blocks, whole):
        orders = rng.permuted(np.tile(np.arange(len(units)), (count, 1)), axis=1)
        found[:, units.ravel()] = units[orders].reshape(count, -1)
    return found


def is_movable(values, blocks=None, whole=False):
    """Whether any permutation changes values of people.

    Parameters
    ----------
    values : (n, q) array
    blocks, whole
        As of :func:`draw_permutations`.

    Returns
    -------
    bool
    """
    return _count_arrangements(_kinds(values, None), _exchangeable(len(values), blocks, whole)) > 1


def _exchangeable(n, blocks, whole):
    """Sets of units that change places: (units, people of a unit) arrays of people's numbers."""
    if blocks is None:
        return [np.arange(n)[:, None]]
    names, place = np.unique(np.asarray(blocks), return_inverse=True)
    members = [np.flatnonzero(place == number) for number in range(len(names))]
    if not whole:
        return [each[:, None] for each in members]
    sizes = sorted({len(each) for each in members})
    return [np.array([each for each in members if len(each) == size]) for size in sizes]


def _kinds(values, clusters):
    """Number everybody so that people with the same values (and cluster) have the same number."""
    columns = [np.asarray(values, dtype=float)]
    if clusters is not None:
        columns.append(np.unique(np.asarray(clusters), return_inverse=True)[1][:, None])
    return np.unique(np.hstack(columns), axis=0, return_inverse=True)[1].ravel()


def _unit_kinds(kinds, units):
    return np.unique(kinds[units], axis=0, return_inverse=True)[1].ravel()


def _count_arrangements(kinds, sets):
    """Distinct rearrangements: those of every set, multiplied."""
    repeats = [np.unique(_unit_kinds(kinds, units), return_counts=True)[1].tolist() for units in sets]
    return prod(factorial(sum(counts)) // prod(map(factorial, counts)) for counts in repeats)


def _all_permutations(kinds, sets):
    """One permutation for every distinct rearrangement, without the unchanged order: (P, n)."""
    found = np.arange(len(kinds), dtype=np.int32)[None]
    for units in sets:
        own = _unit_kinds(kinds, units)
        arranged = np.array(list(_arrangements(own.tolist())))
        orders = np.empty_like(arranged)
        np.put_along_axis(
            orders, np.argsort(arranged, axis=1, kind="stable"), np.argsort(own, kind="stable")[None], axis=1
        )
        found = np.repeat(found, len(orders), axis=0)
        times = len(found) // len(orders)
        found[:, units.ravel()] = np.tile(units[orders].reshape(len(orders), -1), (times, 1))
    return found[(found != np.arange(len(kinds))).any(axis=1)]


def _arrangements(values):
    """Every distinct order of a list with repetitions, in lexicographic order."""
    order = sorted(values)
    while True:
        yield list(order)
        rises = (place for place in range(len(order) - 2, -1, -1) if order[place] < order[place + 1])
        place = next(rises, None)
        if place is None:
            return
        other = next(later for later in range(len(order) - 1, place, -1) if order[later] > order[place])
        order[place], order[other] = order[other], order[place]
        order[place + 1 :] = order[:place:-1]
