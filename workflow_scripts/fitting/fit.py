"""Rule fit: search the parameters of a batch of people on their training scans.

The histories (see :mod:`workflow_scripts.fitting.histories`) are the checkpoint: a job that was killed, or
that came near its time limit and stopped itself, goes on where it was.
"""

import sys
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from cubnm_core.errors import InputError
from cubnm_core.fitting import packing
from cubnm_core.fitting.run import Paused, run_fits
from workflow_scripts.cohort import tables
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.configuration.parameters import beyond_bounds
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import (
    fit_rows,
    guest_fits,
    interruptions,
    landscapes,
    simulators,
    starting_points,
)
from workflow_scripts.fitting.fit_problems import make_problems, recorded
from workflow_scripts.fitting.histories import FileStore
from workflow_scripts.fitting.progress import Progress

# What files of one person that are damaged or contradict each other may raise.
UNREADABLE = (InputError, OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


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


def main(sm):
    """Fit the units of a batch; write rows per restart, generation and front, and every candidate."""
    logger = job.start(sm)
    settings, fit = sm.params.settings, sm.wildcards.fit
    for text in beyond_bounds(settings):
        logger.warning("%s", text)
    people, unusable = read_people(sm.params.units, sm.input, settings, logger)
    nodes = tables.read_nodes(sm.input.nodes)
    space = search_space(settings, nodes)
    hemispheres = [node["hemisphere"] for node in nodes]
    begin, missing = starting_points.read_starting_points(sm.input, fit, settings, space, sm.params.units)
    for unit in [unit for unit in people if unit in missing]:
        logger.error("%s: %s", unit, missing[unit])
        unusable[unit] = {"status": "failed", "reason": missing[unit]}
        del people[unit]
    problems, histories = make_problems(people, settings, space, hemispheres, begin)
    store = FileStore(Path(sm.resources.histories) / fit, histories)
    classes = shape_classes(problems, people, settings, hemispheres, sm.threads)
    options = search_options(sm.resources, settings)
    with guest_fits.shared(sm, people, nodes, space) as guests:
        found = search(problems, classes, store, logger, options, guests)
    rows, convergence, fronts, candidates = [], [], [], {}
    for ids in sm.params.units:
        keys = {"participant_id": ids["participant_id"], "session_id": ids["session_id"], "fit": fit}
        mine = [problem for problem in problems if problem.key.startswith(f"{ids['unit']}_restart-")]
        if ids["unit"] in unusable:
            rows.append({**keys, **unusable[ids["unit"]], "selected": False})
        rows += fit_rows.unit_rows(keys, mine, found, histories)
        fronts += fit_rows.front_rows(keys, mine, found.results)
        for problem in mine:
            convergence += fit_rows.convergence_rows(keys, problem, found.results.get(problem.key))
        ended = [problem for problem in mine if problem.key in found.results]
        candidates[ids["unit"]] = [(problem.restart, found.results[problem.key]) for problem in ended]
    job.write_tsv(sm.output.fits, rows, columns=fit_rows.fits_columns(settings, space))
    job.write_tsv(sm.output.convergence, convergence, columns=fit_rows.CONVERGENCE)
    job.write_tsv(sm.output.front, fronts, columns=fit_rows.front_columns(settings, space))
    landscapes.write(sm.output.landscape, space, candidates)


def read_people(units, files, settings, logger):
    """Read the files of a batch.

    Parameters
    ----------
    units : list of dict
    files : object
        With the archives of ``connectomes`` and ``targets``.
    settings : dict
        Resolved settings of the fit; a unit without the tract lengths or the FCD that they need is excluded.
    logger : logging.Logger

    Returns
    -------
    people : dict of str to simulations.Person
        By unit.
    unusable : dict of str to dict
        ``status`` and ``reason`` of the units that cannot be fitted.
    """
    people, unusable = {}, {}
    connectomes, targets = Archive(files.connectomes), {"train": Archive(files.targets)}
    for ids in units:
        unit = ids["unit"]
        try:
            person = simulators.read_person(
                ids, connectomes, targets, settings["delays"], settings["objective"]
            )
        except UNREADABLE as error:
            unusable[unit] = {"status": "failed", "reason": _reason(error)}
            continue
        if isinstance(person, simulators.Person):
            people[unit] = person
        else:
            unusable[unit] = {"status": "excluded", "reason": "; ".join(person)}
    for unit, row in unusable.items():
        logger.warning("%s is not fitted (%s): %s", unit, row["status"], row["reason"])
    return people, unusable


def _reason(error):
    """Say why a person cannot be fitted."""
    if isinstance(error, InputError):
        return str(error)
    return (
        f"prepared files are damaged ({type(error).__name__}: {error}); remove the archives of this batch "
        "under results/prepared and results/targets, and start again"
    )


def search_options(resources, settings):
    """Give keywords of :func:`cubnm_core.fitting.run.run_fits` that follow from the resources of a job."""
    return {
        "device": packing.device_name(simulators.used_backend(settings)),
        "accepts_other_device": resources.other_device == "warn",
        "pause": interruptions.TimeLimit(resources.runtime).pause,
    }


def shape_classes(problems, people, settings, hemispheres, threads):
    """Part the problems of a batch by what has to be the same in all simulations of a call.

    Parameters
    ----------
    problems : list of FitProblem
    people : dict of str to simulations.Person
    settings : dict
    hemispheres : list of str
    threads : int

    Returns
    -------
    list of (problems, simulate_batch, size of a pack)
        One for every repetition time among the people.
    """
    by_time = {}
    for problem in problems:
        person = people[problem.key.rsplit("_restart-", 1)[0]]
        by_time.setdefault(person.repetition_time, []).append(problem)
    classes = []
    for repetition_time, members in by_time.items():
        simulate_batch = simulators.batch_simulator(
            settings, hemispheres, repetition_time, recorded(members), threads
        )
        result_bytes = simulators.result_bytes(settings, len(hemispheres), repetition_time)
        size = packing.batch_size(simulators.used_backend(settings), threads, result_bytes)
        classes.append((members, simulate_batch, size))
    return classes


def search(problems, classes, store, logger, options, guests=()):
    """Run all searches; one that fails is left out.

    Parameters
    ----------
    problems : list of FitProblem
    classes : list
        As of :func:`shape_classes`.
    store : FileStore
    logger : logging.Logger
    options : dict
        Further keywords of :func:`cubnm_core.fitting.run.run_fits`.
    guests : sequence, optional
        Other fits that may share the packs, where all simulations have one repetition time.

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

    def failed(problem, error):
        failures[problem.key] = str(error) if isinstance(error, InputError) else repr(error)
        logger.warning("%s failed: %s", problem.key, failures[problem.key])

    started = time.perf_counter()
    restore = interruptions.end_at_once()
    try:
        for members, simulate_batch, size in classes:
            logger.info("%d searches in packs of up to %d simulations", len(members), size)
            found = run_fits(
                members,
                progress.watch(simulate_batch),
                store,
                max_simulations=size,
                on_generation=progress.generation,
                on_result=progress.ended,
                on_failure=failed,
                guests=guests if len(classes) == 1 else (),
                **options,
            )
            results |= {result.key: result for result in found}
    except Paused as pause:
        logger.critical("Paused: %s; all complete generations are kept, start again to go on", pause)
        sys.exit(interruptions.PAUSED)
    finally:
        restore()
        progress.flush()
    computed = progress.simulations
    return Found(results, failures, (time.perf_counter() - started) / computed if computed else None)


if "snakemake" in globals():
    main(snakemake)
