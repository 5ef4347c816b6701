"""Checks of the participants table: its rows among each other, and against the ids of the manifest."""

from workflow_scripts.cohort import identities, tabular

KEY = ("participant_id", "session_id")
# What people call the column that BIDS and this workflow call session_id.
SESSION_COLUMNS = ("session", "ses", "visit", "timepoint", "time_point", "wave")


def row_problems(path, rows):
    """Find people, or sessions of people, with several rows.

    Parameters
    ----------
    path : str
        For the messages.
    rows : workflow_scripts.cohort.tabular.Rows

    Returns
    -------
    list of str
    """
    found = tabular.duplicates(path, rows, KEY)
    column = session_column(rows)
    if found and column:
        found.append(
            f"{path}: the column {column!r} seems to hold the sessions; they are read from a column called "
            "session_id: rename it"
        )
    return found


def session_column(rows):
    """Find the column that tells the rows of people apart, where there is none called session_id.

    Parameters
    ----------
    rows : list of dict

    Returns
    -------
    str or None
    """
    if any(row.get("session_id") for row in rows):
        return None
    named = {name.lower(): name for row in rows[:1] for name in row}
    for word in SESSION_COLUMNS:
        if word in named and all(row[named[word]] for row in rows):
            keys = {(row["participant_id"], row[named[word]]) for row in rows}
            if len(keys) == len(rows):
                return named[word]
    return None


def manifest_problems(path, rows, manifest):
    """Find people and sessions of the manifest that the table does not have.

    Parameters
    ----------
    path : str
        For the messages.
    rows : list of dict
        Of the participants table.
    manifest : list of dict
        Rows of the manifest, without those of a group.

    Returns
    -------
    list of str
    """
    known = {}
    for row in rows:
        known.setdefault(row["participant_id"], set()).add(row["session_id"])
    wanted = {(row["participant_id"], row["session_id"]) for row in manifest}
    absent = sorted({participant for participant, _ in wanted} - known.keys())
    problems = []
    if absent:
        spellings = identities.Spellings(known)
        near = {name: spellings.alike(name) for name in absent}
        meant = [f"{other} is not {name}" for name, other in near.items() if other is not None]
        hint = f" (zeros and capitals count: {', '.join(meant[:5])})" if meant else ""
        problems.append(f"{path}: no row for {', '.join(absent)} of the manifest; add them{hint}")
    for participant, session in sorted((who for who in wanted if who[1]), key=str):
        stated = known.get(participant, set())
        other = identities.Spellings(stated - {None}).alike(session)
        if session not in stated and other is not None:
            problems.append(
                f"{path}: sub-{participant} has a session {other}, the manifest calls it {session}; write "
                "one as the other"
            )
    return problems
