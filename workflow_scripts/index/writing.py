"""Tables for the user to read and edit; edited tables are never overwritten."""

import csv
import os
from pathlib import Path

from workflow_scripts.files import job

RECORD = "index.json"
SHOWN = 3
IGNORED = "# Written by the index command: ages and paths of people, which belong into no repository."
PERSONAL = ("manifest.tsv", "participants.tsv", "nodes.tsv", "left_out.tsv", RECORD)
PERSONAL += ("my.yaml", "*.new.tsv", "*.new.yaml")
MANIFEST_KEY = ("participant_id", "session_id", "run_id", "kind")


def write_tables(folder, tables, record, texts=None):
    """Write tables and a record of them.

    A table that is there already and differs from what the last index wrote was edited: it stays, the new
    one is written beside it as ``<name>.new.tsv``, and the differences are told.

    Parameters
    ----------
    folder : str
    tables : dict of str to tuple of (list of dict, columns, key)
        By name, such as ``manifest``; `key` names the columns that tell rows apart.
    texts : dict of str to str, optional
        By name, such as ``my.yaml``: other files that people edit, kept in the same way.
    record : dict
        What else goes into the record: options, counts.

    Returns
    -------
    list of str
        What was written, kept or changed, one line each.
    """
    folder = Path(folder)
    before = _last_record(folder).get("tables", {})
    lines, hashes = [], {}
    for name, (rows, columns, key) in tables.items():
        path, fresh = folder / f"{name}.tsv", folder / f"{name}.new.tsv"
        job.write_tsv(fresh, rows, columns=columns)
        told = differences(path, fresh, key) if path.exists() else ""
        hashes[name], line = _settle(path, fresh, before.get(name), f", {len(rows)} rows", told)
        lines.append(line)
    for name, text in (texts or {}).items():
        path = folder / name
        fresh = path.with_suffix(f".new{path.suffix}")
        fresh.write_text(text, encoding="utf-8")
        hashes[name], line = _settle(path, fresh, before.get(name), "", "")
        lines.append(line)
    job.write_json(folder / RECORD, {**record, "tables": hashes})
    return lines + _ignored(folder)


def _settle(path, fresh, before, size, told):
    """Put a file that was written in its place, unless a person edited what is there; its hash and a line."""
    digest = job.sha256(fresh)
    found = job.sha256(path) if path.exists() else None
    if found == digest:
        fresh.unlink()
        return digest, f"{path}{size.replace(',', ':', 1)}{',' if size else ':'} unchanged"
    if found is None or found == before:
        os.replace(fresh, path)
        return digest, f"{path}{size.replace(',', ':', 1)}{told}"
    return before, f"{path}: edited, so kept; new version: {fresh}{size}{told}"


def _ignored(folder):
    """Tell git to leave alone what holds ages and paths; a line where there is such a list already."""
    path = folder / ".gitignore"
    if not path.exists():
        path.write_text("\n".join([IGNORED, *PERSONAL, path.name]) + "\n", encoding="utf-8")
        return []
    listed = [line.removeprefix("/") for line in path.read_text(encoding="utf-8").splitlines()]
    absent = [name for name in PERSONAL if name not in listed]
    return (
        [f"{path} does not list {', '.join(absent)}, which hold ages and paths: add them"] if absent else []
    )


def _last_record(folder):
    path = folder / RECORD
    return job.read_json(path) if path.exists() else {}


def differences(old, new, key):
    """Say how two tables differ.

    Parameters
    ----------
    old, new : path
    key : sequence of str
        Columns that tell rows apart.

    Returns
    -------
    str
        Rows only in one of them, and rows with other cells: counts and the first of each.
    """
    before, after = (_by_key(path, key) for path in (old, new))
    parts = {
        "new": [name for name in after if name not in before],
        "gone": [name for name in before if name not in after],
        "changed": [name for name in after if name in before and before[name] != after[name]],
    }
    listed = [f"{len(found)} {word} ({_some(found)})" for word, found in parts.items() if found]
    return f"; {', '.join(listed)}" if listed else ""


def _by_key(path, key):
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {
        " ".join(row[column] for column in key if row.get(column, job.MISSING) != job.MISSING): row
        for row in rows
    }


def _some(names):
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
