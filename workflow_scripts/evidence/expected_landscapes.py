"""Rule landscapes: the expected cost over every pair of parameters, by linear response.

The others stay at the best candidate of the person. Nothing is simulated but the short noisy runs of
linear response; where it does not hold, the plane has no cost and says why. Terms that it does not give are
left out.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from cubnm_core.errors import InputError
from cubnm_core.fitting.expectations import FLAG_MARKS
from cubnm_core.fitting.packing import Packer
from cubnm_core.measures.objective import has_failed
from workflow_scripts.cohort import noise_seeds, units
from workflow_scripts.configuration.objectives import weights
from workflow_scripts.evidence.score_tables import LANDSCAPES
from workflow_scripts.files import job, result_tables
from workflow_scripts.fitting import best_fits
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.linear_planes import MAX_PARAMETERS, left_out, linear_settings, why_not
from workflow_scripts.fitting.people import People
from workflow_scripts.fitting.searching import shape_classes
from workflow_scripts.fitting.simulators import CohortSimulator


def main(sm):
    """Write the planes of everybody in a batch who has a fit, or why there are none."""
    logger = job.start(sm)
    fit, batch = sm.wildcards.fit, units.from_records(sm.params.units)
    best = best_fits.best_coordinates(sm.input.fits, fit)
    chosen = [unit for unit in batch if unit.key in best]
    size = len(result_tables.read_texts(sm.input.nodes))
    if reason := why_not(sm.params.settings, sm.params.landscapes, size):
        logger.info("no landscapes of %s: %s", fit, reason)
        rows = [{**unit.ids, "note": reason} for unit in chosen]
    else:
        job_settings = linear_settings(sm.params.settings)
        simulator = CohortSimulator(job_settings, CohortSimulator.of_job(sm).nodes, sm.threads)
        spread = seed_spread(sm.input.evaluation, weights(job_settings))
        rows = landscape_rows(chosen, best, spread, simulator, sm, logger)
    job.write_tsv(sm.output[0], [{**row, "fit": fit} for row in rows], columns=LANDSCAPES)


def seed_spread(path, stated):
    """SD over fresh noise seeds of the terms of a cost together, on the training scans, by ids.

    Terms are taken as independent of each other.
    """
    table = result_tables.filled(result_tables.read_texts(path))
    rows = table[(table["split"] == "train") & table["measure"].isin([name for name in stated])]
    found = {}
    for row in rows.to_dict("records"):
        sd = pd.to_numeric(row["sd"], errors="coerce")
        key = row["participant_id"], row["session_id"]
        found[key] = np.hypot(found.get(key, 0.0), stated[row["measure"]] * sd)
    return found


def plane_points(centre, points):
    """Points of all planes through a centre, in the unit cube.

    Parameters
    ----------
    centre : (d,) array
    points : int
        Along each side of a plane; they are the centres of as many cells.

    Returns
    -------
    (1 + pairs * points**2, d) array
        The centre first.
    list of (int, int)
        Pairs of coordinates, in the order of the planes.
    """
    pairs = list(combinations(range(min(len(centre), MAX_PARAMETERS)), 2))
    cells = (np.arange(points) + 0.5) / points
    first, second = (side.ravel() for side in np.meshgrid(cells, cells, indexing="ij"))
    found = [np.asarray(centre, float)[None]]
    for one, two in pairs:
        plane = np.tile(centre, (points**2, 1)).astype(float)
        plane[:, one], plane[:, two] = first, second
        found.append(plane)
    return np.concatenate(found), pairs


def landscape_rows(chosen, best, spread, simulator, sm, logger):
    """Expected costs of several people, all of them together: one row per person, pair and point."""
    space, settings = simulator.space, simulator.settings
    omitted = ", ".join(left_out(sm.params.settings))
    people, unusable = People(sm.input.connectomes, sm.input.targets, settings=settings).read_usable(chosen)
    problems, _ = make_problems(people, simulator)
    problems = {key: problem for key, problem in problems.items() if key.restart == 0}
    rows = [{**unit.ids, "note": unusable[unit.name]["reason"]} for unit in chosen if unit.name in unusable]
    for members, simulate_batch, size in shape_classes(simulator.in_search, problems, people):
        for key, problem in members.items():
            unit = people[key.name].unit
            centre = np.clip(space.to_unit(best[unit.key])[0], 0.0, 1.0)
            points, pairs = plane_points(centre, sm.params.landscapes["points"])
            seed = noise_seeds.of_session(settings["noise_seed"], unit.session_id)
            try:
                [(terms, status)] = Packer(simulate_batch, size).score_points([(problem, points, [seed])])
            except InputError as error:
                logger.warning("%s has no landscape: %s", unit, error)
                rows.append({**unit.ids, "note": str(error)})
                continue
            cost = np.where(has_failed(status), np.nan, problem.costs(terms).sum(axis=1))
            keys = {**unit.ids, "left_out": omitted or job.MISSING, "seed_sd": spread.get(unit.key)}
            rows += point_rows(keys, space, points, pairs, cost, terms)
    logger.info("landscapes of %d people", len(people))
    return rows


def point_rows(keys, space, points, pairs, cost, terms):
    """One row per pair and point, each plane after the best candidate itself."""
    values, size = space.coordinates(points), (len(points) - 1) // len(pairs)
    flags = np.stack([terms[name] for name in FLAG_MARKS], axis=1) > 0
    names = np.array([name.removeprefix("flag_") for name in FLAG_MARKS])
    rows = []
    for place, (one, two) in enumerate(pairs):
        first, second = space.names[one], space.names[two]
        for at in [0, *range(1 + place * size, 1 + (place + 1) * size)]:
            rows.append(
                {
                    **keys,
                    "parameter": first,
                    "other": second,
                    "value": values[first][at],
                    "other_value": values[second][at],
                    "is_best": at == 0,
                    "cost": None if np.isnan(cost[at]) else cost[at],
                    "flags": ", ".join(names[flags[at]]) or job.MISSING,
                }
            )
    return rows


if "snakemake" in globals():
    main(snakemake)
