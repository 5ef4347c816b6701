"""Expected costs over pairs of parameters, for the section on parameters and the pages of people."""

import numpy as np
import pandas as pd

from workflow_scripts.evidence.plane_costs import reference_cost
from workflow_scripts.files.result_tables import filled, noted, read_table
from workflow_scripts.files.words import plural
from workflow_scripts.report.figures import expected as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.selection import shown_units

MAX_PEOPLE = 12
COST, ABOVE = "expected cost (no unit)", "above the optimum (no unit)"
FLAGGED = "Grey and hatched: linear response does not hold there, and gives no cost."
ONE_SD = (
    f"{FLAGGED} Line: expected cost one SD over noise seeds above that at the optimum (or above the lowest, "
    "where the optimum is flagged)."
)
OVER_PEOPLE = (
    "Colour: median over people of the cost above that at their own optimum. Grey and hatched: linear "
    "response holds for half of the people or fewer. Line: median SD over noise seeds."
)


def read(paths):
    """Read planes of one fit: a table with ``key``, the unit."""
    return pd.concat([read_table(path) for path in paths], ignore_index=True)


def left_out(table):
    """Terms of the cost that planes lack, as text; empty where they lack none."""
    stated = table["left_out"].dropna() if "left_out" in table else []
    return stated.iloc[0].replace(", ", " and ") if len(stated) else ""


def person_picture(table, unit, fit):
    """Picture of all planes of a unit; None where it has none."""
    if table is None:
        return None
    rows = filled(table)
    rows = rows[rows["key"] == unit]
    if rows.empty:
        return None
    panels = [_plane(rows, f"{one} and {two}") for (one, two), rows in _pairs(rows)]
    alt = f"{unit}, fit {fit}: expected cost over pairs of parameters, flagged regions hatched"
    return picture(figures.planes, panels, COST, alt=alt)


def of_cohort(cohort, fit):
    """What the section on parameters shows of a fit: pictures, sentences, and reasons for none."""
    paths = cohort.planes.get(fit, [])
    if not paths:
        return {"pictures": [], "rows": [], "reasons": [], "left_out": ""}
    table = read(paths)
    rows = filled(table)
    reasons = list(dict.fromkeys(noted(table)["note"]))
    if rows.empty:
        return {"pictures": [], "rows": [], "reasons": reasons, "left_out": ""}
    pairs = _pairs(rows)
    (one, two), first = pairs[0]
    shown = [unit for unit in shown_units(cohort, MAX_PEOPLE) if unit in set(first["key"])]
    pictures = [
        {
            "title": f"Expected cost of {fit}, median of {plural(first['key'].nunique(), 'unit')}",
            "picture": picture(
                figures.planes,
                [_median(rows, f"{name} and {other}") for (name, other), rows in pairs],
                ABOVE,
                alt=f"Median expected cost over pairs of parameters, fit {fit}, flagged regions hatched",
            ),
            "note": OVER_PEOPLE,
        },
        {
            "title": f"Expected cost of {len(shown)} of {first['key'].nunique()} units over {one} and {two}",
            "picture": picture(
                figures.planes,
                [_plane(first[first["key"] == unit], unit) for unit in shown],
                COST,
                figures.PEOPLE_COLUMNS,
                alt=f"Expected cost over {one} and {two} of single people, fit {fit}",
            ),
            "note": ONE_SD,
        },
    ]
    sentences = [_sentence(cohort.of_fit("expected_landscapes", fit))]
    return {"pictures": pictures, "rows": sentences, "reasons": reasons, "left_out": left_out(rows)}


def _sentence(table):
    """Flat directions and flagged shares in words."""
    parts = []
    for (one, two), rows in filled(table).groupby(["parameter", "other"], sort=False):
        flagged, near = rows["flagged_share"].median(), rows["near_share"].median()
        text = f"{one} and {two}: {flagged:.0%} flagged"
        parts.append(text if np.isnan(near) else f"{text}, {near:.0%} within one SD of the optimum")
    return f"Share of each plane, median over units: {'; '.join(parts)}. All planes are on people's pages."


def _pairs(rows):
    return list(rows.groupby(["parameter", "other"], sort=False))


def _is_best(rows):
    return rows["is_best"].astype(str) == "True"


def _grid(rows):
    """Cell centres and costs (first, second) of one plane of one person, rows in their order."""
    grid = rows[~_is_best(rows)]
    x, y = np.unique(grid["value"]), np.unique(grid["other_value"])
    values = np.full((len(x), len(y)), np.nan)
    places = np.searchsorted(x, grid["value"]), np.searchsorted(y, grid["other_value"])
    values[places] = grid["cost"].astype(float)
    return x, y, values


def _plane(rows, title):
    """The plane of one person."""
    x, y, values = _grid(rows)
    best = rows.loc[_is_best(rows), ["value", "other_value"]].to_numpy(dtype=float)
    level = reference_cost(rows) + float(rows["seed_sd"].iloc[0])
    return figures.Plane(title, tuple(rows[["parameter", "other"]].iloc[0]), x, y, values, best, level)


def _median(rows, title):
    """Median over people of the cost above that of the optimum, where most have one."""
    people = [one for _, one in rows.groupby("key", sort=False)]
    stack = np.array([_grid(one)[2] - reference_cost(one) for one in people])
    known = np.isfinite(stack).mean(axis=0) > 0.5
    values = np.full(stack.shape[1:], np.nan)
    values[known] = np.nanmedian(stack[:, known], axis=0)
    best = rows.loc[_is_best(rows), ["value", "other_value"]].to_numpy(dtype=float)
    level = float(rows.groupby("key")["seed_sd"].first().median())
    x, y, _ = _grid(people[0])
    return figures.Plane(title, tuple(rows[["parameter", "other"]].iloc[0]), x, y, values, best, level)
