"""Which test was decided beforehand, and the correction of all others over the responses of all fits."""

import numpy as np

from cubnm_core.statistics.linear_models import false_discovery_rate
from workflow_scripts.configuration import primary
from workflow_scripts.statistics.designs import JOINT

PRIMARY, EXPLORATORY = "primary", "exploratory"
FAMILY = ("sample", "role", "model", "quantity", "state", "term", "contrast")
ADJUSTED = {"p": "p_fdr", "p_permutation": "p_permutation_fdr"}


def find_primary(settings, fits):
    """Find the primary test among the models that are run.

    Parameters
    ----------
    settings : dict
        Section ``statistics``, with the models that are run.
    fits : dict of str to dict
        Resolved settings of every fit.

    Returns
    -------
    workflow_scripts.configuration.primary.Primary or None
        None where none is stated, or nothing is tested.
    """
    if settings["primary"] is None or not settings["models"]:
        return None
    return primary.find(settings["primary"], settings["models"], fits)


def with_roles(rows, decided, split):
    """Say of every test whether it is the primary one, which comes first.

    Parameters
    ----------
    rows : list of dict
        Of statistics.tsv, with model, fit and sample.
    decided : workflow_scripts.configuration.primary.Primary or None
    split : {"train", "test"}
        Whose scores a primary score is.

    Returns
    -------
    list of dict
    """
    several = {_test(row) for row in rows if row["contrast"] == JOINT}
    told = []
    for row in rows:
        whole = JOINT if _test(row) in several else row["contrast"]
        role = PRIMARY if _is_primary(row, decided, split, whole) else EXPLORATORY
        told.append({**row, "role": role})
    return sorted(told, key=lambda row: row["role"] != PRIMARY)


def _test(row):
    return tuple(row[key] for key in ("fit", "model", "term"))


def _is_primary(row, decided, split, whole):
    """Say whether a row is the primary test, `whole` being the contrast that tests its term as a whole."""
    if decided is None:
        return False
    keys = ("fit", "model", "term", "quantity", "variable")
    if any(row[key] != getattr(decided, key) for key in keys) or row["split"] not in (None, split):
        return False
    return row["contrast"] == (whole if decided.contrast is None else decided.contrast)


def correct(rows):
    """Correct tests for the false discovery rate: the primary one alone, all others over all fits.

    Parameters
    ----------
    rows : list of dict
        As of :func:`with_roles`.

    Returns
    -------
    list of dict
        With ``p_fdr``, ``p_permutation_fdr`` and ``n_corrected``, the number of responses corrected over.
    """
    named = [{**row, "state": row["variable"] if row["quantity"] == "state" else None} for row in rows]
    return adjust(named, FAMILY, ADJUSTED)


def adjust(rows, keys, columns):
    """Adjust p values of rows that belong together.

    Parameters
    ----------
    rows : list of dict
    keys : sequence of str
        Rows that agree in all of them are one family.
    columns : dict of str to str
        Column with p to the one that its adjusted values get.

    Returns
    -------
    list of dict
        In the same order.
    """
    families = {}
    for number, row in enumerate(rows):
        families.setdefault(tuple(row[key] for key in keys), []).append(number)
    adjusted = [{**row} for row in rows]
    for members in families.values():
        for column, name in columns.items():
            p = np.array([rows[number][column] for number in members], dtype=float)
            for number, value in zip(members, false_discovery_rate(p), strict=True):
                adjusted[number] |= {name: value, "n_corrected": int(np.isfinite(p).sum())}
    return adjusted
