"""Connectomes and scans of the EBRAINS collection of Domhof et al. (doi:10.25493/NVS8-XS5)."""

import dataclasses

from cubnm_core.errors import InputError
from workflow_scripts.readers import delimited


def read(row):
    """Read ``Counts.csv``, ``Lengths.csv`` or a scan (volumes by regions): blanks between the numbers."""
    matrix = delimited.read(row)
    if matrix.row_labels is not None or matrix.column_labels is not None:
        raise InputError(
            f"{row['path']}: files of this collection hold numbers only, this one has names; write format csv"
        )
    return dataclasses.replace(matrix, orientation="TxN" if row["kind"] == "bold" else None)
