"""Responses of the statistics: parameters, regional states and scores of a fit, one column each."""

from dataclasses import dataclass

import pandas as pd

from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.parameters import coordinate_bounds


@dataclass(frozen=True, eq=False)
class Family:
    """Responses that are corrected for each other: all parameters, all scores, or one state in all regions.

    Attributes
    ----------
    quantity : {"parameter", "state", "score"}
    columns : list of dict
        variable, label, split and unit of every column of the values.
    values : pandas.DataFrame
        Indexed by unit.
    """

    quantity: str
    columns: list
    values: pd.DataFrame


def parameters(fits, fit, free):
    """Fitted values of the free coordinates of a fit.

    Parameters
    ----------
    fits : pandas.DataFrame
        With the unit as ``key``.
    fit : str
    free : dict
        Of the settings of the fit.

    Returns
    -------
    Family
    """
    rows = selected(fits, fit).dropna(axis="columns", how="all")
    known = [name.removeprefix("param_") for name in rows if name.startswith("param_")]
    names = list(coordinate_bounds(free, known))
    values = rows[[f"param_{name}" for name in names]].set_axis(names, axis="columns")
    return Family("parameter", [_column(name) for name in names], values)


def selected(fits, fit):
    """The selected restart of every unit."""
    rows = fits[(fits["fit"] == fit) & (fits["status"] == "ok")]
    return rows[rows["selected"].astype(bool)].set_index("key")


def scores(evaluation, fit):
    """Scores of a fit, training and held-out.

    Parameters
    ----------
    evaluation : pandas.DataFrame
        With the unit as ``key``.
    fit : str

    Returns
    -------
    Family
    """
    rows = evaluation[evaluation["fit"] == fit]
    wide = rows.pivot_table(index="key", columns=["measure", "split"], values="mean", sort=False)
    columns = [_column(measure, split=split) for measure, split in wide.columns]
    return Family("score", columns, wide.set_axis([f"{m} {s}" for m, s in wide.columns], axis="columns"))


def states(table, fit, names):
    """Regional means of the states of a fit.

    Parameters
    ----------
    table : pandas.DataFrame
        With the unit as ``key``.
    fit : str
    names : list of str or None
        None for all there are.

    Returns
    -------
    list of Family
        One for every state.
    """
    rows = table[table["fit"] == fit]
    found = []
    for variable, part in rows.groupby("variable", sort=False):
        if names is None or variable in names:
            labels = part["label"].unique()
            wide = part.pivot(index="key", columns="label", values="mean")[labels]
            unit = part["unit"].iloc[0]
            columns = [_column(variable, label=label, unit=unit) for label in labels]
            found.append(Family("state", columns, wide))
    return found


def absent_states(families, names):
    """Name the states that a model requests and a fit does not have.

    Returns
    -------
    list of str
    """
    known = [family.columns[0]["variable"] for family in families]
    return [f"no state {name!r}{suggestion(name, known)}" for name in names or () if name not in known]


def _column(variable, label=None, split=None, unit=None):
    return {"variable": variable, "label": label, "split": split, "unit": unit}
