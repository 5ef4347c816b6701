"""The participants table: people of the manifest, with the columns of a BIDS dataset."""

import os

from workflow_scripts.cohort import identities, participants_checks, tabular
from workflow_scripts.configuration.messages import raise_problems
from workflow_scripts.index.pairing import natural

TITLE = "The participants table cannot be used"


def participants(rows, table=None):
    """Make the participants table of a manifest.

    Parameters
    ----------
    rows : list of dict
        Of the manifest.
    table : str, optional
        ``participants.tsv`` of a BIDS dataset. The sessions tables beside it (``sub-01/sub-01_sessions.tsv``)
        are read for people with sessions.

    Returns
    -------
    people : list of dict
        One row per person; per person and session where anything is known of sessions.
    remarks : list of str

    Raises
    ------
    InputError
        If the table cannot be read, or the workflow would refuse what it says of people of the manifest.
    """
    sessions = {}
    for row in rows:
        found = sessions.setdefault(row["participant_id"], {})
        if row["session_id"]:
            found[row["session_id"]] = None
    known, columns, remarks = _by_person(table, sessions) if table else ({}, [], [])
    people, dated = [], 0
    for participant in sorted(sessions, key=natural):
        about = known.get(participant, [{}])
        if sessions[participant] and table and not about[0].get("session_id"):
            about = _with_sessions(about[0], participant, os.path.dirname(table)) or about
        about, more = _as_in_the_manifest(about, participant, sessions[participant])
        remarks += more
        dated += bool(about[0].get("session_id"))
        people += [{**entry, "participant_id": participant} for entry in about]
    remarks += _remarks(known, sessions, table, dated)
    every = dict.fromkeys(["participant_id", *columns, *(name for entry in people for name in entry)])
    if dated:
        every = dict.fromkeys(["participant_id", "session_id", *every])
    return [{column: entry.get(column) for column in every} for entry in people], remarks


def without_files(rows, table, left_out):
    """Name the people of a participants table of whom nothing is in the manifest, nor told why.

    Parameters
    ----------
    rows : list of dict
        Of the manifest.
    table : str or None
        ``participants.tsv`` of a BIDS dataset.
    left_out : list of dict
        Who was left out already.

    Returns
    -------
    list of str
    """
    if table is None:
        return []
    known, _, _ = _by_person(table, {row["participant_id"]: {} for row in rows})
    absent = known.keys() - {row["participant_id"] for row in [*rows, *left_out]}
    told = identities.matched(absent, {row["participant_id"] for row in left_out})
    return sorted(absent - told.keys(), key=natural)


def _by_person(path, sessions):
    """Read a table of BIDS, grouped by participant, with ids as in the manifest; and its columns, remarks."""
    text = tabular.read_text(path, "participants", required=("participant_id",))
    renamed = _spellings([row["participant_id"] for row in text.dicts()], sessions)
    column, remarks = None, []
    if "session_id" not in text.columns:
        stated = [{**row, "session_id": None} for row in text.dicts()]
        column = participants_checks.session_column(stated)
        values = {identities.bare(row[column], "session_id") for row in stated} if column else set()
        several = len({row["participant_id"] for row in stated}) < len(stated)
        if column and not several and not values & {name for found in sessions.values() for name in found}:
            remarks.append(
                f"{path}: the column {column} is taken for data of people, not for their sessions; sessions "
                "are read from a column session_id"
            )
            column = None
    if column:
        remarks.append(f"{path}: the column {column} holds the sessions (session_id)")
    columns = ["session_id" if name == column else name for name in text.columns]
    found, shown = {}, tabular.Rows([], [])
    for row, line in zip(text.rows, text.lines, strict=True):
        entry = dict(zip(columns, row, strict=True))
        entry["participant_id"] = renamed[entry["participant_id"]]
        if entry.get("session_id"):
            entry["session_id"] = identities.bare(entry["session_id"], "session_id")
        if entry["participant_id"] in sessions:
            shown.append({"session_id": None, **entry})
            shown.lines.append(line)
        found.setdefault(entry["participant_id"], []).append(entry)
    raise_problems(TITLE, _problems(path, shown, renamed, column))
    changed = {old: new for old, new in renamed.items() if identities.bare(old, "participant_id") != new}
    if changed:
        listed = ", ".join(f"{old} is {new}" for old, new in list(changed.items())[:5])
        remarks.append(f"{path}: {len(changed)} ids differ from those of the files in zeros ahead ({listed})")
    return found, [name for name in columns if any(row.get(name) for row in shown)], remarks


def _problems(path, shown, renamed, column):
    """List what the workflow would refuse of the rows of people who are in the manifest."""
    wanted = {old for old, new in renamed.items() if new in {row["participant_id"] for row in shown}}
    bare = {identities.bare(name, "participant_id") for name in wanted}
    _, problems = tabular.read(path, "participants", keep=lambda row: row["participant_id"] in bare)
    if any(not row["participant_id"] for row in shown):
        problems.append(f"{path}: participant_id is empty")
    return problems + (
        tabular.duplicates(path, shown, participants_checks.KEY)
        if column
        else participants_checks.row_problems(path, shown)
    )


def _spellings(stated, sessions):
    """Map the ids of a table to those of the manifest: alike but for zeros ahead, where that names one only.

    Spreadsheets turn 001 into 1.
    """
    bare = {text: identities.bare(text, "participant_id") for text in stated}
    changed = identities.matched(set(bare.values()), sessions)
    return {text: changed.get(name, name) for text, name in bare.items()}


def _as_in_the_manifest(about, participant, sessions):
    """Write the sessions of a person as the manifest does, where they differ in zeros ahead only."""
    stated = {entry["session_id"] for entry in about if entry.get("session_id")}
    changed = identities.matched(stated, sessions)
    if not changed:
        return about, []
    told = ", ".join(f"{old} is {new}" for old, new in sorted(changed.items()))
    renamed = [
        {**entry, "session_id": changed.get(entry.get("session_id"), entry.get("session_id"))}
        for entry in about
    ]
    return renamed, [f"sub-{participant}: sessions of the table and of the files differ in zeros ({told})"]


def _with_sessions(person, participant, folder):
    """Repeat the row of a person for every session of the sessions table."""
    path = os.path.join(folder, f"sub-{participant}", f"sub-{participant}_sessions.tsv")
    if not os.path.isfile(path):
        return []
    table = tabular.read_text(path, "sessions")
    column = next(
        (name for name in ("session_id", *participants_checks.SESSION_COLUMNS) if name in table.columns), None
    )
    if column is None:
        raise_problems(f"{path} cannot be used", [f"{path}: column 'session_id' is missing"])
    rows = [row for row in table.dicts() if row[column]]
    return [{**person, **row, "session_id": identities.bare(row.pop(column), "session_id")} for row in rows]


def _remarks(known, sessions, table, dated):
    """Report people missing from either table, and whether sessions are known."""
    remarks = []
    if table:
        without, unused = sessions.keys() - known.keys(), known.keys() - sessions.keys()
        if without:
            remarks.append(f"{len(without)} people are not in {table}: {_some(without)}")
        if unused:
            remarks.append(f"{len(unused)} people of {table} are not in the manifest: {_some(unused)}")
    several = sum(len(found) > 1 for found in sessions.values())
    if several and not dated:
        remarks.append(
            f"{several} people have several sessions of unknown date: to use connectome.session other than "
            "same or mean for people with several connectomes, give participants.tsv a row per session, in "
            "order or with acq_time"
        )
    return remarks


def _some(ids):
    listed = sorted(ids, key=natural)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
