"""Tidy tables of results, read: as text to the last digit, or with numbers to compute with."""

import io

import numpy as np
import pandas as pd

from workflow_scripts.files import seals
from workflow_scripts.files.damage import Damaged, told_as_damage
from workflow_scripts.files.job import MISSING
from workflow_scripts.files.words import unit_name


def read_texts(path):
    """Read a table as text, so that ids such as 001 and every digit stay as they are.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
        If the file is not a whole table any more.
    """
    table = read_frame(path, dtype=str, keep_default_na=False)
    if table.isna().to_numpy().any():
        raise Damaged(path, "a line has fewer cells than the first one")
    return table


def read_frame(path, **options):
    """Read a table of results.

    Parameters
    ----------
    path : path
    **options
        Of :func:`pandas.read_csv`.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    workflow_scripts.files.damage.Damaged
        If the file is not a whole table any more.
    """
    content = seals.read_bytes(path)
    with told_as_damage(path, "it is not a whole table"):
        _check_shape(content)
        return pd.read_csv(io.BytesIO(content), sep="\t", **options)


def _check_shape(content):
    """Refuse a table that was cut in a line, or has bytes that no table has."""
    if not content.endswith(b"\n"):
        raise ValueError("its last line has no end" if content else "it is empty")
    if b"\0" in content:
        raise ValueError("it holds bytes of value 0")
    if b'"' not in content:  # else cells may hold tabs and ends of lines
        columns = content.partition(b"\n")[0].count(b"\t")
        if content.count(b"\t") != columns * content.count(b"\n"):
            raise ValueError("its lines differ in their number of cells")


def filled(table):
    """Leave out the rows of a table of evidence that only say why there is nothing, in their ``note``."""
    return table[~_has_note(table)].reset_index(drop=True)


def noted(table):
    """Choose the rows of a table of evidence that only say why there is nothing; columns may be absent."""
    return table.assign(note=table.get("note"))[_has_note(table)].reset_index(drop=True)


def _has_note(table):
    if "note" not in table:
        return np.zeros(len(table), dtype=bool)
    return (table["note"].notna() & ~table["note"].isin([MISSING, ""])).to_numpy()


def concatenate(paths):
    """Put tables with the same kind of rows together; columns that one lacks are n/a there."""
    return pd.concat([read_texts(path) for path in paths], ignore_index=True).fillna(MISSING)


# Only n/a means missing: a participant may well be called "NA".
MISSING_CELLS = ["n/a", ""]


WORDS = (
    "fit",
    "group",
    "label",
    "hemisphere",
    "network",
    "stage",
    "reason",
    "stopped",
    "at_bounds",
    "parameter",
    "seeds",
)


TEXT = dict.fromkeys(["participant_id", "session_id", *WORDS], str)


def read_table(path):
    """Read a tidy table; rows of a participant get the name of their unit as `key`."""
    frame = read_frame(path, dtype=TEXT, keep_default_na=False, na_values=MISSING_CELLS)
    if "participant_id" in frame:
        sessions = frame["session_id"] if "session_id" in frame else [np.nan] * len(frame)
        frame["key"] = [_unit(*pair) for pair in zip(frame["participant_id"], sessions, strict=True)]
    return frame


def _unit(participant, session):
    return unit_name(participant, "" if pd.isna(session) else session)
