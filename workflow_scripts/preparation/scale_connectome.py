"""Rule scale_connectome: connectomes of a batch as they are simulated: nodes, threshold, scale, lengths."""

import numpy as np
from scipy.sparse.csgraph import connected_components

from cubnm_core.errors import InputError
from workflow_scripts.cohort import tables
from workflow_scripts.files import archives, job
from workflow_scripts.preparation import cohort_connectome
from workflow_scripts.preparation.connectome_settings import positions_of, ready


def main(sm):
    """Bring every aligned connectome to the nodes of the analysis and to the scale of the models."""
    logger = job.start(sm)
    aligned, common = archives.Archive(sm.input.npz), job.read_json(sm.input.common)
    nodes, group = tables.read_nodes(sm.input.nodes), job.read_npz(sm.input.group)
    people = {}
    for ids in sm.params.units:
        unit = ids["unit"]
        arrays, record = scale_person(aligned, unit, nodes, common, group, sm.params.connectome)
        known = _told(aligned.records[unit])
        for text in _told(record):
            if text not in known:
                logger.warning("%s: %s", unit, text)
        people[unit] = arrays, record
    archives.write(sm.output.npz, sm.output.json, people)


def _told(record):
    """Reasons and notes of a person's connectome."""
    return [*record["reasons"], *record.get("qc", {}).get("notes", [])]


def scale_person(aligned, unit, nodes, common, group, options):
    """Give the arrays and the record of one person; without arrays where the connectome cannot be used.

    Parameters
    ----------
    aligned : archives.Archive
        As rule prepare_connectome leaves it.
    unit : str
    nodes : list of dict
        Of the analysis.
    common : dict
    group : dict of str to ndarray
        As rule common_nodes leaves them: decisions, and the average connectome where there is one.
    options : dict
        Section ``connectome`` of a completed configuration.
    """
    record = {**aligned.records[unit], "settings": options, "node_set": common["node_set"]}
    if record["status"] != "ok":
        return {}, record
    if unit in common["excluded"]:
        return {}, {**record, "status": "excluded", "reasons": [common["excluded"][unit]]}
    labels = [node["label"] for node in nodes]
    try:
        own = chosen_nodes(aligned.arrays(unit), labels)
        arrays, masked = cohort_connectome.apply_group(own, group, options)
        found, kept, notes = ready(arrays, record["mu"], positions_of(nodes), options, common["group_factor"])
    except InputError as error:
        return {}, {**record, "status": "excluded", "reasons": str(error).splitlines()}
    qc = {**record["qc"], **quality(kept, labels)}
    qc["notes"] = [*record["qc"]["notes"], *masked, *notes, *qc.pop("told")]
    record |= {"scale_factor": found["scale_factor"], "scaled_sum": found["weights"].sum(), "qc": qc}
    record["strongest_weight"] = found["weights"].max()
    return {**found, "labels": np.array(labels)}, record


def chosen_nodes(arrays, labels):
    """Take the nodes of the analysis out of aligned matrices.

    Raises
    ------
    InputError
        If one of them is missing.
    """
    where = {label: number for number, label in enumerate(arrays["labels"].tolist())}
    places = np.ix_(*2 * [[where[label] for label in labels]])
    chosen = {name: arrays[name][places] for name in ("weights", "lengths") if name in arrays}
    absent = np.isnan(chosen["weights"]).all(axis=0)
    if absent.any():
        raise InputError(
            f"{np.count_nonzero(absent)} nodes of the analysis are missing in the connectome: "
            f"{', '.join(np.array(labels)[absent])}"
        )
    return chosen


def quality(weights, labels):
    """Count what a reader should know about a connectome.

    Parameters
    ----------
    weights : (N, N) array
        Before they are scaled.
    labels : sequence of str

    Returns
    -------
    dict
    """
    strength = weights.sum(axis=0)
    isolated = [label for label, value in zip(labels, strength, strict=True) if value == 0]
    _, component = connected_components(weights > 0, directed=False)
    told = [f"{len(isolated)} nodes have no connection: {', '.join(isolated)}"] if isolated else []
    return {
        "nodes": len(labels),
        "density": np.count_nonzero(weights) / (len(labels) * (len(labels) - 1)),
        "raw_sum": weights.sum(),
        "isolated_nodes": isolated,
        "largest_component": int(np.bincount(component).max()),
        "told": told,
    }


if "snakemake" in globals():
    main(snakemake)
