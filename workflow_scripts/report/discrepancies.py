"""What each step of a fit that begins with linear response promised, and what came of it."""

import numpy as np
import pandas as pd

from workflow_scripts.files.words import plural
from workflow_scripts.report.formatting import MISSING, number

#: Columns of the table and what the page calls them.
COSTS = {
    "expected": "expected at the linear optimum",
    "simulated": "same point, simulated",
    "coarse": "simulated search, coarse step",
    "verified": "same point, verified",
}
WHOLE = {
    "simulated_whole": "whole cost at the linear optimum",
    "coarse_whole": "whole cost, coarse step",
    "verified_whole": "whole cost, verified",
}


def of_fit(cohort, fit):
    """Table and sentence of a fit; None for a fit without such a step."""
    rows = cohort.of_fit("step_costs", fit)
    if rows.empty:
        return None
    setting = cohort.fit_settings[fit]
    whole = WHOLE if rows["left_out"].notna().any() else {}
    return {
        "step": rows["step"].iloc[0],
        "heads": [*COSTS.values(), *whole.values()],
        "rows": [_row(row, whole) for row in rows.to_dict("records")],
        "median": [number(_median(rows, name), 3) for name in (*COSTS, *whole)],
        "median_share": _share(rows["flagged_share"].astype(float).median()),
        "terms": rows["terms"].iloc[0].replace(", ", " and "),
        "left_out": rows["left_out"].dropna().iloc[0].replace(", ", " and ") if whole else "",
        "coarse": _milliseconds(setting.get("search_steps", setting["simulation"])["dt"]),
        "fine": _milliseconds(setting["simulation"]["dt"]),
        "sentence": _sentence(rows),
    }


def _row(row, whole):
    return {
        "key": row["key"],
        "cells": [
            {"sort": _or_nan(row[name]), "text": number(_or_nan(row[name]), 3)} for name in (*COSTS, *whole)
        ],
        "share": _share(float(row["flagged_share"])),
        "began": "flagged candidate" if row["began"] == "flagged" else "linear optimum",
        "is_simulated": str(row["optimum_flagged"]) == "True",
    }


def _sentence(rows):
    """Medians over people of what a step is off by, in words."""
    held = rows[rows["optimum_flagged"].astype(str) != "True"]
    parts = []
    if len(held):
        off = _difference(held, "simulated", "expected")
        parts.append(
            f"Simulations at the optimum of linear response cost {off:+.3f} against what it expected "
            f"(median of {plural(len(held), 'unit')} where it holds)"
        )
    gain = _difference(rows, "verified", "simulated")
    optimism = _difference(rows, "verified", "coarse")
    parts.append(f"the simulated search changed the verified cost by {gain:+.3f}")
    parts.append(f"fresh seeds and fine steps added {optimism:+.3f} to what this search saw")
    began = int((rows["began"] == "flagged").sum())
    text = "; ".join(parts).replace("-", "\u2212")
    return f"{text[0].upper()}{text[1:]}. {began} of {len(rows)} kept the restart from a flagged candidate."


def _difference(rows, one, other):
    return float((rows[one].astype(float) - rows[other].astype(float)).median())


def _median(rows, name):
    return float(rows[name].astype(float).median())


def _or_nan(value):
    return float(value) if not pd.isna(value) else np.nan


def _share(value):
    return MISSING if np.isnan(value) else f"{100 * value:.0f} %"


def _milliseconds(seconds):
    return f"{1000 * seconds:g} ms"
