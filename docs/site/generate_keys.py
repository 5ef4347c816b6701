"""Write the tables of config/README.md from the schemas: `python docs/site/generate_keys.py`.

A table stands between two comments, `<!-- table: NAME ... -->` and `<!-- end -->`; all else is left alone.
"""

import re
from pathlib import Path

import yaml

from workflow_scripts.cohort.manifest_checks import COLUMN_KINDS
from workflow_scripts.configuration.schemas import protocols, schema

README = Path(__file__).resolve().parents[2] / "config" / "README.md"
TABLE = re.compile(r"(<!-- table: (\w+)[^>]*-->\n).*?(<!-- end -->)", flags=re.DOTALL)
PAGE = re.compile(r"\bdocs/([\w/]+\.md)")
KEY_HEAD = ["| key | allowed | default | meaning |", "|---|---|---|---|"]
COLUMN_HEAD = ["| column | kind of row | allowed | meaning |", "|---|---|---|---|"]
KINDS = {"object": "mapping", "string": "text", "boolean": "`true` `false`", "null": "`null`"}
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
OWN_TABLE = 3  # keys below one of a fit, from which on they get a table of their own


def main():
    """Write every table anew."""
    README.write_text(page(README.read_text(encoding="utf-8")), encoding="utf-8")


def page(text):
    """Give the text of a page with its tables as they follow from the schemas.

    Parameters
    ----------
    text : str
        With the comments between which tables stand.
    """
    made = {
        "manifest": column_table("manifest", COLUMN_KINDS),
        "participants": column_table("participants"),
        "nodes": column_table("nodes"),
        "overview": overview(),
        "protocols": protocol_table(),
        "keys": key_tables(),
    }
    return TABLE.sub(lambda found: f"{found[1]}\n{made[found[2]]}\n\n{found[3]}", text)


def column_table(name, kinds=None):
    """Columns of one of the user's tables, with the kinds of row of the manifest that they belong to."""
    rules = schema(name)
    rows = []
    for column, part in rules["properties"].items():
        required = ["required"] if column in rules["required"] else []
        cells = [f"`{column}`", ", ".join((kinds or {}).get(column, ["all"]))]
        rows.append([*cells, ", ".join([allowed(part), *required]), meaning(part)])
    head = COLUMN_HEAD
    if kinds is None:
        head, rows = ["| column | allowed | meaning |", "|---|---|---|"], [[row[0], *row[2:]] for row in rows]
    return _table(head, rows)


def overview():
    """Keys of the highest level; sections are linked to their tables."""
    rules, rows = schema("config"), []
    titles = {title.partition(".")[0]: title for title in reversed(key_sections())}
    for name, part in rules["properties"].items():
        first, *others = next(key_rows(name, part, {}, name in rules["required"]))
        rows.append([_linked(first, titles[name]) if name in titles else first, *others])
    return _table(KEY_HEAD, rows)


def protocol_table():
    """Named protocols: what each is for, where it comes from, what it costs."""
    rows = []
    for name, entry in protocols().items():
        about = entry["about"]
        source = f" ([doi:{about['source']}](https://doi.org/{about['source']}))" if about["source"] else ""
        rows.append([f"`{name}`", _one_line(about["text"]) + source, f"{about['simulations']:,}"])
    return _table(["| name | what it is | simulations per person, at most |", "|---|---|---|"], rows)


def key_tables():
    """Every key below those of the highest level: a heading, a sentence and a table per section."""
    lines = []
    for name, rows in key_sections().items():
        lines += [f"### Keys of `{name}`", "", rows[0][3], "", _table(KEY_HEAD, rows[1:]), ""]
    return "\n".join(lines).rstrip()


def key_sections():
    """Give the rows of every section, its own first; parts of a fit with many keys are sections too."""
    rules, found, seen = schema("config"), {}, {}
    for name, part in rules["properties"].items():
        rows = list(key_rows(name, part, seen, name in rules["required"]))
        if len(rows) > 1:
            found |= _parted(name, rows) if name == "fits" else {name: rows}
    return found


def _parted(name, rows):
    """Part the rows of a section with entries of the user's own names into those of its parts."""
    parts = {f"{name}.*": rows[1:]}
    for row in rows[2:]:
        key = row[0].strip("`")
        below = [other for other in rows if other[0].startswith(f"`{key}.")]
        if key.count(".") == 2 and len(below) >= OWN_TABLE:
            parts[key] = [row, *below]
            short = re.split(r"[.;] ", row[3])[0].removesuffix(".")
            pointer = (_linked(row[0], key), *row[1:3], f"{short}.")
            kept = [pointer if other is row else other for other in parts[f"{name}.*"] if other not in below]
            parts[f"{name}.*"] = kept
    return parts


def key_rows(name, part, seen, required=False):
    """Give a row for a key and for each of those below it: key, what is allowed, default, meaning.

    Parameters
    ----------
    name : str
        Of the key, with those above it.
    part : dict
        Its schema.
    seen : dict
        Names of the sections that have had their rows, by the identity of their keys; filled here.
    required : bool
    """
    default = "required" if required else _literal(part["default"]) if "default" in part else ""
    keys = part.get("properties", {})
    known = seen.setdefault(id(keys), name) if keys else name
    pointer = "" if known == name else f" Keys as of `{known}`."
    yield f"`{name}`", allowed(part), default, meaning(part) + pointer
    if pointer:
        return
    for key, below in keys.items():
        yield from key_rows(f"{name}.{key}", below, seen, key in part.get("required", ()))
    for key, ending in (("additionalProperties", ".*"), ("items", "[]")):
        below = part.get(key)
        if isinstance(below, dict) and "description" in below:
            yield from key_rows(name + ending, below, seen)


def allowed(part):
    """Say in few words which values a key may have."""
    if "enum" in part:
        return " ".join(_literal(value) for value in part["enum"])
    kinds = part.get("type", [])
    named = [_kind(kind, part) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    stated = [f"{sign} {part[key]:g}" for key, sign in LIMITS.items() if key in part]
    return ", ".join([" or ".join(named), *stated])


def _kind(kind, part):
    """Say what one type of a key is: a list of so many numbers, or the one word that a pattern allows."""
    if kind == "string" and re.fullmatch(r"\^\w+\$", part.get("pattern", "")):
        return f"`{part['pattern'].strip('^$')}`"
    if kind != "array":
        return KINDS.get(kind, kind)
    items = part.get("items", {})
    if "enum" in items:
        return f"list of {allowed(items)}"
    entries = {"number": "numbers", "string": "texts"}.get(str(items.get("type")), "entries")
    low, high = part.get("minItems"), part.get("maxItems")
    return f"list of {low} {entries}" if low == high and low else f"list of {entries}"


def meaning(part):
    """Give the description of a key, with links to the pages that it names."""
    text = re.sub(r"(?<! )\*|\*(?! )", r"\\*", _one_line(part["description"]))  # a pair would be emphasis
    return PAGE.sub(r"[docs/\1](../docs/\1)", text)


def _linked(text, section):
    """Link a text to the table of a section, whose anchor GitHub and MyST make of its title."""
    anchor = re.sub(r"[^\w-]", "", section)
    return f"[{text}](#keys-of-{anchor})"


def _table(head, rows):
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def _literal(value):
    shown = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip().removesuffix("...").strip()
    return f"`{_one_line(shown)}`"


def _one_line(text):
    return " ".join(str(text).split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
