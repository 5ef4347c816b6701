"""Synthetic twins as the wiring sees them: units, parts, and whether there is a table of them."""

import hashlib
from pathlib import Path

TABLE = "results/cohort/twin_recovery.tsv"


def unit_of(number):
    """Name a twin, numbered from 0, as a unit: participant and session under which it is fitted."""
    name = f"twin-{number + 1:03d}"
    return {"unit": name, "participant_id": name, "session_id": ""}


def split_twins(count, size):
    """Part twins into jobs: name of a part to the numbers of its twins; those who are added come last."""
    firsts = range(0, count, size)
    return {
        f"{part:03d}": list(range(first, min(first + size, count)))
        for part, first in enumerate(firsts, start=1)
    }


def digest(path=TABLE):
    """Digest of what came of the twins; None as long as nobody asked for them.

    As a parameter of the report it makes a new page when there are new twins, without ever making twins.
    """
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if Path(path).exists() else None
