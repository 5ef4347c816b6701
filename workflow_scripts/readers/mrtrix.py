"""Connectomes of MRtrix3 (tck2connectome): numbers only, row i for the node number i + 1."""

import dataclasses

from cubnm_core.errors import InputError
from workflow_scripts.readers import delimited, labels


def read(row):
    """Read a connectome and name its nodes by the table that the parcellation was converted to.

    The matrix ends at the highest number that the image of the parcellation holds, so it may be smaller than
    the table; its last nodes are missing then.
    """
    path, table = row["path"], row.get("labels_file")
    matrix = delimited.read(row)
    if matrix.row_labels is not None or matrix.column_labels is not None:
        raise InputError(
            f"{path}: tck2connectome writes numbers only, this file has names; write format csv or tsv"
        )
    if table is None:
        return matrix
    names, (height, width) = labels.read_labels(table), matrix.values.shape
    if height != width:
        raise InputError(f"{path}: {height} x {width}, but a connectome is square; is the file whole?")
    if height > len(names):
        raise InputError(
            f"{path}: {height} rows, but {table} names {len(names)} nodes"
            + (
                "; -keep_unassigned adds a row for streamlines without a node: run tck2connectome without it"
                if height == len(names) + 1
                else "; give the table that the parcellation was converted to"
            )
        )
    missing = len(names) - height
    note = (f"{path}: ends before the last {missing} nodes of {table}",) if missing else ()
    found = tuple(names[:height])
    return dataclasses.replace(matrix, row_labels=found, column_labels=found, notes=(*matrix.notes, *note))
