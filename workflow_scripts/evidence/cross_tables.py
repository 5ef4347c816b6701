"""Rule cross_tables: cross and held-out people of all batches, contrasts over people, identification."""

import logging
from itertools import product

import numpy as np
import pandas as pd

from cubnm_core.evidence import cross as core
from cubnm_core.evidence.identification import identify, person_similarity, similarity
from cubnm_core.measures.objective import is_reward
from cubnm_core.statistics.paired import compare_paired
from workflow_scripts.cohort.units import Unit
from workflow_scripts.evidence import score_tables
from workflow_scripts.files import archives, job, result_tables
from workflow_scripts.files.arrays import ArrayFile
from workflow_scripts.files.damage import DamagedArray
from workflow_scripts.fitting import completeness, scoring

logger = logging.getLogger(__name__)
ANALYSIS = list(scoring.ANALYSIS)
PAIRED = ("n_people", "difference", "low", "high", "n_better", "verdict")
CONTRASTS = ("fit", "contrast", "inhibition", "split", "measure", *PAIRED, *ANALYSIS)
FOUND = ("n_people", "rate", "chance", "chance_low", "chance_high", "p")
IDENTIFICATION = ("fit", "source", "direction", "split", "measure", *FOUND, "pairs", "band_pass")
HELD_OUT = "fit_held_out_people"
# Both sides are fits of whole people, whose inhibitory weights suit their connectome.
WHOLE = ("everything_others", "data_others")


def main(sm):
    """Put the tables of all batches together, compare over people, and identify people."""
    job.start(sm)
    crossed = together(sm.input.cross, score_tables.CROSS)
    held_out = together(sm.input.held_out_people, score_tables.HELD_OUT_PEOPLE)
    evaluation = together(sm.input.evaluation, scoring.EVALUATION)
    check_whole(sm, evaluation)
    job.write_tsv(sm.output.cross, crossed)
    job.write_tsv(sm.output.held_out_people, held_out)
    rows = contrast_rows(numeric(crossed)) + held_out_rows(numeric(evaluation), numeric(held_out))
    job.write_tsv(sm.output.contrasts, rows, columns=CONTRASTS)
    targets = archives.by_split(sm.input.targets, sm.params.splits)
    scans = {split: read_scans(sm.params.units, archive) for split, archive in targets.items()}
    simulated = simulated_fc(sm.params.fits, len(sm.params.batches), sm.input.simulations)
    check_simulations(sm, result_tables.filled(evaluation), simulated)
    found = identification_rows(sm.params.units, scans, simulated)
    stored = {key: next(iter(evaluation[key]), None) for key in ("pairs", "band_pass")}
    job.write_tsv(sm.output.identification, [{**row, **stored} for row in found], columns=IDENTIFICATION)
    logger.info("%d contrasts, %d rates of identification", len(rows), len(found))


def check_whole(sm, evaluation):
    """Refuse tables and simulations without somebody who was fitted, or who was held out.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
        Naming the file of the batch.
    """
    everybody = [Unit.from_record(ids).key for ids in sm.params.units]
    held_out = {(*key, fit) for key in everybody for fit in sm.params.fits}
    fitted = set(map(tuple, evaluation[list(scoring.KEYS)].to_numpy()))
    batches = sm.params.fits, sm.params.batches, sm.params.units
    if sm.input.cross:
        completeness.check_batches(*batches, sm.input.cross, fitted)
    if sm.input.held_out_people:
        completeness.check_batches(*batches, sm.input.held_out_people, held_out)


def check_simulations(sm, scored, simulated):
    """Refuse files without the simulation of somebody who was scored."""
    keys = {Unit.from_record(ids).name: Unit.from_record(ids).key for ids in sm.params.units}
    present = set(map(tuple, scored[list(scoring.KEYS)].to_numpy()))
    for (fit, batch), path in zip(
        product(sm.params.fits, sm.params.batches), sm.input.simulations, strict=True
    ):
        wanted = [unit for unit in sm.params.batches[batch] if (*keys[unit], fit) in present]
        completeness.check_units(path, wanted, simulated[fit])


def together(paths, columns):
    """Put tables with the same columns together, as text; without rows where there is none."""
    return pd.concat(
        [pd.DataFrame(columns=list(columns)), *map(result_tables.read_texts, paths)], ignore_index=True
    )


def numeric(table):
    """Scores as numbers; a score that is missing is left out."""
    return table.assign(mean=pd.to_numeric(table["mean"], errors="coerce")).dropna(subset="mean")


def per_person(rows, keys):
    """Mean score of every person, sessions averaged, in columns by `keys`: rows are participants."""
    return rows.pivot_table(index="participant_id", columns=list(keys), values="mean", aggfunc="mean")


def contrast_rows(crossed):
    """Compare conditions of the cross, paired over people; others were averaged within each person.

    The same others serve several people, so that differences of people are not independent.
    ``benchmarks/paired_tests.py`` measures what that does to the test: next to nothing.
    """
    rows = []
    for (fit, inhibition, split, measure), part in crossed.groupby(
        ["fit", "inhibition", "split", "measure"], sort=False
    ):
        scores = per_person(part, ("parameters", "connectome", "data"))
        for name, (one, other) in core.CONTRASTS.items():
            if one not in scores or other not in scores or (name in WHOLE and inhibition == core.TUNED):
                continue
            keys = dict(zip(CONTRASTS[:5], (fit, name, inhibition, split, measure), strict=True))
            rows += _paired_row(keys, scores[one], scores[other], part)
    return rows


def held_out_rows(evaluation, held_out):
    """Compare people's own fits with parameters of a group that they were no part of."""
    rows = []
    scored = dict(list(evaluation.groupby(["fit", "split", "measure"])))
    for (fit, split, measure), theirs in held_out.groupby(["fit", "split", "measure"], sort=False):
        own = scored.get((fit, split, measure))
        if measure not in core.MEASURES or own is None:
            continue
        one, other = (part.groupby("participant_id")["mean"].mean() for part in (own, theirs))
        keys = {"fit": fit, "contrast": HELD_OUT, "inhibition": None, "split": split, "measure": measure}
        rows += _paired_row(keys, one, other.reindex(one.index), theirs)
    return rows


def _paired_row(keys, one, other, source):
    """One row with a comparison; none where nobody has both sides."""
    found = compare_paired(one.to_numpy(), other.to_numpy(), is_reward(keys["measure"]))
    if found is None:
        return []
    return [{**keys, **{key: getattr(found, key) for key in PAIRED}, **source[ANALYSIS].iloc[0]}]


def read_scans(units, archive):
    """FC of the scans of a split: dict of unit to (P,) array."""
    found = {}
    for unit in [ids["unit"] for ids in units if archive.records[ids["unit"]]["status"] == "ok"]:
        try:
            found[unit] = archive.arrays(unit)["fc"]
        except DamagedArray as error:
            logger.warning("%s is left out: %s", unit, error)
    return found


def simulated_fc(fits, n_batches, paths):
    """FC that rule evaluate saved: dict of fit to dict of unit to (P,) array.

    Parameters
    ----------
    fits : list of str
    n_batches : int
    paths : list of path
        The batch changes fastest.
    """
    found = {fit: {} for fit in fits}
    for (fit, _), path in zip(product(fits, range(n_batches)), paths, strict=True):
        with ArrayFile(path) as file:
            file.check_names()
            for name in [name for name in file.names if name.endswith("/fc")]:
                found[fit][name.removesuffix("/fc")] = file.read(name)
    return found


def identification_rows(units, scans, simulated):
    """Find people by the likeness of simulated and empirical FC, and by that of their own two scans.

    Parameters
    ----------
    units : list of dict
    scans : dict of split to dict of unit to (P,) array
    simulated : dict of fit to dict of unit to (P,) array

    Returns
    -------
    list of dict
    """
    people = {ids["unit"]: ids["participant_id"] for ids in units}
    rows = []
    for fit, split in product(simulated, scans):
        keys = {"fit": fit, "source": "simulated", "split": split}
        rows += _found(keys, simulated[fit], scans[split], people)
    if "test" in scans:
        rows += _found(
            {"fit": None, "source": "empirical", "split": "test"}, scans["train"], scans["test"], people
        )
    return rows


def _found(keys, candidates, scans, people):
    """Rows of both directions: every scan looks for its candidate, every candidate for its scan."""
    if not candidates or not scans:
        return []
    likeness = similarity(np.stack(list(candidates.values())), np.stack(list(scans.values())))
    owners = [[people[unit] for unit in part] for part in (candidates, scans)]
    _, square = person_similarity(likeness, *owners)
    directions = {"scan": identify(square), "simulation": identify(square.T)}
    return [
        {**keys, "direction": direction, "measure": "fc_corr", **{key: getattr(found, key) for key in FOUND}}
        for direction, found in directions.items()
        if found is not None
    ]


if "snakemake" in globals():
    main(snakemake)
