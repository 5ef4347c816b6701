"""Files of git-annex (DataLad) and Git LFS whose content was not fetched: a pointer lies in their place."""

import os

from cubnm_core.errors import InputError

LARGEST = 1024  # bytes; pointers have some hundred
ANNEX = b"annex/objects/"
LFS = b"version https://git-lfs.github.com/spec/"


def unfetched(path):
    """Say that a file is a pointer to content that is not here, with the remedy.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    str or None
        None for every other file, and where there is none.
    """
    name = os.fspath(path)
    if os.path.islink(name) and not os.path.exists(name):
        # Backslashes: a clone made on Windows.
        if ANNEX in os.fsencode(os.readlink(name)).replace(b"\\", b"/"):
            return _annex(name)
        return f"{name}: a link that leads nowhere ({os.readlink(name)}); fetch or copy its content"
    try:
        if not os.path.isfile(name) or os.path.getsize(name) > LARGEST:
            return None
        with open(name, "rb") as file:
            start = file.read(512)
    except OSError:
        return None  # whoever reads it says so
    if start.startswith(LFS):
        return f"{name}: its content was not fetched, this is a pointer of Git LFS; run git lfs pull"
    line = start.partition(b"\n")[0].replace(b"\\", b"/")
    if ANNEX in line and b"\t" not in line and b" " not in line.strip():
        return _annex(name)
    return None


def check_fetched(path):
    """Refuse a pointer.

    Raises
    ------
    InputError
    """
    problem = unfetched(path)
    if problem is not None:
        raise InputError(problem)


def _annex(name):
    return (
        f"{name}: its content was not fetched, this is a pointer of git-annex; run datalad get (or git annex "
        "get) on it"
    )
