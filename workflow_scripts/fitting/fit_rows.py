"""The tables of fits: one row per restart, per generation, and per candidate of a front."""

import numpy as np

from cubnm_core.fitting.fronts import distance_to_ideal, non_dominated
from cubnm_core.measures.objective import FIC_FAILED, TERMS, has_failed
from cubnm_core.simulation.simulation import STATUS
from workflow_scripts.configuration.objectives import observable_terms
from workflow_scripts.fitting.fit_problems import marks

KEYS = ("participant_id", "session_id", "fit", "restart")
TERM_COLUMNS = (*TERMS, "shrinkage")
OUTCOME = ("generations", "simulations", "stopped", "cost", "retest_cost", *TERM_COLUMNS)
CONVERGENCE = (
    *KEYS,
    "generation",
    "simulations_so_far",
    "best_cost",
    "median_cost",
    "failed",
    "fic_failed",
)


def fits_columns(settings, space):
    """Name the columns of the table of fits."""
    last = ("at_bounds", "noise_seed", "device", "seconds", "fingerprint")
    params = _param_columns(space)
    own = [*_own_terms(settings), *marks(settings)]
    return [*KEYS, "status", "reason", "selected", *OUTCOME, *own, *params, *last]


def front_columns(settings, space):
    """Name the columns of the table of fronts."""
    objectives = [f"objective_{number}" for number, _ in enumerate(settings["objectives"], start=1)]
    terms = [*TERM_COLUMNS, *_own_terms(settings), *marks(settings)]
    return [*KEYS, "rank", "selected", "distance", *objectives, *terms, *_param_columns(space)]


def _own_terms(settings):
    """Terms that only this fit has: observables, and terms of the user's own."""
    return [*observable_terms(settings), *settings["terms"]]


def _param_columns(space):
    held = [name for name, value in space.fixed.items() if not np.ndim(value)]
    return [f"param_{name}" for name in [*space.names, *held]]


def unit_rows(keys, problems, found, histories):
    """Make the rows of a unit, one per restart; the best of them is the selected one.

    Parameters
    ----------
    keys : dict
        Of the unit and the fit.
    problems : list of FitProblem
        Of the unit.
    found : workflow_scripts.fitting.searching.Found
    histories : dict of str to workflow_scripts.fitting.histories.History

    Returns
    -------
    list of dict
    """
    rows, usable = [], []
    for problem in problems:
        stated = {"restart": problem.restart, "selected": False, "noise_seed": problem.noise_seed}
        row = {**keys, **stated, "fingerprint": histories[problem.key].fingerprint}
        if problem.key in found.results:
            result = found.results[problem.key]
            row |= outcome(result, found.seconds)
        else:
            row |= {"status": "failed", "reason": found.failures[problem.key]}
        rows.append(row)
        if row["status"] == "ok":
            usable.append((row, result))
    if usable:
        usable[select_restart([result for _, result in usable])][0]["selected"] = True
    return rows


def select_restart(results):
    """Choose among the restarts of a unit: index of the result to go on with.

    With one objective it has the lowest cost, over the fresh seeds where there was a re-test. With several it
    lies nearest to the ideal point of the front over all restarts, every objective scaled to its range along
    this front. Among equals the first counts.
    """
    chosen = np.stack([result.chosen_objectives for result in results])
    if chosen.shape[1] == 1:
        return int(np.argmin(chosen[:, 0]))
    joint = np.concatenate([result.objectives for result in results])
    return int(np.argmin(distance_to_ideal(chosen, joint[non_dominated(joint)])))


def outcome(result, seconds):
    """Describe the result of one search in the columns of the table."""
    params = {f"param_{name}": value for name, value in result.best_params.items()}
    failed, reason = bool(has_failed(result.best_status)), None
    if failed:
        tried = "simulations" if result.simulations == result.evaluations else "candidates"
        reason = f"all {result.evaluations} {tried} failed ({STATUS[result.best_status]})"
    elif result.best_status != 0:
        reason = f"the best simulation ended with the status {STATUS[result.best_status]}"
    return {
        "status": "failed" if failed else "ok",
        "reason": reason,
        "generations": result.generations,
        "simulations": result.simulations,
        "stopped": result.stopped,
        "cost": result.best_cost,
        "retest_cost": result.retest_cost,
        **result.best_terms,
        **params,
        "at_bounds": ", ".join(f"{name}: {side}" for name, side in result.at_bounds.items()),
        "device": "; ".join(dict.fromkeys(generation.device for generation in result.history)),
        "seconds": None if seconds is None else seconds * result.evaluations,
    }


def convergence_rows(keys, problem, result):
    """Follow the cost of one search through its generations."""
    rows, best, simulated = [], np.inf, 0
    for generation in result.history if result else []:
        best = min(best, generation.cost.min())
        simulated += len(generation.cost) * problem.replicates
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


def front_rows(keys, problems, results):
    """List the candidates of a unit that no other beats, over all restarts, nearest to the ideal first.

    Parameters
    ----------
    keys : dict
    problems : list of FitProblem
        Of the unit.
    results : dict of str to FitResult

    Returns
    -------
    list of dict
        Empty for fits with one objective, and without any candidate that did not fail.
    """
    mine = [(problem, results[problem.key]) for problem in problems if problem.key in results]
    if not mine or mine[0][0].objective.n_objectives == 1:
        return []
    usable = [result for _, result in mine if not has_failed(result.best_status)]
    if not usable:
        return []
    kept = usable[select_restart(usable)]
    owners = [pair for pair in mine for _ in pair[1].front]
    places = np.concatenate([result.front for _, result in mine])
    costs = np.concatenate([result.objectives for _, result in mine])
    front = non_dominated(costs)
    distance = distance_to_ideal(costs[front], costs[front])
    order = np.argsort(distance, kind="stable")
    return [
        {**keys, "rank": rank, "distance": float(distance[place])}
        | _candidate(*owners[front[place]], places[front[place]], costs[front[place]], kept)
        for rank, place in enumerate(order)
    ]


def _candidate(problem, result, place, costs, kept):
    """One candidate of a front: objectives, terms and parameters."""
    number, row = place
    generation = result.history[number]
    coordinates = problem.space.coordinates(generation.points[row])
    return {
        "restart": problem.restart,
        "selected": result is kept and bool((generation.points[row] == result.best_point).all()),
        **{f"objective_{index}": float(cost) for index, cost in enumerate(costs, start=1)},
        **{name: float(values[row]) for name, values in generation.terms.items()},
        **{f"param_{name}": float(values[0]) for name, values in coordinates.items()},
    }
