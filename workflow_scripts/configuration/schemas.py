"""Schemas of the configuration and the tables, defaults from them, and the named protocols."""

from copy import deepcopy

from workflow_scripts.files.reading import CONFIG_FOLDER, read_yaml


def schema(name):
    """Give one of the schemas of ``config/schema``: config, manifest, participants or nodes."""
    return read_yaml(CONFIG_FOLDER / "schema" / f"{name}.schema.yaml")


def protocols():
    """Give the named protocols: settings that a fit may take over, and under ``about`` what each is."""
    return read_yaml(CONFIG_FOLDER / "protocols.yaml")


def complete(value, rules):
    """Fill missing keys of a mapping with the defaults of its schema, at every level.

    Keys come in the order of the schema: Snakemake compares text, and an entry that moves is to run nothing.
    """
    rules = resolve(rules)
    for key, entry in rules.get("properties", {}).items():
        entry = resolve(entry)
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


def resolve(rules):
    """Follow a reference into the definitions of the config schema; what stands beside it wins."""
    if "$ref" not in rules:
        return rules
    definition = schema("config")["$defs"][rules["$ref"].rsplit("/", 1)[-1]]
    return {**definition, **{key: value for key, value in rules.items() if key != "$ref"}}
