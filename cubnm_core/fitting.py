"""Many fits advanced together, of several people, restarts and settings: one pack of simulations at a time.

The history of a fit, generation by generation, is also its checkpoint. A fit that is started again asks its
search for the same points once more, tells it the recorded costs, and goes on where the history ends.
"""

from collections import deque
from dataclasses import dataclass, field

from cubnm_core.course import Course
from cubnm_core.errors import InputError
from cubnm_core.fits import FitProblem, FitResult, Generation, Retest
from cubnm_core.packing import Packer

__all__ = ["FitProblem", "FitResult", "Generation", "MemoryStore", "Paused", "Retest", "run_fits"]


class Paused(Exception):
    """Fits were left where they are, to be resumed by the next run; the message says why."""


@dataclass
class MemoryStore:
    """Histories kept in memory, for searches that need not survive their process.

    A store has two methods: ``load(key)`` gives the complete generations of a fit, in order, and
    ``append(key, generation)`` keeps one more for good before it returns. The re-test of a fit has a key of
    its own, see :func:`cubnm_core.course.retest_key`.
    """

    histories: dict = field(default_factory=dict)

    def load(self, key):
        """List of the generations of a fit."""
        return list(self.histories.get(key, []))

    def append(self, key, generation):
        """Keep one more generation of a fit."""
        self.histories.setdefault(key, []).append(generation)


def run_fits(
    problems,
    simulate_batch,
    store,
    max_simulations=256,
    on_generation=None,
    pause=None,
    device="",
    accepts_other_device=True,
):
    """Advance many fits together until every search has ended.

    As many fits as fill a pack take part at a time; when one has ended, the next one waiting takes its place.

    Parameters
    ----------
    problems : sequence of FitProblem
        Each with a key of its own. Those that differ in nodes, parameters or delays are simulated in calls of
        their own.
    simulate_batch : callable
        ``simulate_batch(weights, connectome, params, seed, lengths)`` gives a Simulation of B simulations,
        from (S, N, N) connectomes, (B,) indices into them, a dict of (B,) or (B, N) values, (B,) noise seeds,
        and (S, N, N) tract lengths or None. A simulation's result may not depend on the others of its batch.
    store : object with ``load`` and ``append``
        See :class:`MemoryStore`. Recorded generations are replayed, not simulated again.
    max_simulations : int
        Size of the pack, and most simulations in one call of `simulate_batch`. It changes no result, and is
        halved when memory runs out.
    on_generation : callable, optional
        ``on_generation(problem, generation)`` after each new generation of a search was stored.
    pause : callable, optional
        Asked before every pack; a text in place of None is a reason to leave the fits to a later run.
    device : str, optional
        Kind of device, recorded with every generation.
    accepts_other_device : bool, optional
        Whether histories from another kind of device are resumed, with a warning, or refused.

    Returns
    -------
    list of FitResult
        In the order of the problems.

    Raises
    ------
    InputError
        If two problems share a key, or a recorded history is not the one this search would have made.
    Paused
        If `pause` said so; everything simulated is in the store.
    MemoryError
        If one simulation alone does not fit into memory.
    """
    problems = list(problems)
    _check_keys(problems)
    waiting, active, results = deque(problems), [], {}
    packer = Packer(simulate_batch, max_simulations)
    while waiting or active:
        while waiting and (not active or _filled(active, waiting[0]) <= max_simulations):
            course = Course(waiting.popleft(), device, accepts_other_device)
            course.replay(store)
            active.append(course)
            results |= _leave(active)
        if not active:
            continue
        if pause is not None and (reason := pause()):
            raise Paused(f"{reason}; {len(waiting) + len(active)} of {len(problems)} searches are unfinished")
        _one_round(active, packer, store, on_generation)
        results |= _leave(active)
    return [results[problem.key] for problem in problems]


def _check_keys(problems):
    keys = [problem.key for problem in problems]
    if len(set(keys)) < len(keys):
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"Two fits share the key {repeated}; every fit needs its own.")


def _filled(active, candidate):
    """Simulations of a pack with one more fit."""
    problems = [*(course.problem for course in active), candidate]
    return sum(problem.optimizer.population * problem.replicates for problem in problems)


def _leave(active):
    """Take the fits that are done out of the active ones: dict of key to result."""
    done = [course for course in active if course.is_done]
    active[:] = [course for course in active if not course.is_done]
    return {course.problem.key: course.result() for course in done}


def _one_round(active, packer, store, on_generation):
    """Simulate one generation of every active fit and keep it."""
    asked = [(course.problem, *course.ask()) for course in active]
    for course, (problem, points, _), scored in zip(active, asked, packer.scored(asked), strict=True):
        searching = course.stopped is None
        key, generation = course.tell(points, *scored)
        store.append(key, generation)
        if searching and on_generation is not None:
            on_generation(problem, generation)
