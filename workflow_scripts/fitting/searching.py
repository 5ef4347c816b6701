"""Searches of a job: started together, followed, paused, and what came of them."""

import sys
import time
from dataclasses import dataclass

from cubnm_core.errors import InputError
from cubnm_core.fitting.packing import device_name
from cubnm_core.fitting.run import Paused, run_fits
from workflow_scripts.fitting import interruptions
from workflow_scripts.fitting.fit_problems import needed_arrays
from workflow_scripts.fitting.progress import Progress
from workflow_scripts.fitting.simulators import used_backend


@dataclass(frozen=True, eq=False)
class Found:
    """What came of the searches of a batch.

    Attributes
    ----------
    results : dict of str to FitResult
        By key of the problem.
    failures : dict of str to str
        The error of each search that has no result.
    seconds : float or None
        Per simulation; None if nothing was left to simulate.
    """

    results: dict
    failures: dict
    seconds: float | None


def shape_classes(simulator, problems, people):
    """Part the problems of a batch by what has to be the same in all simulations of a call.

    Parameters
    ----------
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
    problems : dict of FitKey to FitProblem
    people : dict of str to workflow_scripts.fitting.people.Person
        By the name in the key.

    Returns
    -------
    list of (dict of FitKey to FitProblem, simulate_batch, size of a pack)
        One for every duration and repetition time among the people.
    """
    by_time, found = {}, []
    for key, problem in problems.items():
        person = people[key.name]
        by_time.setdefault((person.duration, person.repetition_time), {})[key] = problem
    for (duration, repetition_time), members in by_time.items():
        mine = simulator.lasting(duration)
        recorded = mine.scored(needed_arrays(members.values()))
        simulate_batch = mine.simulate_batch(repetition_time, recorded)
        found.append((members, simulate_batch, mine.pack_size(repetition_time)))
    return found


def _in_retests(simulator, problems, people):
    """What simulates in re-tests, by place of the shape class."""
    classes = shape_classes(simulator, problems, people)
    return {place: simulate_batch for place, (_, simulate_batch, _) in enumerate(classes)}


def search(simulator, problems, people, store, resources, logger, guests=()):
    """Run all searches; one that fails is left out.

    Parameters
    ----------
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
    problems : dict of FitKey to FitProblem
    people : dict of str to workflow_scripts.fitting.people.Person
        By the name in the key.
    store : workflow_scripts.fitting.histories.FileStore
    resources : object
        Of the job: ``runtime`` in minutes, and ``other_device``, what becomes of histories of another kind
        of device.
    logger : logging.Logger
    guests : sequence, optional
        Other fits that may share the packs, where all simulations have one duration and repetition time.

    Returns
    -------
    Found

    Raises
    ------
    SystemExit
        With :data:`interruptions.PAUSED`, if the time limit came near.
    """
    if not problems:
        return Found({}, {}, None)
    progress, failures, results = Progress(problems, logger), {}, {}
    classes = shape_classes(simulator.in_search, problems, people)
    finer = {} if simulator.in_search is simulator else _in_retests(simulator, problems, people)

    def fail(problem, error):
        failures[problem.key] = str(error) if isinstance(error, InputError) else repr(error)
        logger.warning("%s failed: %s", problem.key, failures[problem.key])

    pause = interruptions.TimeLimit(resources.runtime).pause
    started = time.perf_counter()
    restore = interruptions.end_at_once()
    try:
        for place, (members, simulate_batch, size) in enumerate(classes):
            again = progress.watch(finer[place]) if finer else None
            logger.info("%d searches in packs of up to %d simulations", len(members), size)
            found = run_fits(
                members.values(),
                progress.watch(simulate_batch),
                store,
                max_simulations=size,
                on_generation=progress.generation,
                on_result=progress.ended,
                on_failure=fail,
                pause=pause,
                device=device_name(used_backend(simulator.settings)),
                accepts_other_device=resources.other_device == "warn",
                guests=guests if len(classes) == 1 else (),
                simulate_retest=again,
            )
            results |= {result.key: result for result in found}
    except Paused as reason:
        logger.critical("Paused: %s; all complete generations are kept, start again to go on", reason)
        sys.exit(interruptions.PAUSED)
    finally:
        restore()
        progress.flush()
    computed = progress.simulations
    return Found(results, failures, (time.perf_counter() - started) / computed if computed else None)
