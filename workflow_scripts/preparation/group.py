"""Who belongs to a group, and the sums of their connectomes, from which a group is averaged."""

import numpy as np

from cubnm_core.connectomes.group import PooledConnectomes, mean_connectome, pool_connectomes
from workflow_scripts.files import job
from workflow_scripts.files.damage import DamagedArray

SUMS = tuple(PooledConnectomes.__dataclass_fields__)


def part(units, connectomes, targets):
    """Part units into members of the group and those who cannot be used.

    Parameters
    ----------
    units : list of workflow_scripts.cohort.units.Unit
    connectomes, targets : dict of str to dict
        Records of the preparation, by name of the unit.

    Returns
    -------
    members : list of Unit
    left_out : dict of str to list of str
        Name of the unit to its reasons.
    """
    left_out = {}
    for unit in units:
        records = (connectomes[unit.name], targets[unit.name])
        reasons = [reason for record in records if record["status"] != "ok" for reason in record["reasons"]]
        if reasons:
            left_out[unit.name] = list(dict.fromkeys(reasons))
    return [unit for unit in units if unit.name not in left_out], left_out


def use_readable(members, use):
    """Use the arrays of people, without those whose arrays turn out to be damaged.

    Parameters
    ----------
    members : list of workflow_scripts.cohort.units.Unit
    use : callable
        ``use(members)``; called again without a person whose array cannot be read.

    Returns
    -------
    result
        Of the last call.
    left_out : dict of str to list of str
        Name of the unit to its reasons.
    """
    left_out = {}
    while True:
        usable = [unit for unit in members if unit.name not in left_out]
        try:
            return use(usable), left_out
        except DamagedArray as error:
            if error.unit not in {unit.name for unit in usable}:
                raise
            left_out[error.unit] = [str(error)]


def pool_people(members, connectomes):
    """Sum the connectomes of people up, after averaging those of several sessions of one person.

    Parameters
    ----------
    members : list of workflow_scripts.cohort.units.Unit
    connectomes : workflow_scripts.files.archives.Archive

    Returns
    -------
    cubnm_core.connectomes.group.PooledConnectomes
    """
    sessions = {}
    for unit in members:
        sessions.setdefault(unit.participant_id, []).append(unit.name)
    return pool_connectomes(
        mean_connectome(pool_connectomes(_matrices(connectomes, name) for name in names))
        for names in sessions.values()
    )


def _matrices(connectomes, name):
    arrays = connectomes.arrays(name)
    return arrays["weights"], arrays.get("lengths")


def write_sums(path, pooled):
    """Write sums of connectomes; an archive without arrays for None."""
    sums = {} if pooled is None else {name: np.asarray(getattr(pooled, name)) for name in SUMS}
    job.write_npz(path, **sums)


def read_sums(path):
    """Read the sums over all connectomes; None where nobody has one."""
    arrays = job.read_npz(path)
    return PooledConnectomes(**{**arrays, "people": int(arrays["people"])}) if arrays else None
