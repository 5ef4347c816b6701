"""Numbers of FC and FCD that were computed elsewhere: read, aligned by label, held against their settings."""

import math

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import pair_indices, sliding_windows
from cubnm_core.measures.distances import CDF_BINS, check_cdf
from workflow_scripts import readers
from workflow_scripts.atlases import alignment
from workflow_scripts.cohort.precomputed_rows import CDF_FORMAT

ROUNDING = 1e-6  # by which a correlation from a text file may lie outside -1 to 1, or differ from its mirror


def fc_vector(row, known, nodes, all_nodes, pairs):
    """Read an FC as the vector of the pairs of the analysis.

    Parameters
    ----------
    row : dict
        Of the manifest.
    known : dict
        As of :func:`workflow_scripts.cohort.precomputed_rows.statements`.
    nodes, all_nodes : list of dict
        Of the analysis, and of the node table.
    pairs : {"all", "intrahemispheric"}
        Of the analysis.

    Returns
    -------
    vector : ndarray (P,)
    notes : list of str

    Raises
    ------
    InputError
        If nodes, pairs or values cannot be those of an FC.
    """
    matrix = readers.read(row)
    if 1 in matrix.values.shape:
        vector = _from_vector(matrix.values.ravel(), row, known["pairs"], nodes, all_nodes, pairs)
    else:
        vector = _from_matrix(matrix, row, known["pairs"], nodes, all_nodes, pairs)
    wrong = ~np.isfinite(vector) | (np.abs(vector) > 1 + ROUNDING)
    if wrong.any():
        raise InputError(
            f"{row['path']}: {np.count_nonzero(wrong)} pairs hold values like {vector[wrong][0]:g}; "
            "correlations lie from -1 to 1 (Fisher's z and covariances do not): give Pearson correlations of "
            "nodes that all have a signal"
        )
    return np.clip(vector, -1.0, 1.0), list(matrix.notes)


def _from_vector(values, row, stated, nodes, all_nodes, pairs):
    """Choose the pairs of the analysis from a vector of the lower triangle, row by row."""
    sides = np.array([node["hemisphere"] for node in all_nodes])
    rows, columns = pair_indices(len(sides))
    inside = sides[rows] == sides[columns]
    counts = {"all": len(rows), "intrahemispheric": int(inside.sum())}
    fitting = [name for name, count in counts.items() if count == len(values) and stated in (None, name)]
    if not fitting:
        expected = ", ".join(f"{count} ({name} pairs)" for name, count in counts.items())
        raise InputError(
            f"{row['path']}: a vector of {len(values)} values; the {len(sides)} nodes of the node table "
            f"have {expected}{'' if stated is None else f', and pairs is {stated}'}; correct pairs, or give "
            "the FC of these nodes"
        )
    if row["assume_order"] is None:
        raise InputError(
            f"{row['path']}: a vector names no nodes; give a matrix with labels, or vouch for the order of "
            "the lower triangle, row by row, in the manifest's column assume_order"
        )
    if pairs == "all" and fitting[0] != "all":
        raise InputError(
            f"{row['path']}: holds intrahemispheric pairs only, but analysis.pairs is all; set it to "
            "intrahemispheric"
        )
    whole = np.full(len(rows), np.nan)
    whole[inside if fitting[0] == "intrahemispheric" else slice(None)] = values
    kept = _places(nodes, all_nodes)
    wanted = np.isin(rows, kept) & np.isin(columns, kept) & (inside if pairs != "all" else True)
    return whole[wanted]


def _places(nodes, all_nodes):
    """Say where the nodes of the analysis stand in the node table."""
    where = {node["label"]: place for place, node in enumerate(all_nodes)}
    return np.array([where[node["label"]] for node in nodes])


def _from_matrix(matrix, row, stated, nodes, all_nodes, pairs):
    """Take the pairs of the analysis from a square matrix, aligned by label."""
    height, width = matrix.values.shape
    if height != width:
        raise InputError(f"{row['path']}: {height} x {width}, but an FC is square, or a vector of its pairs")
    names = matrix.row_labels or matrix.column_labels, matrix.column_labels or matrix.row_labels
    labels = [node["label"] for node in (nodes if names[0] else all_nodes)]
    rows, columns = (alignment.order(axis, height, labels, row)[0] for axis in names)
    kept = slice(None) if names[0] else _places(nodes, all_nodes)
    values, labels = matrix.values[np.ix_(rows[kept], columns[kept])], [node["label"] for node in nodes]
    if np.nanmax(np.abs(values - values.T)) > ROUNDING:
        i, j = np.unravel_index(np.nanargmax(np.abs(values - values.T)), values.shape)
        raise InputError(
            f"{row['path']}: not symmetric, worst at {labels[i]} - {labels[j]} ({values[i, j]:g} against "
            f"{values[j, i]:g}); an FC is"
        )
    hemispheres = np.array([node["hemisphere"] for node in nodes])
    rows, columns = pair_indices(len(labels), hemispheres, pairs)
    between = hemispheres[rows] != hemispheres[columns]
    if stated is None and between.any() and not values[rows, columns][between].any():
        raise InputError(
            f"{row['path']}: all pairs between the hemispheres are 0, so this FC is of intrahemispheric "
            "pairs, but analysis.pairs is all; set analysis.pairs: intrahemispheric"
        )
    return values[rows, columns]


def pool_fcd(fcds, analysis):
    """Pool the FCDs of several runs.

    Parameters
    ----------
    fcds : list of (row, known)
        Rows of the manifest, each with its settings as of
        :func:`workflow_scripts.cohort.precomputed_rows.statements`.
    analysis : dict

    Returns
    -------
    arrays : dict
        ``fcd`` (K,), or ``fcd_cdf`` (10000,) in shares.
    windows : int
    notes : list of str

    Raises
    ------
    InputError
        If the numbers are no FCD, or not as many as their settings make.
    """
    forms = {row["format"] == CDF_FORMAT for row, _ in fcds}
    if len(forms) > 1:
        raise InputError("some FCDs of this split are values, others distribution functions; give one form")
    found = [_read_fcd(row, known, analysis) for row, known in fcds]
    windows = sum(count for _, count, _ in found)
    notes = [text for _, _, more in found for text in more]
    if forms == {True}:
        weights = [count for _, count, _ in found]
        return {"fcd_cdf": np.average([cdf for cdf, _, _ in found], axis=0, weights=weights)}, windows, notes
    return {"fcd": np.concatenate([values for values, _, _ in found])}, windows, notes


def _read_fcd(row, known, analysis):
    """Read one FCD and check its size against its settings: values or shares, windows, notes."""
    matrix = readers.read(row)
    try:
        starts, _ = sliding_windows(
            known["volumes"],
            known["repetition_time"],
            analysis["window"],
            analysis["window_step"],
            analysis["edges"],
        )
    except InputError as error:
        raise InputError(f"{row['path']}: {error}") from None
    windows, notes = len(starts), list(matrix.notes)
    per_run = windows * (windows - 1) // 2
    if row["format"] == CDF_FORMAT:
        values = matrix.values.ravel()
        size, found = values.max(initial=0.0), _checked_cdf(values, row)
        if size <= 1:
            notes.append(f"{row['path']}: shares do not tell whether the FCD was made of {windows} windows")
            return found, windows, notes
    else:
        found = _fcd_values(matrix.values, row)
        size = len(found)
    runs = size / per_run
    if runs != math.floor(runs) or not runs:
        raise InputError(
            f"{row['path']}: an FCD of {size:g} pairs of windows, but {known['volumes']} volumes with "
            f"windows of {known['window_volumes']} volumes, {known['step_volumes']} apart (analysis.edges "
            f"{analysis['edges']}), have {windows} windows and {per_run} pairs; correct volumes, "
            "window_volumes or step_volumes"
        )
    return found, windows * int(runs), notes


def _checked_cdf(values, row):
    if len(values) != CDF_BINS:
        raise InputError(
            f"{row['path']}: {len(values)} values; a distribution function of the FCD has {CDF_BINS}, one "
            "per bin from -1 to 1; for the FCD itself write another format"
        )
    try:
        return check_cdf(values)
    except InputError as error:
        raise InputError(f"{row['path']}: {error}") from None


def _fcd_values(values, row):
    """Give the values of an FCD: of the lower triangle of a matrix, or a vector as it stands."""
    height, width = values.shape
    if 1 not in (height, width):
        if height != width:
            raise InputError(f"{row['path']}: {height} x {width}, but an FCD is square, or a vector")
        values = values[np.tril_indices(height, -1)]
    values = values.ravel()
    if not np.isfinite(values).all() or np.abs(values).max() > 1 + ROUNDING:
        raise InputError(
            f"{row['path']}: an FCD holds correlations from -1 to 1, this file others or missing ones; for a "
            f"distribution function write format {CDF_FORMAT}"
        )
    return np.clip(values, -1.0, 1.0)
