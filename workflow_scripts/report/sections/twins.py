"""Synthetic twins: would these settings recover the true parameters? Shown once requested."""

import numpy as np

from workflow_scripts.evidence.twin_marks import COORDINATE, NODES, settings_mark
from workflow_scripts.files.words import plural
from workflow_scripts.report.figures import twins as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number, significant
from workflow_scripts.report.section import Section

PANELS = 12
SOURCES = {
    "cohort": "drawn from the distribution of the fitted parameters over people",
    "own": "those fitted to the person whose connectome the twin has",
    "range": "drawn uniformly from the search range",
}


def section(cohort):
    """Verdicts, figure and table of every fit, or how to request them."""
    return _section(cohort, draws=True)


def aggregate(cohort):
    """The same without the figure: true parameters of twins may be those of people."""
    return _section(cohort, draws=False)


def _section(cohort, draws):
    fits = [_fit(cohort, fit, draws) for fit in cohort.fits]
    context = {"fits": [entry for entry in fits if entry]}
    return Section("twins", "Synthetic twins", "twins.html.j2", context)


def _fit(cohort, fit, draws):
    recovery, points = (cohort.of_fit(name, fit) for name in ("twin_recovery", "twins"))
    if recovery.empty:
        return None
    rows = recovery.to_dict("records")
    searched = [row for row in rows if row["level"] == COORDINATE]
    drawn = searched[:PANELS]
    alt = f"Fitted versus true parameters of synthetic twins, fit {fit}"
    points = points[points["level"] == COORDINATE]
    return {
        "name": fit,
        "n": int(recovery["n"].max()),
        "n_failed": int(recovery["n_failed"].max()),
        "source": SOURCES[rows[0]["parameters"]],
        "is_old": rows[0]["settings"] != settings_mark(cohort.fit_settings[fit]),
        "verdicts": [verdict(row) for row in rows],
        "rows": [_cells(row) for row in rows],
        "picture": picture(figures.recovery, points, drawn, alt=alt) if draws and len(points) else None,
        "hidden": max(0, len(searched) - len(drawn)),
    }


def verdict(row):
    """What came back of a parameter, as a sentence.

    Parameters
    ----------
    row : dict
        Of twin_recovery.tsv.

    Returns
    -------
    str
    """
    name = f"{row['parameter']} over nodes" if row["level"] == NODES else row["parameter"]
    if row["verdict"] == "not judged":
        why = "the true value does not vary between twins" if row["spread"] == 0 else "too few twins"
        return f"{name}: no verdict ({why})."
    numbers = f"r {_interval(row, 'r')}, slope {_interval(row, 'slope')}, {plural(int(row['n']), 'twin')}"
    if row["verdict"] == "identifiable":
        return f"{name} is identifiable with these settings: it is recovered ({numbers})."
    if row["verdict"] == "not identifiable":
        return (
            f"Do not interpret differences between people in {name}: it is not identifiable with these "
            f"settings ({numbers}). Longer scans, other objective terms or fewer free parameters may help."
        )
    return f"{name}: undecided ({numbers}); increase twins.count."


def _interval(row, name):
    low, high = (number(row[f"{name}_{side}"]) for side in ("low", "high"))
    return f"{number(row[name])} [{low}, {high}]"


def _cells(row):
    judged = np.isfinite(row["r"])
    return {
        "name": row["parameter"],
        "level": row["level"],
        "n": int(row["n"]),
        "r": _interval(row, "r") if judged else MISSING,
        "slope": _interval(row, "slope") if judged else MISSING,
        "bias": significant(row["bias"]),
        "rmse": significant(row["rmse"]),
        "spread": significant(row["spread"]),
        "verdict": row["verdict"],
    }
