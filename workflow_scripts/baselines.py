"""Rule baselines: what predicts a scan without a model, in the same pairs and with the same filter."""

import numpy as np

from cubnm_core.connectivity import pair_indices
from cubnm_core.evaluation import group_mean_fc, sc_fc, scan_rescan
from workflow_scripts import archives, job, simulations

COLUMNS = ("participant_id", "session_id", "split", "measure", "value", "pairs", "n")


def main(sm):
    """Compute the baselines of every person and split."""
    logger = job.start(sm)
    people = read_cohort(sm.params.units, sm.params.splits, sm.input.connectomes, sm.input.targets)
    pairs = sm.params.analysis["pairs"]
    hemispheres = simulations.read_hemispheres(sm.input.nodes)
    pair_index = pair_indices(len(hemispheres), hemispheres, pairs)
    rows = []
    for split in sm.params.splits:
        rows += connectome_rows(people, split, pair_index)
        rows += group_rows(people, split)
    rows += rescan_rows(people)
    logger.info("baselines of %d of %d units", len(people), len(sm.params.units))
    job.write_tsv(sm.output[0], [{**row, "pairs": pairs} for row in rows], columns=COLUMNS)


def read_cohort(units, splits, connectomes, targets):
    """Read everybody who was not excluded.

    Parameters
    ----------
    units : list of dict
    splits : list of str
    connectomes, targets : list of path
        Archives, one per batch; one per batch and split, the split changing fastest.

    Returns
    -------
    list of simulations.Person
    """
    connectomes, targets = archives.Archive(connectomes), archives.by_split(targets, splits)
    found = [simulations.read_person(ids, connectomes, targets) for ids in units]
    return [person for person in found if isinstance(person, simulations.Person)]


def connectome_rows(people, split, pair_index):
    """Correlate every connectome with the FC of the same person."""
    return [
        row(person, split, "sc_fc", sc_fc(person.weights, person.targets[split].fc, pair_index), len(people))
        for person in people
        if split in person.targets
    ]


def group_rows(people, split):
    """Correlate the mean FC of all other people, in the same split, with the FC of a person."""
    scanned = [person for person in people if split in person.targets]
    if not scanned:
        return []
    ids = [person.ids["participant_id"] for person in scanned]
    values = group_mean_fc(np.stack([person.targets[split].fc for person in scanned]), ids)
    return [
        row(person, split, "group_mean_fc", value, len(scanned) - ids.count(person.ids["participant_id"]))
        for person, value in zip(scanned, values, strict=True)
    ]


def rescan_rows(people):
    """Compare the training scan of every person with the held-out one; without an FCD its distance is n/a."""
    both = [person for person in people if "test" in person.targets]
    unknown = {"scan_rescan_ks": np.nan}
    return [
        row(person, "test", measure, value, len(both))
        for person in both
        for measure, value in (unknown | scan_rescan(person.targets["train"], person.targets["test"])).items()
    ]


def row(person, split, measure, value, n):
    """Make one row; `n` is the number of people that the value rests on or is one of."""
    keys = {key: person.ids[key] for key in ("participant_id", "session_id")}
    return {**keys, "split": split, "measure": measure, "value": float(value), "n": n}


if "snakemake" in globals():
    main(snakemake)
