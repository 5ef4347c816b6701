"""From people to their group: average connectomes, a consensus of who is connected, average FC and FCD."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import average_fc
from cubnm_core.measures.objective import Target
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from cubnm_core.measures.observables.panel import pool_runs

# Values of the group's FCD: enough that its steps are finer than those of one person's distribution function.
FCD_VALUES = 20_000
_FEWEST_EACH = 100  # so that everybody's distribution keeps its shape in large groups
LENGTH_BINS = 40


@dataclass(frozen=True, eq=False)
class PooledConnectomes:
    """Sums over the connectomes of a group: all that its averages need.

    Attributes
    ----------
    people : int
    present : (N, N) int array
        In how many people two nodes are connected.
    weights : (N, N) array
        Sum over people.
    measured : (N, N) int array
        In how many people the length of the connection is known.
    lengths : (N, N) array
        Sum over these, in mm.
    """

    people: int
    present: np.ndarray
    weights: np.ndarray
    measured: np.ndarray
    lengths: np.ndarray

    @property
    def mean_weight(self):
        """Mean over people of the mean of their matrix."""
        return self.weights.mean() / self.people

    @property
    def mean_lengths(self):
        """Mean length of every connection over the people who have it: (N, N) in mm, 0 where nobody has.

        None if no length is known at all.
        """
        if not self.measured.any():
            return None
        return self.lengths / np.maximum(self.measured, 1)


def pool_connectomes(connectomes):
    """Sum the connectomes of a group up.

    Parameters
    ----------
    connectomes : iterable of (weights, lengths)
        One for each person, (N, N) arrays; lengths in mm or None. Gone through once, so it
        may read them one by one.

    Returns
    -------
    PooledConnectomes

    Raises
    ------
    InputError
        If there is no connectome, or two differ in their number of nodes.
    """
    people, sums = 0, None
    for weights, lengths in connectomes:
        present = weights > 0
        lengths = np.zeros(weights.shape) if lengths is None else lengths
        known = present & (lengths > 0)
        if sums is None:
            sums = [np.zeros(weights.shape, dtype=kind) for kind in (int, float, int, float)]
        if weights.shape != sums[0].shape:
            raise InputError(
                f"A group needs connectomes with the same nodes; found {len(sums[0])} and {len(weights)}."
            )
        for total, part in zip(sums, (present, weights, known, np.where(known, lengths, 0.0)), strict=True):
            total += part
        people += 1
    if not people:
        raise InputError("A group needs at least one connectome; there is none that can be used.")
    return PooledConnectomes(people, *sums)


def without(pooled, part):
    """Take some people out of the sums of a group again.

    Parameters
    ----------
    pooled, part : PooledConnectomes
        `part` are the sums of people who are among those of `pooled`.

    Returns
    -------
    PooledConnectomes
        Of the others; what none of them has is exactly 0.
    """
    present, measured = pooled.present - part.present, pooled.measured - part.measured
    return PooledConnectomes(
        people=pooled.people - part.people,
        present=present,
        weights=np.where(present > 0, pooled.weights - part.weights, 0.0),
        measured=measured,
        lengths=np.where(measured > 0, pooled.lengths - part.lengths, 0.0),
    )


def mean_connectome(pooled):
    """Average the weights over all people; who lacks a connection counts with 0.

    Parameters
    ----------
    pooled : PooledConnectomes

    Returns
    -------
    weights : (N, N) array
    lengths : (N, N) array or None
        In mm, averaged over the people who have the connection.
    """
    return pooled.weights / pooled.people, pooled.mean_lengths


def consensus_connectome(pooled, hemispheres, distances=None, bins=LENGTH_BINS):
    """Keep the connections that most people have, as many of every length as people have on average.

    Long connections are found in fewer people than short ones. One threshold for all would therefore leave
    out the long ones; here those of one length compete with each other only, separately within and between
    hemispheres. Betzel et al. 2019, doi:10.1162/netn_a_00075, but with bins of length that hold equal numbers
    of connections.

    Parameters
    ----------
    pooled : PooledConnectomes
        Of undirected connectomes: weights are symmetric.
    hemispheres : (N,) sequence of "L", "R" or "B"
    distances : (N, N) array, optional
        Between the nodes, in mm; the mean lengths by default.
    bins : int, optional
        Number of bins of length, at most; fewer where there are few connections.

    Returns
    -------
    weights : (N, N) array
        Of the connections that were kept, averaged over the people who have them, and scaled so that the mean
        of the matrix is the mean over people.
    lengths : (N, N) array or None
        As of :func:`mean_connectome`.

    Raises
    ------
    InputError
        If no distance is known.
    """
    lengths = pooled.mean_lengths
    distances = lengths if distances is None else np.asarray(distances, dtype=np.float64)
    if distances is None:
        raise InputError(
            "A consensus needs the lengths of connections, or the coordinates of the nodes instead; give "
            "files of kind length, or x, y and z in the node table."
        )
    rows, cols = np.tril_indices(len(pooled.present), -1)
    sides = np.asarray(hemispheres, dtype=str)
    between = sides[rows] != sides[cols]
    mean_weight = pooled.weights / np.maximum(pooled.present, 1)
    kept = np.zeros(len(rows), dtype=bool)
    for pairs in (np.flatnonzero(between), np.flatnonzero(~between)):
        share = pooled.present[rows[pairs], cols[pairs]] / pooled.people
        kept[pairs] = _most_shared(
            share, mean_weight[rows[pairs], cols[pairs]], distances[rows[pairs], cols[pairs]], bins
        )
    weights = np.zeros_like(mean_weight)
    weights[rows[kept], cols[kept]] = mean_weight[rows[kept], cols[kept]]
    weights += weights.T
    return weights * (pooled.mean_weight / weights.mean()), lengths


def _most_shared(share, weight, distance, bins):
    """Choose, in every bin of distance, as many pairs as people have connections there on average.

    All arrays are (P,), `share` of the people who have the connection. Ties go to the larger weight.
    """
    kept = np.zeros(len(share), dtype=bool)
    exist = share > 0
    if not exist.any():
        return kept
    bins = max(1, min(bins, int(share.sum()) // 2))
    edges = np.quantile(distance[exist], np.linspace(0, 1, bins + 1))
    place = np.clip(np.searchsorted(edges, distance, side="right") - 1, 0, bins - 1)
    owed = 0.0
    for number in range(bins):
        candidates = np.flatnonzero(exist & (place == number))
        owed += share[candidates].sum()
        count = min(round(owed), len(candidates))
        owed -= count  # what rounding left goes to the next bin, so that the total is right
        order = np.lexsort((weight[candidates], share[candidates]))[::-1]
        kept[candidates[order[:count]]] = True
    return kept


def group_target(targets, participants):
    """Average the FC and FCD of a group; everybody counts alike, however many scans and however long.

    FC is averaged through Fisher's z. The distribution of the FCD is the mean of everybody's distribution
    function, as in Kong et al. 2021 (doi:10.1038/s41467-021-26704-y); its values are a sample of the same
    number of evenly spaced quantiles from everybody.

    Parameters
    ----------
    targets : sequence of Target
        One for each person, or several for people with several sessions.
    participants : sequence
        Whose target each is.

    Returns
    -------
    Target
        With an FCD if anybody has one.

    Raises
    ------
    InputError
        If there is no target, or two differ in their number of pairs.
    """
    sizes = {target.fc.size for target in targets}
    if len(sizes) != 1:
        raise InputError(
            f"A group needs targets with the same pairs of nodes; found {sorted(sizes) or 'no target'}."
        )
    own = {}
    for person, target in zip(participants, targets, strict=True):
        own.setdefault(person, []).append(target)
    return _average([_average(mine) if len(mine) > 1 else mine[0] for mine in own.values()])


def _average(targets):
    """Average some targets that count alike."""
    fcds = [target.sorted_fcd for target in targets if target.fcd is not None]
    cdfs = [target.binned_fcd for target in targets if target.binned_fcd is not None]
    return Target(
        fc=average_fc([target.fc for target in targets]),
        fcd=pool_fcd(fcds) if fcds else None,
        fcd_cdf=np.mean(cdfs, axis=0) if cdfs else None,
        observables=_average_observables(targets),
    )


def _average_observables(targets):
    """Average the observables that all targets have, of one size, every person alike."""
    sizes = [{(name, values.size) for name, values in target.observables.items()} for target in targets]
    common = {name for name, _ in set.intersection(*sizes)}
    found = [{name: target.observables[name] for name in OBSERVABLES if name in common} for target in targets]
    return pool_runs(found, [1] * len(found)) if common else {}


def pool_fcd(fcds, size=FCD_VALUES):
    """Sample from the mean of some distributions of FCD values.

    Parameters
    ----------
    fcds : sequence of (K,) arrays
        K may differ.
    size : int, optional
        About how many values are wanted in all; at least 100 are taken from each.

    Returns
    -------
    (M,) float64 array
        In rising order.
    """
    each = max(_FEWEST_EACH, -(-size // len(fcds)))
    shares = (np.arange(each) + 0.5) / each
    return np.sort(np.concatenate([np.quantile(fcd, shares, method="inverted_cdf") for fcd in fcds]))
