"""Rule cross_people: everybody's connectome and targets in one place, and the sums of their connectomes.

Jobs of the cross need people of other batches. They read them here, so that a person who is added makes this
file new and nobody else's job.
"""

import numpy as np

from workflow_scripts.cohort import units
from workflow_scripts.files import archives, job
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
    group.write_sums(sm.output.group, group.pool_people(members, connectomes) if members else None)
    logger.info("%d units, %d of them with a connectome and training scans", len(cohort), len(members))


def _copy(cohort, archive, paths):
    """Write the arrays and records of some units into one archive."""
    npz, json = paths
    found = {unit.name: (archive.arrays(unit.name), archive.records[unit.name]) for unit in cohort}
    archives.write(npz, json, found)


if "snakemake" in globals():
    main(snakemake)
