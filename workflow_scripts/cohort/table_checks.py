"""The user's tables read together, and held against each other and the configuration."""

import os

from cubnm_core.errors import InputError
from workflow_scripts.cohort import (
    left_out,
    manifest_checks,
    observables,
    participants_checks,
    sessions,
    tables,
)
from workflow_scripts.cohort.manifest_checks import GROUP, TARGET_KINDS
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.configuration import analysis, connectome, experiments, start
from workflow_scripts.configuration.fit_settings import resolve_fit
from workflow_scripts.configuration.messages import Problems
from workflow_scripts.configuration.simulation import check_scans
from workflow_scripts.files import pointers

READERS = {
    "manifest": tables.read_manifest,
    "nodes": tables.read_nodes,
    "participants": tables.read_participants,
    "left_out": left_out.read,
}
TITLE = "The tables of the cohort cannot be used"


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
        With everything found.
    """
    found = Problems()
    stated = planned(config, read_alone(config, found))
    found.add(TITLE, settings_problems(config, stated))
    found.raise_all()
    return stated["manifest"]


def read_alone(config, found):
    """Read every table, and check what the configuration says nothing about.

    Parameters
    ----------
    config : dict
        As written or completed. Tables that it does not name by text are not read.
    found : Problems
        Collects what is wrong.

    Returns
    -------
    dict
        ``manifest``, ``nodes``, ``participants`` and ``left_out`` to their rows, or None where they were not
        read.
    """
    if config.get("synthetic") is not None:
        return dict.fromkeys(READERS)  # are going to be made
    paths = {name: config.get(name) for name in READERS}
    stated = {
        name: found.attempt(read, paths[name]) if _is_path(paths[name]) else None
        for name, read in READERS.items()
    }
    rows, people = stated["manifest"], stated["participants"]
    if rows is not None and people is not None:
        scanned = [row for row in rows if row["participant_id"] != GROUP]
        found.add(TITLE, participants_checks.manifest_problems(paths["participants"], people, scanned))
    return stated


def _is_path(text):
    """Say whether settings name a file; where they name something else, they are refused."""
    return isinstance(text, str) and bool(text) and "\0" not in text


def planned(config, stated):
    """Give the tables of a completed configuration, with the manifest that a synthetic cohort will have."""
    if config["synthetic"] is None:
        return stated
    return {**stated, "manifest": tables.plan_manifest(config["synthetic"])}


def settings_problems(config, stated):
    """List what contradicts the configuration in the tables that could be read.

    Parameters
    ----------
    config : dict
        Completed.
    stated : dict
        As returned by :func:`read_alone`.

    Returns
    -------
    list of str
    """
    rows, nodes = stated["manifest"], stated["nodes"]
    problems = [] if rows is None else _scan_problems(config, rows)
    if config["synthetic"] is not None:
        return problems
    if rows is not None:
        problems = _manifest_problems(config, rows) + problems
    if rows is not None and (config["participants"] is None or stated["participants"] is not None):
        problems += _session_problems(rows, config) or _length_problems(config, rows)
    if nodes is not None:
        problems += _space_problems(config, nodes) + analysis.check_nodes(config, nodes)
        problems += observables.problems_of(nodes, config["analysis"]["observables"])
        problems += experiments.check_nodes(config, nodes, config["nodes"])
    if rows is not None and nodes is not None:
        problems += start.check_distances(config, rows, nodes)
    return problems


def _manifest_problems(config, rows):
    """Find what the manifest does not have, or has in another way than the configuration asks."""
    holdout, table = config["holdout"], config["manifest"]
    asked = tables.resolve_holdout(rows, holdout)
    problems = manifest_checks.holdout_problems(rows, holdout, asked, table)
    problems += manifest_checks.analysis_problems(rows, config)
    return problems + connectome.check_group(config, tables.group_rows(rows))


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
    cohort = tables.units(rows, config["connectome"]["source"], tables.session_rule(config))
    if any(row["kind"] == "length" for unit in cohort.values() for row in unit["connectome"]):
        return []
    return [
        f"fits.{name}.delays: needs tract lengths, but {config['manifest']} has no row of kind length for "
        "anybody's connectome; add them, or leave delays out"
        for name in config["fits"]
        if resolve_fit(config, name)["delays"]
    ]


def _session_problems(rows, config):
    """Find people among whose connectomes none can be chosen, because nobody knows which came when."""
    if config["connectome"]["source"] == "group":
        return []
    by_session, scanned = tables.by_session(rows), {}
    for participant, session, is_scan in by_session:
        if is_scan:
            scanned.setdefault(participant, []).append(session)
    table = config["participants"] or "participants (no table is given)"
    return sessions.problems(tables.connectomes_of(by_session), scanned, tables.session_rule(config), table)


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
