"""Many fits advanced together, of several people and restarts: one batch of simulations per generation.

The history of a fit, generation by generation, is also its checkpoint. A fit that is started again asks its
search for the same points once more, tells it the recorded costs, and goes on where the history ends.
"""

import logging
from dataclasses import dataclass, field

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.objective import Objective, Target
from cubnm_core.optimisers import OptimizerSettings, make_search
from cubnm_core.search_space import SearchSpace

logger = logging.getLogger(__name__)

# Another type of CPU changes the points by about 1e-13; further apart, they belong to another search.
REPLAY_TOLERANCE = 1e-9


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
    cost : (n,) array
        Always finite.
    status : (n,) int array
        0 = ok, else the code of the simulation.
    """

    number: int
    points: np.ndarray
    terms: dict
    cost: np.ndarray
    status: np.ndarray


@dataclass(frozen=True, eq=False)
class FitResult:
    """The outcome of one fit.

    Attributes
    ----------
    key : str
    history : list of Generation
    best_point : (d,) array
        In the unit cube.
    best_params : dict of str to float
        Free and fixed coordinates of the search space: parameters, and what regional ones are made of.
    best_regional : dict of str to (N,) array
        Values of the parameters that differ between nodes.
    best_terms : dict of str to float
    best_cost : float
    best_status : int
        0 = ok, else the code of the simulation; see :func:`cubnm_core.objective.has_failed`.
    generations, simulations : int
    stopped : str
        Why the search ended.
    at_bounds : dict of str to "low" or "high"
        Free parameters whose best value lies at a bound.
    """

    key: str
    history: list
    best_point: np.ndarray
    best_params: dict
    best_regional: dict
    best_terms: dict
    best_cost: float
    best_status: int
    generations: int
    simulations: int
    stopped: str
    at_bounds: dict


@dataclass
class MemoryStore:
    """Histories kept in memory, for searches that need not survive their process.

    A store has two methods: ``load(key)`` gives the complete generations of a fit, in order, and
    ``append(key, generation)`` keeps one more for good before it returns.
    """

    histories: dict = field(default_factory=dict)

    def load(self, key):
        """List of the generations of a fit."""
        return list(self.histories.get(key, []))

    def append(self, key, generation):
        """Keep one more generation of a fit."""
        self.histories.setdefault(key, []).append(generation)


def run_fits(problems, simulate_batch, store, max_simulations=256, on_generation=None):
    """Advance many fits together until every search has ended.

    Parameters
    ----------
    problems : sequence of FitProblem
        All with the same number of nodes and the same parameters, each with a key of its own.
    simulate_batch : callable
        ``simulate_batch(weights, connectome, params, seed, lengths)`` gives a Simulation of B simulations,
        from (S, N, N) connectomes, (B,) indices into them, a dict of (B,) or (B, N) values, (B,) noise seeds,
        and (S, N, N) tract lengths or None. A simulation's result may not depend on the others of its batch.
    store : object with ``load`` and ``append``
        See :class:`MemoryStore`. Recorded generations are replayed, not simulated again.
    max_simulations : int
        Most simulations in one call of `simulate_batch`; bounds the memory, and changes no result.
    on_generation : callable, optional
        ``on_generation(problem, generation)`` after each new generation was stored.

    Returns
    -------
    list of FitResult
        In the order of the problems.

    Raises
    ------
    InputError
        If problems cannot share a batch, or a recorded history is not the one this search would have made.
    """
    problems = list(problems)
    _check_shared_shape(problems)
    fits = [_Fit(problem) for problem in problems]
    for fit in fits:
        fit.replay(store.load(fit.problem.key))
    while active := [fit for fit in fits if not fit.search.stopped]:
        asked = [(fit.problem, fit.search.ask()) for fit in active]
        scores = _simulate_and_score(asked, simulate_batch, max_simulations)
        for fit, (problem, points), scored in zip(active, asked, scores, strict=True):
            generation = fit.record(points, scored)
            store.append(problem.key, generation)
            fit.search.tell(generation.cost)
            if on_generation is not None:
                on_generation(problem, generation)
    return [fit.result() for fit in fits]


class _Fit:
    """A problem, its search, and its history so far."""

    def __init__(self, problem):
        self.problem = problem
        self.search = make_search(problem.optimizer, problem.space.names, problem.key, problem.restart)
        self.history = []

    def replay(self, recorded):
        """Tell the search what the history holds, as if it had just been computed."""
        for generation in recorded:
            if self.search.stopped:
                raise self._foreign(generation, f"the search ended before it ({self.search.stopped})")
            self._check_points(generation, self.search.ask())
            if not np.isfinite(generation.cost).all():
                raise self._foreign(generation, "it holds a cost that is not finite")
            self.search.tell(generation.cost)
            self.history.append(generation)
        if recorded:
            logger.info("%s: resumed after generation %d", self.problem.key, recorded[-1].number)

    def _check_points(self, generation, asked):
        if generation.number != len(self.history):
            raise self._foreign(generation, f"generation {len(self.history)} should come here")
        if generation.points.shape != asked.shape:
            found, expected = generation.points.shape, asked.shape
            raise self._foreign(generation, f"it has shape {found} where the search asks for {expected}")
        distance = np.abs(generation.points - asked).max()
        if not distance <= REPLAY_TOLERANCE:
            raise self._foreign(generation, f"its points lie up to {distance:.1e} from those of the search")
        if distance > 0:
            logger.info("%s: replayed points differ by %.1e, as between CPUs", self.problem.key, distance)

    def _foreign(self, generation, what):
        return InputError(
            f"The history of {self.problem.key} cannot be resumed at generation {generation.number}: {what}. "
            "It was made with other settings, software or inputs, or was changed; move it away to start anew."
        )

    def record(self, points, scored):
        """Make the next generation of the history."""
        terms = {name: values for name, values in scored.items() if name not in ("cost", "status")}
        number = len(self.history)
        self.history.append(Generation(number, points, terms, scored["cost"], scored["status"]))
        return self.history[-1]

    def result(self):
        """Sum the history up; among equal costs the first counts."""
        generation = min(self.history, key=lambda generation: generation.cost.min())
        row = int(np.argmin(generation.cost))
        point = generation.points[row]
        space = self.problem.space
        params = space.to_parameters(point)
        return FitResult(
            key=self.problem.key,
            history=self.history,
            best_point=point,
            best_params={name: float(values[0]) for name, values in space.coordinates(point).items()},
            best_regional={name: params[name][0] for name in space.regional_names},
            best_terms={name: float(values[row]) for name, values in generation.terms.items()},
            best_cost=float(generation.cost[row]),
            best_status=int(generation.status[row]),
            generations=len(self.history),
            simulations=sum(len(generation.cost) for generation in self.history),
            stopped=self.search.stopped,
            at_bounds=space.at_bounds(point),
        )


def _check_shared_shape(problems):
    """One batch needs one number of nodes and one set of parameters; one store needs a key for each fit."""
    keys = [problem.key for problem in problems]
    if repeated := {key for key in keys if keys.count(key) > 1}:
        raise InputError(f"Two fits share the key {sorted(repeated)[0]}; every fit needs its own.")
    for problem in problems:
        for what, here, there in (
            ("nodes", problem.weights.shape, problems[0].weights.shape),
            ("parameters", _parameter_names(problem), _parameter_names(problems[0])),
            ("delays", problem.lengths is None, problems[0].lengths is None),
        ):
            if here != there:
                raise InputError(
                    f"{problem.key} and {keys[0]} differ in their {what} ({here} and {there}) and cannot be "
                    "fitted in one batch; run them apart."
                )


def _parameter_names(problem):
    return sorted([*problem.space.free, *problem.space.fixed, *problem.space.regional_names])


def _simulate_and_score(asked, simulate_batch, max_simulations):
    """Simulate the points of all fits in slices and score each slice at once.

    `asked` is a list of (problem, points (n, d)); each gets one dict of (n,) arrays: terms, cost, status.
    """
    owner = np.repeat(np.arange(len(asked)), [len(points) for _, points in asked])
    params = [problem.space.to_parameters(points) for problem, points in asked]
    params = {name: np.concatenate([values[name] for values in params]) for name in params[0]}
    problems = [problem for problem, _ in asked]
    parts = [[] for _ in asked]
    for start in range(0, len(owner), max_simulations):
        rows = slice(start, start + max_simulations)
        sliced = {name: values[rows] for name, values in params.items()}
        for index, scored in _run_slice(problems, owner[rows], sliced, simulate_batch):
            parts[index].append(scored)
    return [{name: np.concatenate([part[name] for part in fit]) for name in fit[0]} for fit in parts]


def _run_slice(problems, owner, params, simulate_batch):
    """Simulate one slice; yield (index of the problem, its scores) for every problem with a part in it."""
    weights, lengths, connectome = _connectomes(problems, owner)
    seed = np.array([problems[index].noise_seed for index in owner])
    run = simulate_batch(weights, connectome, params, seed, lengths)
    for index in np.unique(owner):
        rows = np.flatnonzero(owner == index)
        problem = problems[index]
        scored = problem.objective.score(run, problem.target, rows)
        yield index, scored | {"status": np.asarray(run.status)[rows].astype(int)}


def _connectomes(problems, owner):
    """Each connectome of the slice once: weights (S, N, N), lengths (S, N, N) or None, index of each (B,)."""
    position, used = {}, []
    for index in np.unique(owner):
        problem = problems[index]
        if (id(problem.weights), id(problem.lengths)) not in position:
            position[id(problem.weights), id(problem.lengths)] = len(used)
            used.append(problem)
    connectome = [position[id(problems[index].weights), id(problems[index].lengths)] for index in owner]
    weights = np.stack([problem.weights for problem in used])
    lengths = None if used[0].lengths is None else np.stack([problem.lengths for problem in used])
    return weights, lengths, np.array(connectome)
