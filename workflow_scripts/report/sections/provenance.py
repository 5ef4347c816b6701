"""Provenance: versions, configuration, seeds, hashes, times, and links to the tables."""

import os

from workflow_scripts.report.formatting import MISSING
from workflow_scripts.report.section import Section

SHARED = ("software", "machine", "seeds", "computed")  # parts that are the same for everybody
SHOWN = ("software", "machine")  # parts that the page of the cohort shows


def section(cohort):
    """Links to the tables, and what computed; all that was recorded is in provenance.json."""
    recorded = cohort.provenance
    single = {name: value for name, value in recorded.items() if not isinstance(value, (dict, list))}
    told = {"this run": single, **{name: recorded.get(name) for name in SHOWN}}
    context = {
        "parts": [_part(name, value) for name, value in told.items() if value],
        "links": links(cohort, cohort.folder),
    }
    return Section("provenance", "Provenance and files", "provenance.html.j2", context)


def aggregate(cohort):
    """Versions, seeds and times; no file, no path, no checksum, no session."""
    recorded = {name: dict(cohort.provenance.get(name) or {}) for name in SHARED}
    recorded["software"].pop("commit", None)
    recorded["seeds"].pop("added_in_session", None)
    parts = [_part(name, value) for name, value in recorded.items() if value]
    context = {"parts": parts, "links": []}
    return Section("provenance", "Provenance", "provenance.html.j2", context)


def links(cohort, folder):
    """Names of the tables and their addresses, seen from a folder."""
    return [
        {"name": path.name, "href": os.path.relpath(path, folder).replace(os.sep, "/")}
        for path in cohort.files.values()
    ]


def _part(name, value):
    rows = list(_flatten(value))
    return {"name": name.replace("_", " "), "rows": rows}


def _flatten(value, path=()):
    """Nested mappings and lists as (path, text) pairs."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten(item, (*path, str(key)))
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for k, item in enumerate(value, start=1):
            yield from _flatten(item, (*path, str(k)))
    else:
        yield (
            " / ".join(path),
            ", ".join(map(str, value))
            if isinstance(value, list)
            else MISSING
            if value is None
            else str(value),
        )
