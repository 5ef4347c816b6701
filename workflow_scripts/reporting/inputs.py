"""What went in: one row of quality control per unit, as the preparation wrote it."""

import pandas as pd

from workflow_scripts.reporting.cohort import KEYS
from workflow_scripts.reporting.formatting import MISSING, significant
from workflow_scripts.reporting.section import Section


def section(cohort):
    """The table of quality control with whatever columns it has."""
    qc = cohort.table("qc")
    columns = [name for name in qc.columns if name not in {*KEYS, "key"}]
    rows = [
        {"key": row["key"], "cells": [_cell(row[name]) for name in columns]} for row in qc.to_dict("records")
    ]
    return Section(
        "inputs", "Inputs and quality control", "inputs.html.j2", {"columns": columns, "rows": rows}
    )


def _cell(value):
    """Text of a value of unknown kind, and what it sorts by."""
    if pd.isna(value):
        return {"sort": "", "text": MISSING, "is_number": True}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return {"sort": value, "text": str(value), "is_number": False}
    text = f"{value:,.0f}" if value == int(value) else significant(value, 4)
    return {"sort": value, "text": text, "is_number": True}
