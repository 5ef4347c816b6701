"""Checksums of results: a table that lost its end, or one digit, looks as good as a whole one.

Beside every table and JSON file that a job leaves under ``results`` lies a hidden file with its SHA-256, the
seal. Files without one, as older versions wrote them, are read as they are. Arrays need none: the members of
an npz file have checksums of their own.
"""

import hashlib
import os
import re
from pathlib import Path

from workflow_scripts.files.damage import Damaged
from workflow_scripts.files.writing import temporary_path

RESULTS = "results"
ENDINGS = (".tsv", ".json")
WHOLE = re.compile(rb"[0-9a-f]{64}\n")


def seal_of(path):
    """Name the seal of a file."""
    path = Path(path)
    return path.with_name(f".{path.name}.sha256")


def sealed(outputs):
    """Choose the outputs of a job that get a seal: folders of users stay free of them.

    Parameters
    ----------
    outputs : iterable of path

    Returns
    -------
    set of Path
    """
    paths = map(Path, outputs)
    return {path for path in paths if path.suffix in ENDINGS and RESULTS in path.parts}


def write(path, content):
    """Seal a file before it takes its place: a job that is killed in between leaves no file that is refused.

    Seals are not flushed to the disk. One that a power cut has emptied counts as none.

    Parameters
    ----------
    path : path
    content : bytes
        What the file is going to hold.
    """
    seal = seal_of(path)
    temporary = temporary_path(seal)
    temporary.write_text(f"{hashlib.sha256(content).hexdigest()}\n", encoding="ascii")
    os.replace(temporary, seal)


def read_bytes(path):
    """Read a file of results, and refuse it where its content is not what was sealed.

    Parameters
    ----------
    path : path

    Returns
    -------
    bytes

    Raises
    ------
    Damaged
    """
    content = Path(path).read_bytes()
    try:
        stated = seal_of(path).read_bytes()
    except OSError:
        return content
    if WHOLE.fullmatch(stated) and stated.strip() != hashlib.sha256(content).hexdigest().encode():
        raise Damaged(path, f"its content is not what the checksum in {seal_of(path).name} says")
    return content
