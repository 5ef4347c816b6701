"""Numbers in the tables of a model file: finite, in order, and of their kind."""

import math
import re

from cubnm_core.errors import InputError

# Numbers of programmers: hexadecimal, octal, binary, and with underscores.
_OTHER_NUMBER = re.compile(r"(?<![\w.])(0[xXoObB]\w*|\d+_[\d_]*)")


def check_decimals(text, place):
    """Refuse an equation with numbers that people read otherwise than Python.

    Raises
    ------
    InputError
    """
    if other := _OTHER_NUMBER.search(text):
        raise InputError(f"{place}: {other[0]!r} is no decimal number; write digits, a point and an exponent")


def check_entries(tables, where):
    """Check the values of states, parameters and constants.

    Parameters
    ----------
    tables : dict
        Of a model file, its keys checked already.
    where : str
        The file, for the messages.

    Raises
    ------
    InputError
        Naming table, entry and key, what was found and what is allowed.
    """
    for name, entry in tables["states"].items():
        place = f"{where}, [states] {name}"
        _check_number(entry.get("initial", 0.0), f"{place}: initial", or_text="the name of a parameter")
        if "clip" in entry:
            _check_range(entry["clip"], f"{place}: clip")
        if "wrap" in entry:
            _check_number(entry["wrap"], f"{place}: wrap", above=0)
    for name, entry in tables["parameters"].items():
        place = f"{where}, [parameters] {name}"
        if "default" in entry:
            _check_number(entry["default"], f"{place}: default", or_text='"uniform"')
        if "bounds" in entry:
            _check_range(entry["bounds"], f"{place}: bounds")
        if not isinstance(entry.get("regional", True), bool):
            raise InputError(f"{place}: regional is {entry['regional']!r}; write true or false")
    for name, entry in tables["constants"].items():
        place = f"{where}, [constants] {name}"
        if "value" not in entry:
            raise InputError(f"{place}: value is missing")
        _check_number(entry["value"], f"{place}: value")


def _check_number(value, place, or_text=None, above=-math.inf):
    if or_text is not None and isinstance(value, str):
        return
    if not _is_number(value) or not math.isfinite(value) or value <= above:
        more = f" above {above:g}" if math.isfinite(above) else ""
        other = f" or {or_text}" if or_text else ""
        raise InputError(f"{place} is {value!r}; write a finite number{more}{other}")


def _check_range(value, place):
    """Refuse what is not [lower, upper]; either side may be open (inf)."""
    pair = value if isinstance(value, (list, tuple)) and len(value) == 2 else None
    if pair is None or not all(map(_is_number, pair)) or not pair[0] < pair[1]:
        raise InputError(f"{place} is {value!r}; write [lower, upper], such as [0.0, 1.0]")


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= math.inf
