"""What one cell of a text table says: nothing, a finite number, or text. One answer for all tables."""

import math
import re

# What R, pandas, Excel, SQL and BIDS write where a value is not known; capitals do not count.
MISSING_WORDS = frozenset({"", "n/a", "na", "nan", "null", "#n/a", "<na>"})
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
UNDERSCORES = re.compile(r"[+-]?\d[\d.]*(_[\d.]+)+", re.ASCII)


def is_missing(cell):
    """Say whether a cell stands for a missing value; ``none`` does not, it is a value of some columns."""
    return cell.strip().lower() in MISSING_WORDS


def finite(cell):
    """Give the number of a cell, or None where it is not a finite number written with digits."""
    cell = cell.strip()
    if NUMBER.fullmatch(cell) is None:
        return None
    value = float(cell)
    return value if math.isfinite(value) else None


def slip(cell):
    """Say what is wrong with a cell that looks like a number and is none; None where nothing looks like it.

    Parameters
    ----------
    cell : str

    Returns
    -------
    str or None
        With the remedy.
    """
    cell = cell.strip()
    if DECIMAL_COMMA.fullmatch(cell):
        return f"{cell!r} has a decimal comma; write {cell.replace(',', '.')!r}, in the whole file"
    if UNDERSCORES.fullmatch(cell):
        return f"{cell!r} is not a number; write it without underscores"
    if INFINITE.fullmatch(cell) or (NUMBER.fullmatch(cell) and finite(cell) is None):
        return f"{cell!r} is not a finite number; correct it, or write n/a"
    return None
