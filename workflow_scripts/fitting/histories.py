"""Histories of fits on disk: the table of every candidate and its cost terms is the checkpoint of a fit.

A history is a TSV file. Its first line names the numerics version and the fingerprint of everything the
result depends on, its second line the columns. Every generation is a block of rows, closed by a comment line
with a checksum and the device. Numbers are written with ``repr``, so that reading returns the same bits. A
block without its closing line was torn by the end of the process that wrote it and is dropped; any other
damage is an error, because nobody can tell what the search would have done.
"""

import errno
import logging
import os
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cubnm_core import STAGE_VERSIONS
from cubnm_core.errors import InputError
from cubnm_core.fitting.run import Generation

LOGGER = logging.getLogger(__name__)
FIRST_WORDS = "# cubnm_core fit history, "
FIRST_LINE = FIRST_WORDS + "numerics version {numerics}, fingerprint {fingerprint}\n"
LAST_LINE = "# generation {number} complete, {size} candidates, crc32 {checksum:08x}, {device}\n"
WRITERS = 16  # files written at the same time
LEADING_COLUMNS = ("generation", "candidate", "status", "cost")


@dataclass(frozen=True)
class History:
    """What a history file belongs to.

    Attributes
    ----------
    fingerprint : str
        Of everything the fit depends on.
    space : cubnm_core.fitting.search_space.SearchSpace
        Gives the names of the free coordinates and their values.
    """

    fingerprint: str
    space: object


class FileStore:
    """Store of fit histories, one file per fit: ``folder/<key>.tsv``.

    Parameters
    ----------
    folder : path
        Made when the first generation is written.
    histories : dict
        key of a fit -> :class:`History`.
    """

    def __init__(self, folder, histories):
        self.folder = Path(folder)
        self.histories = dict(histories)

    def path(self, key):
        """Name the file of a fit."""
        return self.folder / f"{key}.tsv"

    def load(self, key):
        """Read the complete generations of a fit.

        A history of other settings or another numerics version is set aside, a torn last generation is cut
        off; all are logged.

        Returns
        -------
        list of cubnm_core.fitting.run.Generation
            Empty where no history of this fingerprint exists.

        Raises
        ------
        InputError
            The file is damaged anywhere but at its torn end.
        """
        path = self.path(key)
        if not path.exists():
            return []
        content = path.read_bytes()
        numerics, found = _origin(content, path)
        if found is not None and found != self.histories[key].fingerprint:
            self._set_aside(key, numerics, found)
            return []
        generations, intact = _parse(content, path, self.histories[key].space.names)
        if intact < len(content):
            LOGGER.info("%s: the last generation was torn by an interruption and is computed again", key)
            _truncate(path, intact)
        return generations

    def _set_aside(self, key, numerics, found):
        """Rename the history of another fit, and say why it cannot be resumed."""
        path, present = self.path(key), STAGE_VERSIONS["simulation"]
        aside = path.with_name(f"{path.name}.{found[:12]}.stale")
        os.replace(path, aside)
        if numerics == str(present):
            LOGGER.info("%s: settings or inputs changed, its history is set aside as %s", key, aside.name)
            return
        LOGGER.warning(
            "%s: its history was made with numerics version %s and cannot be resumed with version %d, whose "
            "numbers differ; it is set aside as %s, and the fit starts anew",
            key, numerics, present, aside.name,
        )  # fmt: skip

    def append_all(self, generations):
        """Write generations of different fits and wait until they are on the disk.

        Parameters
        ----------
        generations : list of (key, cubnm_core.fitting.run.Generation)

        Raises
        ------
        OSError
            See :meth:`append`; those that could be written are kept.
        """
        # Waiting for the disk is most of it, and the disk takes many files as quickly as one.
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(lambda item: self.append(*item), generations))

    def append(self, key, generation):
        """Write one generation and wait until it is on the disk.

        Parameters
        ----------
        key : str
        generation : cubnm_core.fitting.run.Generation

        Raises
        ------
        OSError
            If it cannot be written, as on a full disk. The generations before it stay intact.
        """
        path, history = self.path(key), self.histories[key]
        block = _rows(generation, history.space)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            size = path.stat().st_size if path.exists() else 0
            if size == 0:
                columns = _columns(sorted(generation.terms), history.space.names)
                numerics = STAGE_VERSIONS["simulation"]
                first = FIRST_LINE.format(numerics=numerics, fingerprint=history.fingerprint)
                block = f"{first}{chr(9).join(columns)}\n".encode() + block
            _append(path, block, size)
        except OSError as error:
            raise OSError(
                error.errno,
                f"generation {generation.number} of {key} cannot be kept in {self.folder} "
                f"({error.strerror}); free some space there or correct the folder, then start again: "
                "everything before it is kept",
            ) from error


class GuestStore(FileStore):
    """Histories of another job, which this one may continue: those of other settings are left to it."""

    def _set_aside(self, key, numerics, found):
        raise InputError(f"{self.path(key)} is the history of other settings, or of another version")


def _columns(terms, names):
    """Name the columns of a history."""
    return [*LEADING_COLUMNS, *terms, *(f"u_{name}" for name in names), *(f"param_{name}" for name in names)]


def _rows(generation, space):
    """Write a generation as rows with their closing line, in bytes."""
    terms = sorted(generation.terms)
    values = space.coordinates(generation.points)
    lines = []
    for candidate in range(len(generation.cost)):
        numbers = [
            generation.cost[candidate],
            *(generation.terms[term][candidate] for term in terms),
            *generation.points[candidate],
            *(values[name][candidate] for name in space.names),
        ]
        labels = [generation.number, candidate, int(generation.status[candidate])]
        lines.append("\t".join([*map(str, labels), *(repr(float(number)) for number in numbers)]) + "\n")
    block = "".join(lines).encode()
    return block + _closing_line(generation.number, len(lines), block, generation.device)


def _closing_line(number, size, block, device):
    """Write the line that marks a generation as complete."""
    checksum = zlib.crc32(block)
    return LAST_LINE.format(number=number, size=size, checksum=checksum, device=device or "n/a").encode()


def _append(path, block, size):
    """Write bytes at the end of a file of a known size, on the disk too; on an error leave it as it was."""
    with open(path, "ab", buffering=0) as file:
        try:
            if file.write(block) != len(block):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


def _origin(content, path):
    """Read numerics version and fingerprint of the first line; None if not even this line was completed."""
    first, newline, _ = content.partition(b"\n")
    if not newline:
        return None, None
    text = first.decode(errors="replace")
    if not text.startswith(FIRST_WORDS):
        raise InputError(
            f"{path}, line 1: expected '{FIRST_WORDS}...', found '{text[:60]}'. This file is no fit history "
            "or is damaged; move it away to compute the fit from the beginning."
        )
    found = re.fullmatch(r"(?:numerics version (\S+), )?fingerprint (\S+)", text.removeprefix(FIRST_WORDS))
    return (found[1] or "0", found[2]) if found else ("unknown", "unreadable")


def _parse(content, path, names):
    """Read all complete generations; give them and the length in bytes of what is intact."""
    lines = content.splitlines(keepends=True)
    if len(lines) < 2 or not lines[1].endswith(b"\n"):
        return [], 0
    columns = lines[1].decode(errors="replace").rstrip("\n").split("\t")
    terms = columns[len(LEADING_COLUMNS) : len(columns) - 2 * len(names)]
    if columns != _columns(terms, names):
        raise _damage_error(path, 2, "the names of the columns are not those of this fit")
    generations, block, intact = [], [], len(lines[0]) + len(lines[1])
    position = intact
    for row, line in enumerate(lines[2:], start=3):
        position += len(line)
        if not line.endswith(b"\n"):
            break
        if not line.startswith(b"#"):
            block.append(line)
            continue
        device = line.decode(errors="replace").rstrip("\n").split(", ", 3)[-1]
        if line != _closing_line(len(generations), len(block), b"".join(block), device):
            what = f"the rows of generation {len(generations)} above do not match its closing line"
            raise _damage_error(path, row, what)
        generations.append(_generation(len(generations), block, terms, len(names), device))
        block, intact = [], position
    return generations, intact if generations else 0


def _generation(number, block, terms, dimension, device):
    """Make a generation of its rows, whose checksum was found right."""
    cells = [line.decode().rstrip("\n").split("\t") for line in block]
    numbers = np.array([[float(cell) for cell in row[3:]] for row in cells])
    first_point = 1 + len(terms)
    return Generation(
        number=number,
        points=np.ascontiguousarray(numbers[:, first_point : first_point + dimension]),
        terms={term: numbers[:, 1 + index].copy() for index, term in enumerate(terms)},
        cost=numbers[:, 0].copy(),
        status=np.array([int(row[2]) for row in cells]),
        device="" if device == "n/a" else device,
    )


def _damage_error(path, line, what):
    """Make the error of a damaged history."""
    return InputError(
        f"{path}, line {line}: {what}. The file was changed or damaged after it was written, so the fit "
        "cannot be resumed from it; move the file away to compute this fit from the beginning."
    )


def _truncate(path, length):
    """Cut a file to its intact part, on the disk too."""
    with open(path, "r+b") as file:
        file.truncate(length)
        os.fsync(file.fileno())
