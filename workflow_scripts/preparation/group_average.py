"""Rule group_average: a group as if it were one person, with a connectome and a training target.

The archive holds one unit, the group, that later rules read like a person's. Who was left out before is left
out here; nobody else is stopped by it.
"""

from collections import Counter
from statistics import median_low

from cubnm_core.connectomes.group import consensus_connectome, group_target, mean_connectome
from cubnm_core.connectomes.scaling import euclidean_lengths
from cubnm_core.errors import InputError
from cubnm_core.measures.objective import Target
from workflow_scripts.cohort import tables, units
from workflow_scripts.cohort.observables import OBSERVABLE, observables_of
from workflow_scripts.files import archives, job
from workflow_scripts.preparation import group
from workflow_scripts.preparation.connectome_settings import positions_of


def main(sm):
    """Average everybody who can be used and write the archive."""
    logger = job.start(sm)
    connectomes, targets = archives.Archive(sm.input.connectomes), archives.Archive(sm.input.targets)
    members, left_out = group.part(units.from_records(sm.params.units), connectomes.records, targets.records)
    members, unusable = usable_scans(members, targets)
    left_out |= unusable
    record = {**sm.params.group, "connectome": sm.wildcards.average}
    record |= {"status": "ok", "reasons": [], "notes": []}
    arrays, nodes = {}, tables.read_nodes(sm.input.nodes)

    def average(usable):
        if not usable:
            raise InputError("nobody of the cohort has both a connectome and training scans that can be used")
        found = average_connectome(sm.wildcards.average, usable, connectomes, nodes)
        return found | average_target(usable, targets)

    try:
        arrays, damaged = group.use_readable(members, average)
        left_out |= damaged
        members = [unit for unit in members if unit.name not in damaged]
        record["repetition_time"], record["notes"] = shared_time(members, targets.records)
        record["run_volumes"] = median_runs(members, targets.records, record["repetition_time"])
    except InputError as error:
        record |= {"status": "excluded", "reasons": str(error).splitlines()}
        logger.error("the group cannot be averaged: %s", error)
    record |= {"members": [unit.name for unit in members], "left_out": left_out}
    for unit, reasons in left_out.items():
        logger.warning("%s is no part of the group: %s", unit, "; ".join(reasons))
    archives.write(sm.output.npz, sm.output.json, {record["unit"]: (arrays, record)})
    logger.info("%d people, %d left out", len(members), len(left_out))


def average_connectome(kind, members, connectomes, nodes):
    """Average the connectomes; those of several sessions of one person first.

    Parameters
    ----------
    kind : {"mean", "consensus"}
    members : list of workflow_scripts.cohort.units.Unit
    connectomes : archives.Archive
    nodes : list of dict
        Rows of the node table; their coordinates serve a consensus where no tract lengths are known.

    Returns
    -------
    dict of str to (N, N) array
        ``weights``, and ``lengths`` in mm where anybody has them.
    """
    pooled = group.pool_people(members, connectomes)
    if kind == "mean":
        weights, lengths = mean_connectome(pooled)
    else:
        hemispheres = [node["hemisphere"] for node in nodes]
        distances = euclidean_lengths(positions_of(nodes)) if pooled.mean_lengths is None else None
        weights, lengths = consensus_connectome(pooled, hemispheres, distances)
    return {"weights": weights} if lengths is None else {"weights": weights, "lengths": lengths}


def usable_scans(members, targets):
    """Part people into those with a target of finite numbers, and the reasons of all others.

    Returns
    -------
    members : list of workflow_scripts.cohort.units.Unit
    left_out : dict of str to list of str
        Name of the unit to its reasons.
    """
    left_out = {}
    for unit in members:
        try:
            _target(targets, unit)
        except InputError as error:
            left_out[unit.name] = [str(error)]
    return [unit for unit in members if unit.name not in left_out], left_out


def _target(targets, unit):
    arrays = targets.arrays(unit.name)
    found = observables_of(arrays)
    return Target(arrays["fc"], arrays.get("fcd"), arrays.get("fcd_cdf"), observables=found)


def average_target(members, targets):
    """Average FC and FCD.

    Returns
    -------
    dict of str to array
        ``fc`` (P,); where anybody has them, ``fcd`` (K,) and ``fcd_cdf`` (10000,); observables that everybody
        has.
    """
    people = [unit.participant_id for unit in members]
    mean = group_target([_target(targets, unit) for unit in members], people)
    arrays = {"fc": mean.fc, "fcd": mean.fcd, "fcd_cdf": mean.fcd_cdf}
    arrays |= {OBSERVABLE + name: values for name, values in mean.observables.items()}
    return {name: values for name, values in arrays.items() if values is not None}


def shared_time(members, targets):
    """Give the repetition time in s that the group is simulated with, and a note where people differ."""
    times = Counter(targets[unit.name]["repetition_time"] for unit in members)
    commonest = times.most_common(1)[0][0]
    if len(times) == 1:
        return commonest, []
    return commonest, [
        f"repetition times differ ({', '.join(f'{time:g}' for time in sorted(times))} s); the group is "
        f"simulated with the most common one, {commonest:g} s"
    ]


def median_runs(members, targets, repetition_time):
    """Give the group as many runs as the median person has, each as long as the median run, in volumes."""
    runs = [targets[unit.name].get("run_volumes") or [] for unit in members]
    times = [targets[unit.name]["repetition_time"] for unit in members]
    seconds = [length * time for lengths, time in zip(runs, times, strict=True) for length in lengths]
    if not seconds:
        return []
    count = median_low([len(lengths) for lengths in runs if lengths])
    return [round(median_low(seconds) / repetition_time)] * count


if "snakemake" in globals():
    main(snakemake)
