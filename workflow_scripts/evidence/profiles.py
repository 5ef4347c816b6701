"""Rule profiles: the cost around the best candidate, and what searches tell of trade-offs between parameters.

Profiles are forward simulations: one coordinate of the search at a time is moved from its best value and the
others stay; the cost is that of the search, on the training scans, but with fresh noise seeds.
"""

from pathlib import Path

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.evidence import identifiability
from cubnm_core.fitting.packing import Packer
from cubnm_core.measures.objective import has_failed
from workflow_scripts.cohort import noise_seeds, units
from workflow_scripts.evidence.score_tables import PROFILES
from workflow_scripts.files import job, result_tables
from workflow_scripts.fitting import best_fits, histories
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.histories import FileStore
from workflow_scripts.fitting.people import People
from workflow_scripts.fitting.scoring import KEYS, conditions
from workflow_scripts.fitting.searching import shape_classes
from workflow_scripts.fitting.simulators import CohortSimulator

SEARCHES = (*KEYS, "restart", "parameter", "other", "r", "n", "found", "note")


def main(sm):
    """Write the profiles of some people of a batch, and what the searches of everybody found."""
    logger = job.start(sm)
    fit, batch = sm.wildcards.fit, units.from_records(sm.params.units)
    simulator = CohortSimulator.of_job(sm)
    best = best_fits.best_coordinates(sm.input.fits, fit)
    chosen = [unit for unit in batch if unit.name in sm.params.profiled and unit.key in best]
    rows = profile_people(chosen, best, simulator, sm, logger) if chosen else []
    job.write_tsv(sm.output.profiles, [{**row, "fit": fit} for row in rows], columns=PROFILES)
    folder = Path(sm.resources.histories) / fit
    rows = search_rows(result_tables.read_texts(sm.input.fits), batch, folder, simulator.space, logger)
    job.write_tsv(sm.output.searches, [{**row, "fit": fit} for row in rows], columns=SEARCHES)


def profile_people(chosen, best, simulator, sm, logger):
    """Simulate around the best candidates of several people, all of them together.

    Parameters
    ----------
    chosen : list of workflow_scripts.cohort.units.Unit
        Whom, all of them with a fit.
    best : dict of (participant_id, session_id) to dict of str to float
        Coordinates of the best candidates.
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
    sm : object
    logger : logging.Logger

    Returns
    -------
    list of dict
        One row per person, coordinate and point.
    """
    space, settings = simulator.space, simulator.settings
    people, unusable = People(sm.input.connectomes, sm.input.targets, settings=settings).read_usable(chosen)
    problems, _ = make_problems(people, simulator)
    problems = {key: problem for key, problem in problems.items() if key.restart == 0}
    left_out = [unit for unit in chosen if unit.name in unusable]
    rows = [{**unit.ids, "note": unusable[unit.name]["reason"]} for unit in left_out]
    for members, simulate_batch, size in shape_classes(simulator, problems, people):
        asked = []
        for key, problem in members.items():
            unit = people[key.name].unit
            seeds = noise_seeds.range_of_session(sm.params.first_seed, sm.params.seeds, unit.session_id)
            centre = space.to_unit(best[unit.key])[0]
            points, axis = identifiability.profile_points(centre, sm.params.points)
            asked.append((unit, problem, points, axis, seeds))
        for (unit, _, points, axis, seeds), found in zip(
            asked, score_all(Packer(simulate_batch, size), asked), strict=True
        ):
            if isinstance(found, InputError):
                logger.warning("%s has no profile: %s", unit, found)
                rows.append({**unit.ids, "note": str(found)})
                continue
            cost, failed = found
            person = {**unit.ids, "n_seeds": len(seeds), **conditions(settings, seeds)}
            rows += [{**person, **row} for row in point_rows(space, points, axis, cost, failed)]
    logger.info("profiles of %d people", len(people))
    return rows


def score_all(packer, asked):
    """As :func:`score_points`; if there is an error together, each person alone, or that person's error."""
    try:
        return score_points(packer, asked)
    except InputError as error:
        if len(asked) == 1:
            return [error]
    return [found for one in asked for found in score_all(packer, [one])]


def score_points(packer, asked):
    """Costs of the points of every person with every seed, (m, seeds), and which of them failed.

    With an objective of averages, that of the average over the seeds, (m, 1).
    """
    parts = [_seed_parts(problem.objective, seeds) for _, problem, _, _, seeds in asked]
    single = [
        (problem, points, part)
        for (_, problem, points, _, _), mine in zip(asked, parts, strict=True)
        for part in mine
    ]
    found = iter(packer.score_points(single))
    costs = []
    for (_, problem, _, _, _), part in zip(asked, parts, strict=True):
        mine = [next(found) for _ in part]
        cost = np.stack([problem.costs(terms).sum(axis=1) for terms, _ in mine], axis=1)
        costs.append((cost, np.stack([has_failed(status) for _, status in mine], axis=1)))
    return costs


def _seed_parts(objective, seeds):
    """Seeds that are scored together."""
    return [[seed] for seed in seeds] if objective.averaged is None else [list(seeds)]


def point_rows(space, points, axis, cost, failed):
    """One row per coordinate and point along it, rising; the best one is a point of every profile."""
    values = space.coordinates(points)
    sd = cost.std(axis=1, ddof=1) if cost.shape[1] > 1 else np.full(len(cost), np.nan)
    rows = []
    for place, name in enumerate(space.names):
        mine = np.flatnonzero((axis == place) | (axis == -1))
        rows += [
            {
                "parameter": name,
                "value": values[name][at],
                "position": points[at, place],
                "is_best": axis[at] == -1,
                "cost": cost[at].mean(),
                "sd": sd[at],
                "n_failed": int(failed[at].sum()),
            }
            for at in mine[np.argsort(points[mine, place], kind="stable")]
        ]
    return rows


def search_rows(fits, batch, folder, space, logger):
    """What the best candidates of every search tell: trade-offs, and the best values before any re-test.

    Parameters
    ----------
    fits : pandas.DataFrame
        Table of the fits of the batch.
    batch : list of workflow_scripts.cohort.units.Unit
    folder : Path
        With the histories.
    space : cubnm_core.fitting.search_space.SearchSpace
    logger : logging.Logger

    Returns
    -------
    list of dict
        For every search a row per coordinate (``found``: its best value in the search) and one per pair of
        coordinates (``r`` over the best candidates, of which there are ``n``).
    """
    known, store, rows = {unit.key: unit for unit in batch}, FileStore(folder, {}), []
    for row in fits[fits["status"] == "ok"].to_dict("records"):
        unit = known[row["participant_id"], row["session_id"]]
        path = store.path(units.FitKey(unit.name, int(row["restart"])))
        keys = {**unit.ids, "restart": row["restart"]}
        points, cost, reason = read_candidates(path, row["fingerprint"], space.names)
        if reason is not None:
            logger.warning("%s, restart %s is left out: %s", unit, row["restart"], reason)
            rows.append({**keys, "note": reason})
            continue
        rows += [{**keys, **found} for found in candidate_rows(points, cost, space)]
    return rows


def read_candidates(path, fingerprint, names):
    """Read the candidates of a search from its history.

    Returns
    -------
    points : (n, d) array or None
    cost : (n,) array or None
    reason : str or None
        Why there are none.
    """
    try:
        generations = histories.read(path, fingerprint, names)
    except InputError as error:
        return None, None, f"{path} is not the history of this fit any more: {error}"
    if not generations:
        return None, None, f"{path} is not the history of this fit any more"
    points = np.concatenate([generation.points for generation in generations])
    return points, np.concatenate([generation.cost for generation in generations]), None


def candidate_rows(points, cost, space):
    """Rows of one search: its best values, and the correlations over its best candidates."""
    chosen = identifiability.best_candidates(points, cost)
    found = space.coordinates(chosen[0])
    rows = [{"parameter": name, "found": found[name][0]} for name in space.names]
    r = identifiability.correlations(chosen)
    return rows + [
        {"parameter": name, "other": other, "r": r[one, two], "n": len(chosen)}
        for one, name in enumerate(space.names)
        for two, other in enumerate(space.names)
        if one < two
    ]


if "snakemake" in globals():
    main(snakemake)
