"""A look at the skeleton of a MATLAB file before SciPy reads it.

SciPy trusts the sizes and types that a file of version 5 states and may bring down the whole process where
they are spoilt, and with it everybody else of the batch.
"""

import math
import struct
import zlib

from cubnm_core.errors import InputError
from workflow_scripts.files import unpacking

HEADER = 128  # bytes
COMPRESSED, MATRIX, SIGNED_INTEGER, UNSIGNED_INTEGER = 15, 14, 5, 6
# Bytes per number, by the number of a type (MATLAB's "MAT-File Format", table of data types).
SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
CELL_CLASS, STRUCT_CLASS, TEXT_CLASS, NUMERIC_CLASSES = 1, 2, 4, range(6, 16)
TEXT_TYPES = (16, 17, 18)  # UTF-8, -16, -32: fewer or more bytes than characters
COMPLEX = 0x0800  # flag of an array


def check(path):
    """Follow the elements of a file of version 5: types known, sizes within their bounds.

    Parameters
    ----------
    path : str

    Raises
    ------
    InputError
        If they are not; files of other versions are not looked at.
    """
    with open(path, "rb") as file:
        content = file.read()
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(content[124:HEADER])
    if order is None:
        return
    room = unpacking.LARGEST
    try:
        for kind, data in _elements(content[HEADER:], order):
            if kind == COMPRESSED:
                unpacked = unpacking.decompress(data, path, room)
                room -= len(unpacked)
                (inner,) = _elements(unpacked, order)
                kind, data = inner
            _require(kind == MATRIX)
            _check_array(data, order)
    except (ValueError, struct.error, zlib.error) as error:
        raise InputError(
            f"{path}: the file is damaged ({error or 'an element does not fit'}); fetch or write it again"
        ) from None


def _check_array(data, order):
    """Check one array: flags, dimensions, name and as many numbers as the dimensions say."""
    if not data:
        return
    (_, flags), (kind, dimensions), *rest = _elements(data, order)
    _require(len(flags) == 8 and kind == SIGNED_INTEGER and len(dimensions) >= 8)
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    _require(min(shape) >= 0)
    (flags,) = struct.unpack(f"{order}I", flags[:4])
    count, array_class = math.prod(shape), flags & 0xFF
    _require(rest)
    parts = rest[1:]  # the name comes first
    if array_class == CELL_CLASS:
        _require(len(parts) == count)
        _check_cells(parts, order)
    elif array_class == STRUCT_CLASS:
        _require(len(parts) >= 2)  # length and names of the fields
        _check_cells(parts[2:], order)
    elif array_class in NUMERIC_CLASSES:
        _require(len(parts) == (2 if flags & COMPLEX else 1) or not count)
        _require(all(kind <= 13 and len(numbers) == count * SIZES[kind] for kind, numbers in parts))
    elif array_class == TEXT_CLASS:
        _require(len(parts) == 1 or not count)
        _require(all(kind in TEXT_TYPES or len(text) == count * SIZES[kind] for kind, text in parts))


def _check_cells(parts, order):
    """Check arrays within an array."""
    _require(all(kind == MATRIX for kind, _ in parts))
    for _, cell in parts:
        _check_array(cell, order)


def _elements(content, order):
    """Split bytes into the elements they are made of: a list of (type, data)."""
    found, place = [], 0
    while place < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        if kind >> 16:  # up to four bytes stand within the tag
            kind, size, start, step = kind & 0xFFFF, kind >> 16, place + 4, 8
            _require(size <= 4)
        else:
            start = place + 8
            step = 8 + (size if kind == COMPRESSED else -(-size // 8) * 8)
        _require(start + size <= len(content) and (kind in SIZES or kind in (MATRIX, COMPRESSED)))
        found.append((kind, content[start : start + size]))
        place += step
    return found


def _require(holds):
    if not holds:
        raise ValueError("its elements do not fit together")
