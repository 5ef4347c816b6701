"""Readers of the field's file formats: one module each, chosen by the manifest's column ``format``.

A reader is a function of one row of the manifest. It uses ``path``, ``kind``, ``variable`` (the array of a
file that holds several) and ``labels_file`` (a file beside it that names the nodes), and gives a
:class:`Matrix`: numbers, the names of rows and columns as far as the file has them, and facts such as the
repetition time. It raises an InputError if the file is not what its row says. Nothing is guessed: what a file
does not say is left open, for the manifest to state.
"""

import dataclasses
import os

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.files import pointers
from workflow_scripts.readers import background, labels, relmat, sidecar, xcpd
from workflow_scripts.readers.matrix import Matrix
from workflow_scripts.readers.refusals import check_name
from workflow_scripts.readers.registry import FORMATS, MATRICES

__all__ = ["FORMATS", "Matrix", "read", "sources"]


def read(row):
    """Read the file of a row of the manifest and hold it against what the row says.

    Parameters
    ----------
    row : dict
        Of the manifest.

    Returns
    -------
    Matrix
        Of a scan with the repetition time that the file or a JSON file beside it states, and with its
        orientation: as the format fixes it, as its names tell, or as the manifest says. One triangle of a
        connectome or an FC is mirrored.

    Raises
    ------
    InputError
        If the file is not what its row says, or contradicts it.
    """
    row = {"kind": None, "variable": None, "labels_file": None, "orientation": None, **row}
    check_name(row)
    for name in filter(None, (row["path"], row["labels_file"])):
        pointers.check_fetched(name)
    form = FORMATS[row["format"]]
    if row["kind"] is not None and row["kind"] not in form.kinds:
        raise InputError(
            f"{row['path']}: format {row['format']} ({form.tool}) holds {', '.join(form.kinds)}, not "
            f"{row['kind']}; correct the kind or the format"
        )
    matrix = form.read(row)
    if row["labels_file"] is not None and not form.labels_file:
        matrix = _named(matrix, row)
    if row["kind"] in MATRICES:
        matrix = _mirror(matrix, row["path"])
    if row["kind"] == "bold":
        matrix = _with_sidecar(matrix, row["path"])
        if matrix.orientation is None:
            matrix = dataclasses.replace(matrix, orientation=row["orientation"])
    _check_statements(matrix, row)
    return matrix


def sources(row):
    """List the files that are read for a row of the manifest, as far as they exist now.

    Parameters
    ----------
    row : dict

    Returns
    -------
    list of str
    """
    path, table = row["path"], row.get("labels_file")
    found = [sidecar.beside(path)]
    if row["format"] == "xcpd_tsv":
        found += xcpd.companions(path)
    if row["format"] == "dense_tsv":
        found.append(relmat.node_table(path))
    found = [name for name in found if name is not None and os.path.isfile(name)]
    return [path, *([table] if table else []), *found]


def _named(matrix, row):
    """Name the nodes of a matrix without names by the file that its row gives."""
    path, table = row["path"], row["labels_file"]
    if matrix.row_labels is not None or matrix.column_labels is not None:
        raise InputError(
            f"{path}: the file names its nodes itself; leave the manifest's column labels_file empty"
        )
    known = labels.read_names(table)
    n_nodes = next((size for size in known.sizes if _is_vector(matrix, size)), None)
    if row["kind"] == "fc" and n_nodes is not None:
        matrix = _make_square(matrix, n_nodes)
    height, width = matrix.values.shape
    names = {"row_labels": known.of(height), "column_labels": known.of(width)}
    fitting = [side for side in names if names[side] is not None]
    sides = list(names)
    if row["kind"] == "bold":
        stated = matrix.orientation or row["orientation"]
        sides = {"NxT": sides[:1], "TxN": sides[1:], None: fitting if len(fitting) == 1 else []}[stated]
    if set(sides) - set(fitting):
        remedy = "give the names of this parcellation, in its order"
        if row["kind"] == "bold" and fitting:
            remedy = f"they fit the other direction than {stated}: correct the manifest's column orientation"
        raise InputError(
            f"{path}: {height} x {width} numbers, but {table} names {len(known.names)} nodes; {remedy}"
        )
    absent = background.left_out(known.names, names[sides[0]]) if sides else None
    note = (f"{path}: {absent} of {table} has no row and was left out",) if absent else ()
    return dataclasses.replace(matrix, **{side: names[side] for side in sides}, notes=(*matrix.notes, *note))


def _is_vector(matrix, n_nodes):
    """Say whether numbers are one column of the pairs of so many nodes."""
    return matrix.values.shape == (n_nodes * (n_nodes - 1) // 2, 1)


def _make_square(matrix, n_nodes):
    """Put the vector of the pairs of an FC, the lower triangle row by row, into a square matrix."""
    values = np.eye(n_nodes)
    values[np.tril_indices(n_nodes, -1)] = matrix.values.ravel()
    return dataclasses.replace(matrix, values=np.tril(values, -1).T + values)


def _mirror(matrix, path):
    """Mirror a matrix of which one triangle is empty, while its rows still stand as they were written."""
    values = matrix.values
    if values.shape[0] != values.shape[1]:
        return matrix
    upper, lower = np.nan_to_num(np.triu(values, 1)), np.nan_to_num(np.tril(values, -1))
    if upper.any() == lower.any():
        return matrix
    note = f"{path}: {'upper' if upper.any() else 'lower'} triangle only, mirrored"
    written = np.triu(np.ones(values.shape, dtype=bool)) == upper.any()
    mirrored = np.where(written, values, values.T)
    return dataclasses.replace(matrix, values=mirrored, notes=(*matrix.notes, note))


def _with_sidecar(matrix, path):
    """Add the repetition time of the JSON file beside a scan, and its orientation if its names tell."""
    orientation = matrix.orientation
    if orientation is None and (matrix.row_labels is None) != (matrix.column_labels is None):
        orientation = "NxT" if matrix.column_labels is None else "TxN"
    beside = sidecar.beside(path)
    time = sidecar.repetition_time(beside)
    if time is None:
        return dataclasses.replace(matrix, orientation=orientation)
    if matrix.repetition_time is not None:
        _check_times(path, (matrix.repetition_time_source, matrix.repetition_time), (beside, time))
    return dataclasses.replace(
        matrix, orientation=orientation, repetition_time=time, repetition_time_source=beside
    )


def _check_statements(matrix, row):
    """Refuse a scan that contradicts what its row of the manifest says."""
    path, stated = row["path"], row.get("repetition_time")
    if stated is not None and matrix.repetition_time is not None:
        found = (matrix.repetition_time_source, matrix.repetition_time)
        _check_times(path, ("the manifest", stated), found)
    if row["kind"] != "bold" or matrix.orientation is None:
        return
    if row["orientation"] not in (None, matrix.orientation):
        raise InputError(
            f"{path}: the manifest says {row['orientation']}, but by its names or its format "
            f"({row['format']}) the file is {matrix.orientation}; correct the manifest's column orientation, "
            "or the format"
        )
    found, volumes = matrix.values.shape[matrix.orientation == "NxT"], row.get("volumes")
    if volumes is not None and volumes != found:
        raise InputError(
            f"{path}: the manifest says {volumes} volumes, the file holds {found}; is the file whole? "
            "Correct one of them"
        )


def _check_times(path, one, other):
    """Refuse two statements of a repetition time that differ."""
    if abs(one[1] - other[1]) > sidecar.TOLERANCE:
        raise InputError(
            f"{path}: {one[0]} says a repetition time of {one[1]:g} s, {other[0]} says {other[1]:g} s; "
            "correct one of them"
        )
