"""Histories of fits on disk: the table of every candidate and its cost terms is the checkpoint of a fit.

A history is a TSV file. Its first line names the numerics version and the fingerprint of everything the
result depends on, its second line the columns. Every generation is a block of rows, closed by a comment line
with the device and a checksum of all that stands before it in the file. Numbers are written with ``repr``, so
that reading returns the same bits. A block without its closing line was torn by the end of the process that
wrote it and is dropped; any other damage is an error, because nobody can tell what the search would have
done.

Histories of former versions, whose checksums cover the rows of one generation only, go on as they began.
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
CHAINED = ", checksums of all lines"
FIRST_LINE = FIRST_WORDS + "numerics version {numerics}, fingerprint {fingerprint}" + CHAINED + "\n"
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
    terms : tuple of str, optional
        Names that terms of the cost may have.
    """

    fingerprint: str
    space: object
    terms: tuple | None = None


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
        self._ends = {}  # key -> size of a file, and the checksum that goes on from there

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
        content, history = path.read_bytes(), self.histories[key]
        origin = _origin(content, path)
        if origin is not None and origin.fingerprint != history.fingerprint:
            self._set_aside(key, origin)
            return []
        generations, intact = _parse(content, path, history.space.names, history.terms)
        if intact < len(content):
            LOGGER.info("%s: the last generation was torn by an interruption and is computed again", key)
            _truncate(path, intact)
        return generations

    def _set_aside(self, key, origin):
        """Rename the history of another fit, and say why it cannot be resumed."""
        path, present = self.path(key), STAGE_VERSIONS["simulation"]
        aside = path.with_name(f"{path.name}.{origin.fingerprint[:12]}.stale")
        os.replace(path, aside)
        if origin.numerics == str(present):
            LOGGER.info("%s: settings or inputs changed, its history is set aside as %s", key, aside.name)
            return
        LOGGER.warning(
            "%s: its history was made with numerics version %s and cannot be resumed with version %d, whose "
            "numbers differ; it is set aside as %s, and the fit starts anew",
            key, origin.numerics, present, aside.name,
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
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            size, checksum = self._end(key)
            block = _rows(generation, history.space)
            if size == 0:
                block = _head(history, generation) + block
            device = generation.device or "n/a"
            block += _closing_line(generation.number, len(generation.cost), device, block, checksum)
            _append(path, block, size)
            self._ends[key] = size + len(block), None if checksum is None else zlib.crc32(block, checksum)
        except OSError as error:
            raise OSError(
                error.errno,
                f"generation {generation.number} of {key} cannot be kept in {self.folder} "
                f"({error.strerror}); free some space there or correct the folder, then start again: "
                "everything before it is kept",
            ) from error

    def _end(self, key):
        """Size of a file and the checksum of its bytes; None for one of a former version."""
        path = self.path(key)
        size = path.stat().st_size if path.exists() else 0
        if self._ends.get(key, (None,))[0] != size:  # not read yet, or another job has gone on
            content = path.read_bytes() if size else b""
            self._ends[key] = size, zlib.crc32(content) if not size or _is_chained(content) else None
        return self._ends[key]


class GuestStore(FileStore):
    """Histories of another job, which this one may continue: those of other settings are left to it."""

    def _set_aside(self, key, origin):
        raise InputError(f"{self.path(key)} is the history of other settings, or of another version")


def read(path, fingerprint, names):
    """Read the complete generations of a history, and leave the file as it is.

    Parameters
    ----------
    path : Path
    fingerprint : str
        Of the fit.
    names : sequence of str
        Of its free coordinates.

    Returns
    -------
    list of cubnm_core.fitting.run.Generation
        Empty where there is no history of this fit.

    Raises
    ------
    InputError
        The file is damaged anywhere but at its torn end.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    origin = _origin(content, path)
    if origin is None or origin.fingerprint != fingerprint:
        return []
    return _parse(content, path, names)[0]


def _columns(terms, names):
    """Name the columns of a history."""
    return [*LEADING_COLUMNS, *terms, *(f"u_{name}" for name in names), *(f"param_{name}" for name in names)]


def _head(history, generation):
    """Write the two lines before the first generation."""
    columns = _columns(sorted(generation.terms), history.space.names)
    numerics = STAGE_VERSIONS["simulation"]
    first = FIRST_LINE.format(numerics=numerics, fingerprint=history.fingerprint)
    return f"{first}{chr(9).join(columns)}\n".encode()


def _rows(generation, space):
    """Write the candidates of a generation as rows, in bytes."""
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
    return "".join(lines).encode()


def _closing_line(number, size, device, block, checksum):
    """Write the line that marks a generation as complete.

    Parameters
    ----------
    number, size : int
        Of the generation, and of its candidates.
    device : str
    block : bytes
        What stands before it, from where the checksum ends; of former versions, the rows.
    checksum : int or None
        Of all before the block; None in a history of a former version.
    """
    if checksum is None:
        found = zlib.crc32(block)
    else:
        found = zlib.crc32(f"{number} {size} {device}".encode(), zlib.crc32(block, checksum))
    return LAST_LINE.format(number=number, size=size, device=device, checksum=found).encode()


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


@dataclass(frozen=True)
class _Origin:
    """What the first line of a history says."""

    numerics: str
    fingerprint: str


def _is_chained(content):
    """Say whether every checksum of a history covers all that stands before it."""
    return content.partition(b"\n")[0].endswith(CHAINED.encode())


def _origin(content, path):
    """Read the first line; None if not even this line was completed."""
    first, newline, _ = content.partition(b"\n")
    if not newline:
        return None
    text = first.decode(errors="replace")
    if not text.startswith(FIRST_WORDS):
        raise InputError(
            f"{path}, line 1: expected '{FIRST_WORDS}...', found {text[:60]!a}. This file is no fit history "
            "or is damaged; move it away to compute the fit from the beginning."
        )
    if _is_chained(content):  # lest one wrong digit passes for another fit
        next(_blocks(content, path), None)
    stated = text.removeprefix(FIRST_WORDS).removesuffix(CHAINED)
    found = re.fullmatch(r"(?:numerics version (\S+), )?fingerprint (\S+)", stated)
    return _Origin(found[1] or "0", found[2]) if found else _Origin("unknown", "unreadable")


@dataclass(frozen=True, eq=False)
class _Block:
    """A complete generation as it stands in a file.

    Attributes
    ----------
    rows : list of bytes
    device : str
    stop : int
        Where it ends, in bytes from the beginning of the file.
    """

    rows: list
    device: str
    stop: int


def _blocks(content, path):
    """Go through the complete generations of a history, whose checksums must be right."""
    lines = [line + b"\n" for line in content.split(b"\n")[:-1]]  # what has no end was torn
    checksum = zlib.crc32(b"".join(lines[:2])) if _is_chained(content) else None
    stop, rows, number = sum(map(len, lines[:2])), [], 0
    for place, line in enumerate(lines[2:], start=3):
        stop += len(line)
        if not line.startswith(b"#"):
            rows.append(line)
            continue
        block, device = b"".join(rows), line.decode(errors="replace").rstrip("\n").split(", ", 3)[-1]
        if line != _closing_line(number, len(rows), device, block, checksum):
            what = f"the rows of generation {number} above do not match its closing line"
            raise _damage_error(path, place, what)
        yield _Block(rows, device, stop)
        checksum = None if checksum is None else zlib.crc32(block + line, checksum)
        number, rows = number + 1, []


def _parse(content, path, names, known=None):
    """Read all complete generations; give them and the length in bytes of what is intact."""
    head = content.split(b"\n", 2)
    if len(head) < 3:
        return [], 0
    blocks = list(_blocks(content, path))
    columns = head[1].decode(errors="replace").split("\t")
    terms = columns[len(LEADING_COLUMNS) : len(columns) - 2 * len(names)]
    if columns != _columns(terms, names) or not set(terms) <= set(terms if known is None else known):
        raise _damage_error(path, 2, "the names of the columns are not those of this fit")
    generations = [
        _generation(number, block.rows, terms, len(names), block.device)
        for number, block in enumerate(blocks)
    ]
    return generations, blocks[-1].stop if blocks else 0


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
