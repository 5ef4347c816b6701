"""Batches of people: who was packed together stays together, however the manifest grows or is sorted.

The table of batches remembers who is in which batch. Without it, a person added or removed would move others
to other batches, and jobs that are done would run again for nothing but their names.
"""

import csv
import math
from pathlib import Path

from cubnm_core.errors import InputError
from workflow_scripts.cohort.manifest_checks import TARGET_KINDS
from workflow_scripts.files.job import MISSING, write_tsv

TABLE = "results/batches.tsv"
SMALLEST, MOST = 8, 1000  # units in a batch, and batches, where the configuration states no size
COLUMNS = ["unit", "batch", "repetition_times", "batch_size"]


def choose_size(stated, n_units, known=()):
    """Decide how many units a batch holds.

    Parameters
    ----------
    stated : int or None
        In the configuration.
    n_units : int
        Of the cohort.
    known : sequence of dict
        Rows of the table of batches, as :func:`read` returns them.

    Returns
    -------
    int
        Where nothing is stated that of earlier runs, so that a cohort which grows stays packed as it is, else
        :data:`SMALLEST`, or more where there would be more than :data:`MOST` batches: what Snakemake needs to
        plan jobs grows with the square of their number.
    """
    if stated is not None:
        return stated
    if known:
        return int(known[-1]["batch_size"])
    return max(SMALLEST, math.ceil(n_units / MOST))


def pack(cohort, size, known=()):
    """Pack units into batches of one repetition time.

    Parameters
    ----------
    cohort : dict of str to dict
        As returned by :func:`workflow_scripts.cohort.tables.units`.
    size : int
        Most units in a batch.
    known : sequence of dict
        Rows of the table of batches, as :func:`read` returns them. What was packed with another `size` does
        not count.

    Returns
    -------
    dict of str to list of str
        Name of a batch, such as ``001``, to its units. Units of the table stay in their batch, new ones go
        into new batches.
    """
    known = [row for row in known if row["batch_size"] == str(size)]
    times = {unit: repetition_times(found) for unit, found in cohort.items()}
    packed = {}
    for row in known:
        if times.get(row["unit"]) == row["repetition_times"]:
            packed.setdefault(row["batch"], []).append(row["unit"])
    placed = {unit for members in packed.values() for unit in members}
    classes = {}
    for unit in cohort:
        if unit not in placed:
            classes.setdefault(times[unit], []).append(unit)
    slices = [
        members[start : start + size]
        for members in classes.values()
        for start in range(0, len(members), size)
    ]
    first = max((int(row["batch"]) for row in known), default=0) + 1
    return packed | {f"{number:03d}": members for number, members in enumerate(slices, start=first)}


def join_order(packed, size, known=()):
    """Give the units of a cohort in the order in which they joined it, those who left included.

    Parameters
    ----------
    packed : dict of str to list of str
        As :func:`pack` returned it.
    size, known
        As of :func:`pack`.

    Returns
    -------
    list of str
        What is added later stands behind.
    """
    before = [row["unit"] for row in known if row["batch_size"] == str(size)]
    return list(dict.fromkeys([*before, *(unit for members in packed.values() for unit in members)]))


def first_of_people(packed, count):
    """Choose one unit of each of the people who came into the cohort first: the same ones when it grows.

    Parameters
    ----------
    packed : dict of str to list of str
        As :func:`pack` returned it.
    count : int
        Of people; of one with several sessions, the first session counts.

    Returns
    -------
    list of str
    """
    first = {}
    for members in packed.values():
        for unit in members:
            first.setdefault(unit.partition("_ses-")[0], unit)
    return list(first.values())[:count]


def repetition_times(unit):
    """Name the repetition times of a unit's scans, in s: units that differ in them share no batch."""
    times = {row["repetition_time"] for row in unit["bold"] if row["kind"] in TARGET_KINDS}
    return " ".join(sorted(MISSING if time is None else str(time) for time in times)) or MISSING


def read(path=TABLE):
    """Read the table of batches; without rows where there is none.

    Returns
    -------
    list of dict

    Raises
    ------
    InputError
        If the file is not a table of batches.
    """
    if not Path(path).exists():
        return []
    try:
        lines = Path(path).read_bytes().decode("utf-8").splitlines(keepends=True)
        rows = list(csv.DictReader(lines, delimiter="\t"))
    except (UnicodeDecodeError, csv.Error):
        lines, rows = [], []
    if not lines or lines[0].split() != COLUMNS or not all(map(_is_whole, lines)) or not _agree(rows):
        raise InputError(
            f"{path}: not the table of batches that the workflow wrote (columns {', '.join(COLUMNS)}; nobody "
            "twice), or it is damaged; delete it: people are packed anew, and their fits go on from their "
            "histories"
        )
    return rows


def _is_whole(line):
    """Say whether a line has all its cells and its end."""
    return line.endswith("\n") and line.count("\t") == len(COLUMNS) - 1 and "\0" not in line


def _agree(rows):
    """Say whether the rows are such as the workflow writes: numbers where there are numbers, nobody twice."""
    numbers = (row[name] for row in rows for name in ("batch", "batch_size"))
    places = [(row["unit"], row["batch"]) for row in rows]
    return (
        all(text.isascii() and text.isdecimal() and int(text) > 0 for text in numbers)
        and all(unit for unit, _ in places)
        and len(set(places)) == len(places)
    )


def write(cohort, size, packed, known=(), path=TABLE):
    """Write the table of batches, where it changed. Who left the cohort keeps the row, and may come back.

    Parameters
    ----------
    cohort, size, known
        As of :func:`pack`.
    packed : dict of str to list of str
        As :func:`pack` returned it.
    path : path
    """
    rows = [row for row in known if row["batch_size"] == str(size)]
    present = {(row["unit"], row["batch"]) for row in rows}
    rows += [
        {
            "unit": unit,
            "batch": batch,
            "repetition_times": repetition_times(cohort[unit]),
            "batch_size": str(size),
        }
        for batch, members in packed.items()
        for unit in members
        if (unit, batch) not in present
    ]
    if rows != list(known):
        write_tsv(path, rows, columns=COLUMNS)
