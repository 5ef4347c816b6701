"""Pages of the site that are written from the schema, the data dictionary and the docstrings."""

import yaml

#: Title of a page to its modules of cubnm_core.
API = {
    "Simulation": ["simulation.simulation", "equations.model", "measures.connectivity"],
    "Search": [
        "measures.objective",
        "measures.distances",
        "fitting.search_space",
        "fitting.optimisers",
        "fitting.run",
    ],
    "Evidence": [
        "evidence.evaluation",
        "evidence.global_signal",
        "evidence.cross",
        "evidence.identification",
        "connectomes.rewiring",
        "evidence.nulls",
    ],
    "Identifiability and reliability": ["evidence.identifiability", "evidence.twins", "evidence.reliability"],
    "Statistics": [
        "statistics.paired",
        "statistics.linear_models",
        "statistics.mixed",
        "statistics.permutation",
        "statistics.spins",
    ],
}
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def pages(root):
    """Give every generated page: dict of name to text.

    Parameters
    ----------
    root : Path
        Of the repository.
    """
    schemas = root / "config" / "schema"
    return {
        "keys.md": keys_page(_read(schemas / "config.schema.yaml")),
        "tables.md": tables_page(_read(schemas / "columns.yaml")),
        **api_pages(),
    }


def keys_page(schema):
    """Every key of the configuration, from the schema."""
    lines = ["# Every key of the configuration", "", "Generated from `config/schema/config.schema.yaml`.", ""]
    lines += ["A dot separates levels; `*` stands for your own names, `[]` for the entries of a list.", ""]
    parts = {
        name: list(dict.fromkeys(key_rows(name, part, schema, name in schema.get("required", ()))))
        for name, part in schema["properties"].items()
    }
    alone = [row for rows in parts.values() if len(rows) == 1 for row in rows]
    sections = {"Single keys": alone} | {name: rows for name, rows in parts.items() if len(rows) > 1}
    for title, rows in sections.items():
        lines += [f"## {title}", "", "| key | allowed | default | meaning |", "|---|---|---|---|"]
        lines += [*(f"| {' | '.join(row)} |" for row in rows), ""]
    return "\n".join(lines)


def key_rows(name, part, schema, required=False):
    """Give a row for a key and for each of those below it: key, what is allowed, default, meaning."""
    part = _resolved(part, schema)
    default = "required" if required else _literal(part["default"]) if "default" in part else ""
    yield f"`{name}`", _allowed(part, schema), default, _one_line(part.get("description", ""))
    for alternative in [part, *_alternatives(part, schema)]:
        for key, below in alternative.get("properties", {}).items():
            yield from key_rows(f"{name}.{key}", below, schema, key in alternative.get("required", ()))
        for key, ending in (("additionalProperties", ".*"), ("items", "[]")):
            below = alternative.get(key)
            if isinstance(below, dict) and _has_keys(_resolved(below, schema)):
                yield from key_rows(name + ending, below, schema)


def _has_keys(part):
    return any(key in part for key in ("properties", "description", "additionalProperties"))


def _alternatives(part, schema):
    return [_resolved(one, schema) for key in ("anyOf", "oneOf") for one in part.get(key, [])]


def _resolved(part, schema):
    """Follow a reference within the schema; what stands beside it goes first."""
    if "$ref" not in part:
        return part
    found = schema
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return {**_resolved(found, schema), **{key: value for key, value in part.items() if key != "$ref"}}


def _allowed(part, schema):
    """Summarise the values that a key may have."""
    if "enum" in part:
        return " ".join(_literal(value) for value in part["enum"])
    if "const" in part:
        return _literal(part["const"])
    alternatives = [_allowed(one, schema) for one in _alternatives(part, schema)]
    if any(alternatives):
        return " or ".join(dict.fromkeys(filter(None, alternatives)))
    kinds = part.get("type", "")
    words = {"object": "mapping", "array": "list"}
    named = [words.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind]
    stated = [f"{sign} {part[key]:g}" for key, sign in LIMITS.items() if key in part]
    return ", ".join([" or ".join(named), *stated])


def tables_page(known):
    """Every table of the cohort and its columns, from the data dictionary."""
    lines = [
        "# Every column of the tables",
        "",
        "In `results/cohort/`, each with a JSON data dictionary of the same content.",
        "",
    ]
    lines += ["## Columns of many tables", "", *column_rows({**known["columns"], **known["patterns"]}), ""]
    for name, table in known["tables"].items():
        lines += [f"## {name}.tsv", "", table["Description"], "", *column_rows(table.get("columns", {})), ""]
    return "\n".join(lines)


def column_rows(columns):
    """Give the rows of a table of columns, none where a table has no columns of its own."""
    rows = []
    for name, column in columns.items():
        levels = "; ".join(f"`{level}`: {meaning}" for level, meaning in column.get("Levels", {}).items())
        meaning = _one_line(f"{column['Description']} {levels}")
        rows.append(f"| `{name}` | {column.get('Units', '')} | {meaning} |")
    return ["| column | unit | meaning |", "|---|---|---|", *rows] if rows else []


def api_pages():
    """Functions and classes, from their docstrings: a page per topic, and one that lists them."""
    found = {_page_name(title): module_page(title, names) for title, names in API.items()}
    lines = [
        "# Functions",
        "",
        "First steps: [simulating from Python](simulation/index.md).",
        "",
    ]
    lines += ["```{toctree}", ":maxdepth: 2", *(name.removesuffix(".md") for name in found), "```", ""]
    lines += ["## Most used", "", *_directive("autofunction", "cubnm_core.simulate")]
    lines += _directive("autofunction", "workflow_scripts.simulate_person.simulate_person")
    return {"api.md": "\n".join(lines), **found}


def module_page(title, names):
    """Public functions and classes of some modules of cubnm_core."""
    lines = [f"# {title}", ""]
    options = (":members:", ":exclude-members: simulate")  # which stands on the page before
    for name in names:
        lines += [f"## cubnm_core.{name}", "", *_directive("automodule", f"cubnm_core.{name}", *options)]
    return "\n".join(lines)


def _directive(kind, name, *options):
    return ["```{eval-rst}", f".. {kind}:: {name}", *(f"   {option}" for option in options), "```", ""]


def _page_name(title):
    return f"api_{title.split()[0].lower()}.md"


def _read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _literal(value):
    shown = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip().removesuffix("...").strip()
    return f"`{_one_line(shown)}`"


def _one_line(text):
    return " ".join(str(text).split()).replace("|", "\\|")
