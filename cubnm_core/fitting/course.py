"""The course of one fit: search, replay of what was recorded, re-test of the best candidates, result."""

import logging

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting.fits import FitResult, Generation
from cubnm_core.fitting.fronts import distance_to_ideal, non_dominated
from cubnm_core.fitting.optimisers import make_search, reason_to_stop
from cubnm_core.measures.objective import has_failed

logger = logging.getLogger(__name__)

# Another type of CPU changes the points by about 1e-13; further apart, they belong to another search.
REPLAY_TOLERANCE = 1e-9


def retest_key(key):
    """Under which the re-test of a fit is kept in its store."""
    return f"{key}_retest"


class Course:
    """A problem, its search, and its history so far.

    Parameters
    ----------
    problem : cubnm_core.fitting.fits.FitProblem
    device : str
        Kind of device that simulates from now on.
    accepts_other_device : bool
        Whether a history of another kind of device may be resumed (with a warning).
    """

    def __init__(self, problem, device="", accepts_other_device=True):
        self.problem, self._device, self._accepts_other = problem, device, accepts_other_device
        self.history, self.retested, self.stopped = [], None, None
        self._recorded_retest = []
        names, objectives = problem.space.names, problem.objective.n_objectives
        self._search = make_search(
            problem.optimizer, names, problem.key, problem.restart, objectives, problem.initial
        )

    @property
    def is_done(self):
        """Whether nothing is left to simulate."""
        return self.stopped is not None and (self.problem.retest is None or self.retested is not None)

    def ask(self):
        """What to simulate next.

        Returns
        -------
        points : (n, d) array
        seeds : range
            Noise seeds that every point is simulated with.
        """
        if self.stopped is None:
            return self._search.ask(), self.problem.noise_seeds
        return self._candidates(), self.problem.retest.noise_seeds

    def tell(self, points, terms, status):
        """Take in what came of the points asked for last.

        Returns
        -------
        key : str
            Under which the generation is to be kept.
        Generation
        """
        terms = self.problem.completed(terms, points)
        cost = self.problem.costs(terms).sum(axis=1)
        if self.stopped is not None:
            self.retested = Generation(0, points, terms, cost, status, self._device)
            return retest_key(self.problem.key), self.retested
        generation = Generation(len(self.history), points, terms, cost, status, self._device)
        self._advance(generation)
        return self.problem.key, generation

    def replay(self, store):
        """Tell the search what the store holds, as if it had just been computed."""
        if self.problem.retest is not None:  # loaded first: the store sets aside what is of another fit
            self._recorded_retest = store.load(retest_key(self.problem.key))
        recorded = store.load(self.problem.key)
        for generation in recorded:
            if self.stopped is not None and self._search.stopped is None:
                logger.info("%s: only %d recorded generations are used", self.problem.key, len(self.history))
                break  # the rules for stopping are others now
            if self.stopped is not None:
                raise self._foreign(generation, f"the search ended before it ({self.stopped})")
            self._check(generation, len(self.history), self._search.ask())
            self._advance(generation)
        if recorded:
            logger.info("%s: resumed after generation %d", self.problem.key, self.history[-1].number)

    def _advance(self, generation):
        """Tell the search one generation and see whether it should go on."""
        self.history.append(generation)
        if self.problem.objective.n_objectives == 1:
            self._search.tell(generation.cost[:, None])
        else:
            self._search.tell(self.problem.costs(generation.terms))
        self.stopped = self._search.stopped or reason_to_stop(self.problem.optimizer, self.history)
        if self.stopped is not None and self._recorded_retest:
            (self.retested,) = self._recorded_retest
            self._check(self.retested, 0, self._candidates())

    def _check(self, generation, number, asked):
        """Refuse a recorded generation that is not the one that comes here."""
        if generation.number != number:
            raise self._foreign(generation, f"generation {number} should come here")
        if generation.points.shape != asked.shape:
            found, expected = generation.points.shape, asked.shape
            raise self._foreign(generation, f"it has shape {found} where the search asks for {expected}")
        distance = np.abs(generation.points - asked).max()
        if not distance <= REPLAY_TOLERANCE:
            raise self._foreign(generation, f"its points lie up to {distance:.1e} from those of the search")
        if not np.isfinite(generation.cost).all():
            raise self._foreign(generation, "it holds a cost that is not finite")
        if distance > 0:
            logger.info("%s: replayed points differ by %.1e, as between CPUs", self.problem.key, distance)
        self._check_device(generation)

    def _check_device(self, generation):
        """Say so, or refuse, where another kind of device simulated before."""
        if generation.device in ("", self._device):
            return
        if not self._accepts_other:
            raise InputError(
                f"The history of {self.problem.key} was computed on another kind of device "
                f"({generation.device}; here {self._device}), whose last digits differ. Resume it there, "
                "move it away to start anew, or allow other devices."
            )
        if not self.history or self.history[-1].device != generation.device:
            logger.warning(
                "%s: generation %d comes from another kind of device (%s; here %s): the digits of this fit "
                "cannot be repeated on one of them alone",
                self.problem.key, generation.number, generation.device, self._device,
            )  # fmt: skip

    def _foreign(self, generation, what):
        return InputError(
            f"The history of {self.problem.key} cannot be resumed at generation {generation.number}: {what}. "
            "It was made with other settings, software or inputs, or was changed; move it away to start anew."
        )

    def _ranked(self):
        """All candidates that may be chosen, best first.

        Returns
        -------
        (m, 2) int array
            Generation and row: all candidates by cost, those of equal cost in their order; or, with several
            objectives, the front by its distance from the ideal.
        costs : (m, k) array
        """
        places = np.array([(g.number, row) for g in self.history for row in range(len(g.cost))])
        cost = np.concatenate([generation.cost for generation in self.history])
        if self.problem.objective.n_objectives == 1:
            order = np.argsort(cost, kind="stable")
            return places[order], cost[order, None]
        costs = np.concatenate([self.problem.costs(generation.terms) for generation in self.history])
        front = non_dominated(costs)
        order = front[np.argsort(distance_to_ideal(costs[front], costs[front]), kind="stable")]
        return places[order], costs[order]

    def _candidates(self):
        """Points of the best different candidates that did not fail, (at most `candidates`, d)."""
        places, _ = self._ranked()
        different = {}
        for number, row in places:
            generation = self.history[number]
            if not has_failed(generation.status[row]):
                different.setdefault(generation.points[row].tobytes(), generation.points[row])
            if len(different) == self.problem.retest.candidates:
                break
        best = self.history[places[0, 0]].points[places[0, 1]]
        return np.stack(list(different.values()) or [best])

    def result(self):
        """Sum the history up; among equal costs the first counts."""
        places, costs = self._ranked()
        (number, row), chosen_costs, retest_cost = places[0], costs[0], None
        if self.retested is not None:
            chosen, chosen_costs = self._best_retested()
            retest_cost = float(self.retested.cost[chosen])
            number, row = self._place_of(places, self.retested.points[chosen])
        generation = self.history[number]
        point, space = generation.points[row], self.problem.space
        params = space.to_parameters(point)
        shown = slice(None) if self.problem.objective.n_objectives > 1 else slice(1)
        return FitResult(
            key=self.problem.key,
            history=self.history,
            retested=self.retested,
            best_point=point,
            best_params={name: float(values[0]) for name, values in space.coordinates(point).items()},
            best_regional={name: params[name][0] for name in space.regional_names},
            best_terms={name: float(values[row]) for name, values in generation.terms.items()},
            best_cost=float(generation.cost[row]),
            best_status=int(generation.status[row]),
            retest_cost=retest_cost,
            front=places[shown],
            objectives=costs[shown],
            chosen_objectives=chosen_costs,
            generations=len(self.history),
            simulations=self._counted(sum(generation.simulated for generation in self.history)),
            evaluations=self._counted(sum(len(generation.cost) for generation in self.history)),
            stopped=self.stopped,
            at_bounds=space.at_bounds(point),
        )

    def _best_retested(self):
        """Row and costs of the best re-tested candidate: of lowest cost, or nearest to the ideal."""
        if self.problem.objective.n_objectives == 1:
            chosen = int(np.argmin(self.retested.cost))
            return chosen, self.retested.cost[chosen : chosen + 1]
        costs = self.problem.costs(self.retested.terms)
        chosen = int(np.argmin(distance_to_ideal(costs, costs[non_dominated(costs)])))
        return chosen, costs[chosen]

    def _place_of(self, places, point):
        """Generation and row of a candidate, the best one if it was simulated several times."""
        for number, row in places:
            if np.abs(self.history[number].points[row] - point).max() <= REPLAY_TOLERANCE:
                return number, row
        raise self._foreign(self.retested, "its candidates are not those of the search")

    def _counted(self, candidates):
        """Candidates of the search and those of the re-test, each with all its seeds."""
        retested = 0 if self.retested is None else len(self.retested.cost) * self.problem.retest.seeds
        return round(candidates * self.problem.replicates) + retested
