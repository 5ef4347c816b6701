"""Reliability: agreement of the sessions of people, simulated and empirical."""

from collections import Counter

import numpy as np

from cubnm_core.statistics.paired import UNSURE
from workflow_scripts.files.job import read_npz
from workflow_scripts.files.words import plural
from workflow_scripts.report.comparison import relation
from workflow_scripts.report.disclosure import few
from workflow_scripts.report.figures import reliability as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number, significant
from workflow_scripts.report.section import Section

#: Lower ends of the classes of Cicchetti (1994), doi:10.1037/1040-3590.6.4.284.
CLASSES = ((0.75, "excellent"), (0.6, "good"), (0.4, "fair"), (-np.inf, "poor"))
FEW = 30  # people below which intervals are said to be wide
SINGLE, AVERAGE = "ICC(2,1)", "ICC(2,k)"
ALL_EDGES = "mean of edges"


def section(cohort):
    """Tables and a figure of every fit, or why there are none."""
    return _section(cohort, 0)


def aggregate(cohort):
    """The same without fits of few people."""
    return _section(cohort, cohort.smallest_group)


def _section(cohort, fewest):
    table = cohort.table("reliability")
    reason = why_none(cohort.ids, table)
    fits = [] if reason else [_fit(cohort, fit, fewest) for fit in cohort.fits]
    shown = [entry for entry in fits if entry]
    if not reason and not shown:
        reason = f"Fewer than {fewest} people have the same sessions."
    context = {"reason": reason, "fits": shown}
    return Section("reliability", "Reliability over sessions", "reliability.html.j2", context)


def why_none(ids, table):
    """Say in a sentence why there is nothing to compare; None if there is."""
    sessions = Counter(entry["participant_id"] for entry in ids if entry["session_id"])
    if max(sessions.values(), default=0) < 2:
        return "No person has two sessions, so reliability cannot be assessed."
    if table.empty:
        return (
            "No two sessions are shared, by name, by half of the people who came more than once, or their "
            "fits failed; reliability over sessions needs the same sessions of several people."
        )
    return None


def _fit(cohort, fit, fewest):
    rows = cohort.of_fit("reliability", fit)
    if rows.empty or rows["n_people"].iloc[0] < fewest:
        return None
    people = rows.iloc[0]
    parameters = rows[(rows["quantity"] == "parameter") & rows["label"].isna()]
    states = state_quartiles(rows[rows["label"].notna() & (rows["quantity"] != "connectivity")])
    edges = rows[rows["quantity"] == "connectivity"]
    return {
        "name": fit,
        "n": int(people["n_people"]),
        "people": _people(people, fewest),
        "verdicts": [*_parameter_verdicts(parameters), *_edge_verdict(edges), *_few(people)],
        "parameters": _parameter_cells(parameters),
        "states": [_state_cells(row) for row in states],
        "edges": _edge_cells(edges),
        "picture": _picture(cohort, fit, parameters, states),
    }


def _people(row, fewest):
    """Whom the numbers are of."""
    left_out = int(row["n_left_out"])
    sessions = f"sessions {row['sessions']}"
    if fewest:  # names of sessions may be dates
        sessions = plural(int(row["n_sessions"]), "session")
    text = f"{plural(int(row['n_people']), 'person')}, {sessions}"
    return text + (f"; excluded for missing sessions: {few(left_out, fewest)}" if left_out else "")


def state_quartiles(rows):
    """Quartiles over nodes of ICC(2,1) of every regional read-out, as dicts."""
    found = []
    for (quantity, variable), part in rows[rows["icc_type"] == SINGLE].groupby(
        ["quantity", "variable"], sort=False
    ):
        icc = part["icc"].dropna()
        if icc.empty:
            continue
        quartiles = dict(zip(("lower", "median", "upper"), icc.quantile([0.25, 0.5, 0.75]), strict=True))
        found.append(
            {
                "variable": variable,
                "quantity": quantity,
                **quartiles,
                "n_nodes": len(icc),
                "share": float((part["low"] > 0).mean()),
                "within": part["sd_within"].median(),
            }
        )
    return found


def class_of(icc):
    """Name the class of an intraclass correlation."""
    return next(name for limit, name in CLASSES if icc >= limit)


def _parameter_verdicts(rows):
    """A sentence per parameter."""
    found = []
    for row in rows[rows["icc_type"] == SINGLE].to_dict("records"):
        if not np.isfinite(row["icc"]):
            found.append(f"{row['variable']}: no ICC (too few people or no variance).")
            continue
        text = f"{row['variable']}: ICC(2,1) {interval(row)}, {class_of(row['icc'])}"
        ends = [class_of(row[end]) for end in ("low", "high")]
        if row["low"] <= 0:
            text += "; the interval includes 0"
        elif ends[0] != ends[1]:
            text += f" by the estimate, {ends[0]} to {ends[1]} by the interval"
        found.append(f"{text}.")
    return found


def _edge_verdict(rows):
    """Reliability of simulated and empirical FC, in a sentence."""
    mean = rows[(rows["label"] == ALL_EDGES) & (rows["icc_type"] == SINGLE)].set_index("source")
    if mean.empty or not np.isfinite(mean["low"]).all():
        return []
    difference = mean.loc["difference"]
    values = f"mean ICC(2,1) over edges {number(mean.loc['simulated', 'icc'])} versus "
    values += f"{number(mean.loc['empirical', 'icc'])}, difference {interval(difference, sign=True)}"
    if difference["low"] > 0:
        return [f"Simulated FC is more reliable than the FC it was fitted to ({values})."]
    if difference["high"] < 0:
        return [f"Simulated FC is less reliable than the FC it was fitted to ({values})."]
    verb = relation(UNSURE)
    return [f"The reliability of simulated FC {verb} that of the FC it was fitted to ({values})."]


def _few(row):
    n = int(row["n_people"])
    if n >= FEW:
        return []
    return [
        f"With {plural(n, 'person')}, intervals are wide; more people narrow them, and longer scans raise "
        "the ICC."
    ]


def interval(row, sign=False):
    """An estimate with its interval."""
    text = number(row["icc"], sign=sign)
    if not np.isfinite([row["low"], row["high"]]).any():
        return text
    return f"{text} [{number(row['low'], sign=sign)}, {number(row['high'], sign=sign)}]"


def _parameter_cells(rows):
    cells = []
    for variable, part in rows.groupby("variable", sort=False):
        by_type = part.set_index("icc_type")
        one = by_type.loc[SINGLE]
        limits = MISSING
        if np.isfinite(one["limit_low"]):
            limits = f"{significant(one['limit_low'])} to {significant(one['limit_high'])}"
        cells.append(
            {
                "name": variable,
                "single": interval(one),
                "average": interval(by_type.loc[AVERAGE]),
                "mean": significant(one["mean"]),
                "people": significant(one["sd_people"]),
                "within": significant(one["sd_within"]),
                "bias": significant(one["bias"]),
                "limits": limits,
            }
        )
    return cells


def _state_cells(row):
    return {
        "name": row["variable"],
        "median": number(row["median"]),
        "quartiles": f"{number(row['lower'])} to {number(row['upper'])}",
        "n": row["n_nodes"],
        "share": f"{100 * row['share']:.0f} %",
        "within": significant(row["within"]),
    }


def _edge_cells(rows):
    cells = []
    for source in ("empirical", "simulated", "difference"):
        mine = rows[rows["source"] == source].set_index(["icc_type", "label"])
        shown = {label: mine.loc[SINGLE, label] for label in mine.loc[SINGLE].index}
        quartiles = MISSING
        if "median of edges" in shown:
            low, high = (shown[f"{side} quartile of edges"]["icc"] for side in ("lower", "upper"))
            quartiles = f"{number(low)} to {number(high)}"
        average = mine["icc"].get((AVERAGE, "median of edges"), np.nan)
        cells.append(
            {
                "name": "simulated minus empirical" if source == "difference" else source,
                "mean": interval(shown[ALL_EDGES], sign=source == "difference"),
                "quartiles": quartiles,
                "average": number(average),
            }
        )
    return cells


def _picture(cohort, fit, parameters, states):
    arrays = read_npz(cohort.files["reliability"].with_name("reliability_edges.npz"))
    edges = {
        source: arrays[f"{fit}/{source}/icc"]
        for source in ("empirical", "simulated")
        if np.isfinite(arrays[f"{fit}/{source}/icc"]).any()
    }
    alt = f"Intraclass correlations of parameters, regional read-outs and FC edges, fit {fit}"
    shown = parameters[(parameters["icc_type"] == SINGLE) & parameters["icc"].notna()]
    if shown.empty and not states and not edges:
        return None
    return picture(figures.agreement, shown, states, edges, alt=alt)
