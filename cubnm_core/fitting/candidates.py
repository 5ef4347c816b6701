"""Models simulated side by side, each with its own connectome, parameters, targets and noise seeds."""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.fitting.averages import Averaging, sets
from cubnm_core.fitting.packing import Packer


@dataclass(frozen=True, eq=False)
class Candidate:
    """One model that is simulated and scored beside others.

    Parameters
    ----------
    weights : (N, N) array
        Candidates that share a connectome should share the array.
    params : dict of str to float or (N,) array
        The same names in all candidates.
    targets : dict of str to Target
        By split, or by whatever tells one from another.
    seeds : sequence of S ints
        Of the noise.
    lengths : (N, N) array, optional
        In mm, for models with conduction delays.
    """

    weights: np.ndarray
    params: dict
    targets: dict
    seeds: tuple
    lengths: np.ndarray | None = None


class Simulations:
    """The simulations of some candidates, one for every noise seed, in the order in which they are made.

    Parameters
    ----------
    candidates : sequence of M Candidate
    by_seed : bool, optional
        Whether all candidates are simulated with their first seed before any is with its second:
        simulations that share their noise are quicker, but no candidate is done before the last seed is.

    Attributes
    ----------
    owner : (B,) int array
        Whose every simulation is: a place among the candidates.
    seeds : (B,) int array
    """

    def __init__(self, candidates, by_seed=False):
        self.candidates = candidates
        counts = [len(candidate.seeds) for candidate in candidates]
        self.owner = np.repeat(np.arange(len(candidates)), counts)
        self.seeds = np.array([seed for candidate in candidates for seed in candidate.seeds], dtype=int)
        if by_seed:
            column = np.concatenate([np.arange(count) for count in counts])
            order = np.argsort(column, kind="stable")
            self.owner, self.seeds = self.owner[order], self.seeds[order]

    def run(self, packer, take):
        """Simulate them all; `packer` and `take` as of :meth:`cubnm_core.fitting.packing.Packer.simulate`."""
        params = {
            name: np.stack([np.asarray(candidate.params[name]) for candidate in self.candidates])[self.owner]
            for name in self.candidates[0].params
        }
        packer.simulate(self.candidates, self.owner, params, self.seeds, take)

    def averages(self, size):
        """Part the simulations of every candidate into averages of `size`: (B,) int array, from 0."""
        number = np.empty(len(self.owner), dtype=int)
        first = 0
        for place in range(len(self.candidates)):
            mine = np.flatnonzero(self.owner == place)
            number[mine] = first + sets(len(mine), size)
            first = number[mine[-1]] + 1
        return number


class Scoreboard:
    """Scores of simulations, or of averages of them if the objective is of such, taken down as they come.

    Parameters
    ----------
    simulations : Simulations
    objective : Objective
    """

    def __init__(self, simulations, objective):
        self._runs, self._candidates = simulations.owner, simulations.candidates
        self._objective, self._status = objective, np.zeros(len(self._runs), dtype=int)
        self._owner, self._take = self._runs, self._score
        if objective.averaged is not None:
            number = simulations.averages(objective.averaged)
            self._owner = self._runs[np.unique(number, return_index=True)[1]]
            self._take = Averaging(number, [objective.band] * len(self._owner), self._score)
        self._targets, compared = {}, {}
        for place, candidate in enumerate(self._candidates):
            for target in candidate.targets.values():
                self._targets[id(target)] = target
                compared.setdefault(id(target), []).append(place)
        # Simulations that are compared with one target are scored together, whosever they are.
        self._compared = {key: np.isin(self._owner, places) for key, places in compared.items()}
        self._parts = {key: {} for key in compared}  # by first row: rows that come again replace those before

    def take(self, rows, run):
        """Score the simulations of one call."""
        self._status[rows] = run.status
        self._take(rows, run)

    def _score(self, rows, run):
        for key, target in self._targets.items():
            mine = np.flatnonzero(self._compared[key][rows])
            if mine.size:
                scores = self._objective.score(run, target, mine)
                self._parts[key][rows[mine[0]]] = rows[mine], scores

    def status(self, place):
        """Status of the simulations of a candidate, an (S,) int array in the order of its seeds."""
        return self._status[self._runs == place]

    def scores(self, place):
        """Scores of the simulations of a candidate.

        Parameters
        ----------
        place : int
            Among the candidates.

        Returns
        -------
        dict of str to dict of str to (S,) array
            By target and measure (terms and ``"cost"``), in the order of the seeds; a value for every average
            if the objective is of such. A failed simulation counts with the worst value of every term.
        """
        found = {}
        for name, target in self._candidates[place].targets.items():
            parts = list(self._parts[id(target)].values())
            mine = self._owner[np.concatenate([rows for rows, _ in parts])] == place
            found[name] = {
                measure: np.concatenate([scores[measure] for _, scores in parts])[mine]
                for measure in parts[0][1]
            }
        return found


def score_candidates(candidates, packer, objective, by_seed=False):
    """Simulate candidates with each of their noise seeds and score every simulation against every target.

    Parameters
    ----------
    candidates : sequence of M Candidate
    packer : cubnm_core.fitting.packing.Packer
        Of simulations that record what the objective needs.
    objective : Objective
    by_seed : bool, optional
        The order, as of :class:`Simulations`; it changes no result, and averages do without.

    Returns
    -------
    Scoreboard
    """
    simulations = Simulations(candidates, by_seed and objective.averaged is None)
    board = Scoreboard(simulations, objective)
    simulations.run(packer, board.take)
    return board


@dataclass(frozen=True, eq=False)
class Tuner:
    """Feedback inhibition control that finds the inhibitory weights of models anew.

    Parameters
    ----------
    weight : str
        Name of the inhibitory weights.
    packer : cubnm_core.fitting.packing.Packer
        Of simulations with this control; it does its work before they begin, so the shortest will do.
    seed : int
        Of the noise that the control sees.
    """

    weight: str
    packer: Packer
    seed: int

    def tune(self, candidates):
        """Find the inhibitory weights of every candidate.

        Parameters
        ----------
        candidates : sequence of M Candidate
            Weights that they have are not used.

        Returns
        -------
        list of M Candidate
            With the weights among their parameters; 0 where the control diverged, so that what is simulated
            then shows it.
        """
        bare = [
            replace(
                candidate,
                params={name: value for name, value in candidate.params.items() if name != self.weight},
                seeds=(self.seed,),
            )
            for candidate in candidates
        ]
        found = [None] * len(bare)

        def take(rows, run):
            for row, weights in zip(rows, np.nan_to_num(run.params[self.weight]), strict=True):
                found[row] = weights

        Simulations(bare).run(self.packer, take)
        return [
            replace(candidate, params={**one.params, self.weight: weights})
            for candidate, one, weights in zip(candidates, bare, found, strict=True)
        ]
