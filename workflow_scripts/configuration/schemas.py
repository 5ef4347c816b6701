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


def whole_numbers(value, rules):
    """Give a value that its schema accepts with 1.0e+3 as 1000 wherever a whole number is meant.

    Parameters
    ----------
    value : object
        Mappings and lists are changed in place.
    rules : dict

    Returns
    -------
    object
    """
    if isinstance(value, dict):
        others = rules.get("additionalProperties")
        for key, entry in value.items():
            below = rules.get("properties", {}).get(key, others)
            value[key] = whole_numbers(entry, below) if isinstance(below, dict) else entry
    elif isinstance(value, list):
        value[:] = [whole_numbers(entry, rules.get("items", {})) for entry in value]
    elif isinstance(value, float) and _is_whole(rules):
        return int(value)
    return value


def _is_whole(rules):
    """Say whether a schema means whole numbers."""
    kinds = rules.get("type", ())
    numbers = [entry for entry in rules.get("enum", ()) if isinstance(entry, (int, float))]
    listed = numbers and all(isinstance(entry, int) for entry in numbers)
    return bool(listed) or ("integer" in ([kinds] if isinstance(kinds, str) else kinds))


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
