"""What every script of a rule needs: its log, files that are written and read whole, hashes."""

import csv
import hashlib
import io
import json
import logging
import os
import platform
import re
import socket
import sys
from pathlib import Path

import numpy as np

import cubnm_core
from cubnm_core.errors import InputError
from workflow_scripts.files import arrays, seals, versions
from workflow_scripts.files.damage import REMOVE, told_as_damage
from workflow_scripts.files.writing import atomic_path

MISSING = "n/a"
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # signs that no table should hold
_sealed = set()  # paths among the outputs of this job


def start(sm):
    """Begin a job: open its log, seal its outputs, and refuse to run with another core than the workflow's.

    Parameters
    ----------
    sm : object
        The object that Snakemake gives a script: its ``log`` and ``output`` are used, and the versions of
        stages among its ``params``.

    Returns
    -------
    logging.Logger
    """
    handlers = [logging.StreamHandler(sys.stderr)]
    if len(sm.log) > 0:
        Path(sm.log[0]).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(sm.log[0], mode="w", encoding="utf-8"))
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=handlers,
        force=True,
    )
    logger = logging.getLogger("workflow_scripts")
    logger.info("%s", place())
    _sealed.clear()
    _sealed.update(seals.sealed(_paths(getattr(sm, "output", ()))))
    sys.excepthook = lambda kind, error, trace: _tell(logger, kind, error, trace)
    for stage, version in versions.parameters().items():
        stated = getattr(sm.params, f"{stage}_version", version)
        if stated != version:
            raise RuntimeError(
                f"the job runs cubnm_core {cubnm_core.__file__} with version {version!r} of its {stage}, the "
                f"workflow was started with {stated!r}; an installed copy hides the repository's: reinstall "
                "with pip install -e '.[workflow]'"
            )
    return logger


def _tell(logger, kind, error, trace):
    """Log what ended a job, with the lines of the program unless the user can cure it."""
    shown = None if isinstance(error, InputError) else (kind, error, trace)
    logger.critical("%s", error, exc_info=shown)


def place():
    """Say where a job runs: the host, and what its scheduler gave it."""
    given = ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES")
    found = [f"{name}={os.environ[name]}" for name in given if name in os.environ]
    return ", ".join([f"on {socket.gethostname()}", *found])


def processor():
    """Name the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def write_json(path, data):
    """Write a mapping as JSON; NumPy values become plain ones, numbers that are not finite become null."""
    _write(path, json.dumps(plain(data), indent=2, allow_nan=False) + "\n")


def read_json(path, remedy=REMOVE):
    """Read a JSON file.

    Parameters
    ----------
    path : path
    remedy : str, optional
        What to do about a damaged one; of results, to remove it.

    Raises
    ------
    Damaged
    """
    content = seals.read_bytes(path)
    with told_as_damage(path, "it is not a whole JSON file", remedy):
        return json.loads(content.decode("utf-8"))


def write_npz(path, **named):
    """Write named arrays, compressed; the same arrays give the same bytes."""
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **named)


def read_npz(path):
    """Read all arrays of an npz file.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    Damaged
    """
    return arrays.read_all(path)


def write_tsv(path, rows, columns=None):
    """Write a tidy table: tabs, one header, ``n/a`` for what is missing, floats with all their digits.

    Parameters
    ----------
    path : str or Path
    rows : iterable of dict, or pandas.DataFrame
    columns : sequence of str, optional
        Order of the columns; needed where there may be no row. Default: the keys of the first row.
    """
    if hasattr(rows, "to_dict"):
        columns = list(rows.columns) if columns is None else columns
        rows = rows.to_dict("records")
    rows = list(rows)
    columns = list(rows[0]) if columns is None else list(columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    _write(path, text.getvalue())


def _write(path, text):
    """Write a text, and its seal where it is an output of this job."""
    content = text.encode("utf-8")
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
        if Path(path) in _sealed:
            seals.write(path, content)


def _paths(outputs):
    """List all paths among the outputs of a job, whether they have names or not."""
    if isinstance(outputs, (str, Path)):
        return [outputs]
    members = outputs if isinstance(outputs, (list, tuple)) else vars(outputs).values()
    return [path for member in members for path in _paths(member)]


def sha256(path):
    """Hash a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain(value):
    """Turn nested mappings, sequences and NumPy values into what JSON holds."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def _cell(value):
    """Format one cell of a table."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value == "" or value != value:
        return MISSING
    if isinstance(value, str):  # such as a message that quotes a damaged file
        return CONTROLS.sub(lambda found: ascii(found[0])[1:-1], value)
    return repr(value) if isinstance(value, float) else value
