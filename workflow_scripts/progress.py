"""Progress of searches that advance together: one line per generation, on the terminal and in the log."""

import math
import time

import numpy as np


class Progress:
    """Counts what a batch of searches has done and says it once per generation.

    Parameters
    ----------
    problems : list of cubnm_core.fitting.FitProblem
    logger : logging.Logger
    """

    def __init__(self, problems, logger):
        self.problems = {problem.key: problem for problem in problems}
        self.logger = logger
        self.simulations = 0
        self._best = {}
        self._latest = {}
        self._started = time.perf_counter()

    def watch(self, simulate_batch):
        """Wrap the function that simulates: when it is called, the generation before it is complete."""

        def watched(weights, connectome, params, seed, lengths):
            self.flush()
            run = simulate_batch(weights, connectome, params, seed, lengths)
            self.simulations += len(connectome)
            return run

        return watched

    def recall(self, store):
        """Take note of the generations that earlier jobs computed."""
        for key in self.problems:
            costs = [generation.cost.min() for generation in store.load(key)]
            self._best[key] = float(min(costs, default=np.inf))

    def generation(self, problem, generation):
        """Take note of a generation that was computed."""
        best = min(self._best.get(problem.key, np.inf), float(generation.cost.min()))
        self._best[problem.key] = best
        self._latest[problem.key] = generation.number

    def flush(self):
        """Say where the searches that reported since the last line are."""
        if not self._latest:
            return
        costs = np.array([self._best[key] for key in self._latest])
        people = {key.rsplit("_restart-", 1)[0] for key in self._latest}
        rate = self.simulations / (time.perf_counter() - self._started)
        self.logger.info(
            "generation %d: %d %s in %d of %d searches, best costs %.3f to %.3f (median %.3f), "
            "%.1f simulations/s, at most %s left",
            1 + max(self._latest.values()),
            len(people),
            "person" if len(people) == 1 else "people",
            len(self._latest),
            len(self.problems),
            costs.min(),
            costs.max(),
            np.median(costs),
            rate,
            _duration(self._left() / rate),
        )
        self._latest = {}

    def _left(self):
        """Count the simulations that the searches just seen can still need."""
        left = 0
        for key, number in self._latest.items():
            optimizer = self.problems[key].optimizer
            left += (_generations(optimizer) - 1 - number) * optimizer.population
        return left


def _generations(optimizer):
    """Give the most generations that a search can have."""
    if optimizer.name == "grid":
        return math.ceil(math.prod(optimizer.shape.values()) / optimizer.population)
    return optimizer.generations


def _duration(seconds):
    """Write a duration in the unit one would say it in."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
