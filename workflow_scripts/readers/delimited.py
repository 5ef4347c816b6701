"""Text matrices: tab, comma or blanks between the cells, with or without names of columns and rows."""

import csv

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.readers.matrix import Matrix

MISSING = {"", "n/a", "na", "nan", "null"}


def read(path, variable=None):
    """Read a text matrix.

    The first line holds names if any of its cells is not a number, the first column if its second line does
    not start with a number or if its name is empty. Some tools write blanks into files called csv or tsv:
    what parts the cells of the first line decides, not the ending.

    Parameters
    ----------
    path : str
    variable : str, optional
        Not used: a text file holds one matrix.

    Returns
    -------
    Matrix

    Raises
    ------
    InputError
        If the file is empty, its lines differ in length, or a cell is not a number.
    """
    lines = _cells(path)
    header = None
    if _names_columns(lines):
        header, lines = lines[0], lines[1:]
    if not lines:
        raise InputError(f"{path}: names of columns, but no row of numbers")
    if header is not None and len(header) == len(lines[0]) - 1:
        header = ["", *header]
    has_names = not _is_number(lines[0][0]) or (header is not None and header[0] == "")
    _check_lengths(path, lines, header)
    rows = tuple(cells[0] for cells in lines) if has_names else None
    first = 1 if has_names else 0
    columns = tuple(header[first:]) if header is not None else None
    numbers = [[_number(path, cell) for cell in cells[first:]] for cells in lines]
    return Matrix(np.array(numbers, dtype=np.float64), rows, columns)


def _cells(path):
    """Split a file into stripped cells, one list per line that is not blank or a comment."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = [line for line in file.read().splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise InputError(f"{path}: the file holds no line")
    delimiter = next((mark for mark in "\t,;" if mark in lines[0]), None)
    if delimiter is None:
        return [line.split() for line in lines]
    return [[cell.strip() for cell in cells] for cells in csv.reader(lines, delimiter=delimiter)]


def _check_lengths(path, lines, header):
    """Refuse lines of different lengths."""
    width = len(header) if header is not None else len(lines[0])
    for number, cells in enumerate(lines, start=1 if header is None else 2):
        if len(cells) != width:
            raise InputError(f"{path}, line {number}: {len(cells)} cells, but the first line has {width}")


def _names_columns(lines):
    """Say whether the first line is a header, and not a row that begins with its name."""
    first, *others = lines[0]
    if not all(_is_number(cell) for cell in others):
        return True
    return not _is_number(first) and (first == "" or len(lines) == 1 or _is_number(lines[1][0]))


def _is_number(cell):
    if cell.lower() in MISSING:
        return cell != ""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(path, cell):
    if cell.lower() in MISSING:
        return np.nan
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"{path}: the cell {cell!r} is not a number") from None
