"""Text matrices: tab, comma or blanks between the cells, with or without names of columns and rows."""

import csv
import re

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.files import pointers
from workflow_scripts.files.cells import DECIMAL_COMMA, is_missing, slip
from workflow_scripts.readers.matrix import Matrix, NoNumbersError, reading

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
SEPARATOR = re.compile(r"\"?sep=(?P<mark>[,;\t| ])\"?[,;\t ]*", re.IGNORECASE)  # Excel's first line
UNENDED = (
    "the last line has no end of line: if the file was cut off on its way, its last number is not the whole "
    "number"
)


def read(row):
    """Read a text matrix, as of :func:`read_table`."""
    return read_table(row["path"])


def read_table(path):
    """Read a text matrix.

    The first line holds names if any of its cells is not a number, the first column if its second line does
    not start with a number or if its name is empty. Some tools write blanks into files called csv or tsv:
    what parts the cells of the first line decides, not the ending.

    Parameters
    ----------
    path : str

    Returns
    -------
    Matrix

    Raises
    ------
    InputError
        If the file is empty, its lines differ in length, a cell is not a number, or a line or a column counts
        the others.
    """
    lines, notes = cells(path)
    _refuse_commas(path, lines)
    header = None
    if _names_columns(lines):
        header, lines = lines[0], lines[1:]
        _check_names(path, header)
    if not lines:
        raise InputError(f"{path}: names of columns, but no row of numbers")
    if header is not None and len(header) == len(lines[0]) - 1:
        header = ["", *header]
    has_names = not _is_number(lines[0][0]) or (header is not None and header[0] == "")
    _check_lengths(path, lines, header)
    rows = tuple(line[0] for line in lines) if has_names else None
    first = 1 if has_names else 0
    if header is None and not has_names:
        _refuse_counting(path, lines)
    columns = tuple(header[first:]) if header is not None else None
    numbers = [[number(path, cell) for cell in line[first:]] for line in lines]
    return Matrix(np.array(numbers, dtype=np.float64), rows, columns, notes=notes)


def cells(path):
    """Split a text file into stripped cells.

    Parameters
    ----------
    path : str

    Returns
    -------
    list of list of str
        One per line that is not blank or a comment.
    tuple of str
        Notes.

    Raises
    ------
    InputError
        If the file is not UTF-8 text or holds no line.
    """
    pointers.check_fetched(path)
    with reading(path, "a text file in UTF-8"), open(path, encoding="utf-8-sig", newline="") as file:
        text = file.read()
    return split(text, path), () if text.endswith(("\n", "\r")) else (f"{path}: {UNENDED}",)


def split(text, path):
    """Split text into lists of stripped cells, as of :func:`cells`."""
    if "\0" in text:
        raise InputError(f"{path}: not a text file in UTF-8, it holds bytes of 0; save it again as UTF-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    stated = SEPARATOR.fullmatch(lines[0]) if lines else None
    lines = lines[1:] if stated else lines
    if not lines:
        raise NoNumbersError(f"{path}: the file holds no line")
    delimiter = stated["mark"] if stated else _delimiter(lines)
    if delimiter is None or delimiter == " ":
        return [line.split() for line in lines]
    with reading(path, "a table"):
        table = list(csv.reader(lines, delimiter=delimiter))
    return [[cell.strip() for cell in line] for line in table]


def _delimiter(lines):
    """Tell what parts the cells, None for blanks: by the first line, and where numbers have decimal commas.

    ``374,3;387,1`` holds two numbers, not three; ``0,12`` in every line one.
    """
    first = lines[0]
    if "\t" in first:
        return "\t"
    for mark in (";", None):
        parts = [part.strip() for part in first.split(mark)] if mark is None or mark in first else []
        commas = [DECIMAL_COMMA.fullmatch(part) is not None for part in parts]
        if any(commas) and all(comma or _is_number(part) for comma, part in zip(commas, parts, strict=True)):
            # A single number with a comma is also two numbers: only its digits tell.
            return mark if len(parts) > 1 else _of_one_comma(lines)
    if ";" in first and not re.search(r",(?!\d)|(?<!\d),", first):
        return ";"
    return next((mark for mark in ",;" if mark in first), None)


def _of_one_comma(lines):
    """Tell a column of numbers with decimal commas from two columns: nobody writes `0,12` for 0 and 12."""
    single = all(DECIMAL_COMMA.fullmatch(line.strip()) for line in lines)
    digits = [line.strip().partition(",")[2] for line in lines]
    return None if single and any(len(part) > 1 and part[0] == "0" for part in digits) else ","


def _check_lengths(path, lines, header):
    """Refuse lines of different lengths."""
    width = len(header) if header is not None else len(lines[0])
    for number, line in enumerate(lines, start=1 if header is None else 2):
        if len(line) != width:
            raise InputError(
                f"{path}, line {number}: {len(line)} cells, but the first line has {width}; is the file "
                "whole? Fetch or write it again"
            )


def _refuse_commas(path, lines):
    """Refuse numbers with a decimal comma, whatever parts them, before they are taken for names."""
    for number, line in enumerate(lines, start=1):
        for cell in line:
            if "," in cell and DECIMAL_COMMA.fullmatch(cell):
                raise InputError(f"{path}, line {number}: {slip(cell)}")


def _check_names(path, header):
    """Refuse a line of names that may be a line of numbers with a slip of the pen."""
    numbers = [cell for cell in header[1:] if _is_number(cell)]
    if 0 < len(numbers) < len(header) - 1:
        wrong = next(cell for cell in header[1:] if not _is_number(cell))
        raise InputError(
            f"{path}: the first line holds names and numbers; {wrong!r} is not a number, {numbers[0]!r} is "
            "no name: correct the one or the other"
        )
    if numbers and (len(set(numbers)) < len(numbers) or not all(cell.isdigit() for cell in numbers)):
        raise InputError(
            f"{path}: the first line begins with {header[0]!r} and goes on with numbers that name no "
            "columns; if it is data, correct its first cell"
        )


def _refuse_counting(path, lines):
    """Refuse a first line or column that counts 0, 1, 2, ...: numbers of columns or rows, not data."""
    for what, found in (("line", lines[0]), ("column", [line[0] for line in lines])):
        for start in (0, 1):
            if len(found) > 3 and found == [str(start + number) for number in range(len(found))]:
                raise InputError(
                    f"{path}: the first {what} counts {', '.join(found[:3])}, ..., which are numbers of "
                    f"{'columns' if what == 'line' else 'rows'} and not data; delete it"
                )


def _names_columns(lines):
    """Say whether the first line is a header, and not a row that begins with its name."""
    first, *others = lines[0]
    if not all(_is_number(cell) for cell in others):
        return True
    return not _is_number(first) and (first == "" or len(lines) == 1 or _is_number(lines[1][0]))


def _is_number(cell):
    if is_missing(cell):
        return cell != ""
    return NUMBER.fullmatch(cell) is not None


def number(path, cell):
    """Turn a cell into a number, NaN where it says that nothing is known; InputError for other words."""
    if is_missing(cell):
        return np.nan
    if NUMBER.fullmatch(cell) is None:
        raise InputError(f"{path}: {slip(cell) or f'the cell {cell!r} is not a number'}")
    return float(cell.lower().replace("d", "e"))
