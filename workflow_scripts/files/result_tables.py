"""Tidy tables of results, read: as text to the last digit, or with numbers to compute with."""

import numpy as np
import pandas as pd

from workflow_scripts.files.job import MISSING
from workflow_scripts.files.words import unit_name


def read_texts(path):
    """Read a table as text, so that ids such as 001 and every digit stay as they are."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


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
    frame = pd.read_csv(path, sep="\t", dtype=TEXT, keep_default_na=False, na_values=MISSING_CELLS)
    if "participant_id" in frame:
        sessions = frame["session_id"] if "session_id" in frame else [np.nan] * len(frame)
        frame["key"] = [_unit(*pair) for pair in zip(frame["participant_id"], sessions, strict=True)]
    return frame


def _unit(participant, session):
    return unit_name(participant, "" if pd.isna(session) else session)
