"""Names of people and sessions: what they are made of, and which of them differ in zero padding only."""

import re

PREFIXES = {"participant_id": "sub-", "session_id": "ses-"}
# Letters, digits and, since BIDS 1.11, the plus sign: what every path, table and export can carry.
LABEL = re.compile(r"[A-Za-z0-9+]+")
ALLOWED = "letters, digits and +"


def bare(text, column):
    """Take the prefix off a name: ``sub-`` of a participant, ``ses-`` of a session."""
    return text.removeprefix(PREFIXES[column])


def is_label(text):
    """Say whether a text can name a person or a session."""
    return LABEL.fullmatch(text) is not None


def strip_padding(text):
    """Write a name without the zeros ahead of its numbers: ``01`` and ``1``, ``P007`` and ``p7`` agree."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", text).lower()


class Spellings:
    """Names that can be found by what they are without zeros and capitals.

    Parameters
    ----------
    names : iterable of str
    """

    def __init__(self, names):
        self._found = {}
        for name in names:
            self._found.setdefault(strip_padding(name), set()).add(name)

    def alike(self, text):
        """Give the one name that differs in zero padding or capitals only; None for 0 or several."""
        found = self._found.get(strip_padding(text), set()) - {text}
        return next(iter(found)) if len(found) == 1 else None


def matched(stated, known):
    """Pair names of a table with those of files that differ in zero padding or capitals only.

    Parameters
    ----------
    stated, known : collection of str

    Returns
    -------
    dict of str to str
        Of the names that only the table has, those that stand for exactly one that only the files have.
    """
    open_, own = Spellings(set(known) - set(stated)), Spellings(stated)
    found = {name: open_.alike(name) for name in set(stated) - set(known)}
    return {name: other for name, other in found.items() if other is not None and own.alike(other) == name}


def two_spellings(parts):
    """Find names that stand for one person or session, or become one on some disks.

    Parameters
    ----------
    parts : dict of str to set of bool
        Name to what there is of it: False for connectomes, True for scans.

    Returns
    -------
    list of str
    """
    first, problems = {}, []
    for name, mine in parts.items():
        alike = first.setdefault(strip_padding(name), [])
        for other in alike:
            if other.lower() == name.lower():
                problems.append(
                    f"{other} and {name} differ in capitals only, which some disks ignore; if they are one, "
                    "write one name, else rename one of the two"
                )
            elif len(mine) == len(parts[other]) == 1 and mine != parts[other]:
                kinds = {True: "scans", False: "connectomes"}
                problems.append(
                    f"{other} has {kinds[min(parts[other])]} only and {name} {kinds[min(mine)]} only: they "
                    "differ in zeros or capitals; write one name for both, or delete the rows"
                )
        alike.append(name)
    return problems
