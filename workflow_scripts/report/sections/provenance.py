"""Provenance: versions, configuration, seeds, hashes, times, and links to the tables."""

import os

import yaml

from workflow_scripts.report.formatting import MISSING
from workflow_scripts.report.section import Section

SHARED = ("software", "machine", "seeds", "computed")  # parts that are the same for everybody
FOLDED = 12  # entries from which a part starts folded


def section(cohort):
    """Provenance as it was recorded, and links to the tables."""
    recorded = {name: value for name, value in cohort.provenance.items() if name != "config"}
    nested = {name: value for name, value in recorded.items() if isinstance(value, (dict, list))}
    single = {name: value for name, value in recorded.items() if name not in nested}
    parts = [_part(name, value) for name, value in {"this run": single, **nested}.items() if value]
    config = yaml.safe_dump(cohort.config, sort_keys=False, allow_unicode=True) if cohort.config else ""
    return Section(
        "provenance",
        "Provenance and files",
        "provenance.html.j2",
        {"parts": parts, "config": config, "links": links(cohort, cohort.folder)},
    )


def aggregate(cohort):
    """Versions, seeds and times; no file, no path, no checksum, no session."""
    recorded = {name: dict(cohort.provenance.get(name) or {}) for name in SHARED}
    recorded["software"].pop("commit", None)
    recorded["seeds"].pop("added_in_session", None)
    parts = [_part(name, value) for name, value in recorded.items() if value]
    context = {"parts": parts, "config": "", "links": []}
    return Section("provenance", "Provenance", "provenance.html.j2", context)


def links(cohort, folder):
    """Names of the tables and their addresses, seen from a folder."""
    return [
        {"name": path.name, "href": os.path.relpath(path, folder).replace(os.sep, "/")}
        for path in cohort.files.values()
    ]


def _part(name, value):
    rows = list(_flatten(value))
    return {"name": name.replace("_", " "), "rows": rows, "folded": len(rows) > FOLDED}


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
