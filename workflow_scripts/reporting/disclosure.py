"""What the page that is handed on may tell: nothing about a few people, also not by subtraction."""


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
