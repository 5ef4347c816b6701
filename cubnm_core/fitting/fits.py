"""What a fit is: its problem, the generations of its history, its result."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting.expectations import SIMULATED
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.search_space import Prior, SearchSpace
from cubnm_core.measures.objective import Objective, Target


@dataclass(frozen=True)
class Retest:
    """How the best candidates of a search are tested again before one of them is chosen.

    Parameters
    ----------
    candidates : int
        Best different ones of the search; with several objectives, those of the front nearest to the ideal.
    seeds : int
        Noise seeds of every candidate, whose costs are averaged.
    first_seed : int
        The others follow. They should be fresh: neither of the search nor of the evaluation.
    """

    candidates: int
    seeds: int
    first_seed: int

    def __post_init__(self):
        if min(self.candidates, self.seeds) < 1 or self.first_seed < 0:
            raise InputError(
                f"A re-test of {self.candidates} candidates with {self.seeds} seeds from {self.first_seed} "
                "on cannot be made; candidates and seeds are at least 1, and the first seed at least 0."
            )

    @property
    def noise_seeds(self):
        """All seeds, a range."""
        return range(self.first_seed, self.first_seed + self.seeds)


@dataclass(frozen=True, eq=False)
class FitProblem:
    """One restart of one fit of one person's scan.

    Parameters
    ----------
    key : str
        Names the fit in the store; its search is seeded with it.
    weights : (N, N) array
        Connectome. Problems that share one should share the array.
    lengths : (N, N) array or None
        Tract lengths in mm, for models with conduction delays.
    target : Target
    space : SearchSpace
    objective : Objective
    optimizer : OptimizerSettings
    noise_seed : int
        Of all simulations of the fit: candidates are compared under the same noise.
    restart : int
    replicates : int
        Noise seeds per candidate, from `noise_seed` on, over which the terms of the cost are averaged.
    initial : (d,) array, optional
        Point of the unit cube to begin with (see :meth:`SearchSpace.to_unit`).
    prior : Prior, optional
        Adds its weight times the distance from its centre to every objective, recorded as ``shrinkage``.
    retest : Retest, optional
        Test of the best candidates over fresh seeds, whose best one is chosen; without it, the best of the
        search is.
    """

    key: str
    weights: np.ndarray
    lengths: np.ndarray | None
    target: Target
    space: SearchSpace
    objective: Objective
    optimizer: OptimizerSettings
    noise_seed: int = 0
    restart: int = 0
    replicates: int = 1
    initial: np.ndarray | None = None
    prior: Prior | None = None
    retest: Retest | None = None

    @property
    def noise_seeds(self):
        """Noise seeds of the search, a range."""
        return range(self.noise_seed, self.noise_seed + self.replicates)

    def completed(self, terms, points):
        """Add to the terms of candidates what does not come from their simulations."""
        if self.prior is None:
            return terms
        return terms | {"shrinkage": self.prior.distance(points)}

    def costs(self, terms):
        """What the search minimises: (n, objectives), from the completed terms of n candidates."""
        costs = self.objective.of_target(self.target).costs(terms)
        return costs if self.prior is None else costs + self.prior.weight * terms["shrinkage"][:, None]


@dataclass(frozen=True, eq=False)
class Generation:
    """Candidates that were simulated together, and what came of them.

    Attributes
    ----------
    number : int
        From 0.
    points : (n, d) array
        In the unit cube.
    terms : dict of str to (n,) arrays
        Means over the replicates.
    cost : (n,) array
        Always finite; with several objectives, their sum.
    status : (n,) int array
        0 = ok, else the code of the simulation (of the worst replicate).
    device : str
        Kind of device that simulated them.
    """

    number: int
    points: np.ndarray
    terms: dict
    cost: np.ndarray
    status: np.ndarray
    device: str = ""

    @property
    def simulated(self):
        """Candidates that were simulated, with as many seeds each as the search has."""
        return float(np.sum(self.terms.get(SIMULATED, np.ones(len(self.cost)))))


@dataclass(frozen=True, eq=False)
class FitResult:
    """The outcome of one fit.

    Attributes
    ----------
    key : str
    history : list of Generation
    retested : Generation or None
        The candidates that were tested again, best of the search first; costs over the fresh seeds.
    best_point : (d,) array
        In the unit cube.
    best_params : dict of str to float
        Free and fixed coordinates of the search space: parameters, and what regional ones are made of.
    best_regional : dict of str to (N,) array
        Values of the parameters that differ between nodes.
    best_terms : dict of str to float
        In the search.
    best_cost : float
        In the search; of the candidate that was chosen.
    best_status : int
        0 = ok, else the code of the simulation; see :func:`cubnm_core.measures.objective.has_failed`.
    retest_cost : float or None
        Of the chosen candidate, over the fresh seeds.
    front : (m, 2) int array
        Generation and row of the candidates that no other beats, nearest to the ideal first; of one candidate
        where there is one objective.
    objectives : (m, k) array
        Costs of the front.
    chosen_objectives : (k,) array
        Costs of the chosen candidate, over the fresh seeds where there was a re-test.
    generations, simulations : int
        The re-test counts as simulations, not as a generation.
    evaluations : int
        Scores that were computed: simulations, and expected scores of candidates that were not simulated.
    stopped : str
        Why the search ended.
    at_bounds : dict of str to "low" or "high"
        Free parameters whose best value lies at a bound.
    """

    key: str
    history: list
    retested: Generation | None
    best_point: np.ndarray
    best_params: dict
    best_regional: dict
    best_terms: dict
    best_cost: float
    best_status: int
    retest_cost: float | None
    front: np.ndarray
    objectives: np.ndarray
    chosen_objectives: np.ndarray
    generations: int
    simulations: int
    evaluations: int
    stopped: str
    at_bounds: dict
