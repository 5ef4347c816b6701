"""Files written whole or not at all, flushed to the disk; and what killed jobs have left of them, removed."""

import os
import re
import socket
import time
from contextlib import contextmanager, suppress
from pathlib import Path

# Of this process alone, on this machine; the ending is that of the file, because some writers add their own.
MARK = "writing"
LEFT = re.compile(rf"\..+\.{MARK}-(?P<host>.+)-(?P<process>\d+)(\.\w+)?", re.ASCII)
A_DAY = 86_400  # s; how old a file of another machine must be, of whose processes nothing is known


@contextmanager
def atomic_path(path):
    """Give a temporary path beside ``path`` that takes its place when the block ends without an error.

    Before it does, its content is flushed to the disk: a machine that loses power leaves no half of a file.

    Parameters
    ----------
    path : str or Path
        Its folder is made if needed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path)
    try:
        yield temporary
        # The folder need not be flushed: a file that is absent after all is made again.
        _flush(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_path(path):
    """Name a file of this process beside one that it writes."""
    return path.with_name(f".{path.stem}.{MARK}-{socket.gethostname()}-{os.getpid()}{path.suffix}")


def _flush(path):
    """Wait until a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_left(folder):
    """Remove temporary files of jobs that were killed; those of running ones stay.

    Parameters
    ----------
    folder : path
        Searched with all folders below it.

    Returns
    -------
    list of Path
        What was removed.
    """
    removed = []
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names if f".{MARK}-" in name):
            with suppress(OSError):  # somebody else removed it
                if _is_left(path):
                    path.unlink()
                    removed.append(path)
    return removed


def _is_left(path):
    """Say whether a file is a temporary one of a process that has ended."""
    found = LEFT.fullmatch(path.name)
    if found is None:
        return False
    if found["host"] == socket.gethostname():
        return not _is_running(int(found["process"]))
    return time.time() - path.stat().st_mtime > A_DAY


def _is_running(process):
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
