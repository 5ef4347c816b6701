"""Data dictionaries: a JSON file beside every table that says what its columns mean, as in BIDS."""

import csv
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from workflow_scripts.files import job
from workflow_scripts.files.reading import CONFIG_FOLDER, read_yaml


def write(path, name=None):
    """Describe the columns of a table in a JSON file beside it.

    Parameters
    ----------
    path : str or Path
        The table.
    name : str, optional
        Of the table in ``config/schema/columns.yaml``. Default: the name of the file without its ending.
    """
    path = Path(path)
    with open(path, encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file, delimiter="\t"))
    job.write_json(path.with_suffix(".json"), describe(name or path.stem, columns))


def describe(name, columns):
    """Say what the columns of a table mean.

    Parameters
    ----------
    name : str
        Of the table.
    columns : sequence of str

    Returns
    -------
    dict of str to dict
        ``Description``, and ``Units`` or ``Levels`` where there are any, by column. Columns of the user's
        own, which nothing describes, are left out.
    """
    found = {column: _entry(name, column) for column in columns}
    return {column: entry for column, entry in found.items() if entry is not None}


def title(name):
    """Say in a sentence what the rows of a table are."""
    return _texts()["tables"][name]["Description"]


def known_columns():
    """Name every column that some table may have, but for those of families such as ``param_*``."""
    texts = _texts()
    own = (column for table in texts["tables"].values() for column in table.get("columns", {}))
    return list(dict.fromkeys([*texts["columns"], *own]))


def _entry(name, column):
    texts = _texts()
    own = texts["tables"].get(name, {}).get("columns", {})
    for entries in (own, texts["columns"]):
        if column in entries:
            return entries[column]
    families = (entry for pattern, entry in texts["patterns"].items() if fnmatchcase(column, pattern))
    return next(families, None)


@cache
def _texts():
    return read_yaml(CONFIG_FOLDER / "schema" / "columns.yaml")
