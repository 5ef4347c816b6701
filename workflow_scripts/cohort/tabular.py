"""TSV tables checked for their shape and against the schema of their rows: the one reader of all of them."""

import csv
import re
from collections import Counter
from dataclasses import dataclass

from jsonschema import Draft202012Validator

from cubnm_core.errors import InputError
from workflow_scripts.cohort import identities
from workflow_scripts.configuration.messages import raise_problems, schema_problems, suggestion
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.files import cells, pointers


@dataclass(frozen=True)
class Table:
    """The text of a table whose lines all have a cell in every column.

    Attributes
    ----------
    columns : list of str
    lines : list of int
        Number of the line of every row in the file.
    rows : list of list of str
        Cells without the blanks around them; "" for all words that stand for a missing value.
    """

    columns: list
    lines: list
    rows: list

    def dicts(self):
        """Give every row as a dict of str to str."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Rows(list):
    """Rows of a table, with the ``lines`` of the file where they stand."""

    def __init__(self, rows, lines):
        super().__init__(rows)
        self.lines = lines


def read_text(path, name, required=(), allowed=None, fewest=1):
    """Read a table as text.

    Parameters
    ----------
    path : str or Path
    name : str
        What the table is called in messages, such as ``manifest``.
    required : sequence of str
        Columns that it must have.
    allowed : collection of str, optional
        Columns that it may have. Default: any.
    fewest : int
        Rows that it must have.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If there is no such table, or a line has more or fewer cells than the header, or a column is missing,
        unknown, twice or without a name; listing all of it.
    """
    pointers.check_fetched(path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter="\t")
            found, last = [], 0
            for row in reader:
                found.append((last + 1, [cell.strip() for cell in row]))
                last = reader.line_num
    except OSError as error:
        raise InputError(f"{name} table {path}: {error.strerror}; correct the path") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{name} table {path}: not tab-separated text in UTF-8 ({error}); save it as such"
        ) from None
    found = [(line, row) for line, row in found if any(row)]
    if not found:
        needed = f"; it needs a header with the columns {', '.join(required)}" if required else ""
        raise InputError(f"{name} table {path} is empty{needed}")
    (_, header), *body = found
    # Some programs end every line with a tab: a last column without a name and without a cell.
    while len(header) > 1 and not header[-1] and all(len(row) == len(header) for _, row in body):
        if any(row[-1] for _, row in body):
            break
        header, body = header[:-1], [(line, row[:-1]) for line, row in body]
    problems = _shape_problems(path, header, body, required, allowed)
    if len(body) < fewest:
        problems.append(f"{path}: no row below the header")
    raise_problems(f"The {name} table cannot be used", problems)
    texts = [["" if cells.is_missing(cell) else cell for cell in row] for _, row in body]
    return Table(header, [line for line, _ in body], texts)


def read(path, name, keep=None):
    """Read a table and list what contradicts the schema of its rows.

    Parameters
    ----------
    path : str or Path
    name : {"manifest", "participants", "nodes"}
        Of the schema.
    keep : callable, optional
        Of a row, whether it counts; the others are neither given nor checked.

    Returns
    -------
    rows : Rows of dict
        Every column of the schema and of the file; None for missing cells. Numbers are finite.
    problems : list of str

    Raises
    ------
    InputError
        As :func:`read_text`.
    """
    rules = schema(name)
    allowed = rules["properties"] if rules["additionalProperties"] is False else None
    table = read_text(path, name, rules["required"], allowed)
    columns = {
        column: [_value(row[place], column, rules) for row in table.rows]
        for place, column in enumerate(table.columns)
    }
    # In one order, whatever that of the file: Snakemake compares rows as text.
    blank = dict.fromkeys(rules["properties"])
    rows = [
        {**blank, **dict(zip(columns, values, strict=True))} for values in zip(*columns.values(), strict=True)
    ]
    kept = [(row, line) for row, line in zip(rows, table.lines, strict=True) if keep is None or keep(row)]
    found = Rows([row for row, _ in kept], [line for _, line in kept])
    return found, _value_problems(path, found, columns, rules)


def _shape_problems(path, header, body, required, allowed):
    """Check the names of the columns and the number of cells in every line."""
    problems = [
        f"{path}: column {column!r} is missing{_renamed(column, header)}"
        for column in required
        if column not in header
    ]
    problems += [
        f"{path}: the columns {other!r} and {column!r} differ in capitals only; rename one of the two"
        for place, column in enumerate(header)
        for other in header[:place]
        if column != other and column.lower() == other.lower()
    ]
    problems += [
        f"{path}: column {column!r} appears twice; name one of the two differently, or delete it"
        for column, count in Counter(header).items()
        if count > 1 and column
    ]
    problems += [
        f"{path}: column {place} has no name; name it or delete it"
        for place, column in enumerate(header, start=1)
        if not column
    ]
    if allowed is not None:
        problems += [
            f"{path}: unknown column {column!r}{suggestion(column, allowed)}"
            for column in header
            if column and column not in allowed
        ]
    if len(header) == 1 and any(mark in header[0] for mark in ",; "):
        problems.append(f"{path}: one column only; columns are parted by tabs, not by commas or blanks")
    for line, row in body:
        if any("\n" in cell or "\r" in cell for cell in row):
            problems.append(f"{path}, line {line}: a quotation mark is not closed; delete it or close it")
        elif len(row) != len(header):
            problems.append(f"{path}, line {line}: {_count(row, header)}")
    return problems


def _renamed(column, header):
    """Name the column that was meant, if one is called nearly so."""
    near = [other for other in header if re.sub(r"[\W_]", "", other).lower() == column.replace("_", "")]
    return f"; rename {near[0]!r}" if near else ""


def _count(row, header):
    """Say how many cells a line has and from which column on they may stand in a wrong one."""
    told = f"{len(row)} cells, but the header has {len(header)}"
    if len(row) < len(header):
        return f"{told}: a tab is lost, or no cell stands for {header[len(row)]!r}; write n/a there"
    return f"{told}: a tab too many, behind {header[-1]!r} stands {row[len(header)]!r}; delete it"


def _value(cell, column, rules):
    """Convert a cell to the type of its column; what does not convert is left for the schema to refuse."""
    if not cell:
        return None
    if column in identities.PREFIXES:
        return identities.bare(cell, column)
    kind = rules["properties"].get(column, {}).get("type")
    if kind not in ("number", "integer"):
        return cell
    number = cells.finite(cell)
    if number is None or (kind == "integer" and not number.is_integer()):
        return cell
    return int(number) if kind == "integer" else number


def _value_problems(path, rows, columns, rules):
    """Check the different values of every column against the schema, far quicker than row by row."""
    problems = []
    for column in columns:
        first, checked = {}, Draft202012Validator(rules["properties"].get(column, {}))
        for row, line in zip(rows, rows.lines, strict=True):
            first.setdefault(row[column], line)
        if column not in rules["properties"]:
            problems += [f"{path}, line {first[text]}: {column}: {why}" for text, why in _slips(first)]
        for value, line in first.items():
            if value is None or not checked.is_valid(value):
                found = _contradictions(value, column, rules)
                problems += [f"{path}, line {line}: {text}" for text in found]
    return problems


def cell_problems(text, column, name):
    """List what is wrong with one cell of a table, as of :func:`read`.

    Parameters
    ----------
    text, column : str
    name : {"manifest", "participants", "nodes"}

    Returns
    -------
    list of str
    """
    rules = schema(name)
    return _contradictions(_value(text.strip(), column, rules), column, rules)


def _contradictions(value, column, rules):
    """Hold one value against the schema of its column."""
    entry = rules["properties"].get(column, {})
    if value is None:
        return [f"{column} is empty"] if column in rules["required"] else []
    if entry.get("type") in ("number", "integer") and isinstance(value, str) and cells.slip(value):
        return [f"{column}: {cells.slip(value)}"]
    return schema_problems({column: value}, {"properties": {column: entry}})


def _slips(values):
    """Find cells that are no numbers by a slip, in a column of the user's own whose others are numbers."""
    texts = [value for value in values if value is not None]
    wrong = [(text, why) for text in texts if (why := cells.slip(text))]
    others = [text for text in texts if not cells.slip(text)]
    numeric = bool(others) and all(cells.finite(text) is not None for text in others)
    return wrong if numeric else []


def duplicates(path, rows, key):
    """List rows that share all columns of a key.

    Parameters
    ----------
    path : str
        For the messages.
    rows : Rows of dict
    key : sequence of str

    Returns
    -------
    list of str
    """
    first, problems = {}, []
    for line, row in zip(rows.lines, rows, strict=True):
        values = tuple(row[column] for column in key)
        if values in first:
            named = ", ".join(
                f"{column} {value}" for column, value in zip(key, values, strict=True) if value is not None
            )
            problems.append(f"{path}, line {line}: same {named} as line {first[values]}; keep one of the two")
        first.setdefault(values, line)
    return problems
