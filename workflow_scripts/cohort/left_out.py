"""People of a study who are in no row of the manifest: who they are and why, for the counts of the report."""

from workflow_scripts.cohort import identities, tabular
from workflow_scripts.cohort.units import IDS

INDEX, PARTICIPANTS = "index", "participants"  # stages of the table of exclusions
COLUMNS = (*IDS, "reason")


def read(path):
    """Read the table of those whom the index command left out.

    Parameters
    ----------
    path : str or None
        None for no table.

    Returns
    -------
    list of dict
        ``participant_id``, ``session_id`` ("" for the whole person) and ``reason`` of every file or person.

    Raises
    ------
    InputError
        If it cannot be read, or lacks a column.
    """
    if path is None:
        return []
    found = tabular.read_text(path, "left_out", required=COLUMNS, fewest=0).dicts()
    return [
        {
            **{column: identities.bare(row[column], column) for column in IDS},
            "reason": row["reason"] or "no recorded reason",
        }
        for row in found
        if row["participant_id"]
    ]


def exclusion_rows(left_out, participants, units):
    """Make one row per person, or session, of whom the manifest has nothing, and reason.

    Files that were left out of people who are in the manifest all the same, such as a second copy, are no
    exclusions.

    Parameters
    ----------
    left_out : list of dict
        As of :func:`read`.
    participants : list of str
        ``participant_id`` of the participants table.
    units : list of dict
        ``participant_id`` and ``session_id`` of everybody in the manifest.

    Returns
    -------
    list of dict
        Columns of the table of exclusions.
    """
    people = {unit["participant_id"] for unit in units}
    known = {(unit["participant_id"], unit["session_id"] or "") for unit in units}
    found = {}
    for row in left_out:
        who = row["participant_id"], row["session_id"]
        if who[0] not in people or (who[1] and who not in known and (who[0], "") not in known):
            found.setdefault(who, {})[row["reason"]] = None
    told = people | {participant for participant, _ in found}
    rows = [
        {**dict(zip(IDS, who, strict=True)), "stage": INDEX, "fit": None, "reason": reason}
        for who, reasons in found.items()
        for reason in reasons
    ]
    return rows + [
        {
            "participant_id": participant,
            "session_id": "",
            "stage": PARTICIPANTS,
            "fit": None,
            "reason": "in the participants table, but in no row of the manifest",
        }
        for participant in dict.fromkeys(participants)
        if participant not in told
    ]
