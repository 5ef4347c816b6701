"""Rule common_nodes: the nodes that every person of the analysis has, and a table of those that some lack.

It stands between the files of single people and everything that is computed from them. What it decides for
the cohort has a digest: files made for another one are made again (see
:func:`workflow_scripts.cohort.tables.node_set`).
"""

import hashlib
import json
from collections import Counter

import numpy as np

from cubnm_core.connectomes.scaling import NEEDS_GROUP, before_group, group_factor
from cubnm_core.errors import InputError
from workflow_scripts.cohort import tables
from workflow_scripts.files import archives, job
from workflow_scripts.preparation import cohort_connectome, duplicates
from workflow_scripts.preparation.connectome_settings import kept_weights

MISSING = ("participant_id", "session_id", "kind", "run_id", "label", "excluded", "dropped")
ORDER = ("index", "label", "hemisphere", "structure", "network", "x", "y", "z")
SHOWN = 20  # nodes of which the log tells who lacks them


def main(sm):
    """Write the node table of the analysis, who lacks which node, and what the whole cohort shares."""
    logger = job.start(sm)
    nodes, options = tables.read_nodes(sm.input.nodes), sm.params.connectome
    connectomes, scans = (archives.Archive(getattr(sm.input, name)) for name in ("connectomes", "scans"))
    units = [ids["unit"] for ids in sm.params.units]
    lacking = {unit: missing(connectomes.records, scans.records, unit) for unit in units}
    twice = duplicates.between_people(units, connectomes, scans)
    shared = duplicates.shared_connectomes(units, connectomes)
    excluded = too_many(lacking, len(nodes), sm.params.largest_missing)
    excluded = (duplicates.excluded(twice) if sm.params.duplicates == "exclude" else {}) | excluded
    tell_twice(logger, twice, shared, len(units))
    usable = [
        unit for unit in units if unit not in excluded and _both_ok(connectomes.records, scans.records, unit)
    ]
    check_measures(connectomes.records, usable)
    dropped = Counter(label for unit in usable for label in {label for _, _, label in lacking[unit]})
    kept = left(nodes, dropped)
    report(logger, dropped, excluded, len(nodes), len(usable))
    labels = [node["label"] for node in kept]
    inside = np.flatnonzero([node["label"] in set(labels) for node in nodes])
    group = {}
    if cohort_connectome.needs_group(options):
        group = cohort_connectome.average(options, connectomes, usable, kept, inside)
    factor = cohort_factor(options, connectomes, usable, inside)
    columns = [name for name in ORDER if any(node.get(name) is not None for node in kept)]
    job.write_tsv(sm.output.nodes, kept, columns=dict.fromkeys([*columns, *kept[0]]))
    rows = missing_rows(sm.params.units, lacking, excluded, dropped)
    job.write_tsv(sm.output.missing, rows, columns=MISSING)
    job.write_npz(sm.output.group, **group)
    record = {
        "node_set": digest(labels if dropped else None, factor, cohort_connectome.digest(group)),
        "nodes": len(kept),
        "people": len(usable),
        "dropped": dict(dropped),
        "excluded": excluded,
        "duplicates": twice,
        "shared_connectomes": shared,
        "group_factor": factor,
        "settings": {"largest_missing": sm.params.largest_missing, "connectome": options},
    }
    job.write_json(sm.output.json, record)


def left(nodes, dropped):
    """Give the nodes of the analysis, counted anew.

    Raises
    ------
    InputError
        If fewer than two are left.
    """
    kept = [node for node in nodes if node["label"] not in dropped]
    if len(kept) < 2:
        raise InputError(
            f"{len(kept)} nodes are left that everybody has: {len(nodes) - len(kept)} of {len(nodes)} are "
            "missing in somebody's files; lower node_policy.largest_missing, which excludes people with many "
            "of them"
        )
    return [{**node, "index": index} for index, node in enumerate(kept)]


def digest(*decisions):
    """Give a short name to what was decided for the cohort; None where nothing was."""
    if all(each is None for each in decisions):
        return None
    return hashlib.sha256(json.dumps(decisions).encode()).hexdigest()[:16]


def check_measures(records, usable):
    """Refuse a cohort whose weights are of several kinds, such as counts and densities of streamlines.

    Parameters
    ----------
    records : dict of str to dict
        Of the aligned connectomes.
    usable : sequence of str
        Units.

    Raises
    ------
    InputError
        Naming the measures, how many people have each, and one file.
    """
    people = {}
    for unit in usable:
        if records[unit].get("measure") is not None:
            people.setdefault(records[unit]["measure"], []).append(unit)
    if len(people) > 1:
        listed = "; ".join(
            f"{measure} ({len(units)} people, such as {records[units[0]]['sources'][0]['path']})"
            for measure, units in people.items()
        )
        raise InputError(
            f"the connectomes are of several measures: {listed}; name the same one for everybody in the "
            "manifest's column variable, or correct the JSON files beside them"
        )


def missing(connectomes, scans, unit):
    """List the nodes that a person's files lack.

    Parameters
    ----------
    connectomes, scans : dict of str to dict
        Records by unit.
    unit : str

    Returns
    -------
    list of (kind, run, label)
    """
    found = [("sc", None, label) for label in connectomes[unit].get("qc", {}).get("missing_nodes", [])]
    for run, facts in scans[unit].get("runs", {}).items():
        found += [("bold", run, label) for label in facts.get("missing_nodes", [])]
    return found


def too_many(lacking, n_nodes, largest_missing):
    """Exclude people who lack more nodes than allowed, connectome and scans taken together.

    Parameters
    ----------
    lacking : dict of str to list
        As of :func:`missing`.
    n_nodes : int
    largest_missing : float
        Share of the nodes.

    Returns
    -------
    dict of str to str
        Unit to reason.
    """
    reasons = {}
    for unit, found in lacking.items():
        labels = list(dict.fromkeys(label for _, _, label in found))
        if len(labels) > largest_missing * n_nodes:
            shown = ", ".join(labels[:SHOWN]) + (", ..." if len(labels) > SHOWN else "")
            reasons[unit] = (
                f"{len(labels)} of {n_nodes} nodes are missing in connectome or scans ({shown}), more than "
                f"{largest_missing:.0%} (node_policy.largest_missing)"
            )
    return reasons


def cohort_factor(options, connectomes, usable, inside):
    """Give the one factor of the cohort, for the scalings that have one; None for the others."""
    if options["scaling"] not in NEEDS_GROUP:
        return None
    if options["group_factor"] is not None:
        return options["group_factor"]
    means = []
    for unit in usable:
        arrays = connectomes.arrays(unit)
        weights, _ = kept_weights(arrays["weights"][np.ix_(inside, inside)], options)
        means.append(before_group(weights, options["scaling"], connectomes.records[unit]["mu"]).mean())
    return group_factor(means) if means else None


def missing_rows(units, lacking, excluded, dropped):
    """Make one row per node that a file lacks: is its person excluded, does the analysis go without it?"""
    return [
        {
            **{key: ids[key] for key in ("participant_id", "session_id")},
            "kind": kind,
            "run_id": run,
            "label": label,
            "excluded": ids["unit"] in excluded,
            "dropped": label in dropped,
        }
        for ids in units
        for kind, run, label in lacking[ids["unit"]]
    ]


def report(logger, counts, excluded, n_nodes, n_units):
    """Say before any fit which nodes are lost, and to whom."""
    logger.info("%d of %d nodes are there in all %d units", n_nodes - len(counts), n_nodes, n_units)
    for label, count in counts.most_common(SHOWN):
        logger.warning("%s is left out of the analysis: missing in %d of %d units", label, count, n_units)
    for unit, reason in excluded.items():
        logger.warning("%s: %s", unit, reason)


def tell_twice(logger, twice, shared, n_units):
    """Say whose scans and connectomes are those of others, and once which connectome is meant for several."""
    for each in twice:
        logger.warning("%s: %s", each["unit"], each["told"])
    for path, members in shared.items():
        logger.info(
            "%s is the connectome of %d of %d units, as the manifest says; nothing about it is personal",
            path,
            len(members),
            n_units,
        )


def _both_ok(connectomes, scans, unit):
    """Say whether neither connectome nor scans of a person were excluded."""
    return connectomes[unit]["status"] == scans[unit]["status"] == "ok"


if "snakemake" in globals():
    main(snakemake)
