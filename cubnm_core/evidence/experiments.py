"""What an experiment on a fitted model changes: simulations with and without it, under the same noise."""

import numpy as np

from cubnm_core.measures.connectivity import pair_indices
from cubnm_core.measures.distances import kolmogorov_smirnov
from cubnm_core.measures.objective import has_failed

MEAN_FC, CHANGED_FC, FCD_DISTANCE = "fc_mean", "fc_change", "fcd_ks"
WHOLE = "all"  # place of an effect on the whole brain


def near_best(points, cost, failed, spread, most):
    """Choose the candidates of a search that fit nearly as well as the best one.

    Parameters that fit equally well may predict different outcomes, so that a prediction from the best
    alone looks more certain than it is.

    Parameters
    ----------
    points : (n, d) array
    cost : (n,) array
    failed : (n,) array of bool
        Candidates whose cost is only a stand-in.
    spread : float
        Largest cost above the lowest, such as one SD over noise seeds; NaN where it is not known.
    most : int
        Number of candidates.

    Returns
    -------
    (k,) int array
        Rows, the best first, each point once; empty if all failed.
    """
    order = np.argsort(np.where(failed, np.inf, cost), kind="stable")
    order = order[~np.asarray(failed)[order]]
    if not len(order):
        return order
    limit = cost[order[0]] + (spread if np.isfinite(spread) else 0.0)
    near = [row for row in order if cost[row] <= limit]
    _, first = np.unique(points[near], axis=0, return_index=True)
    return np.array(near)[np.sort(first)][:most]


class Outcome:
    """Simulations of one person, a row for every candidate and noise seed.

    Parameters
    ----------
    count : int
        Number of simulations, B.
    """

    def __init__(self, count):
        self.fc, self.fcd, self.states = [None] * count, [None] * count, [None] * count
        self.status = np.zeros(count, dtype=int)

    def take(self, rows, run):
        """Keep what came of one call of a packer."""
        self.status[rows] = run.status
        for place, row in enumerate(rows):
            self.fc[row] = np.asarray(run.fc[place], dtype=np.float64)
            self.fcd[row] = None if run.fcd is None else np.sort(run.fcd[place])
            self.states[row] = {name: np.asarray(values[place]) for name, values in run.state_means.items()}


class Effects:
    """Compares simulations with and without an experiment, pair by pair.

    Parameters
    ----------
    hemispheres : sequence of N str
    pairs : {"all", "intrahemispheric"}
        Of FC.
    networks : sequence of N str, optional
        Within which changes of FC are told apart.
    """

    def __init__(self, hemispheres, pairs, networks=None):
        self.nodes = len(hemispheres)
        self.rows, self.columns = pair_indices(self.nodes, hemispheres, pairs)
        self.networks = None if networks is None else np.asarray(networks)

    def untouched(self, nodes=(), edges=()):
        """Pairs that a lesion does not take away itself: a (P,) bool mask."""
        lost = np.isin(self.rows, list(nodes)) | np.isin(self.columns, list(nodes))
        for one, other in edges:
            low, high = sorted((one, other))
            lost |= (self.rows == high) & (self.columns == low)
        return ~lost

    def compare(self, before, after, kept, nodes=(), by_network=True):
        """Measure every change.

        Parameters
        ----------
        before, after : Outcome
            Under the same noise, row by row.
        kept : (P,) bool array
            Pairs that count.
        nodes : sequence of int
            Lesioned nodes, whose states do not count.
        by_network : bool, optional

        Returns
        -------
        dict of (str, str) to (B,) array
            By measure and place ("all" or a network): change of the mean FC, mean absolute change of FC,
            Kolmogorov-Smirnov distance of the FCD values, and changes of the means of states. NaN where a
            simulation failed.
        """
        ran = ~(has_failed(before.status) | has_failed(after.status))
        change = np.full((len(ran), len(kept)), np.nan)
        for row in np.flatnonzero(ran):
            change[row] = after.fc[row] - before.fc[row]
        found = {
            (MEAN_FC, WHOLE): _mean(change[:, kept]),
            (CHANGED_FC, WHOLE): _mean(np.abs(change[:, kept])),
        }
        if self.networks is not None and by_network:
            for name in dict.fromkeys(self.networks):
                mine = kept & (self.networks[self.rows] == name) & (self.networks[self.columns] == name)
                if mine.any():
                    found[MEAN_FC, name] = _mean(change[:, mine])
        if all(after.fcd[row] is not None and before.fcd[row] is not None for row in range(len(ran))):
            found[FCD_DISTANCE, WHOLE] = np.array(
                [
                    kolmogorov_smirnov(after.fcd[row][None], before.fcd[row])[0] if ran[row] else np.nan
                    for row in range(len(ran))
                ]
            )
        others = np.setdiff1d(np.arange(self.nodes), list(nodes))
        for name in before.states[0]:
            both = [(after.states[row][name], before.states[row][name]) for row in range(len(ran))]
            values = np.array([(one[others] - other[others]).mean() for one, other in both])
            found[name, WHOLE] = np.where(ran, values, np.nan)
        return found


def summarise(changes, candidates):
    """Put the changes of one person together.

    Parameters
    ----------
    changes : (B,) array
        A row for every candidate and noise seed, the seed changing fastest; NaN where one failed.
    candidates : int
        B is a multiple of it.

    Returns
    -------
    dict of str to float
        Mean, 2.5th and 97.5th percentile, SD between the means of candidates, and mean SD over the seeds of
        a candidate; NaN where they cannot be had.
    """
    by_candidate = np.asarray(changes, dtype=np.float64).reshape(candidates, -1)
    known = by_candidate[np.isfinite(by_candidate)]
    if not known.size:
        return dict.fromkeys(("mean", "low", "high", "sd_candidates", "sd_seeds"), np.nan)
    means = _mean(by_candidate)
    means = means[np.isfinite(means)]
    spreads = [row[np.isfinite(row)].std(ddof=1) for row in by_candidate if np.isfinite(row).sum() > 1]
    low, high = np.percentile(known, (2.5, 97.5))
    return {
        "mean": known.mean(),
        "low": low,
        "high": high,
        "sd_candidates": means.std(ddof=1) if len(means) > 1 else np.nan,
        "sd_seeds": np.mean(spreads) if spreads else np.nan,
    }


def _mean(values):
    """Mean over the last axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
