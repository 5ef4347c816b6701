"""Rule prepare_connectome: weights and tract lengths of a batch, in the order of the node table, checked."""

import numpy as np
from scipy.sparse.csgraph import connected_components

from cubnm_core.errors import InputError
from workflow_scripts import alignment, archives, job, readers, tables

MEAN_WEIGHT = 0.01  # of the whole matrix, zero diagonal included, as in cuBNM
SYMMETRY_TOLERANCE = 1e-6  # of the largest entry: what rounding in text files may do


def main(sm):
    """Read, check and scale; a connectome that cannot be used excludes its person and stops nobody else."""
    logger = job.start(sm)
    labels = [node["label"] for node in tables.read_nodes(sm.input.nodes)]
    people = {}
    for ids in sm.params.units:
        unit = ids["unit"]
        arrays, record = prepare_person(
            ids, sm.params.rows[unit], labels, sm.params.source, sm.params.scaling
        )
        for text in record["reasons"] + record.get("qc", {}).get("notes", []):
            logger.warning("%s: %s", unit, text)
        people[unit] = arrays, record
    archives.write(sm.output.npz, sm.output.json, people)


def prepare_person(ids, rows, labels, source, scaling):
    """Give the arrays and the record of one person; without arrays where the connectome cannot be used."""
    record = {
        **ids,
        "status": "ok",
        "reasons": [],
        "sources": [_source(row) for row in rows],
        "settings": {"source": source, "scaling": scaling},
    }
    arrays = {}
    try:
        arrays, record["qc"] = prepare(rows, labels, source, scaling)
    except InputError as error:
        record |= {"status": "excluded", "reasons": str(error).splitlines()}
    return arrays, record


def prepare(rows, labels, source, scaling):
    """Read the connectome of one person.

    Parameters
    ----------
    rows : list of dict
        Of the manifest, of kind sc and length.
    labels : list of str
        Of the node table.
    source : {"individual", "group"}
        For the message if there is no connectome.
    scaling : {"subject_mean", "none"}
        ``subject_mean`` brings the mean of the whole matrix to 0.01.

    Returns
    -------
    arrays : dict
        ``weights`` (N, N), ``labels``, ``raw_sum``, ``scale_factor``, and ``lengths`` (N, N) in mm where
        given.
    qc : dict
        Numbers and notes on quality.

    Raises
    ------
    InputError
        One line per reason why the connectome cannot be used.
    """
    by_kind = {row["kind"]: row for row in rows}
    if "sc" not in by_kind:
        raise InputError(
            f"the manifest has no row of kind sc for this person (connectome.source: {source}); add one"
        )
    weights, notes = _read_symmetric(by_kind["sc"], labels)
    if not weights.any():
        raise InputError(f"{by_kind['sc']['path']}: no connection at all")
    raw_sum = weights.sum()
    factor = MEAN_WEIGHT / weights.mean() if scaling == "subject_mean" else 1.0
    arrays = {
        "weights": weights * factor,
        "labels": np.array(labels),
        "raw_sum": raw_sum,
        "scale_factor": factor,
    }
    if "length" in by_kind:
        arrays["lengths"], more = _read_lengths(by_kind["length"], labels)
        without = np.tril((weights > 0) & (np.minimum(arrays["lengths"], arrays["lengths"].T) == 0))
        count = int(np.count_nonzero(without))
        notes += more + ([f"{count} connections have a weight but no length"] if count else [])
    return arrays, _quality(weights, labels, raw_sum, notes)


def _read_symmetric(row, labels):
    """Read a matrix as of :func:`_read_square` and refuse one that is not symmetric."""
    values, notes = _read_square(row, labels)
    if _asymmetric(values):
        difference = np.abs(values - values.T)
        i, j = np.unravel_index(np.argmax(difference), difference.shape)
        raise InputError(
            f"{row['path']}: not symmetric, worst at {labels[i]} - {labels[j]} ({values[i, j]:g} against "
            f"{values[j, i]:g}); give a symmetric matrix, or one triangle with zeros in the other"
        )
    return (values + values.T) / 2, notes


def _read_lengths(row, labels):
    """Read tract lengths as of :func:`_read_square`; the way there may be longer than the way back."""
    values, notes = _read_square(row, labels)
    if _asymmetric(values):
        return values, [*notes, f"{row['path']}: not symmetric; read as from the row's node to the column's"]
    return (values + values.T) / 2, notes


def _read_square(row, labels):
    """Read a matrix in the order of the node table, mirror a triangle, clear the diagonal; with notes."""
    matrix = readers.read(row)
    height, width = matrix.values.shape
    if height != width:
        raise InputError(f"{row['path']}: {height} x {width}, but a connectome is square")
    rows, unused = alignment.order(matrix.row_labels or matrix.column_labels, height, labels, row)
    columns, _ = alignment.order(matrix.column_labels or matrix.row_labels, width, labels, row)
    values = matrix.values[np.ix_(rows, columns)]
    notes = list(matrix.notes)
    if unused:
        notes.append(f"{unused} labels of {row['path']} are not in the node table and were left out")
    _check_entries(values, labels, row)
    if np.diag(values).any():
        notes.append(
            f"{row['path']}: {np.count_nonzero(np.diag(values))} entries of the diagonal were set to 0"
        )
        np.fill_diagonal(values, 0.0)
    upper, lower = np.triu(values, 1), np.tril(values, -1)
    if upper.any() != lower.any():
        notes.append(f"{row['path']}: {'upper' if upper.any() else 'lower'} triangle only, mirrored")
        values = values + values.T
    return values, notes


def _check_entries(values, labels, row):
    """Refuse entries that are missing, infinite or negative, naming the first of each kind."""
    problems = []
    for what, wrong in (("NaN or infinite", ~np.isfinite(values)), ("negative", values < 0)):
        places = np.argwhere(wrong)
        if len(places):
            first = " - ".join(labels[place] for place in places[0])
            problems.append(
                f"{row['path']}: {len(places)} entries are {what}, the first at {first}; correct the file"
            )
    if problems:
        raise InputError("\n".join(problems))


def _asymmetric(values):
    """Say whether a matrix differs from its transpose by more than rounding."""
    return np.abs(values - values.T).max() > SYMMETRY_TOLERANCE * values.max()


def _quality(weights, labels, raw_sum, notes):
    """Count what a reader should know about a connectome."""
    strength = weights.sum(axis=0)
    isolated = [label for label, value in zip(labels, strength, strict=True) if value == 0]
    _, component = connected_components(weights > 0, directed=False)
    if isolated:
        notes = [*notes, f"{len(isolated)} nodes have no connection: {', '.join(isolated)}"]
    return {
        "nodes": len(labels),
        "density": np.count_nonzero(weights) / (len(labels) * (len(labels) - 1)),
        "raw_sum": raw_sum,
        "isolated_nodes": isolated,
        "largest_component": int(np.bincount(component).max()),
        "notes": notes,
    }


def _source(row):
    return {
        "kind": row["kind"],
        "path": row["path"],
        "sha256": job.sha256(row["path"]),
        "assume_order": row["assume_order"],
    }


if "snakemake" in globals():
    main(snakemake)
