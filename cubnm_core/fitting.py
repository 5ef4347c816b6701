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
    ``append_all(generations)`` keeps one more of several fits, a list of (key, generation), for good before
    it returns. The re-test of a fit has a key of its own, see :func:`cubnm_core.course.retest_key`.
    """

    histories: dict = field(default_factory=dict)

    def load(self, key):
        """List of the generations of a fit."""
        return list(self.histories.get(key, []))

    def append_all(self, generations):
        """Keep one more generation of each of these fits."""
        for key, generation in generations:
            self.histories.setdefault(key, []).append(generation)


def run_fits(
    problems,
    simulate_batch,
    store,
    max_simulations=256,
    on_generation=None,
    on_result=None,
    on_failure=None,
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
        ``simulate_batch(weights, connectome, params, seed, lengths, comparison)`` gives a Simulation of B
        simulations, from (S, N, N) connectomes, (B,) indices into them, a dict of (B,) or (B, N) values, (B,)
        noise seeds, (S, N, N) tract lengths or None, and the Comparison whose scores serve in place of FC and
        FCD; None where these themselves are needed. A simulation's result may not depend on the others of its
        batch.
    store : object with ``load`` and ``append_all``
        See :class:`MemoryStore`. Recorded generations are replayed, not simulated again.
    max_simulations : int
        Size of the pack, and most simulations in one call of `simulate_batch`. It changes no result, and is
        halved when memory runs out.
    on_generation : callable, optional
        ``on_generation(problem, history)`` after each new generation of a search was stored, the last one of
        its history.
    on_result : callable, optional
        ``on_result(result)`` for every fit as soon as it has ended.
    on_failure : callable, optional
        ``on_failure(problem, error)`` for a fit that raised an error. It is left out, and the others go on.
        An error that hits all of them is raised all the same, and so is every error without `on_failure`.
    pause : callable, optional
        Asked before every pack; a text in place of None is a reason to leave the fits to a later run.
    device : str, optional
        Kind of device, recorded with every generation.
    accepts_other_device : bool, optional
        Whether histories from another kind of device are resumed, with a warning, or refused.

    Returns
    -------
    list of FitResult
        In the order of the problems, without those that failed.

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
    pack = _Pack(
        problems, store, Packer(simulate_batch, max_simulations), on_generation, on_result, on_failure
    )
    while pack.fill(max_simulations, device, accepts_other_device):
        if pause is not None and (reason := pause()):
            raise Paused(f"{reason}; {pack.unfinished} of {len(problems)} searches are unfinished")
        pack.advance()
    return [pack.results[problem.key] for problem in problems if problem.key in pack.results]


def _check_keys(problems):
    keys = [problem.key for problem in problems]
    if len(set(keys)) < len(keys):
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"Two fits share the key {repeated}; every fit needs its own.")


class _Pack:
    """The fits that advance together, those that wait, and those that have ended."""

    def __init__(self, problems, store, packer, on_generation, on_result, on_failure):
        self._store, self._packer = store, packer
        self._on_generation, self._on_result, self._on_failure = on_generation, on_result, on_failure
        self._waiting, self._active, self.results = deque(problems), [], {}

    @property
    def unfinished(self):
        """Number of fits that have not ended."""
        return len(self._waiting) + len(self._active)

    def fill(self, size, device, accepts_other_device):
        """Let fits that wait take the places that are free; say whether there is anything to simulate."""
        while self._waiting and (not self._active or self._filled() + _size(self._waiting[0]) <= size):
            problem = self._waiting.popleft()
            try:
                course = Course(problem, device, accepts_other_device)
                course.replay(self._store)
            except InputError as error:
                self._fail(problem, error)
                continue
            self._active.append(course)
            self._leave()
        return bool(self._active)

    def advance(self):
        """Simulate one generation of every active fit and keep it."""
        found = [(course, self._tried(course, course.ask)) for course in list(self._active)]
        asked = [(course, (course.problem, *one)) for course, one in found if one is not None]
        kept, searching = [], []
        for (course, (problem, points, _)), scored in zip(
            asked, self._scored([one for _, one in asked]), strict=True
        ):
            if isinstance(scored, Exception):
                self._active.remove(course)
                self._fail(problem, scored)
                continue
            is_search = course.stopped is None
            told = self._tried(course, course.tell, points, *scored)
            if told is None:
                continue
            searching += [course] if is_search else []
            kept.append(told)
        self._store.append_all(kept)
        for course in searching if self._on_generation is not None else ():
            self._on_generation(course.problem, course.history)
        self._leave()

    def _scored(self, asked):
        """Scores of every fit; where the pack raises an error, of each fit alone, or the error of each."""
        try:
            return self._packer.scored(asked)
        except (MemoryError, OSError):
            raise
        except Exception:
            if self._on_failure is None:
                raise
        found = [_alone(self._packer, one) for one in asked]
        errors = [one for one in found if isinstance(one, Exception)]
        if len(errors) == len(found) and not self.results and not isinstance(errors[0], InputError):
            raise errors[0]
        return found

    def _tried(self, course, step, *given):
        """Let a search take a step; None if that failed, and its fit is left out."""
        try:
            return step(*given)
        except (MemoryError, OSError):
            raise
        except Exception as error:
            self._active.remove(course)
            self._fail(course.problem, error)

    def _fail(self, problem, error):
        if self._on_failure is None:
            raise error
        self._on_failure(problem, error)

    def _filled(self):
        return sum(_size(course.problem) for course in self._active)

    def _leave(self):
        """Take the fits that are done out of the active ones."""
        done = [course for course in self._active if course.is_done]
        self._active = [course for course in self._active if not course.is_done]
        for course in done:
            result = self.results[course.problem.key] = course.result()
            if self._on_result is not None:
                self._on_result(result)


def _alone(packer, one):
    """Scores of one fit, or its error."""
    try:
        return packer.scored([one])[0]
    except (MemoryError, OSError):
        raise
    except Exception as error:
        return error


def _size(problem):
    """Simulations that a fit takes part with."""
    return problem.optimizer.population * problem.replicates
