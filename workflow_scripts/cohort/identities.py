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


def alike(text, others):
    """Find the one name that differs from another in zero padding or capitals only.

    Parameters
    ----------
    text : str
    others : iterable of str

    Returns
    -------
    str or None
        None where there is no such name, or several.
    """
    found = {other for other in others if other != text and strip_padding(other) == strip_padding(text)}
    return found.pop() if len(found) == 1 else None
