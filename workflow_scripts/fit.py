"""Rule fit: search the parameters of a batch of people on their training scans.

The histories under results/histories are the checkpoint: a job that was killed goes on where it stopped.
"""

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

import cubnm_core
from cubnm_core import load_model
from cubnm_core.errors import InputError
from cubnm_core.fitting import FitProblem, run_fits
from cubnm_core.objective import TERMS, has_failed
from cubnm_core.optimisers import OptimizerSettings
from cubnm_core.simulation import STATUS
from workflow_scripts import costs, job, simulations, start, tables
from workflow_scripts.archives import Archive
from workflow_scripts.histories import FileStore, History, fingerprint
from workflow_scripts.progress import Progress
from workflow_scripts.spaces import search_space

OUTCOME = ("generations", "simulations", "stopped", "cost", *TERMS)
CONVERGENCE = ("generation", "simulations_so_far", "best_cost", "median_cost", "failed", "fic_failed")
HISTORIES = "results/histories"
FIC_FAILED = next(code for code, name in STATUS.items() if name == "fic_failed")


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
    """Fit the units of a batch and write one row per unit and restart, and one per generation."""
    logger = job.start(sm)
    settings, fit = sm.params.settings, sm.wildcards.fit
    people, unusable = read_people(sm.params.units, sm.input, settings, logger)
    nodes = tables.read_nodes(sm.input.nodes)
    space = search_space(settings, nodes)
    hemispheres = [node["hemisphere"] for node in nodes]
    begin, missing = start.of_people(sm.input, fit, settings, space)
    if missing:
        logger.error(missing)
        unusable |= {unit: {"status": "failed", "reason": missing} for unit in people}
        people = {}
    problems, histories = make_problems(people, settings, space, hemispheres, begin)
    simulate_batch = None
    if problems:
        repetition_time = simulations.shared_repetition_time(people.values())
        record = recorded(problems)
        simulate_batch = simulations.batch_simulator(settings, hemispheres, repetition_time, record)
    found = search(problems, simulate_batch, FileStore(Path(HISTORIES) / fit, histories), logger)
    rows, convergence = [], []
    for ids in sm.params.units:
        unit = ids["unit"]
        keys = {"participant_id": ids["participant_id"], "session_id": ids["session_id"], "fit": fit}
        mine = [problem for problem in problems if problem.key.startswith(f"{unit}_restart-")]
        if unit in unusable:
            rows.append({**keys, **unusable[unit], "selected": False})
        rows += unit_rows(keys, mine, found, histories)
        for problem in mine:
            convergence += convergence_rows(keys, problem, found.results.get(problem.key))
    columns = ["participant_id", "session_id", "fit", "restart"]
    job.write_tsv(sm.output.fits, rows, columns=fits_columns(settings, space))
    job.write_tsv(sm.output.convergence, convergence, columns=[*columns, *CONVERGENCE])


def fits_columns(settings, space):
    """Name the columns of the table of fits."""
    held = [name for name, value in space.fixed.items() if not np.ndim(value)]
    params = [f"param_{name}" for name in [*space.names, *held]]
    leading = ("participant_id", "session_id", "fit", "restart", "status", "reason", "selected")
    last = ("at_bounds", "noise_seed", "seconds", "fingerprint")
    return [*leading, *OUTCOME, *settings["terms"], *params, *last]


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
            person = simulations.read_person(
                ids, connectomes, targets, settings["delays"], settings["objective"]
            )
        except (InputError, OSError, KeyError, ValueError) as error:
            unusable[unit] = {"status": "failed", "reason": str(error)}
            continue
        if isinstance(person, simulations.Person):
            people[unit] = person
        else:
            unusable[unit] = {"status": "excluded", "reason": "; ".join(person)}
    for unit, row in unusable.items():
        logger.warning("%s is not fitted (%s): %s", unit, row["status"], row["reason"])
    return people, unusable


def make_problems(people, settings, space, hemispheres, begin=None):
    """State what is searched for every person and restart, and what its history belongs to.

    `begin` holds further keywords of the problems: where they start (see :func:`start.of_people`).
    """
    objective = costs.make_objective(settings)
    stated = {key: value for key, value in settings["optimizer"].items() if key != "restarts"}
    optimizer = OptimizerSettings(**{**stated, "shape": stated.get("shape") or None})
    restarts = settings["optimizer"]["restarts"] if optimizer.name == "cmaes" else 1
    problems, histories = [], {}
    for unit, person in people.items():
        for restart in range(restarts):
            problem = FitProblem(
                key=f"{unit}_restart-{restart}",
                weights=person.weights,
                lengths=person.lengths,
                target=person.targets["train"],
                space=space,
                objective=objective,
                optimizer=optimizer,
                noise_seed=settings["noise_seed"],
                restart=restart,
                **(begin or {}),
            )
            problems.append(problem)
            mark = problem_fingerprint(problem, settings, hemispheres, person.repetition_time)
            histories[problem.key] = History(mark, space)
    return problems, histories


def problem_fingerprint(problem, settings, hemispheres, repetition_time):
    """Hash everything the history of a fit depends on."""
    target = {"fc": problem.target.fc, "fcd": problem.target.fcd}
    if problem.target.fcd_cdf is not None:
        target["fcd_cdf"] = problem.target.fcd_cdf
    cost = costs.identity(settings)
    space = [list(problem.space.free.items()), problem.space.fixed, problem.space.regional]  # free: in order
    search = [problem.key, problem.restart, space, cost, problem.optimizer]
    if problem.initial is not None:
        search += [problem.initial, problem.prior]
    simulated = simulations.simulation_keywords(settings, repetition_time)
    pairs = hemispheres if settings["analysis"]["pairs"] != "all" else None
    software = [cubnm_core.NUMERICS_VERSION, version("pymoo"), version("cma")]
    model = load_model(settings["model"])
    connectome = [problem.weights, problem.lengths]
    return fingerprint(connectome, target, search, problem.noise_seed, simulated, pairs, model, software)


def recorded(problems):
    """Say what simulations have to give: FCD only if somebody's scans have one."""
    targets = [problem.target for problem in problems]
    with_fcd = any(target.fcd is not None or target.fcd_cdf is not None for target in targets)
    return ("fc", "fcd", "state_means") if with_fcd else ("fc", "state_means")


def search(problems, simulate_batch, store, logger):
    """Run all searches together; should one raise an error, run each alone, so that the others finish.

    Parameters
    ----------
    problems : list of FitProblem
    simulate_batch : callable
    store : FileStore
    logger : logging.Logger

    Returns
    -------
    Found
    """
    if not problems:
        return Found({}, {}, None)
    progress = Progress(problems, logger)
    simulate_batch = progress.watch(simulate_batch)
    started = time.perf_counter()
    try:
        progress.recall(store)
        found = run_fits(problems, simulate_batch, store, on_generation=progress.generation)
        results, failures = {result.key: result for result in found}, {}
    except Exception:
        logger.exception("The batch stopped with an error; each search now goes on alone")
        results, failures = _search_one_by_one(problems, simulate_batch, store, progress)
    progress.flush()
    for key, reason in failures.items():
        logger.warning("%s failed: %s", key, reason)
    computed = progress.simulations
    return Found(results, failures, (time.perf_counter() - started) / computed if computed else None)


def _search_one_by_one(problems, simulate_batch, store, progress):
    """Run every search alone and keep the error of each that fails; if all fail, the job fails."""
    results, failures, errors = {}, {}, []
    for problem in problems:
        try:
            found = run_fits([problem], simulate_batch, store, on_generation=progress.generation)
            results[problem.key] = found[0]
        except Exception as error:
            failures[problem.key] = f"{type(error).__name__}: {error}"
            errors.append(error)
    if not results and not all(isinstance(error, InputError) for error in errors):
        raise errors[0]
    return results, failures


def unit_rows(keys, problems, found, histories):
    """Make the rows of a unit, one per restart; the best of them is the selected one."""
    rows = []
    for problem in problems:
        if problem.key in found.results:
            came_out = outcome(found.results[problem.key], found.seconds)
        else:
            came_out = {"status": "failed", "reason": found.failures[problem.key]}
        stated = {"restart": problem.restart, "selected": False, "noise_seed": problem.noise_seed}
        rows.append({**keys, **stated, "fingerprint": histories[problem.key].fingerprint, **came_out})
    fitted = [row for row in rows if row["status"] == "ok"]
    if fitted:
        min(fitted, key=lambda row: row["cost"])["selected"] = True
    return rows


def outcome(result, seconds):
    """Describe the result of one search in the columns of the table."""
    params = {f"param_{name}": value for name, value in result.best_params.items()}
    failed, reason = bool(has_failed(result.best_status)), None
    if failed:
        reason = f"all {result.simulations} simulations failed ({STATUS[result.best_status]})"
    elif result.best_status != 0:
        reason = f"the best simulation ended with the status {STATUS[result.best_status]}"
    return {
        "status": "failed" if failed else "ok",
        "reason": reason,
        "generations": result.generations,
        "simulations": result.simulations,
        "stopped": result.stopped,
        "cost": result.best_cost,
        **result.best_terms,
        **params,
        "at_bounds": ", ".join(f"{name}: {side}" for name, side in result.at_bounds.items()),
        "seconds": None if seconds is None else seconds * result.simulations,
    }


def convergence_rows(keys, problem, result):
    """Follow the cost of one search through its generations."""
    rows, best, simulated = [], np.inf, 0
    for generation in result.history if result else []:
        best, simulated = min(best, generation.cost.min()), simulated + len(generation.cost)
        rows.append(
            {
                **keys,
                "restart": problem.restart,
                "generation": generation.number,
                "simulations_so_far": simulated,
                "best_cost": float(best),
                "median_cost": float(np.median(generation.cost)),
                "failed": int(np.count_nonzero(has_failed(generation.status))),
                "fic_failed": int(np.count_nonzero(generation.status == FIC_FAILED)),
            }
        )
    return rows


if "snakemake" in globals():
    main(snakemake)
