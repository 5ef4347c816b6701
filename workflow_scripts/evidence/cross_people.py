"""Rule cross_people: everybody's connectome and targets in one place, and the sums of their connectomes.

Jobs of the cross need people of other batches. They read them here, so that a person who is added makes this
file new and nobody else's job.
"""

import numpy as np

from workflow_scripts.cohort import units
from workflow_scripts.files import archives, job
from workflow_scripts.files.damage import DamagedArray
from workflow_scripts.preparation import group


def main(sm):
    """Copy the archives of all batches into one of each kind, and sum the connectomes up."""
    logger = job.start(sm)
    cohort, splits = units.from_records(sm.params.units), sm.params.splits
    connectomes = archives.Archive(sm.input.connectomes)
    targets = archives.by_split(sm.input.targets, splits)
    _copy(cohort, connectomes, sm.output.connectomes)
    for split, paths in zip(splits, np.reshape(sm.output.targets, (-1, 2)).tolist(), strict=True):
        _copy(cohort, targets[split], paths)
    members, _ = group.part(cohort, connectomes.records, targets["train"].records)
    pooled, damaged = group.use_readable(members, lambda usable: _sum_up(usable, connectomes))
    for unit, reasons in damaged.items():
        logger.warning("%s is no part of the group: %s", unit, "; ".join(reasons))
    group.write_sums(sm.output.group, pooled)
    logger.info("%d units, %d of them with a connectome and training scans", len(cohort), len(members))


def _sum_up(members, connectomes):
    return group.pool_people(members, connectomes) if members else None


def _copy(cohort, archive, paths):
    """Write the arrays and records of some units into one archive."""
    npz, json = paths
    archives.write(npz, json, {unit.name: _read(archive, unit.name) for unit in cohort})


def _read(archive, unit):
    """Arrays and record of a unit; without arrays, and with the reason, where they are damaged."""
    record = archive.records[unit]
    try:
        return archive.arrays(unit), record
    except DamagedArray as error:
        return {}, {**record, "status": "failed", "reasons": [str(error)]}


if "snakemake" in globals():
    main(snakemake)
