"""The participants table: people of the manifest, with the columns of a BIDS dataset."""

import csv
import os

from cubnm_core.errors import InputError
from workflow_scripts.index.pairing import natural

ID_PREFIXES = {"participant_id": "sub-", "session_id": "ses-"}
MISSING = ("", "n/a")


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
        If the table cannot be read or has no column participant_id.
    """
    sessions = {}
    for row in rows:
        found = sessions.setdefault(row["participant_id"], {})
        if row["session_id"]:
            found[row["session_id"]] = None
    known, columns = _by_person(table) if table else ({}, [])
    people, dated = [], 0
    for participant in sorted(sessions, key=natural):
        about = known.get(participant, [{}])
        if sessions[participant] and table and not about[0].get("session_id"):
            about = _with_sessions(about[0], participant, os.path.dirname(table)) or about
        dated += bool(about[0].get("session_id"))
        people += [{**entry, "participant_id": participant} for entry in about]
    remarks = _remarks(known, sessions, table, dated)
    every = dict.fromkeys(["participant_id", *columns, *(name for entry in people for name in entry)])
    if dated:
        every = dict.fromkeys(["participant_id", "session_id", *every])
    return [{column: entry.get(column) for column in every} for entry in people], remarks


def _by_person(path):
    """Read a table of BIDS, grouped by participant, with ids as in the manifest."""
    found, rows = {}, read(path)
    if not rows or "participant_id" not in rows[0]:
        raise InputError(
            f"{path}: no column participant_id with a row below it; give the participants.tsv of a BIDS "
            "dataset"
        )
    for row in rows:
        found.setdefault(row["participant_id"], []).append(row)
    return found, list(rows[0])


def read(path):
    """Read a TSV file as text, ids without their prefixes, empty for n/a.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file, delimiter="\t"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from error
    header, *body = table or [[]]
    return [
        {
            column: "" if cell in MISSING else cell.removeprefix(ID_PREFIXES.get(column, ""))
            for column, cell in zip(header, cells, strict=False)
        }
        for cells in body
        if any(cells)
    ]


def _with_sessions(person, participant, folder):
    """Repeat the row of a person for every session of the sessions table."""
    path = os.path.join(folder, f"sub-{participant}", f"sub-{participant}_sessions.tsv")
    if not os.path.isfile(path):
        return []
    return [{**person, **row} for row in read(path) if row.get("session_id")]


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
