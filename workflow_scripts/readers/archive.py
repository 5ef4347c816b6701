"""Connectivity of The Virtual Brain: a zip with ``weights``, ``tract_lengths`` and ``centres``."""

import zipfile

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.files import unpacking
from workflow_scripts.readers import delimited
from workflow_scripts.readers.matrix import Matrix, NoNumbersError, reading

TOKENS = {"sc": ("weights",), "length": ("tract_lengths", "lengths")}
CENTRES = ("centres", "centers")


def read(row):
    """Read weights (kind sc) or tract lengths (kind length) with the names of the regions."""
    path = row["path"]
    with reading(path, "a zip file"), zipfile.ZipFile(path) as file:
        unpacking.check_members(path, file.infolist())
        broken = file.testzip()
        texts = {name: file.read(name) for name in file.namelist() if not name.endswith("/")}
    if broken is not None:
        raise InputError(f"{path}: {broken} is damaged; copy the file again")
    values = _numbers(path, texts, row["variable"] or _member(path, texts, TOKENS[row["kind"]]))
    centres = _lines(path, texts, _member(path, texts, CENTRES))
    labels = tuple(line[0] for line in centres)
    if values.shape != (len(labels), len(labels)):
        raise InputError(
            f"{path}: {values.shape[0]} x {values.shape[1]} numbers for {len(labels)} regions; is the file "
            "whole?"
        )
    return Matrix(values, labels, labels)


def _member(path, texts, tokens):
    """Find the one text file whose name holds one of some words."""
    found = [
        name
        for name in texts
        if any(token in name.rsplit("/", 1)[-1].lower() for token in tokens) and not name.startswith("__")
    ]
    if len(found) != 1:
        raise (InputError if found else NoNumbersError)(
            f"{path}: {len(found)} files called {' or '.join(tokens)}; it holds {', '.join(texts) or 'none'}"
        )
    return found[0]


def _lines(path, texts, member):
    if member not in texts:
        raise InputError(f"{path}: holds no {member}; it holds {', '.join(texts)}")
    with reading(f"{path}, {member}", "a text file in UTF-8"):
        text = texts[member].decode("utf-8-sig")
    return delimited.split(text, f"{path}, {member}")


def _numbers(path, texts, member):
    place = f"{path}, {member}"
    lines = _lines(path, texts, member)
    if len({len(line) for line in lines}) > 1:
        raise InputError(f"{place}: its lines differ in length; is the file whole?")
    return np.array([[delimited.number(place, cell) for cell in line] for line in lines])
