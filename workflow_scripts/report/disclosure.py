"""What the page that is handed on may tell: nothing about a few people, also not by subtraction."""

import re

from workflow_scripts.cohort.noise_seeds import STRIDE, of_session

# With the percentage, where there is one: it says the same.
SHARE = re.compile(r"\b(\d+) of (\d+)(?: \([\d.]+ %\))?(?= people|</td>)")


def few(count, smallest):
    """A number of people as text, hidden where it is of fewer than `smallest` but somebody."""
    return f"fewer than {smallest}" if 0 < count < smallest else str(count)


def told_groups(groups, smallest):
    """Name the groups about which something may be told.

    Parameters
    ----------
    groups : pandas.Series
        Group of every person whose value is told, one entry for each person.
    smallest : int

    Returns
    -------
    list of str
        None of them if those left out were so few that the rest, taken from everybody, would tell of them.
    """
    counts = groups.value_counts()
    kept = counts[counts >= smallest]
    hidden = counts.sum() - kept.sum()
    return [] if 0 < hidden < smallest else sorted(kept.index)


def without_small_shares(page, smallest):
    """Hide in how many people something holds, where it does, or does not, in fewer than `smallest`."""

    def told(found):
        count, everybody = int(found[1]), int(found[2])
        is_small = 0 < count < smallest or 0 < everybody - count < smallest
        return f"some of {everybody}" if is_small else found[0]

    return SHARE.sub(told, page)


def without_session_seeds(page, sessions):
    """Give noise seeds as the configuration has them; what a session adds is a checksum of its name."""
    for session in filter(None, sessions):
        added = of_session(0, session) // STRIDE
        page = re.sub(rf"(?<![\d.]){added}(\d{{6}})(?!\d)", lambda found: f"\0{int(found[1])}", page)
    # All sessions have the same ones now: once is enough.
    return re.sub(r"(\0\d+(?:-\0\d+)?)(?:, \1)+", r"\1", page).replace("\0", "")
