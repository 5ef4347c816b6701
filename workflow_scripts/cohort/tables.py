"""The user's tables: manifest, participants, nodes. Read once, checked as a whole, turned into units.

A unit is what is fitted: one session of one participant, or a participant without sessions.
"""

import os
from collections import Counter

from cubnm_core.errors import InputError
from workflow_scripts.cohort import (
    left_out,
    manifest_checks,
    observables,
    participants_checks,
    sessions,
    tabular,
)
from workflow_scripts.cohort.manifest_checks import GROUP, TARGET_KINDS
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.configuration import analysis, connectome, start
from workflow_scripts.configuration.fit_settings import resolve_fit
from workflow_scripts.configuration.messages import raise_problems
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.configuration.simulation import check_scans
from workflow_scripts.configuration.synthetic import SYNTHETIC_FOLDER
from workflow_scripts.files import job, pointers, seals
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


def read_tables(config):
    """Read the tables of a cohort and check them against each other and the configuration.

    Parameters
    ----------
    config : dict
        As returned by :func:`workflow_scripts.configuration.configuration.validate`. The tables of a
        synthetic cohort need not exist yet.

    Returns
    -------
    list of dict
        The rows of the manifest.

    Raises
    ------
    InputError
    """
    title = "The tables of the cohort cannot be used"
    if config["synthetic"] is not None:
        rows = plan_manifest(config["synthetic"])
        raise_problems(title, _scan_problems(config, rows))
        return rows
    rows = read_manifest(config["manifest"])
    nodes = read_nodes(config["nodes"])
    holdout = config["holdout"]
    problems = manifest_checks.holdout_problems(
        rows, holdout, resolve_holdout(rows, holdout), config["manifest"]
    )
    problems += manifest_checks.analysis_problems(rows, config)
    problems += connectome.check_group(config, group_rows(rows))
    unknown = _session_problems(rows, config)
    problems += unknown + _space_problems(config, nodes) + _scan_problems(config, rows)
    if not unknown:
        problems += _length_problems(config, rows)
    problems += start.check_distances(config, rows, nodes)
    problems += analysis.check_nodes(config, nodes) + left_out.problems(config)
    problems += observables.problems_of(nodes, config["analysis"]["observables"])
    if config["participants"] is not None:
        people = [row for row in rows if row["participant_id"] != GROUP]
        stated = read_participants(config["participants"])
        problems += participants_checks.manifest_problems(config["participants"], stated, people)
    raise_problems(title, problems)
    return rows


def _space_problems(config, nodes):
    """Find maps, columns and partners that the fits ask for and the tables do not have."""
    problems = []
    for name in config["fits"]:
        try:
            search_space(resolve_fit(config, name), nodes)
        except InputError as error:
            problems.append(f"fits.{name}: {error}")
    return problems


def _scan_problems(config, rows):
    """Find simulations whose time does not go with the repetition times of the manifest."""
    times = {row["repetition_time"] for row in rows if row["kind"] in TARGET_KINDS} - {None}
    found = [
        text
        for name in config["fits"]
        for repetition_time in sorted(times)
        for text in check_scans(resolve_fit(config, name), repetition_time, f"fits.{name}")
    ]
    return list(dict.fromkeys(found))


def _length_problems(config, rows):
    """Find fits with conduction delays where nobody has tract lengths."""
    cohort = units(rows, config["connectome"]["source"], session_rule(config))
    if any(row["kind"] == "length" for unit in cohort.values() for row in unit["connectome"]):
        return []
    return [
        f"fits.{name}.delays: needs tract lengths, but {config['manifest']} has no row of kind length for "
        "anybody's connectome; add them, or leave delays out"
        for name in config["fits"]
        if resolve_fit(config, name)["delays"]
    ]


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


def _session_problems(rows, config):
    """Find people among whose connectomes none can be chosen, because nobody knows which came when."""
    if config["connectome"]["source"] == "group":
        return []
    scanned = {}
    for participant, session, is_scan in _by_session(rows):
        if is_scan:
            scanned.setdefault(participant, []).append(session)
    table = config["participants"] or "participants (no table is given)"
    return sessions.problems(_connectomes(_by_session(rows)), scanned, session_rule(config), table)


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


def missing_files(rows, manifest):
    """List the rows whose file is absent or empty, or whose content was not fetched.

    Empty tract lengths are no problem here: who has them has none, which matters to fits with delays only.

    Parameters
    ----------
    rows : list of dict
        Of the manifest.
    manifest : str
        Path of the manifest, for the messages.

    Returns
    -------
    list of str
    """
    problems = []
    for line, row in manifest_checks.numbered(rows):
        path, table = row["path"], row["labels_file"]
        found = pointers.unfetched(path)
        if found is None and not os.path.isfile(path):
            found = f"no file {path}; correct the path or delete the row"
        elif found is None and os.path.getsize(path) == 0 and row["kind"] != "length":
            found = f"{path} is empty; fetch its content or delete the row"
        if found is not None:
            problems.append(f"{manifest}, line {line}: {found}")
        if table is not None:
            found = pointers.unfetched(table)
            if found is None and not os.path.isfile(table):
                found = f"no file {table} (labels_file); correct the path or leave it out"
            if found is not None:
                problems.append(f"{manifest}, line {line}: {found}")
    return problems


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
    own, found = _by_session(rows), {}
    connectomes, group = _connectomes(own), group_rows(rows)
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


def _by_session(rows):
    """Sort rows of the manifest by participant, session and whether they belong to scans."""
    found = {}
    for row in rows:
        is_scan = row["kind"] in (*TARGET_KINDS, "mask", "motion")
        found.setdefault((row["participant_id"], row["session_id"] or "", is_scan), []).append(row)
    return found


def _connectomes(own):
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
