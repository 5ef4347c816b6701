"""Connectomes of MRtrix3 (tck2connectome): numbers only, row i for the node number i + 1."""

import dataclasses

from cubnm_core.errors import InputError
from workflow_scripts.readers import background, delimited, labels


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
    known, (height, width) = labels.read_names(table), matrix.values.shape
    names = known.names
    if height != width:
        raise InputError(f"{path}: {height} x {width}, but a connectome is square; is the file whole?")
    found = known.of(height)
    if found is not None:
        absent = background.left_out(names, found)
        note = (f"{path}: {absent} of {table} has no row and was left out",) if absent else ()
        return dataclasses.replace(
            matrix, row_labels=found, column_labels=found, notes=(*matrix.notes, *note)
        )
    if height > len(names):
        raise InputError(
            f"{path}: {height} rows, but {table} names {len(names)} nodes"
            + (
                "; -keep_unassigned adds a row for streamlines without a node: run tck2connectome without it"
                if height == len(names) + 1
                else "; give the table that the parcellation was converted to"
            )
        )
    if known.has_background or known.start == 0:
        what = "a background without a number" if known.has_background else "the number 0"
        raise InputError(
            f"{path}: {height} rows, but {table} names {len(names)} nodes, among them {what}, so nobody can "
            "say which rows the names belong to; give the table that the parcellation was converted to, with "
            "its numbers"
        )
    missing = len(names) - height
    note = (f"{path}: ends before the last {missing} nodes of {table}",) if missing else ()
    found = names[:height]
    return dataclasses.replace(matrix, row_labels=found, column_labels=found, notes=(*matrix.notes, *note))
