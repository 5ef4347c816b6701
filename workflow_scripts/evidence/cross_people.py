"""Rule cross_people: everybody's connectome and targets in one place, and the sums of their connectomes.

Jobs of the cross need people of other batches. They read them here, so that a person who is added makes this
file new and nobody else's job.
"""

import numpy as np

from cubnm_core.connectomes.group import PooledConnectomes
from workflow_scripts.files import archives, job
from workflow_scripts.preparation import group_average

SUMS = tuple(PooledConnectomes.__dataclass_fields__)


def main(sm):
    """Copy the archives of all batches into one of each kind, and sum the connectomes up."""
    logger = job.start(sm)
    units, splits = sm.params.units, sm.params.splits
    connectomes = archives.Archive(sm.input.connectomes)
    targets = archives.by_split(sm.input.targets, splits)
    _copy(units, connectomes, sm.output.connectomes)
    for split, paths in zip(splits, np.reshape(sm.output.targets, (-1, 2)).tolist(), strict=True):
        _copy(units, targets[split], paths)
    members, _ = group_average.part(units, connectomes.records, targets["train"].records)
    sums = {}
    if members:
        pooled = group_average.pooled_people(members, connectomes)
        sums = {name: np.asarray(getattr(pooled, name)) for name in SUMS}
    job.write_npz(sm.output.group, **sums)
    logger.info("%d units, %d of them with a connectome and training scans", len(units), len(members))


def _copy(units, archive, paths):
    """Write the arrays and records of some units into one archive."""
    npz, json = paths
    names = [ids["unit"] for ids in units]
    archives.write(npz, json, {unit: (archive.arrays(unit), archive.records[unit]) for unit in names})


def read_sums(path):
    """Read the sums over all connectomes; None where nobody has one."""
    arrays = job.read_npz(path)
    return PooledConnectomes(**{**arrays, "people": int(arrays["people"])}) if arrays else None


if "snakemake" in globals():
    main(snakemake)
