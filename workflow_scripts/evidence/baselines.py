"""Rule baselines: what predicts a scan without a model, in the same pairs and with the same filter."""

from pathlib import Path

import numpy as np
import pandas as pd

from cubnm_core.connectomes.scaling import euclidean_lengths
from cubnm_core.evidence.diffusion import diffusion
from cubnm_core.evidence.evaluation import distance_rule, fc_correlation, group_mean_fc, sc_fc, scan_rescan
from cubnm_core.measures.connectivity import pair_indices
from workflow_scripts.cohort import folds, tables, units
from workflow_scripts.files import job, result_tables
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import completeness, scoring
from workflow_scripts.fitting.people import People, damaged
from workflow_scripts.preparation.connectome_settings import positions_of

COLUMNS = (
    *scoring.KEYS,
    "split",
    "measure",
    "value",
    "sd",
    "n_seeds",
    "n",
    *scoring.ANALYSIS,
    "seeds",
    "note",
)
TRACTS = "lengths of tracts; pairs without a tract count as infinitely far apart"
STRAIGHT = "straight distances between the coordinates of the node table"
NO_DISTANCES = "neither lengths of tracts nor x, y and z of every node in the node table"
ALL_ALIKE = "all lengths are the same"
NO_LOOP = "the connectome has no loop along which activity could spread"


def main(sm):
    """Compute the baselines of every person and split."""
    logger = job.start(sm)
    cohort = units.from_records(sm.params.units)
    archives = People(sm.input.connectomes, sm.input.targets, sm.params.splits)
    found, unusable = archives.read_usable(cohort)
    reasons = damaged(unusable)
    people = list(found.values())
    nodes, analysis = tables.read_nodes(sm.input.nodes), sm.params.analysis
    pair_index = pair_indices(len(nodes), [node["hemisphere"] for node in nodes], analysis["pairs"])
    rows = []
    for split in sm.params.splits:
        rows += connectome_rows(people, split, pair_index)
        rows += group_rows(people, split, sm.params.families)
    rows += diffusion_rows(people, pair_index)
    rows += distance_rows(people, archives.connectomes, nodes, pair_index)
    rows += rescan_rows(people)
    rows += [missing_row(unit, reasons[unit.name]) for unit in cohort if unit.name in reasons]
    check_whole(sm.input.global_signal, sm.input.connectomes, found)
    stored = scoring.analysis_columns(analysis)
    rows = [{**row, **stored} for row in rows] + global_signal_rows(sm.input.global_signal)
    logger.info("baselines of %d of %d units", len(people), len(cohort))
    job.write_tsv(sm.output[0], rows, columns=COLUMNS)


def connectome_rows(people, split, pair_index):
    """Correlate every connectome with the FC of the same person."""
    return [
        row(person, split, "sc_fc", sc_fc(person.weights, person.targets[split].fc, pair_index), len(people))
        for person in people
        if split in person.targets
    ]


def group_rows(people, split, family_of):
    """Correlate the mean FC of all others but relatives, in the same split, with the FC of a person."""
    scanned = [person for person in people if split in person.targets]
    if not scanned:
        return []
    kin = [folds.kin(person.unit.participant_id, family_of) for person in scanned]
    values = group_mean_fc(np.stack([person.targets[split].fc for person in scanned]), kin)
    return [
        row(person, split, "group_mean_fc", value, len(scanned) - kin.count(own))
        for person, own, value in zip(scanned, kin, values, strict=True)
    ]


def diffusion_rows(people, pair_index):
    """Score linear diffusion, its coupling found on the training scan, on every split."""
    rows = []
    for person in people:
        found = diffusion(person.weights, person.targets["train"].fc, pair_index)
        if found is None:
            rows.append(row(person, "train", "diffusion_fc", np.nan, len(people), NO_LOOP))
            continue
        rows.append(row(person, "train", "diffusion_coupling", found.coupling, len(people)))
        rows += [
            row(person, split, "diffusion_fc", fc_correlation(found.fc, target.fc), len(people))
            for split, target in person.targets.items()
        ]
    return rows


def distance_rows(people, connectomes, nodes, pair_index):
    """Score exp(-length / decay), its decay found on the training scan, on every split.

    Parameters
    ----------
    people : list of workflow_scripts.fitting.people.Person
    connectomes : workflow_scripts.files.archives.Archive
        With lengths of tracts, where there are any.
    nodes : list of dict
        Of the analysis.
    pair_index : tuple of (P,) int arrays

    Returns
    -------
    list of dict
        The decay in mm stands beside the training scan. Where the rule cannot be had, one row says why.
    """
    positions = positions_of(nodes)
    straight = euclidean_lengths(positions) if np.isfinite(positions).all() else None
    rows = []
    for person in people:
        own = connectomes.arrays(person.unit.name).get("lengths")
        lengths, note = (straight, STRAIGHT) if own is None else (own, TRACTS)
        if lengths is None:
            rows.append(row(person, "train", "distance_fc", np.nan, len(people), NO_DISTANCES))
            continue
        rule = distance_rule(lengths, person.targets["train"].fc, pair_index)
        if rule is None:
            rows.append(row(person, "train", "distance_fc", np.nan, len(people), ALL_ALIKE))
            continue
        rows.append(row(person, "train", "distance_decay", rule.decay, len(people), note))
        rows += [
            row(person, split, "distance_fc", fc_correlation(rule.fc, target.fc), len(people), note)
            for split, target in person.targets.items()
        ]
    return rows


def check_whole(paths, connectomes, people):
    """Refuse tables of the global signal that lack somebody of their batch who can be used, in any fit.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
    """
    found = [result_tables.read_texts(path) for path in paths]
    fits = list(dict.fromkeys(fit for table in found for fit in table["fit"]))
    prepared = {_batch(path): Archive(path).records for path in connectomes}
    for path, table in zip(paths, found, strict=True):
        members = [people[name].unit for name in prepared.get(_batch(path), ()) if name in people]
        present = set(map(tuple, table[list(scoring.KEYS)].to_numpy()))
        whole = [unit.name for unit in members if all((*unit.key, fit) in present for fit in fits)]
        completeness.check_units(path, [unit.name for unit in members], whole)


def _batch(path):
    """Name of a batch, with which the names of its files begin."""
    return Path(path).name.partition("_")[0]


def global_signal_rows(paths):
    """Read what the batches found, and count the people of every fit, split and measure."""
    table = pd.concat(map(result_tables.read_texts, paths), ignore_index=True)
    by = ["fit", "split", "measure"]
    counts = table[table["value"] != job.MISSING].groupby(by).size()
    return table.assign(n=counts.reindex(pd.MultiIndex.from_frame(table[by])).to_numpy()).to_dict("records")


def rescan_rows(people):
    """Compare the training scan of every person with the held-out one; without an FCD its distance is n/a."""
    both = [person for person in people if "test" in person.targets]
    unknown = {"scan_rescan_ks": np.nan}
    return [
        row(person, "test", measure, value, len(both))
        for person in both
        for measure, value in (unknown | scan_rescan(person.targets["train"], person.targets["test"])).items()
    ]


def missing_row(unit, reason):
    """Make the row of somebody without any baseline."""
    return {**unit.ids, "split": "train", "measure": "sc_fc", "value": np.nan, "note": reason}


def row(person, split, measure, value, n, note=None):
    """Make one row; `n` is the number of people that the value rests on or is one of."""
    found = {"split": split, "measure": measure, "value": float(value), "n": n, "note": note}
    return {**person.unit.ids, **found}


if "snakemake" in globals():
    main(snakemake)
