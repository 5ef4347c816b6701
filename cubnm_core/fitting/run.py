"""Many fits advanced together, of several people, restarts and settings: one pack of simulations at a time.

The history of a fit, generation by generation, is also its checkpoint. A fit that is started again asks its
search for the same points once more, tells it the recorded costs, and goes on where the history ends.
"""

import logging
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting.course import Course
from cubnm_core.fitting.fits import FitProblem, FitResult, Generation, Retest
from cubnm_core.fitting.packing import Packer

__all__ = ["FitProblem", "FitResult", "Generation", "MemoryStore", "Paused", "Retest", "run_fits"]

logger = logging.getLogger(__name__)


class Paused(Exception):
    """Fits were left where they are, to be resumed by the next run; the message says why."""


@dataclass
class MemoryStore:
    """Histories kept in memory, for searches that need not survive their process.

    A store has two methods: ``load(key)`` gives the complete generations of a fit, in order, and
    ``append_all(generations)`` keeps one more of several fits, a list of (key, generation), for good before
    it returns. The re-test of a fit has a key of its own, see :func:`cubnm_core.fitting.course.retest_key`.
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
    guests=(),
    simulate_retest=None,
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
    guests : sequence, optional
        Fits of others that take the places these leave free, from the second pack on. Each has
        ``is_welcome()``, which is asked before every pack and says whether they may take part in one more;
        then ``problems`` and a ``store`` as above; and ``leave()``, after which their store is left alone.
        They end with these at the latest, and an error with them only sends them away.
    simulate_retest : callable, optional
        Simulates in re-tests, in place of `simulate_batch`.

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
    devices = device, accepts_other_device
    packer = Packer(simulate_batch, max_simulations, simulate_retest)
    pack, visits = _Pack(problems, store, on_generation, on_result, on_failure), None
    while pack.fill(max_simulations, *devices):
        if pause is not None and (reason := pause()):
            raise Paused(f"{reason}; {pack.unfinished} of {len(problems)} searches are unfinished")
        asked = pack.ask()
        beside = visits.ask(packer.size - _simulations(asked)) if visits is not None else []
        scored = visits.score(asked, beside) if beside else pack.score(packer, asked)
        pack.take(asked, scored[: len(asked)])
        if visits is not None:
            visits.take(scored[len(asked) :])
        visits = visits or _Visits(guests, packer, pack, devices)
    return [pack.results[problem.key] for problem in problems if problem.key in pack.results]


def _check_keys(problems):
    keys = [problem.key for problem in problems]
    if len(set(keys)) < len(keys):
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"Two fits share the key {repeated}; every fit needs its own.")


class _Pack:
    """The fits that advance together, those that wait, and those that have ended."""

    def __init__(self, problems, store, on_generation=None, on_result=None, on_failure=None):
        self._store = store
        self._on_generation, self._on_result, self._on_failure = on_generation, on_result, on_failure
        self._waiting, self._active, self.results = deque(problems), [], {}

    @property
    def unfinished(self):
        """Number of fits that have not ended."""
        return len(self._waiting) + len(self._active)

    def fill(self, size, device, accepts_other_device, at_least=1):
        """Let fits that wait take the places that are free; say whether there is anything to simulate."""
        while self._waiting and (
            len(self._active) < at_least or self._filled() + _size(self._waiting[0]) <= size
        ):
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

    def ask(self, room=np.inf):
        """What the active fits want simulated, as far as there is room.

        Returns
        -------
        list of (course, (problem, points, seeds))
        """
        asked = []
        for course in list(self._active):
            if _size(course.problem) > room:
                continue
            wanted = self._tried(course, course.ask)
            if wanted is not None:
                asked.append((course, (course.problem, *wanted)))
                room -= _simulations(asked[-1:])
        return asked

    def take(self, asked, scored):
        """Take in the scores of what was asked for, and keep them."""
        kept, searching = [], []
        for (course, (problem, points, _)), found in zip(asked, scored, strict=True):
            if isinstance(found, Exception):
                self._active.remove(course)
                self._fail(problem, found)
                continue
            is_search = course.stopped is None
            told = self._tried(course, course.tell, points, *found)
            if told is None:
                continue
            searching += [course] if is_search else []
            kept.append(told)
        self._store.append_all(kept)
        for course in searching if self._on_generation is not None else ():
            self._on_generation(course.problem, course.history)
        self._leave()

    def score(self, packer, asked):
        """Scores of every fit; where the pack raises an error, of each fit alone, or the error of each."""
        wanted = [one for _, one in asked]
        try:
            return packer.score_points(wanted)
        except (MemoryError, OSError):
            raise
        except Exception:
            if self._on_failure is None:
                raise
        found = [_alone(packer, one) for one in wanted]
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


class _Visits:
    """The fits of others in a pack, as long as they may stay."""

    def __init__(self, guests, packer, host, devices):
        self._packer, self._host, self._devices = packer, host, devices
        self._packs, self._asked = dict.fromkeys(guests), []

    def ask(self, room):
        """What they want simulated where there is room for so many simulations."""
        self._asked = []
        for guest in list(self._packs):
            if room <= 0 and self._packs[guest] is None:
                continue
            if not guest.is_welcome():
                del self._packs[guest]
                continue
            pack = self._packs[guest] or _Pack(guest.problems, guest.store, on_failure=_left_to_its_owner)
            self._packs[guest] = pack
            self._tried(guest, pack.fill, room, *self._devices, 0)
            if guest in self._packs and not pack.unfinished:
                self._send_away(guest)
            if guest in self._packs:
                self._asked.append((guest, pack, pack.ask(room)))
                room -= _simulations(self._asked[-1][-1])
        return [one for _, _, asked in self._asked for one in asked]

    def score(self, asked, beside):
        """Scores of all; should an error come, of the host's fits alone."""
        try:
            return self._packer.score_points([one for _, one in (*asked, *beside)])
        except (MemoryError, OSError):
            raise
        except Exception as error:
            logger.info("Fits of others leave the pack: %s", error)
            for guest in list(self._packs):
                self._send_away(guest)
            self._asked = []
            return self._host.score(self._packer, asked)

    def take(self, scored):
        """Take in their scores, if there are any."""
        for guest, pack, asked in self._asked:
            self._tried(guest, pack.take, asked, scored[: len(asked)])
            scored = scored[len(asked) :]

    def _tried(self, guest, step, *given):
        """Let a guest take a step; it goes if its store cannot be read or written."""
        try:
            return step(*given)
        except OSError as error:
            logger.info("Fits of others leave the pack: %s", error)
            self._send_away(guest)

    def _send_away(self, guest):
        guest.leave()
        del self._packs[guest]


def _left_to_its_owner(problem, error):
    logger.info("%s of another fit leaves the pack: %s", problem.key, error)


def _alone(packer, one):
    """Scores of one fit, or its error."""
    try:
        return packer.score_points([one])[0]
    except (MemoryError, OSError):
        raise
    except Exception as error:
        return error


def _size(problem):
    """Simulations that a fit takes part with."""
    return problem.optimizer.population * problem.replicates


def _simulations(asked):
    """Simulations that were asked for."""
    return sum(len(points) * len(seeds) for _, (_, points, seeds) in asked)
