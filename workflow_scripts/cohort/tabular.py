"""TSV tables checked against the schema of their rows."""

import csv
from collections import Counter

from jsonschema import Draft202012Validator

from cubnm_core.errors import InputError
from workflow_scripts.configuration.messages import raise_problems, schema_problems, suggestion
from workflow_scripts.configuration.schemas import schema

MISSING = ("", "n/a")


def read(path, name):
    """Read a table and list what contradicts the schema of its rows.

    Parameters
    ----------
    path : str or Path
    name : {"manifest", "participants", "nodes"}
        Of the schema.

    Returns
    -------
    rows : list of dict
        Every column of the schema and of the file; None for empty cells and n/a.
    problems : list of str

    Raises
    ------
    InputError
        If there is no such table, or its header or the shape of its lines is wrong.
    """
    rules = schema(name)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file, delimiter="\t"))
    except OSError as error:
        raise InputError(
            f"{name} table {path}: {error.strerror}; correct the path in the configuration"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{name} table {path}: not tab-separated text in UTF-8 ({error}); save it as such"
        ) from None
    if not table:
        raise InputError(
            f"{name} table {path} is empty; it needs a header with the columns "
            f"{', '.join(rules['properties'])}"
        )
    header, body = table[0], [cells for cells in table[1:] if any(cells)]
    raise_problems(f"The {name} table cannot be used", _header_problems(path, header, body, rules))
    columns = {
        column: [_value(cells[place], column, rules) for cells in body] for place, column in enumerate(header)
    }
    problems = _column_problems(path, columns, rules)
    # In one order, whatever that of the file: Snakemake compares rows as text.
    blank = dict.fromkeys(rules["properties"])
    return [
        {**blank, **dict(zip(columns, values, strict=True))} for values in zip(*columns.values(), strict=True)
    ], problems


def _header_problems(path, header, body, rules):
    """Check the names of the columns and the number of cells in every line."""
    allowed = rules["properties"]
    problems = [
        f"{path}: column {column!r} is missing" for column in rules["required"] if column not in header
    ]
    problems += [
        f"{path}: column {column!r} appears twice" for column, count in Counter(header).items() if count > 1
    ]
    if rules["additionalProperties"] is False:
        problems += [
            f"{path}: unknown column {column!r}{suggestion(column, allowed)}"
            for column in header
            if column not in allowed
        ]
    if len(header) == 1 and any(mark in header[0] for mark in ",; "):
        problems.append(f"{path}: one column only; columns are parted by tabs, not by commas or blanks")
    problems += [
        f"{path}, line {number}: {len(cells)} cells, but the header has {len(header)}"
        for number, cells in enumerate(body, start=2)
        if len(cells) != len(header)
    ]
    if not body:
        problems.append(f"{path}: no row below the header")
    return problems


def _value(cell, column, rules):
    """Convert a cell to the type of its column; what does not convert is left for the schema to refuse."""
    cell = cell.strip()
    if cell in MISSING:
        return None
    if column in ("participant_id", "session_id"):
        return cell.removeprefix("sub-").removeprefix("ses-")
    kind = rules["properties"].get(column, {}).get("type")
    if kind in ("number", "integer"):
        try:
            return int(cell) if kind == "integer" else float(cell)
        except ValueError:
            return cell
    return cell


def _column_problems(path, columns, rules):
    """Check the different values of every column against the schema, far quicker than row by row."""
    problems = []
    for column, values in columns.items():
        entry = rules["properties"].get(column, {})
        checked = Draft202012Validator(entry)
        for value in dict.fromkeys(values):
            if value is None:
                found = [f"{column} is empty"] if column in rules["required"] else []
            elif checked.is_valid(value):
                continue
            else:
                found = schema_problems({column: value}, {"properties": {column: entry}})
            problems += [f"{path}, line {values.index(value) + 2}: {text}" for text in found]
    return problems


def duplicates(path, rows, key):
    """List rows that share all columns of a key.

    Parameters
    ----------
    path : str
        For the messages.
    rows : list of dict
    key : sequence of str

    Returns
    -------
    list of str
    """
    first, problems = {}, []
    for number, row in enumerate(rows, start=2):
        values = tuple(row[column] for column in key)
        if values in first:
            named = ", ".join(
                f"{column} {value}" for column, value in zip(key, values, strict=True) if value is not None
            )
            problems.append(
                f"{path}, line {number}: same {named} as line {first[values]}; keep one of the two"
            )
        first.setdefault(values, number)
    return problems
