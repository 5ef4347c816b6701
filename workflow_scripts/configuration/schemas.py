"""Schemas of the configuration and the tables, defaults from them, and the named protocols."""

from copy import deepcopy
from functools import cache

from workflow_scripts.files.reading import CONFIG_FOLDER, read_yaml


def schema(name):
    """Give one of the schemas of ``config/schema``: config, manifest, participants or nodes.

    Returns
    -------
    dict
        Sections that have a file of their own (``$ref``) stand in their places. Shared between callers: copy
        before changing it.
    """
    return _join(CONFIG_FOLDER / "schema" / f"{name}.schema.yaml")


def fit_schema():
    """Give the schema of one entry of ``fits``."""
    return schema("config")["properties"]["fits"]["additionalProperties"]


def protocols():
    """Give the named protocols: settings that a fit may take over, and under ``about`` what each is."""
    return read_yaml(CONFIG_FOLDER / "protocols.yaml")


def complete(value, rules):
    """Fill missing keys of a mapping with the defaults of its schema, at every level.

    Keys come in the order of the schema: Snakemake compares text, and an entry that moves is to run nothing.
    """
    for key, entry in rules.get("properties", {}).items():
        if key in value:
            value[key] = value.pop(key)
        elif "default" in entry:
            value[key] = deepcopy(entry["default"])
        if isinstance(value.get(key), dict):
            complete(value[key], entry)
    others = rules.get("additionalProperties")
    for entry in value.values() if isinstance(others, dict) else ():
        if isinstance(entry, dict):
            complete(entry, others)


@cache
def _join(path):
    """Read a schema with the files it refers to."""
    return _with_parts(read_yaml(path), path.parent)


def _with_parts(rules, folder):
    """Put files in the places of references; what stands beside a reference wins."""
    if isinstance(rules, list):
        return [_with_parts(entry, folder) for entry in rules]
    if not isinstance(rules, dict):
        return rules
    part = _join(folder / rules["$ref"]) if "$ref" in rules else {}
    return part | {key: _with_parts(entry, folder) for key, entry in rules.items() if key != "$ref"}
