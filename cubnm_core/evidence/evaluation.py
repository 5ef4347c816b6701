"""How good a fitted model is: scores over fresh noise, on held-out scans, and beside what needs no model."""

from dataclasses import dataclass, field

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting.candidates import Scoreboard, Simulations
from cubnm_core.measures.connectivity import average_fc
from cubnm_core.measures.distances import correlation, kolmogorov_smirnov
from cubnm_core.measures.objective import TERMS, has_failed

DECAYS = 100  # candidates of a distance rule before the best one is refined


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One model, simulated once for each of S noise seeds and scored against every split.

    Attributes
    ----------
    seeds : (S,) int array
    status : (S,) int array
        0 = ok, else the code of the simulation.
    scores : dict of split to dict of measure to (S,) arrays
        Terms and ``"cost"``; a failed simulation counts with the worst value of every term. A value for every
        average if the objective is of such.
    regional : dict of str to (S, N) arrays
        State means, parameters that differ between nodes (``wIE``), and ``"S_E/S_I"`` where there are both.
    median : int
        Index of the seed whose cost on the first split is the median (the lower one of two); of averages,
        that of the first simulation of the median one that did not fail.
    bold : (T, N) array
        Of that seed, without its burn-in. None where BOLD was not recorded; likewise FC and FCD, which are
        those that were compared with the first split.
    fc : (P,) array
    fcd : (K,) array
    observables : dict of str to (K,) array
        Those that were recorded.
    """

    seeds: np.ndarray
    status: np.ndarray
    scores: dict
    regional: dict
    median: int
    bold: np.ndarray | None
    fc: np.ndarray | None
    fcd: np.ndarray | None
    observables: dict = field(default_factory=dict)

    def score_summary(self, split):
        """Mean and sample SD over seeds, or averages, of every measure: dict of str to (mean, sd)."""
        scores = self.scores[split]
        return {name: (float(_mean(values)), float(_sd(values))) for name, values in scores.items()}

    def regional_summary(self):
        """Mean and sample SD over the seeds that did not fail: dict of str to ((N,) mean, (N,) sd).

        NaN where too few are left.
        """
        ran = ~has_failed(self.status)
        return {name: (_mean(values[ran]), _sd(values[ran])) for name, values in self.regional.items()}


def _mean(values):
    return values.mean(axis=0) if len(values) else np.full(values.shape[1:], np.nan)


def _sd(values):
    return values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)


def evaluate_models(candidates, packer, objective):
    """Simulate models with several noise seeds each, and score every simulation against every split.

    Parameters
    ----------
    candidates : sequence of M cubnm_core.fitting.candidates.Candidate
        With fitted parameters, fixed ones included; the first target decides which seed is the median. Seeds
        should be fresh ones: a fit is at its best under the noise it was fitted with.
    packer : cubnm_core.fitting.packing.Packer
        Of simulations that record FC; BOLD, FCD and state means are optional.
    objective : Objective

    Returns
    -------
    list of M Evaluation

    Raises
    ------
    InputError
        If there is no seed or no target, or a seed occurs twice.
    """
    for candidate in candidates:
        seeds = list(candidate.seeds)
        if not seeds or len(set(seeds)) < len(seeds) or not candidate.targets:
            raise InputError(f"An evaluation needs different seeds and a target; found seeds {seeds}.")
    simulations = Simulations(candidates)
    board = Scoreboard(simulations, objective)
    parts, found = [{} for _ in candidates], [None] * len(candidates)

    def take(rows, run):
        board.take(rows, run)
        for place in np.unique(simulations.owner[rows]):
            mine = np.flatnonzero(simulations.owner[rows] == place)
            parts[place][rows[mine[0]]] = _part(run, mine)
            mine = list(parts[place].values())
            if sum(part["n"] for part in mine) == len(candidates[place].seeds):
                found[place] = _evaluation(candidates[place], board.status(place), board.scores(place), mine)
                parts[place] = {}  # of every model one simulation is kept, no more

    simulations.run(packer, take)
    return found


def _part(run, rows):
    """What an evaluation needs of some simulations of a run, in memory of its own."""
    return {
        "n": len(rows),
        "measurement": getattr(run, "measurement", None),
        "panel": getattr(run, "panel", None),
        "regional": _regional(run, rows),
        "bold": None if run.bold is None else run.bold[rows, run.n_burn_in :],
        "fc": None if run.fc is None else run.fc[rows],
        "fcd": None if run.fcd is None else run.fcd[rows],
        "observables": {name: values[rows] for name, values in run.observables.items()},
    }


def _evaluation(candidate, status, scores, parts):
    """Put the parts of one model together."""
    median = _median(next(iter(scores.values()))["cost"], status)
    regional = {
        name: np.concatenate([part["regional"][name] for part in parts]) for name in parts[0]["regional"]
    }
    shown = {name: _row(parts, name, median) for name in ("bold", "fc", "fcd")}
    part, row = _place(parts, median)
    observables = {name: values[row].copy() for name, values in part["observables"].items()}
    target = next(iter(candidate.targets.values()))
    if target.layout is not None:
        shown |= _measured(shown["bold"], target, parts[0]["measurement"])
        if observables:
            observables = part["panel"].measure_simulation(
                shown["bold"], part["measurement"], target.layout, tuple(observables)
            )
    seeds = np.asarray(candidate.seeds, dtype=int)
    return Evaluation(seeds, status, scores, regional, median, **shown, observables=observables)


def _median(costs, status):
    """Index of the simulation to be shown."""
    place = np.argsort(costs, kind="stable")[(len(costs) - 1) // 2]
    mine = np.array_split(np.arange(len(status)), len(costs))[place]
    ran = mine[~has_failed(status[mine])]
    return int(ran[0] if ran.size else mine[0])


def _measured(bold, target, measurement):
    """FC and FCD of a simulation as they are compared with a target; None where it has no FCD."""
    fc, fcd = measurement.measure(bold, target.layout, target.binned_fcd is not None)
    return {"fc": fc.astype(bold.dtype), "fcd": None if fcd is None else fcd.astype(bold.dtype)}


def _row(parts, name, row):
    """One row of an array that lies in parts; None where it was not recorded."""
    part, row = _place(parts, row)
    return None if part[name] is None else part[name][row].copy()


def _place(parts, row):
    """The part that a row lies in, and its place there."""
    for part in parts:
        if row < part["n"]:
            break
        row -= part["n"]
    return part, row


def _regional(run, rows):
    means, params = run.state_means or {}, run.params
    values = {name: np.asarray(means[name], dtype=np.float64)[rows] for name in means}
    values |= {name: np.asarray(params[name])[rows] for name in params if np.ndim(params[name]) == 2}
    if "S_E" in values and "S_I" in values:
        with np.errstate(invalid="ignore", divide="ignore"):
            values["S_E/S_I"] = values["S_E"] / values["S_I"]
    return values


def sc_fc(weights, fc, pair_index):
    """Correlation of the connectome with the FC, over the pairs of the mask.

    Parameters
    ----------
    weights : (N, N) array
        A directed connectome counts with the mean of both directions.
    fc : (P,) array
    pair_index : tuple of (P,) int arrays
        From :func:`cubnm_core.measures.connectivity.pair_indices`.

    Returns
    -------
    float
    """
    both_ways = (weights + weights.T) / 2
    return fc_correlation(both_ways[pair_index], fc)


@dataclass(frozen=True)
class DistanceRule:
    """FC that falls off exponentially with the length of the tract, ``exp(-length / decay)``.

    Attributes
    ----------
    decay : float
        In mm.
    fc : (P,) array
        What the rule predicts, but for scale and offset; 0 for pairs without a tract.
    """

    decay: float
    fc: np.ndarray


def distance_rule(lengths, fc, pair_index):
    """Find the decay with which proximity correlates best with the FC.

    Parameters
    ----------
    lengths : (N, N) array
        Tract lengths or distances in mm, a directed tract with the mean of both ways. Pairs with 0 or NaN
        have no tract, and count as infinitely far apart.
    fc : (P,) array
        Of training scans.
    pair_index : tuple of (P,) int arrays

    Returns
    -------
    DistanceRule or None
        None where no two pairs differ in their length.
    """
    from scipy.optimize import minimize_scalar

    both_ways = ((lengths + lengths.T) / 2)[pair_index]
    both_ways = np.where(both_ways > 0, both_ways, np.inf)
    known = both_ways[np.isfinite(both_ways)]
    if not len(known) or (both_ways == both_ways[0]).all():
        return None

    def disagreement(log_decay):
        return -fc_correlation(np.exp(-both_ways / np.exp(log_decay)), fc)

    # Beyond these limits only the nearest pair counts, or the rule is a straight line.
    candidates = np.linspace(np.log(known.min() / 10), np.log(known.max() * 10), DECAYS)
    found = np.nan_to_num([disagreement(candidate) for candidate in candidates], nan=np.inf)
    best = int(np.argmin(found))
    around = candidates[max(best - 1, 0)], candidates[min(best + 1, DECAYS - 1)]
    decay = np.exp(minimize_scalar(disagreement, bounds=around, method="bounded").x)
    return DistanceRule(float(decay), np.exp(-both_ways / decay))


def weighted_cost(terms, weights):
    """Cost of terms as they stand in tables: linear, so that means over seeds give the mean cost.

    Parameters
    ----------
    terms : mapping of str to float or array
        Every term that counts.
    weights : dict of str to float
        Terms of the user's own among them raise the cost.

    Returns
    -------
    float or array
    """
    return sum(TERMS.get(name, 1) * weight * terms[name] for name, weight in weights.items() if weight)


def optimism(search, train, test):
    """Part what a score loses between the search and the held-out scan.

    Parameters
    ----------
    search : float
        Of the chosen candidate under the noise of the search, on the training scan.
    train : float
        Over fresh noise, on the training scan.
    test : float
        Over fresh noise, on the held-out scan; NaN without one.

    Returns
    -------
    seed_part : float
        ``train - search``: what was the luck of one noise.
    scan_part : float
        ``test - train``: what belonged to the training scan alone.
    """
    return train - search, test - train


def group_mean_fc(fcs, kin):
    """How well the mean FC of all people who are no relatives predicts that of each person.

    Parameters
    ----------
    fcs : (M, P) array
        One row for every scan or session.
    kin : sequence of M str
        Person or family whose row it is: none of these rows enters the mean that the person is compared with.

    Returns
    -------
    (M,) float64 array
        Correlations; NaN where there is nobody else.
    """
    fcs, kin = np.asarray(fcs, dtype=np.float64), np.asarray(kin)
    predicted = np.full(len(fcs), np.nan)
    for row, own in enumerate(kin):
        others = kin != own
        if others.any():
            predicted[row] = fc_correlation(average_fc(fcs[others]), fcs[row])
    return predicted


def scan_rescan(train, test):
    """Agreement of a person's own scans, in the measures of a fit.

    It is no upper bound: a group mean FC may agree better with a scan than the person's other scan does.

    Parameters
    ----------
    train, test : Target

    Returns
    -------
    dict of str to float
        ``"scan_rescan_fc"``, a correlation, and, where both have an FCD, ``"scan_rescan_ks"``, a distance: of
        the values, or of the distribution functions where one of them has nothing else.
    """
    agreement = {"scan_rescan_fc": fc_correlation(train.fc, test.fc)}
    if train.fcd is not None and test.fcd is not None:
        agreement["scan_rescan_ks"] = float(kolmogorov_smirnov(train.fcd[None], test.sorted_fcd)[0])
    elif train.binned_fcd is not None and test.binned_fcd is not None:
        agreement["scan_rescan_ks"] = float(np.abs(train.binned_fcd - test.binned_fcd).max())
    return agreement


def fc_correlation(one, other):
    """Pearson correlation of two FC vectors (P,), a float; NaN if one does not vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        one = np.asarray(one, dtype=np.float64)
        return float(correlation(one[None], np.asarray(other, dtype=np.float64))[0])
