"""Rule observables: observables of scans and simulations beside each other, and how well two scans agree."""

from dataclasses import asdict

import numpy as np

from cubnm_core.evidence.observables import OTHERS, scan_agreement
from cubnm_core.measures.comparison import compare_observables
from cubnm_core.measures.objective import Target
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from cubnm_core.measures.observables.panel import summarise
from workflow_scripts.cohort import units
from workflow_scripts.cohort.observables import OBSERVABLE, observables_of
from workflow_scripts.files import job, result_tables
from workflow_scripts.files.archives import by_split
from workflow_scripts.files.arrays import ArrayFile
from workflow_scripts.files.damage import DamagedArray
from workflow_scripts.fitting import scoring

VALUES = ("observable", "source", "split", "value", "unit", "distance", "sd")
COLUMNS = (*scoring.KEYS, *VALUES)
AGREEMENT = ("observable", "n_people", "icc", "low", "high", "own", "others", "verdict")


def main(sm):
    """Write the observables of everybody, and the agreement of the scans of people."""
    logger = job.start(sm)
    names, people = sm.params.observables, units.from_records(sm.params.units)
    archives = by_split(sm.input.targets, sm.params.splits)
    distances = read_distances(sm.input.evaluation, names)
    simulated = read_simulations(sm.input.simulations, sm.params.fits)
    rows, pairs = [], {name: {} for name in names}
    for unit in people:
        scans = read_scans(unit, archives, logger)
        if "train" not in scans:
            continue
        repetition_time = archives["train"].records[unit.name]["repetition_time"]
        rows += scan_rows(unit, scans, repetition_time)
        for fit in sm.params.fits:
            found = simulated[fit].get(unit.name, {})
            rows += simulation_rows(unit, fit, found, repetition_time, distances)
        add_pairs(pairs, unit, scans, repetition_time)
    job.write_tsv(sm.output.table, rows, columns=COLUMNS)
    agreed = [agreement_row(name, list(found.values())) for name, found in pairs.items()]
    job.write_tsv(sm.output.agreement, agreed, columns=AGREEMENT)
    logger.info("%d observables of %d units", len(names), len(people))


def read_scans(unit, archives, logger):
    """Observables of the scans of a unit, by split; of those that can be used."""
    found = {}
    for split, archive in archives.items():
        if archive.records[unit.name]["status"] != "ok":
            continue
        try:
            found[split] = observables_of(archive.arrays(unit.name))
        except DamagedArray as error:
            logger.warning("%s, %s: %s", unit, split, error)
    return found


def read_distances(paths, names):
    """Scores of observables by fit, participant and session: lists of dict with split, measure, mean, sd."""
    table = result_tables.concatenate(paths)
    table = table[table["measure"].isin(names)]
    found = {}
    for row in table.to_dict("records"):
        found.setdefault((row["fit"], row["participant_id"], row["session_id"]), []).append(row)
    return found


def read_simulations(paths, fits):
    """Observables of the saved simulations: dict of fit to dict of unit to dict of str to (K,) array."""
    found = {fit: {} for fit in fits}
    for path in paths:
        fit = str(path).rsplit("/", 2)[-2]
        with ArrayFile(path) as file:
            for name in [name for name in file.names if f"/{OBSERVABLE}" in name]:
                unit, _, array = name.partition("/")
                found[fit].setdefault(unit, {})[array.removeprefix(OBSERVABLE)] = file.read(name)
    return found


def scan_rows(unit, scans, repetition_time):
    """Rows of the scans; beside held-out ones their distance from the training scans."""
    rows = []
    for split, values in scans.items():
        distances = {}
        if split != "train":
            target = Target(np.zeros(1), observables=values)
            batch = {name: found[None] for name, found in scans["train"].items()}
            distances = compare_observables(batch, target, OBSERVABLES)
        for name, value in summarise(values, repetition_time).items():
            stated = {"observable": name, "source": "scan", "split": split, "value": value}
            stated |= {"unit": OBSERVABLES[name].unit, "distance": float(distances.get(name, [np.nan])[0])}
            rows.append({**unit.ids, **stated})
    return rows


def simulation_rows(unit, fit, values, repetition_time, distances):
    """Rows of the saved simulation of a fit, with its mean distance over seeds from every scan."""
    summaries = summarise(values, repetition_time)
    return [
        {
            **unit.ids,
            "fit": fit,
            "observable": row["measure"],
            "source": "simulation",
            "split": row["split"],
            "value": summaries[row["measure"]],
            "unit": OBSERVABLES[row["measure"]].unit,
            "distance": row["mean"],
            "sd": row["sd"],
        }
        for row in distances.get((fit, *unit.key), ())
        if row["measure"] in values
    ]


def add_pairs(pairs, unit, scans, repetition_time):
    """Add both scans of a person who has two: summaries, and of the first people the observables too."""
    if "test" not in scans:
        return
    for name, found in pairs.items():
        both = [scans[split].get(name) for split in ("train", "test")]
        if any(values is None for values in both) or unit.participant_id in found:
            continue  # of several sessions the first one counts
        summaries = [summarise({name: values}, repetition_time)[name] for values in both]
        found[unit.participant_id] = summaries, both if len(found) < OTHERS else None


def agreement_row(name, pairs):
    """Make the row of an observable; scans of other sizes than the first ones are compared with none."""
    kept = [both for _, both in pairs if both is not None]
    kept = [both for both in kept if {values.size for values in both} == {kept[0][0].size}]
    scans = np.array(kept).reshape(len(kept), 2, -1) if kept else np.empty((0, 2, 1))
    found = scan_agreement(name, [summaries for summaries, _ in pairs], scans[:, 0], scans[:, 1])
    return {"observable": name, **asdict(found)}


if "snakemake" in globals():
    main(snakemake)
