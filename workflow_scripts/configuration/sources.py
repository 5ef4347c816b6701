"""Files of settings as they were written: every key once and as text, and the line where it stands.

What Snakemake hands over is a mapping, in which the last of two equal keys has won, without any lines.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

PROGRAM = "__use_yte__"
TEXT, WHOLE, NUMBER = ("tag:yaml.org,2002:" + kind for kind in ("str", "int", "float"))
PLAIN = re.compile(r"[+-]?\.?(inf|nan)", re.IGNORECASE)  # refused by the schema, where they are numbers
QUOTED_KEY = re.compile(r"(top level|[^\s:]*): (?:unknown key|the name) '([^']*)'")
THOUSANDS = re.compile(r"_(?!\d{3}(?!\d))")  # underscores that part something else


@dataclass
class Source:
    """One file of settings.

    Attributes
    ----------
    path : str
    lines : dict of str to int
        Keys, with those above them and parted by dots, to the line where they stand.
    problems : list of str
        Keys that stand twice or are no text, and numbers that YAML reads in another way than people do.
    """

    path: str
    lines: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)


def read(path):
    """Read the keys of a file of settings, YAML or JSON.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Source
        Empty if the file cannot be read as YAML; who needs its content says so.
    """
    below = os.path.relpath(path)
    source = Source(str(path) if below.startswith("..") else below)
    text = Path(path).read_text(encoding="utf-8-sig")
    try:
        root = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)  # JSON may be indented by tabs
    except (yaml.YAMLError, RecursionError):
        return source
    _walk(root, (), source, set())
    return source


def locate(problem, sources):
    """Put the file and the line before a problem that begins with a key of the settings.

    Parameters
    ----------
    problem : str
        Such as ``simulation.dt: ...``.
    sources : list of Source
        The last one that has a key is the one whose value holds.

    Returns
    -------
    str
    """
    key = _key_of(problem)
    while key:
        for source in reversed(sources):
            if key in source.lines:
                return f"{source.path}, line {source.lines[key]}: {problem}"
        key = key.rpartition(".")[0]
    return problem


def _key_of(problem):
    """Give the key that a problem begins with, or the one below it that it names."""
    if found := QUOTED_KEY.match(problem):
        place, key = found.groups()
        return key if place == "top level" else f"{place}.{key}"
    return re.match(r"[^\s:]*", problem).group()


def _walk(node, above, source, seen):
    """Note the lines and problems of everything below a node; what an alias repeats was noted before."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        _walk_mapping(node, above, source, seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, entry in enumerate(node.value):
            source.lines.setdefault(".".join([*above, str(number)]), _line(entry))
            _walk(entry, (*above, str(number)), source, seen)
    elif text := _other_number(node):
        source.problems.append(f"{source.path}, line {_line(node)}: {'.'.join(above)}: {text}")


def _walk_mapping(node, above, source, seen):
    first = {}
    for key, value in node.value:
        place = f"{source.path}, line {_line(key)}"
        if not isinstance(key, yaml.ScalarNode):
            source.problems.append(f"{place}: a list or mapping is no key; write text")
            continue
        name, line = ".".join([*above, key.value]), _line(key)
        if not above and key.value == PROGRAM:
            source.problems.append(
                f"{place}: {PROGRAM} lets Snakemake run this file as a program; settings are no program: "
                "write the values, and delete the key"
            )
        if key.tag != TEXT and key.value != "<<":
            source.problems.append(
                f"{place}: the key {name} is {_kind(key)} to YAML, not text; rename it, or write it in quotes"
            )
        if key.value in first:
            source.problems.append(
                f"{source.path}: the key {name} stands twice, in line {first[key.value]} and in line {line}; "
                "delete one of them"
            )
        first.setdefault(key.value, line)
        source.lines.setdefault(name, line)
        _walk(value, (*above, key.value), source, seen)


def _other_number(node):
    """Say how YAML reads a number that people read otherwise: octal, hexadecimal, by sixties."""
    if node.tag not in (WHOLE, NUMBER) or node.style is not None or PLAIN.fullmatch(node.value):
        return None
    value = yaml.safe_load(node.value)
    try:
        same = float(node.value) == value and not THOUSANDS.search(node.value)
    except OverflowError:
        return None  # too large for any setting, which the schema says
    except ValueError:
        same = False
    return None if same else f"{node.value} is {value} to YAML; write a decimal number, or text in quotes"


def _kind(key):
    """Name what YAML makes of a key that is no text."""
    named = {"bool": "true or false", "null": "null", "int": "a number", "float": "a number"}
    return named.get(key.tag.rpartition(":")[2], "no plain word")


def _line(node):
    return node.start_mark.line + 1
