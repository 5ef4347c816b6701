"""Rule profiles: the cost around the best candidate, and what searches tell of trade-offs between parameters.

Profiles are forward simulations: one coordinate of the search at a time is moved from its best value and the
others stay; the cost is that of the search, on the training scans, but with fresh noise seeds.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from cubnm_core.evidence import identifiability
from cubnm_core.fitting.packing import Packer
from cubnm_core.measures.objective import has_failed
from workflow_scripts.cohort import noise_seeds, tables
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.files import job, result_tables
from workflow_scripts.fitting import best_fits, evaluate, fit
from workflow_scripts.fitting.fit_problems import make_problems

KEYS = ("participant_id", "session_id", "fit")
SEEDS = ("n_seeds", *evaluate.ANALYSIS, "seeds")
PROFILES = (*KEYS, "parameter", "value", "position", "is_best", "cost", "sd", "n_failed", *SEEDS)
SEARCHES = (*KEYS, "restart", "parameter", "other", "r", "n", "found")


def main(sm):
    """Write the profiles of some people of a batch, and what the searches of everybody found."""
    logger = job.start(sm)
    settings, name = sm.params.settings, sm.wildcards.fit
    space = search_space(settings, tables.read_nodes(sm.input.nodes))
    fits = result_tables.read_texts(sm.input.fits)
    best = best_fits.best_coordinates(sm.input.fits, name)
    units = [ids for ids in sm.params.units if ids["unit"] in sm.params.profiled]
    units = [ids for ids in units if unit_key(ids) in best]
    rows = profile_people(units, best, space, sm, logger) if units else []
    job.write_tsv(sm.output.profiles, [{**row, "fit": name} for row in rows], columns=PROFILES)
    rows = search_rows(fits, sm.params.units, Path(sm.resources.histories) / name, space, logger)
    job.write_tsv(sm.output.searches, [{**row, "fit": name} for row in rows], columns=SEARCHES)


def unit_key(ids):
    """Participant and session of a unit as they stand in tables."""
    return ids["participant_id"], ids["session_id"] or job.MISSING


def profile_people(units, best, space, sm, logger):
    """Simulate around the best candidates of several people, all of them together.

    Parameters
    ----------
    units : list of dict
        Whom, all of them with a fit.
    best : dict of (participant_id, session_id) to dict of str to float
        Coordinates of the best candidates.
    space : cubnm_core.fitting.search_space.SearchSpace
    sm : object
    logger : logging.Logger

    Returns
    -------
    list of dict
        One row per person, coordinate and point.
    """
    settings = sm.params.settings
    hemispheres = [node["hemisphere"] for node in tables.read_nodes(sm.input.nodes)]
    people, _ = fit.read_people(units, sm.input, settings, logger)
    problems, _ = make_problems(people, settings, space, hemispheres)
    problems = [problem for problem in problems if problem.restart == 0]
    rows = []
    for members, simulate_batch, size in fit.shape_classes(
        problems, people, settings, hemispheres, sm.threads
    ):
        asked = []
        for problem in members:
            ids = people[problem.key.rsplit("_restart-", 1)[0]].ids
            first = noise_seeds.of_session(sm.params.first_seed, ids["session_id"])
            centre = space.to_unit(best[unit_key(ids)])[0]
            points, axis = identifiability.profile_points(centre, sm.params.points)
            asked.append((ids, problem, points, axis, range(first, first + sm.params.seeds)))
        found = scored(Packer(simulate_batch, size), asked)
        for (ids, _, points, axis, seeds), (cost, failed) in zip(asked, found, strict=True):
            stated = evaluate.conditions(settings, seeds)
            person = dict(zip(KEYS, unit_key(ids), strict=False)) | {"n_seeds": len(seeds), **stated}
            rows += [{**person, **row} for row in point_rows(space, points, axis, cost, failed)]
    logger.info("profiles of %d people", len(people))
    return rows


def scored(packer, asked):
    """Costs of the points of every person with every seed, (m, seeds), and which of them failed."""
    single = [(problem, points, [seed]) for _, problem, points, _, seeds in asked for seed in seeds]
    found = iter(packer.scored(single))
    costs = []
    for _, problem, _, _, seeds in asked:
        mine = [next(found) for _ in seeds]
        cost = np.stack([problem.costs(terms).sum(axis=1) for terms, _ in mine], axis=1)
        costs.append((cost, np.stack([has_failed(status) for _, status in mine], axis=1)))
    return costs


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


def search_rows(fits, units, folder, space, logger):
    """What the best candidates of every search tell: trade-offs, and the best values before any re-test.

    Parameters
    ----------
    fits : pandas.DataFrame
        Table of the fits of the batch.
    units : list of dict
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
    units = {unit_key(ids): ids["unit"] for ids in units}
    rows = []
    for row in fits[fits["status"] == "ok"].to_dict("records"):
        key = row["participant_id"], row["session_id"]
        path = folder / f"{units[key]}_restart-{row['restart']}.tsv"
        history = read_history(path, row["fingerprint"], space.names)
        if history is None:
            logger.warning("%s is not the history of this fit any more; it is left out", path)
            continue
        keys = dict(zip(KEYS, key, strict=False)) | {"restart": row["restart"]}
        rows += [{**keys, **found} for found in candidate_rows(*history, space)]
    return rows


def read_history(path, fingerprint, names):
    """Read points and costs of a history, (n, d) and (n,); None if there is none, or that of another fit."""
    try:
        with open(path, encoding="utf-8") as file:
            if fingerprint not in file.readline():
                return None
    except OSError:
        return None
    columns = ["cost", *(f"u_{name}" for name in names)]
    table = pd.read_csv(path, sep="\t", comment="#", usecols=columns)[columns].dropna().to_numpy(dtype=float)
    return table[:, 1:], table[:, 0]


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
