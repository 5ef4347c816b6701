"""Where files are kept that can be made again: kernels, locks of devices."""

import logging
import os
import stat
import tempfile
from functools import cache
from pathlib import Path

logger = logging.getLogger(__name__)

#: Environment variable that names the folder.
VARIABLE = "CUBNM_CACHE_DIR"


@cache
def find_cache_folder(name):
    """Give a folder that this process may write to, and make it.

    Parameters
    ----------
    name : str
        Of the folder within the cache, such as ``kernels``.

    Returns
    -------
    Path
        In ``$CUBNM_CACHE_DIR``, else in ``$XDG_CACHE_HOME`` or ``~/.cache``; where that cannot be written to,
        in the folder of temporary files, which is said once.
    """
    wanted = wanted_cache_folder() / name
    if _can_write(wanted):
        return wanted
    folder = find_temporary_folder(name)
    logger.warning("%s cannot be written to: %s are kept in %s; set %s to another folder",
                   wanted, name, folder, VARIABLE)  # fmt: skip
    return folder


def find_temporary_folder(name):
    """Give a folder of temporary files that is this user's alone, the same for all processes if possible."""
    folder = Path(tempfile.gettempdir()) / f"cubnm_core-{_user()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        own = folder.lstat()
        mine = stat.S_ISDIR(own.st_mode) and own.st_uid == os.getuid() and not own.st_mode & 0o022
    except (OSError, AttributeError):
        mine = False
    if mine and _can_write(folder / name):
        return folder / name
    folder = Path(tempfile.mkdtemp(prefix="cubnm_core-")) / name
    folder.mkdir()
    return folder


def wanted_cache_folder():
    """Give the cache folder that the environment names, whether it can be used or not.

    The home folder is asked for last, since users of containers may have none.
    """
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "cubnm_core"
    try:
        return Path.home() / ".cache" / "cubnm_core"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"cubnm_core-{_user()}"


def _user():
    return os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _can_write(folder):
    """Whether files can be written to a folder, made if needed: permissions alone do not tell."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
