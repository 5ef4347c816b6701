"""Synthetic twins as units: their names, and the parts that they are made and fitted in."""


def unit_of(number):
    """Name a twin, numbered from 0, as a unit: participant and session under which it is fitted."""
    name = f"twin-{number + 1:03d}"
    return {"unit": name, "participant_id": name, "session_id": ""}


def parted(count, size):
    """Part twins into jobs: name of a part to the numbers of its twins; those who are added come last."""
    firsts = range(0, count, size)
    return {
        f"{part:03d}": list(range(first, min(first + size, count)))
        for part, first in enumerate(firsts, start=1)
    }
