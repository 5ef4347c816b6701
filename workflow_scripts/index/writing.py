"""Tables for the user to read and edit; edited tables are never overwritten."""

import csv
import os
from pathlib import Path

from workflow_scripts.files import job

RECORD = "index.json"
SHOWN = 3
MANIFEST_KEY = ("participant_id", "session_id", "run_id", "kind")


def write_tables(folder, tables, record):
    """Write tables and a record of them.

    A table that is there already and differs from what the last index wrote was edited: it stays, the new
    one is written beside it as ``<name>.new.tsv``, and the differences are told.

    Parameters
    ----------
    folder : str
    tables : dict of str to tuple of (list of dict, columns, key)
        By name, such as ``manifest``; `key` names the columns that tell rows apart.
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
        digest = job.sha256(fresh)
        found = job.sha256(path) if path.exists() else None
        hashes[name] = before.get(name)
        if found == digest:
            fresh.unlink()
            hashes[name] = digest
            lines.append(f"{path}: {len(rows)} rows, unchanged")
        elif found is None or found == before.get(name):
            told = differences(path, fresh, key) if found else ""
            os.replace(fresh, path)
            hashes[name] = digest
            lines.append(f"{path}: {len(rows)} rows{told}")
        else:
            told = differences(path, fresh, key)
            lines.append(f"{path}: edited, so kept; new version: {fresh}, {len(rows)} rows{told}")
    job.write_json(folder / RECORD, {**record, "tables": hashes})
    return lines


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
