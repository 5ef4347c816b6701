"""Disclosure control of the shared page: nothing about few people, not even by subtraction."""

import re

from workflow_scripts.cohort.noise_seeds import STRIDE, of_session

# With the percentage, where there is one: it says the same.
SHARE = re.compile(r"(?<!fewer than )\b(\d+) of (\d+)(?: \([\d.]+ %\))?(?= people|</td>)")


def few(count, smallest):
    """A number of people as text, hidden where it is of fewer than `smallest` but somebody."""
    return f"fewer than {smallest}" if 0 < count < smallest else str(count)


def told_groups(groups, smallest):
    """Name the groups that may be reported.

    Parameters
    ----------
    groups : pandas.Series
        Group of every person with a reported value, one entry for each person.
    smallest : int

    Returns
    -------
    list of str
        None if so few people are hidden that they could be inferred by subtraction.
    """
    counts = groups.value_counts()
    kept = counts[counts >= smallest]
    hidden = counts.sum() - kept.sum()
    return [] if 0 < hidden < smallest else sorted(kept.index)


def hide_intervals(rows, smallest):
    """Hide intervals of paired comparisons of few people: their limits are values of one or two of them.

    Parameters
    ----------
    rows : pandas.DataFrame
        With n_people, low and high.
    smallest : int
        Limits are shown for twice as many people or more.

    Returns
    -------
    pandas.DataFrame
    """
    if rows.empty:
        return rows
    known = rows["n_people"] >= 2 * smallest
    return rows.assign(low=rows["low"].where(known), high=rows["high"].where(known))


def without_small_shares(page, smallest):
    """Hide counts of people below `smallest`, and those whose complement is."""

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
