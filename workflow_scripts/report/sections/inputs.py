"""Quality control of the inputs: flagged units, missing nodes, one row per unit."""

import pandas as pd

from workflow_scripts.report.cohort import KEYS
from workflow_scripts.report.disclosure import few
from workflow_scripts.report.figures import inputs as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, significant
from workflow_scripts.report.section import Section

ALT = "Every quality-control measure as points of all people; diamonds are flagged people."
NAMES_UP_TO = 12


def section(cohort):
    """Flags, a figure, missing nodes, and the table of quality control with all its columns."""
    qc = cohort.table("qc")
    columns = [name for name in qc.columns if name not in {*KEYS, "key"}]
    rows = [
        {"key": row["key"], "cells": [_cell(row[name]) for name in columns]} for row in qc.to_dict("records")
    ]
    flagged = flags(qc)
    context = {
        "columns": columns,
        "rows": rows,
        "flagged": flagged,
        "nodes": missing_nodes(cohort.table("missing_nodes")),
        "picture": None,
    }
    if figures.shown(qc):
        context["picture"] = picture(figures.quality, qc, {key for key, _ in flagged}, alt=ALT)
    return Section("inputs", "Inputs and quality control", "inputs.html.j2", context)


def aggregate(cohort):
    """Means and spreads of quality control over people, where enough of them have a value."""
    qc = cohort.table("qc")
    numbers = qc.select_dtypes("number").groupby(cohort.people.reindex(qc["key"]).to_numpy()).mean()
    rows = [
        {"name": name.replace("_", " "), "n": int(values.count()), "text": _spread(values.dropna())}
        for name, values in numbers.items()
        if _is_told(values.dropna(), cohort.smallest_group)
    ]
    flagged = cohort.people.reindex([key for key, _ in flags(qc)]).nunique()
    context = {"rows": rows, "flagged": few(flagged, cohort.smallest_group)}
    return Section("inputs", "Inputs and quality control", "inputs_shared.html.j2", context)


def _is_told(values, smallest):
    """Whether enough people have a value, and not only a few of them another one than all the rest."""
    if len(values) < smallest:
        return False
    others = len(values) - values.value_counts().iloc[0]
    return not 0 < others < smallest


def _spread(values):
    return f"{significant(values.mean(), 4)} ± {significant(values.std(), 3)}"


def flags(qc):
    """List flagged units, and why.

    Returns
    -------
    list of (key, text)
    """
    if "flags" not in qc:
        return []
    rows = qc.dropna(subset="flags")
    return list(zip(rows["key"], rows["flags"], strict=True))


def missing_nodes(table):
    """List missing nodes: in how many people, in whom, and whether they were removed for all.

    Returns
    -------
    list of dict
    """
    if table.empty or "label" not in table:
        return []
    found = []
    for label, rows in table.groupby("label", sort=False):
        people = list(dict.fromkeys(rows["key"]))
        more = f" and {len(people) - NAMES_UP_TO} more" if len(people) > NAMES_UP_TO else ""
        dropped = rows["dropped"].astype(str).eq("True").any()
        names = ", ".join(people[:NAMES_UP_TO]) + more
        kinds = ", ".join(sorted(rows["kind"].unique()))
        found.append(
            {"label": label, "count": len(people), "names": names, "kinds": kinds, "dropped": dropped}
        )
    return sorted(found, key=lambda row: -row["count"])


def _cell(value):
    """Text of a value of unknown kind, and what it sorts by."""
    if pd.isna(value):
        return {"sort": "", "text": MISSING, "is_number": True}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return {"sort": value, "text": str(value), "is_number": False}
    text = f"{value:,.0f}" if value == int(value) else significant(value, 4)
    return {"sort": value, "text": text, "is_number": True}
