"""The primary analysis: what was decided beforehand, when, and what came of it."""

import numpy as np
import pandas as pd

from workflow_scripts.files.words import plural
from workflow_scripts.report.formatting import number
from workflow_scripts.report.section import Section
from workflow_scripts.report.sections import statistics
from workflow_scripts.statistics.corrections import PRIMARY
from workflow_scripts.statistics.term_tests import SAMPLES

EVERYBODY = SAMPLES[0]
NAMED = 3  # nodes


def is_told(cohort):
    """Say whether a primary analysis is stated, or was."""
    return bool(entries(cohort)) or statistics.stated_primary(cohort) is not None


def section(cohort):
    """When it was stated, what changed since, and the result."""
    return _section(cohort, 0)


def aggregate(cohort):
    """The same; no result of groups that are too small."""
    return _section(cohort, cohort.smallest_group)


def _section(cohort, smallest):
    context = {
        "history": history(cohort),
        "result": _result(cohort, smallest),
        "exploratory": _others(cohort),
    }
    return Section("primary", "Primary analysis", "primary.html.j2", context, unfolded=True)


def entries(cohort):
    """Entries of the record, oldest first."""
    return cohort.provenance.get("primary") or []


def history(cohort):
    """When the primary analysis was stated and changed: dicts of text and `late`, after results."""
    found, before = [], None
    for entry in entries(cohort):
        told, late = _told(entry["primary"]), bool(entry["after_results"])
        when = f"on {entry['recorded'][:10]} {'after results' if late else 'before any fit'}"
        if before is None:
            text = f"Stated {when}: {told}"
        elif entry["primary"] is None:
            text = f"Withdrawn {when}; it was {before}"
        elif told == before:
            text = f"Its statistical model was changed {when}: {told}"
        else:
            text = f"Changed {when}: {told}; it was {before}"
        found.append({"text": f"{text} (SHA-256 {entry['sha256'][:12]}).", "late": late})
        before = told if entry["primary"] is not None else before
    return found


def _told(primary):
    """The analysis in words."""
    if primary is None:
        return None
    asked = primary["term"] + (f" ({primary['contrast']})" if primary["contrast"] else "")
    return f"{primary['variable']} of fit {primary['fit']}, contrast {asked}, model {primary['model']}"


def _others(cohort):
    """How many other tests there are."""
    rows = cohort.table("statistics")
    return int(((rows["role"] != PRIMARY) & (rows["sample"] == EVERYBODY)).sum())


def _result(cohort, smallest):
    """The result in sentences, or why there is none."""
    if statistics.stated_primary(cohort) is None:
        return []
    rows = cohort.table("statistics")
    rows = rows[rows["role"] == PRIMARY]
    if rows.empty:
        return [_why_none(cohort)]
    told = cohort.table("statistics_models")
    first = rows.iloc[0]
    told = told[(told["model"] == first["model"]) & (told["fit"] == first["fit"])].set_index("sample")
    rows = rows[rows["sample"].isin(statistics.tellable(told, smallest))]
    if rows.empty:
        return ["Its result is withheld because a group is too small."]
    alpha = statistics.level(cohort)
    kind = _of_nodes if first["quantity"] == "state" else _of_one
    found = [kind(part, alpha) for _, part in rows.groupby("sample", sort=False)]
    labels = [statistics.SAMPLES[sample] for sample in rows["sample"].unique()]
    return [f"{label.capitalize()}: {text}" for label, text in zip(labels, found, strict=True)]


def _why_none(cohort):
    stated = statistics.stated_primary(cohort)
    told = cohort.table("statistics_models")
    told = told[(told["fit"] == stated["fit"]) & (told["sample"] == EVERYBODY)]
    if stated.get("model"):
        told = told[told["model"] == stated["model"]]
    notes = "; ".join(dict.fromkeys(str(note) for note in told["note"].dropna()))
    return f"It has no result{f': {notes}' if notes else ''}."


def _of_one(rows, alpha):
    """One test: effect, interval, p."""
    row = rows.iloc[0]
    p = row["p"] if pd.isna(row["p_permutation"]) else row["p_permutation"]
    kind = "p" if pd.isna(row["p_permutation"]) else "permutation p"
    found = "below" if p < alpha else "not below"
    return (
        f"{statistics.name_of(row)}, {row['term']} ({row['contrast']}): {statistics.effect_text(row)}, "
        f"{kind} "
        f"{statistics.p_text(p)}, {found} {alpha:g} (one test, not corrected), in "
        f"{plural(int(row['n']), 'person')}."
    )


def _of_nodes(rows, alpha):
    """All nodes of a state together: how many pass the familywise error rate."""
    row, p = rows.iloc[0], rows["p_permutation_fwe"]
    asked = f"{row['variable']}, {row['term']} ({row['contrast']})"
    counted = f"in {plural(int(row['n']), 'person')}"
    if not p.notna().any():
        return f"{asked}: no permutation p {counted}."
    hits = rows[p < alpha].sort_values("p_permutation_fwe")
    smallest = f"smallest familywise p {statistics.p_text(np.nanmin(p))}"
    named = "; ".join(f"{hit['label']} {statistics.effect_text(hit)}" for _, hit in hits[:NAMED].iterrows())
    return (
        f"{asked}: {number(len(hits), 0)} of {len(rows)} nodes with familywise p below {alpha:g} "
        f"({smallest}) "
        f"{counted}{f': {named}' if named else ''}."
    )
