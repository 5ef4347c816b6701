"""Rewired connectomes: who is connected with whom is drawn anew, what a null model is to keep stays.

Connections change partners two at a time, so that every node keeps its number of connections (Maslov &
Sneppen 2002, doi:10.1126/science.1065103). Where distances are known, a change counts only if it leaves the
number of connections of every length as it was, and every weight stays with its length (Betzel & Bassett
2018, doi:10.1073/pnas.1720186115). Then weights change places among connections of like length until the
strengths of the nodes come as near to their own as they will (after Rubinov & Sporns 2011,
doi:10.1016/j.neuroimage.2011.03.069). In a connectome without a single missing connection nothing can change
partners; only its weights move.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.connectomes.scaling import euclidean_lengths
from cubnm_core.errors import InputError

BINS = 10  # of length, with equal numbers of connections
CHANGES = 20  # of partners for every connection, on average
MOST_ROUNDS = 2000  # in which up to half as many changes are tried as there are connections
# Exchanging weights ends where strengths differ by this share, or when so many rounds have gained nothing.
CLOSE = 1e-2
SETTLED = 1e-3  # of what is left
PATIENCE = 60  # rounds


@dataclass(frozen=True, eq=False)
class Rewired:
    """A null model of one connectome.

    Attributes
    ----------
    weights : (N, N) array
        Symmetric, with exactly the weights of the original.
    lengths : (N, N) array or None
        In mm, of its connections. Where every pair of nodes has a length it is that of the pair, elsewhere a
        connection takes its length along.
    kept : dict of str to float
        See :func:`likeness`.
    """

    weights: np.ndarray
    lengths: np.ndarray | None
    kept: dict


def rewire(weights, distances=None, lengths=None, seed=0, bins=BINS):
    """Rewire a connectome, keeping degrees exactly and strengths and weights by length nearly.

    Parameters
    ----------
    weights : (N, N) array
        Symmetric, not negative, zero on the diagonal.
    distances : (N, N) array, optional
        Between all nodes, in mm. Without them lengths are not kept.
    lengths : (N, N) array, optional
        Tract lengths in mm, for models with conduction delays; 0 where unknown.
    seed : int or sequence of int
        The same seed gives the same null model.
    bins : int, optional
        Of distance, with equal numbers of connections; within one, distances count as alike.

    Returns
    -------
    Rewired

    Raises
    ------
    InputError
        If the connectome is directed or has a negative weight or a value on the diagonal, or a distance is
        missing.
    """
    weights = np.asarray(weights, dtype=np.float64)
    _check(weights, distances)
    generator = np.random.default_rng(seed)
    rows, cols = np.nonzero(np.triu(weights, 1))
    ends, place = np.column_stack([rows, cols]), np.zeros(weights.shape, dtype=int)
    if distances is not None and len(ends):
        edges = np.quantile(distances[rows, cols], np.linspace(0, 1, bins + 1)[1:-1])
        place = np.searchsorted(edges, distances)
    origin = np.arange(len(ends))
    ends, origin = _partners_changed(ends, origin, place, generator)
    carried = weights[rows, cols][origin]
    values = _restore_strengths(ends, carried, place[tuple(ends.T)], weights.sum(axis=0), generator)
    null = _matrix(ends, values, weights.shape)
    return Rewired(null, _lengths(lengths, ends, (rows, cols), origin), likeness(weights, null, distances))


def _check(weights, distances):
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise InputError(f"a connectome is a square matrix; found the shape {weights.shape}")
    if not np.allclose(weights, weights.T):
        raise InputError(
            "a directed connectome cannot be rewired here: its weights differ between both directions; take "
            "their mean (connectome.asymmetric: average)"
        )
    if weights.min(initial=0.0) < 0 or np.diag(weights).any():
        raise InputError("a connectome to be rewired has no negative weights and nothing on its diagonal")
    if distances is not None and not np.isfinite(distances).all():
        raise InputError("rewiring by length needs the distance of every pair of nodes; some are missing")


def _partners_changed(ends, origin, place, generator):
    """Let pairs of connections change partners, many at a time.

    Parameters
    ----------
    ends : (E, 2) int array
        Nodes of every connection.
    origin : (E,) int array
        Which connection of the original each is.
    place : (N, N) int array
        Bin of distance of every pair of nodes.
    generator : numpy.random.Generator

    Returns
    -------
    ends : (E, 2) int array
    origin : (E,) int array
        Every connection is in the bin of its original.
    """
    ends, origin = ends.copy(), origin.copy()
    linked = np.eye(len(place), dtype=bool)  # a node is no partner of itself
    linked[tuple(ends.T)] = linked[tuple(ends.T[::-1])] = True
    wanted = CHANGES * len(ends) if not linked.all() else 0
    for _ in range(MOST_ROUNDS):
        if wanted <= 0:
            break
        one, other = generator.permutation(len(ends))[: len(ends) // 2 * 2].reshape(2, -1)
        turned = generator.random(len(one)) < 0.5
        (a, b), (c, d) = ends[one].T, np.where(turned[:, None], ends[other, ::-1], ends[other]).T
        new = np.stack([np.column_stack([a, d]), np.column_stack([c, b])])
        allowed = _allowed(new, linked, place, (place[a, b], place[c, d]))
        crossed = place[tuple(new[0][allowed].T)] != place[a, b][allowed]
        one, other, new = one[allowed], other[allowed], new[:, allowed]
        linked[tuple(ends[np.r_[one, other]].T)] = linked[tuple(ends[np.r_[one, other]].T[::-1])] = False
        ends[one] = np.where(crossed[:, None], new[1], new[0])
        ends[other] = np.where(crossed[:, None], new[0], new[1])
        linked[tuple(ends[np.r_[one, other]].T)] = linked[tuple(ends[np.r_[one, other]].T[::-1])] = True
        wanted -= 2 * len(one)
    return ends, origin


def _allowed(new, linked, place, before):
    """Say which changes make two new connections, which no other change makes too, of the lengths of the old.

    Parameters
    ----------
    new : (2, P, 2) int array
        Nodes of both connections that each change makes.
    linked : (N, N) bool array
    place : (N, N) int array
    before : tuple of two (P,) int arrays
        Bins of the connections that each change breaks.

    Returns
    -------
    (P,) bool array
    """
    after = [place[tuple(one.T)] for one in new]
    alike = (np.minimum(*after) == np.minimum(*before)) & (np.maximum(*after) == np.maximum(*before))
    alike &= ~linked[tuple(new[0].T)] & ~linked[tuple(new[1].T)]
    names = np.sort(new, axis=2) @ np.array([len(linked), 1])
    alike &= names[0] != names[1]
    candidates = np.flatnonzero(alike)
    _, first, count = np.unique(names[:, candidates], return_inverse=True, return_counts=True)
    alike[candidates] = (count[first.reshape(2, -1)] == 1).all(axis=0)
    return alike


def _restore_strengths(ends, values, place, strengths, generator):
    """Shuffle weights within bins of length, then exchange them as long as that brings strengths nearer.

    Parameters
    ----------
    ends : (E, 2) int array
    values : (E,) array
        Weights that the connections carry.
    place : (E,) int array
        Bin of length of every connection.
    strengths : (N,) array
        That the nodes had.
    generator : numpy.random.Generator

    Returns
    -------
    (E,) array
        The same weights, in other places of the same bin.
    """
    values = values.copy()
    for number in np.unique(place):
        here = np.flatnonzero(place == number)
        values[here] = values[generator.permutation(here)]
    missing = strengths - np.bincount(ends.ravel(), np.repeat(values, 2), minlength=len(strengths))
    idle, error = 0, np.square(missing).sum()
    while idle < PATIENCE and error > CLOSE**2 * np.square(strengths).sum():
        one, other = _pairs_within(place, generator)
        _exchange(ends, values, missing, one, other)
        left = np.square(missing).sum()
        idle = idle + 1 if error - left <= SETTLED * error else 0
        error = left
    return values


def _pairs_within(place, generator):
    """Pair connections of the same bin at random: two (P,) int arrays."""
    order = generator.permutation(len(place))
    order = order[np.argsort(place[order], kind="stable")]
    first, second = order[: len(order) // 2 * 2].reshape(-1, 2).T
    same = place[first] == place[second]
    return first[same], second[same]


def _exchange(ends, values, missing, one, other):
    """Exchange the weights of pairs that gain most at each of their four nodes; changes its arguments."""
    nodes = np.concatenate([ends[one], ends[other]], axis=1)
    change = values[other] - values[one]
    lacking = missing[nodes]
    gain = 2 * change * (lacking[:, 0] + lacking[:, 1] - lacking[:, 2] - lacking[:, 3]) - 4 * change**2
    touching = (nodes[:, :2, None] == nodes[:, None, 2:]).any(axis=(1, 2))
    gain[touching] = 0.0
    best = np.zeros(len(missing))
    np.maximum.at(best, nodes.ravel(), np.repeat(gain, 4))
    taken = (gain > 0) & (gain[:, None] == best[nodes]).all(axis=1)
    one, other, nodes, change = one[taken], other[taken], nodes[taken], change[taken]
    values[one], values[other] = values[other], values[one]
    missing[nodes[:, :2]] -= change[:, None]
    missing[nodes[:, 2:]] += change[:, None]


def _matrix(ends, values, shape):
    """Symmetric matrix of the connections."""
    matrix = np.zeros(shape)
    matrix[tuple(ends.T)] = values
    return matrix + matrix.T


def _lengths(lengths, ends, before, origin):
    """Lengths of the rewired connections."""
    if lengths is None or _all_known(lengths):
        return lengths
    return _matrix(ends, lengths[before][origin], lengths.shape)


def _all_known(lengths):
    """Say whether every pair of nodes has a length, not only connected ones."""
    return bool((lengths[~np.eye(len(lengths), dtype=bool)] > 0).all())


def node_distances(lengths, positions):
    """Give the distances that lengths of connections are kept by.

    Parameters
    ----------
    lengths : (N, N) array or None
        Tract lengths in mm, 0 where unknown.
    positions : (N, 3) array
        Of the nodes in mm; NaN where unknown.

    Returns
    -------
    distances : (N, N) array or None
    source : {"tract length", "euclidean", "tract length or shortest path", "none"}
        Tract lengths serve where every pair of nodes has one: a connection that is not there has no length to
        draw new partners by. Elsewhere it is the straight line between nodes; without coordinates, a pair
        without a tract is as far apart as the shortest path along tracts is long. None if tracts do not lead
        everywhere either.
    """
    if lengths is not None and _all_known(lengths):
        return lengths, "tract length"
    if np.isfinite(positions).all():
        return euclidean_lengths(positions), "euclidean"
    if lengths is not None:
        completed = _complete(lengths)
        if np.isfinite(completed).all():
            return completed, "tract length or shortest path"
    return None, "none"


def _complete(lengths):
    """Lengths with those that are unknown as the shortest path along tracts; inf where there is none."""
    from scipy.sparse.csgraph import shortest_path

    known = np.fmax(np.fmax(lengths, lengths.T), 0.0)
    return np.where(known > 0, known, shortest_path(np.nan_to_num(known), directed=False))


def likeness(weights, null, distances=None):
    """Say what a null model has kept of a connectome.

    Parameters
    ----------
    weights, null : (N, N) array
    distances : (N, N) array, optional

    Returns
    -------
    dict of str to float
        ``degree_r`` and ``strength_r``, Pearson correlations over nodes (1 where all are alike in both);
        ``weight_length`` and ``weight_length_null``, correlations of the logarithm of the weight with the
        distance over connections (NaN without distances); ``same_connections``, the share of connections that
        are in both, and ``weights_r``, the correlation of all weights above the diagonal.
    """
    upper = np.triu_indices(len(weights), 1)
    own, other = weights[upper], null[upper]
    known = np.full(len(own), np.nan) if distances is None else distances[upper]
    return {
        "degree_r": _correlation((weights > 0).sum(axis=0), (null > 0).sum(axis=0)),
        "strength_r": _correlation(weights.sum(axis=0), null.sum(axis=0)),
        "weight_length": _correlation(np.log(own[own > 0]), known[own > 0]),
        "weight_length_null": _correlation(np.log(other[other > 0]), known[other > 0]),
        "same_connections": float(np.mean(other[own > 0] > 0)) if own.any() else np.nan,
        "weights_r": _correlation(own, other),
    }


def _correlation(one, other):
    if len(one) < 2:
        return np.nan
    if np.allclose(one, other):
        return 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(one, other)[0, 1])
