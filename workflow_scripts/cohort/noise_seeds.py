"""Noise seeds of a session: what is shared by two sessions of a person would look like reliability."""

import zlib

from workflow_scripts.files.job import MISSING

#: Distance between the seeds of two sessions: those of a configuration stand in the last six digits.
STRIDE = 1_000_000


def of_session(seed, session_id):
    """Give the noise seed that a session has in place of a seed of the configuration.

    It follows from the name of the session alone, so it stays the same when sessions or people are added.
    People share the seeds of a session; sessions share none.

    Parameters
    ----------
    seed : int
        As in the configuration.
    session_id : str or None
        Without a session ("" or "n/a" as well), the seed is used as it is.

    Returns
    -------
    int
    """
    return seed + offset(session_id)


def range_of_session(first_seed, count, session_id):
    """Give `count` noise seeds that a session has in place of those from `first_seed` on, a range."""
    first = of_session(first_seed, session_id)
    return range(first, first + count)


def offset(session_id):
    """Give what is added to every seed of the configuration in a session; 0 without one."""
    if not session_id or session_id == MISSING:
        return 0
    return STRIDE * (1 + zlib.crc32(session_id.encode()))
