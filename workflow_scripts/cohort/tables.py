"""The user's tables: manifest, participants, nodes. Read once, checked as a whole, turned into units.

A unit is what is fitted: one session of one participant, or a participant without sessions.
"""

import os
from collections import Counter

from workflow_scripts.cohort import manifest_checks, participants_checks, sessions, tabular
from workflow_scripts.cohort.manifest_checks import GROUP, TARGET_KINDS
from workflow_scripts.configuration.messages import raise_problems
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.configuration.synthetic import SYNTHETIC_FOLDER
from workflow_scripts.files import job, seals
from workflow_scripts.files.damage import told_as_damage
from workflow_scripts.files.words import unit_name


def read_manifest(path):
    """Read and check the manifest.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of dict
        One per file, with every column of the schema; None where nothing is given. ``path`` is relative to
        the working directory, ids carry no ``sub-`` and ``ses-``.

    Raises
    ------
    InputError
        Listing every problem of the table.
    """
    rows, problems = tabular.read(path, "manifest")
    problems += tabular.duplicates(path, rows, ("participant_id", "session_id", "run_id", "kind"))
    problems += manifest_checks.row_problems(path, rows)
    raise_problems("The manifest cannot be used", problems)
    for row in rows:
        for column in ("path", "labels_file"):
            if row[column] is not None:
                row[column] = os.path.normpath(os.path.join(os.path.dirname(path), row[column]))
    return rows


def read_participants(path):
    """Read and check the participants table.

    Returns
    -------
    list of dict
        One per row; numbers in the columns that the schema says are numbers, text elsewhere, None where
        nothing is given.

    Raises
    ------
    InputError
        Listing every problem of the table.
    """
    rows, problems = tabular.read(path, "participants")
    problems += participants_checks.row_problems(path, rows)
    raise_problems("The participants table cannot be used", problems)
    return rows


def read_nodes(path):
    """Read and check the node table.

    Returns
    -------
    list of dict
        One per node, in order.

    Raises
    ------
    InputError
        Listing every problem of the table. That of the analysis is a result: if it is damaged.
    """
    if os.path.isfile(path):
        seals.read_bytes(path)
    rows, problems = tabular.read(path, "nodes")
    problems += tabular.duplicates(path, rows, ("label",))
    found = [row["index"] for row in rows]
    if not problems and found != list(range(len(rows))):
        wrong = next(number for number, index in enumerate(found) if index != number)
        problems.append(
            f"{path}, line {wrong + 2}: index is {found[wrong]}, but the rows count up from 0, so it must "
            f"be {wrong}"
        )
    if len(rows) < 2:
        problems.append(f"{path}: {len(rows)} nodes; a network has at least 2")
    raise_problems("The node table cannot be used", problems)
    return rows


def session_rule(config):
    """Give the rule by which the connectome of a session is chosen.

    Parameters
    ----------
    config : dict
        As returned by :func:`workflow_scripts.configuration.configuration.validate`.

    Returns
    -------
    workflow_scripts.cohort.sessions.SessionRule
    """
    name, table = config["connectome"]["session"], config["participants"]
    if name not in sessions.ORDERED or table is None or config["synthetic"] is not None:
        return sessions.SessionRule(name)
    return sessions.SessionRule(name, sessions.session_times(read_participants(table)))


def node_set(path):
    """Read the digest of what was decided for the cohort; None before, and where nobody lacks a node.

    Rules that take these decisions as an ancient input have it as a parameter: a person added later runs
    nobody else's files again unless the decision is another one then.

    Parameters
    ----------
    path : str

    Returns
    -------
    str or None

    Raises
    ------
    InputError
        If the file is damaged.
    """
    if not os.path.exists(path):
        return None
    decisions = job.read_json(path)
    with told_as_damage(path, "it does not say which nodes were chosen"):
        return decisions["node_set"]


def plan_manifest(synthetic):
    """Give the manifest of a synthetic cohort before it exists; the rule that makes it writes these files.

    Parameters
    ----------
    synthetic : dict
        Section ``synthetic`` of a completed configuration.

    Returns
    -------
    list of dict
        As of :func:`read_manifest`: a connectome, its tract lengths, and in every session two runs (the first
        to train, the second held out) per person.
    """
    empty = dict.fromkeys(schema("manifest")["properties"])
    rows = []
    for number in range(1, synthetic["participants"] + 1):
        person = f"{number:02d}"
        shared = {**empty, "participant_id": person, "format": "tsv"}
        for kind in ("sc", "length"):
            rows.append({**shared, "kind": kind, "path": f"{SYNTHETIC_FOLDER}/sub-{person}_{kind}.tsv"})
        for session in synthetic_sessions(synthetic):
            rows += _planned_scans(synthetic, {**shared, "session_id": session})
    return rows


def synthetic_sessions(synthetic):
    """Name the sessions of a synthetic cohort: a list of one None, where people come once only."""
    count = synthetic["sessions"]
    return [None] if count == 1 else [str(number) for number in range(1, count + 1)]


def _planned_scans(synthetic, shared):
    """Rows of the two runs of one session of a made person."""
    name = f"{SYNTHETIC_FOLDER}/{unit_name(shared['participant_id'], shared['session_id'])}"
    scan = {
        "repetition_time": synthetic["repetition_time"],
        "orientation": "TxN",
        "censoring": "none",
    }
    runs = (("1", "train"), ("2", "test"))
    return [
        {**shared, "kind": "bold", "run_id": run, "path": f"{name}_run-{run}_bold.tsv", "role": role, **scan}
        for run, role in runs
    ]


def units(rows, source, rule=None):
    """Give the units of a cohort, in the order of the manifest, with their rows.

    Parameters
    ----------
    rows : list of dict
        Of the manifest.
    source : {"individual", "group"}
        Whose connectome a unit gets. A connectome without session holds for all sessions of its participant.
    rule : workflow_scripts.cohort.sessions.SessionRule, optional
        Which session's connectome a unit gets. Default: that of its own session.

    Returns
    -------
    dict of str to dict
        Unit, such as ``sub-01_ses-a``, to its ``participant_id``, ``session_id`` ("" without sessions), and
        rows: ``connectome`` (of kind sc and length) and ``bold`` (of kind bold, mask and motion, or fc and
        fcd); either may be empty.
    """
    rule = rule or sessions.SessionRule()
    own, found = by_session(rows), {}
    connectomes, group = connectomes_of(own), group_rows(rows)
    scanned = {participant for participant, _, is_scan in own if is_scan}
    for participant, session, is_scan in own:
        if participant == GROUP or not (is_scan or participant not in scanned):
            continue
        individual = rule.choose(participant, session, connectomes.get(participant, {}))
        found[unit_name(participant, session)] = {
            "participant_id": participant,
            "session_id": session,
            "connectome": group if source == "group" else individual,
            "bold": own.get((participant, session, True), []),
        }
    return found


def by_session(rows):
    """Sort rows of the manifest by participant, session ("" without) and whether they belong to scans."""
    found = {}
    for row in rows:
        is_scan = row["kind"] in (*TARGET_KINDS, "mask", "motion")
        found.setdefault((row["participant_id"], row["session_id"] or "", is_scan), []).append(row)
    return found


def connectomes_of(own):
    """Give the rows with connectomes by participant, then by session."""
    found = {}
    for (participant, session, is_scan), rows in own.items():
        if not is_scan:
            found.setdefault(participant, {})[session] = rows
    return found


def group_rows(rows):
    """Give the rows of the group connectome."""
    return [row for row in rows if row["participant_id"] == GROUP]


def repetition_time(rows):
    """Give the most frequent repetition time of a manifest in s; 1 s where it states none."""
    times = Counter(row["repetition_time"] for row in rows if row["repetition_time"] is not None)
    return max(times, key=times.get, default=1.0)


def resolve_holdout(rows, holdout):
    """Decide what ``auto`` means for a cohort: run if any run has the role test, else split_half."""
    if holdout != "auto":
        return holdout
    return "run" if any(row["role"] == "test" for row in rows) else "split_half"
