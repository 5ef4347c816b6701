"""Rule prepare_connectome: weights and tract lengths of a batch, in the order of the node table, checked."""

import os

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures import copies
from workflow_scripts import readers
from workflow_scripts.atlases import alignment
from workflow_scripts.cohort import tables
from workflow_scripts.files import archives, job
from workflow_scripts.readers import sidecar
from workflow_scripts.readers.matrix import NoNumbersError

LOGARITHM = (
    "; a connectome of logarithms has negative weights below 1: give the weights themselves, and "
    "connectome.scaling: log for log(1 + weight). An FC belongs into a row of kind fc"
)
SYMMETRY_TOLERANCE = 1e-6  # of the largest entry: what rounding in text files may do


def main(sm):
    """Read and check; a connectome that cannot be used excludes its person and stops nobody else."""
    logger = job.start(sm)
    labels = [node["label"] for node in tables.read_nodes(sm.input.nodes)]
    people = {}
    for ids in sm.params.units:
        unit = ids["unit"]
        arrays, record = prepare_person(ids, sm.params.rows[unit], labels, sm.params.options)
        for text in dict.fromkeys(record["reasons"] + record.get("qc", {}).get("notes", [])):
            logger.warning("%s: %s", unit, text)
        people[unit] = arrays, record
    archives.write(sm.output.npz, sm.output.json, people)


def prepare_person(ids, rows, labels, options):
    """Give the arrays and the record of one person; without arrays where the connectome cannot be used."""
    record = {
        **ids,
        "status": "ok",
        "reasons": [],
        "sources": [_source(row) for row in rows],
        "settings": options,
        "mu": None,
        "measure": None,
    }
    arrays = {}
    try:
        arrays, record["qc"], told = prepare(rows, labels, options)
        record |= told
    except InputError as error:
        record |= {"status": "excluded", "reasons": str(error).splitlines()}
    return arrays, record


def prepare(rows, labels, options):
    """Read the connectome of one person; of several sessions the mean.

    Parameters
    ----------
    rows : list of dict
        Of the manifest, of kind sc and length.
    labels : list of str
        Of the node table.
    options : dict
        ``source`` (for the message if there is no connectome), ``asymmetric``, ``largest_missing`` and
        ``isolated``, as of the configuration.

    Returns
    -------
    arrays : dict
        ``weights`` (N, N), ``labels``, and ``lengths`` (N, N) in mm where given; rows and columns of nodes
        that the file lacks are NaN.
    qc : dict
        ``missing_nodes`` and ``notes``.
    told : dict
        ``mu``, the coefficient of SIFT2, and ``measure``, what the weights are, where a JSON file beside them
        says so (``Mu``; ``Measure`` or ``RelationshipMeasure``) or the name of the array; None where not.
        ``sketch``, by which copies are found.

    Raises
    ------
    InputError
        One line per reason why the connectome cannot be used.
    """
    weighed = [row for row in rows if row["kind"] == "sc"]
    if not weighed:
        raise InputError(_no_row(options))
    found = [_read_weights(row, labels, options) for row in weighed]
    weights, notes = _mean(found, "connectomes", weighed)
    arrays = {"weights": weights, "labels": np.array(labels)}
    measured = [row for row in rows if row["kind"] == "length"]
    if measured:
        try:
            lengths = [_read_lengths(row, labels, options["largest_missing"]) for row in measured]
            arrays["lengths"], more = _mean(lengths, "tract lengths", measured)
            notes += more
        except NoNumbersError as error:  # of no use to anybody; fits with delays exclude who has no lengths
            notes.append(f"no tract lengths: {error}")
    if options["isolated"] == "missing":
        alone = ~np.nan_to_num(weights).any(axis=0)
        weights[alone] = weights[:, alone] = np.nan
    absent = _missing(weights)
    if "lengths" in arrays:
        absent |= _missing(arrays["lengths"])
        weights[absent] = weights[:, absent] = np.nan
    qc = {"missing_nodes": np.array(labels)[absent].tolist(), "notes": notes}
    sketch = copies.sketch(weights[np.tril_indices(len(weights), -1)]).tolist()
    return arrays, qc, {**_told(weighed), "sketch": sketch}


def _no_row(options):
    """Say what to do for a person, or a session, without a connectome."""
    source, rule = options["source"], options["session"]
    if source == "group" or rule != "same":
        return f"the manifest has no row of kind sc for this person (connectome.source: {source}); add one"
    return (
        f"the manifest has no row of kind sc for this person and session (connectome.source: {source}, "
        "connectome.session: same); add one, or take that of another session (connectome.session: nearest, "
        "first or mean)"
    )


def _mean(found, what, rows):
    """Average matrices of several sessions; a node that one of them lacks is missing."""
    matrices, notes = zip(*found, strict=True)
    told = [text for each in notes for text in each]
    if len(matrices) == 1:
        return matrices[0], told
    sessions = ", ".join(str(row["session_id"]) for row in rows)
    return np.mean(matrices, axis=0), [*told, f"mean of the {what} of sessions {sessions}"]


def _told(rows):
    """Read what stands beside the weights; the mean coefficient of SIFT2 over sessions."""
    found = [sidecar.read(sidecar.beside(row["path"])) for row in rows]
    values = [each.get("Mu") for each in found]
    known = all(isinstance(value, (int, float)) for value in values)
    measures = {
        each.get("Measure") or each.get("RelationshipMeasure") or row["variable"]
        for each, row in zip(found, rows, strict=True)
    }
    measure = ", ".join(sorted(measures - {None})) or None
    return {"mu": float(np.mean(values)) if known else None, "measure": measure}


def _missing(values):
    """Say which nodes have no number at all beside the diagonal."""
    return (np.isnan(values) | np.eye(len(values), dtype=bool)).all(axis=0)


def _read_weights(row, labels, options):
    """Read weights as of :func:`_read_square`; what is not symmetric is refused or averaged."""
    values, notes = _read_square(row, labels, options["largest_missing"])
    if not np.nan_to_num(values).any():
        raise InputError(f"{row['path']}: no connection at all")
    if _asymmetric(values):
        difference = np.nan_to_num(np.abs(values - values.T))
        i, j = np.unravel_index(np.argmax(difference), difference.shape)
        worst = f"worst at {labels[i]} - {labels[j]} ({values[i, j]:g} against {values[j, i]:g})"
        if options["asymmetric"] == "refuse":
            raise InputError(
                f"{row['path']}: not symmetric, {worst}; give a symmetric matrix, one triangle with zeros in "
                "the other, or take the mean of both directions (connectome.asymmetric: average)"
            )
        notes = [*notes, f"{row['path']}: not symmetric, {worst}; the mean of both directions was taken"]
    return (values + values.T) / 2, notes


def _read_lengths(row, labels, largest_missing):
    """Read tract lengths as of :func:`_read_square`; the way there may be longer than the way back."""
    if os.path.isfile(row["path"]) and os.path.getsize(row["path"]) == 0:
        raise NoNumbersError(f"{row['path']}: the file is empty")
    values, notes = _read_square(row, labels, largest_missing)
    if _asymmetric(values):
        return values, [*notes, f"{row['path']}: not symmetric; read as from the row's node to the column's"]
    return (values + values.T) / 2, notes


def _read_square(row, labels, largest_missing):
    """Read a matrix in the order of the node table, clear the diagonal; with notes.

    Rows and columns of nodes that the file lacks, or has no number of, are NaN.
    """
    matrix = readers.read(row)
    height, width = matrix.values.shape
    if height != width:
        raise InputError(f"{row['path']}: {height} x {width}, but a connectome is square")
    names = matrix.row_labels or matrix.column_labels, matrix.column_labels or matrix.row_labels
    notes = list(matrix.notes)
    rows, unused = alignment.order(names[0], height, labels, row, largest_missing)
    columns, _ = alignment.order(names[1], width, labels, row, largest_missing)
    if unused:
        notes.append(f"{unused} labels of {row['path']} are not in the node table and were left out")
    values = _placed(matrix.values, rows, columns)
    if names[0] is None and (doubt := alignment.suspicion(np.log1p(np.abs(np.nan_to_num(values))), labels)):
        notes.append(f"{row['path']}: {doubt}")
    present = ~_missing(values)
    changed = np.count_nonzero(np.diag(values)[present])  # NaN as well: whatever stands there does not count
    if changed:
        notes.append(f"{row['path']}: {changed} entries of the diagonal were set to 0")
    np.fill_diagonal(values, np.where(present, 0.0, np.nan))
    _check_entries(values[np.ix_(present, present)], np.array(labels)[present], row)
    return values, notes


def _placed(values, rows, columns):
    """Take rows and columns in an order; NaN where there is none."""
    placed = values[np.ix_(rows, columns)].astype(np.float64)
    placed[rows == alignment.ABSENT] = np.nan
    placed[:, columns == alignment.ABSENT] = np.nan
    return placed


def _check_entries(values, labels, row):
    """Refuse entries that are missing, infinite or negative, naming the first of each kind."""
    problems = []
    negative = values < 0  # -inf as well: the logarithm of 0
    hint = LOGARITHM if row["kind"] == "sc" and negative.any() else ""
    for what, wrong in (("NaN or infinite", ~np.isfinite(values)), ("negative", negative)):
        places = np.argwhere(wrong)
        if len(places):
            first = " - ".join(labels[place] for place in places[0])
            problems.append(
                f"{row['path']}: {len(places)} entries are {what}, the first at {first}; correct the file"
                f"{hint}"
            )
    if problems:
        raise InputError("\n".join(problems))


def _asymmetric(values):
    """Say whether a matrix differs from its transpose by more than rounding."""
    return np.nanmax(np.abs(values - values.T)) > SYMMETRY_TOLERANCE * np.nanmax(values)


def _source(row):
    return {
        "kind": row["kind"],
        "session_id": row["session_id"],
        "path": row["path"],
        "variable": row["variable"],
        "sha256": job.sha256(row["path"]),
        "assume_order": row["assume_order"],
    }


if "snakemake" in globals():
    main(snakemake)
