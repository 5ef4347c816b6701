"""Progress of searches that advance together: one line per generation, on the terminal and in the log."""

import time

import numpy as np


class Progress:
    """Counts what a batch of searches has done and says it once per generation.

    Parameters
    ----------
    problems : dict of FitKey to cubnm_core.fitting.run.FitProblem
    logger : logging.Logger
    """

    def __init__(self, problems, logger):
        self._names = {problem.key: key.name for key, problem in problems.items()}
        self.logger = logger
        self.simulations = 0
        self._best = {}
        self._latest = {}
        self._left_of = {
            problem.key: problem.optimizer.most_generations * _size(problem) for problem in problems.values()
        }
        self._started = time.perf_counter()

    def watch(self, simulate_batch):
        """Wrap the function that simulates: when it is called, the generation before it is complete."""

        def watched(weights, connectome, *others):
            self.flush()
            run = simulate_batch(weights, connectome, *others)
            self.simulations += len(connectome)
            return run

        return watched

    def generation(self, problem, history):
        """Take note of a generation that was computed, the last one of the history of its search."""
        new = history if problem.key not in self._best else history[-1:]
        best = min(float(generation.cost.min()) for generation in new)
        self._best[problem.key] = min(self._best.get(problem.key, np.inf), best)
        self._latest[problem.key] = len(history)
        to_come = problem.optimizer.most_generations - len(history)
        self._left_of[problem.key] = to_come * _size(problem)

    def ended(self, result):
        """Take note of a search that has ended."""
        self._left_of[result.key] = 0

    def flush(self):
        """Say where the searches that reported since the last line are."""
        if not self._latest:
            return
        costs = np.array([self._best[key] for key in self._latest])
        people = {self._names[key] for key in self._latest}
        rate = self.simulations / (time.perf_counter() - self._started)
        self.logger.info(
            "generation %d: %d %s in %d of %d searches, best costs %.3f to %.3f (median %.3f), "
            "%.1f simulations/s, at most %s left",
            max(self._latest.values()),
            len(people),
            "person" if len(people) == 1 else "people",
            len(self._latest),
            len(self._names),
            costs.min(),
            costs.max(),
            np.median(costs),
            rate,
            _duration(sum(self._left_of.values()) / rate),
        )
        self._latest = {}


def _size(problem):
    """Simulations of a generation."""
    return problem.optimizer.population * problem.replicates


def _duration(seconds):
    """Write a duration in the unit one would say it in."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
