"""Null models: does the own connectome, or the original map, do better than a null version of it?"""

import numpy as np
import pandas as pd

from cubnm_core.evidence.nulls import OTHER_CONNECTOME, REWIRED, SPIN
from cubnm_core.statistics.paired import LEVEL, UNSURE
from workflow_scripts.files.words import plural
from workflow_scripts.report.comparison import interval, relation
from workflow_scripts.report.disclosure import hide_intervals
from workflow_scripts.report.figures import nulls as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number
from workflow_scripts.report.section import Section

OWN = {
    OTHER_CONNECTOME: "The person's own connectome",
    REWIRED: "The person's own connectome",
    SPIN: "The original map",
}
AGAINST = {
    OTHER_CONNECTOME: "other people's connectomes",
    REWIRED: "rewired connectomes",
    SPIN: "rotated maps",
}
NAMES = {OTHER_CONNECTOME: "other people's connectomes", REWIRED: "rewired connectomes", SPIN: "rotated maps"}
MEASURES = {"fc_corr": "FC r", "fcd_ks": "FCD KS", "fcd_ks_binned": "FCD KS", "cost": "cost"}
SPLITS = {"train": "training", "test": "held-out"}
DRAWN = ("fc_corr", "fcd_ks")


def section(cohort):
    """Sentences, figure and table of every fit."""
    return _section(cohort, 0, _people_picture)


def aggregate(cohort):
    """The same without people, and without what rests on few."""
    return _section(cohort, cohort.smallest_group, None)


def _section(cohort, fewest, draw_people):
    stated = cohort.config.get("evaluation", {}).get("nulls", {})
    fits = [_fit(cohort, fit, fewest, draw_people, stated) for fit in cohort.fits]
    is_off = not (stated.get("count", 1) or stated.get("refits", 1)) or not stated.get("kinds", [REWIRED])
    context = {
        "fits": fits,
        "is_off": is_off,
        "has_refits": any(row["is_refitted"] for fit in fits for row in fit["rows"]),
        "split": SPLITS[cohort.scored_split],
    }
    return Section("nulls", "Null models", "nulls.html.j2", context)


def _fit(cohort, fit, fewest, draw_people, stated):
    tests = cohort.of_fit("null_tests", fit)
    found = []
    if not tests.empty:
        tests = tests[(tests["split"] == cohort.scored_split) & (tests["n_people"] >= max(fewest, 1))]
        found = hide_intervals(tests, fewest).to_dict("records")
    shown = [row for row in found if row["measure"] in DRAWN]
    return {
        "name": fit,
        "seeds": _seeds(cohort, fit),
        "verdicts": [verdict(row) for row in found if row["measure"] == "fc_corr"],
        "without": _without(cohort, fit, found, stated),
        "rows": [_cells(row) for row in found],
        "kept": _kept(cohort, fit) if found else None,
        "people": draw_people(cohort, fit, shown) if draw_people and shown else None,
        "forest": _forest(fit, shown),
    }


def _seeds(cohort, fit):
    """Noise seeds of the null models."""
    rows = cohort.of_fit("nulls", fit)
    return ", ".join(rows["seeds"].unique()) if "seeds" in rows else ""


def verdict(row):
    """A comparison as a sentence.

    Parameters
    ----------
    row : dict
        Of null_tests.tsv.

    Returns
    -------
    str
    """
    own, against = OWN[row["null"]], AGAINST[row["null"]]
    numbers = (
        f"{MEASURES[row['measure']]} {number(row['observed'])} versus {number(row['null_mean'])}, "
        f"difference {interval(row)}, {plural(int(row['n_people']), 'person')}, "
        f"up to {plural(int(row['n_nulls']), 'null model')} each"
    )
    verb = relation(row["verdict"])
    if not row["refitted"]:
        own = own[0].lower() + own[1:]
        return f"Diagnostic, no p: {own} {verb} {against} with the same parameters ({numbers})."
    told = f"{own} {verb} {against}, refitted by the same search ({numbers}, p {p_text(row['p'])})."
    return f"{told} {_remedy(row)}" if row["verdict"] == UNSURE else told


def _remedy(row):
    """Say what would change a comparison that found nothing."""
    least = 1 / (1 + row["n_nulls"])
    if row["null"] == SPIN and least > LEVEL:
        maps = plural(int(row["n_nulls"]), "rotated map")
        return f"Increase evaluation.nulls.refits: with {maps}, p cannot be below {number(least)}."
    return "More people or more refits would narrow the interval."


def p_text(p):
    """A p value with its sign."""
    if not np.isfinite(p):
        return MISSING
    return "< .001" if p < 0.001 else f"= {p:.3f}".replace("0.", ".")


def _cells(row):
    return {
        "null": NAMES[row["null"]],
        "is_refitted": bool(row["refitted"]),
        "how": "refitted" if row["refitted"] else "forward: diagnostic, no p",
        "measure": MEASURES[row["measure"]],
        "n_people": int(row["n_people"]),
        "n_nulls": int(row["n_nulls"]),
        "observed": number(row["observed"]),
        "null_mean": number(row["null_mean"]),
        "difference": interval(row),
        "p": p_text(row["p"]).removeprefix("= ") if row["refitted"] else MISSING,
    }


def _without(cohort, fit, found, stated):
    """Say why a kind of null model that was requested has no rows."""
    have = {(row["null"], bool(row["refitted"])) for row in found}
    reasons = []
    kinds = stated.get("kinds", ())
    if REWIRED in kinds and not any(null == REWIRED for null, _ in have):
        reasons.append("No rewired connectome was scored: too few people have this fit.")
    if SPIN in kinds and not any(null == SPIN for null, _ in have):
        reasons.append(_no_spin(cohort, fit))
    if OTHER_CONNECTOME in kinds and stated.get("refits") and (OTHER_CONNECTOME, True) not in have:
        reasons.append("No connectomes of other people were fitted: no batch contains two usable people.")
    return reasons


def _no_spin(cohort, fit):
    free = cohort.fit_settings[fit].get("free", {})
    if not any("maps" in entry for entry in free.values() if isinstance(entry, dict)):
        return "No parameter of this fit follows a map, so there is no map to rotate."
    nodes = cohort.nodes
    if not {"x", "y", "z"} <= set(nodes) or nodes[["x", "y", "z"]].isna().all(axis=None):
        return "Maps cannot be rotated: the node table has no coordinates (columns x, y, z in mm)."
    return "Maps were not rotated; see the log of rule nulls."


def _kept(cohort, fit):
    """Say what rewired connectomes preserved, over all people."""
    rows = cohort.of_fit("rewiring", fit)
    if rows.empty:
        return None
    lengths = (
        "lengths were not preserved: tract lengths are missing or incomplete, and nodes have no coordinates"
    )
    source = ", ".join(sorted(set(rows["distance"].dropna()) - {"none"}))
    if source:
        own, null = (number(rows[name].mean()) for name in ("weight_length", "weight_length_null"))
        lengths = f"correlation of log weight with length {own} before and {null} after (length: {source})"
    moved = f"{100 * rows['same_connections'].mean():.0f} % of connections are the same"
    if (rows["same_connections"] == 1).all():
        moved = "all pairs of nodes are connected, so only weights could be permuted"
    return (
        f"Rewired connectomes, means over people: degrees r {number(rows['degree_r'].mean())}, strengths r "
        f"{number(rows['strength_r'].mean(), digits=3)}; {lengths}; {moved}; all weights r "
        f"{number(rows['weights_r'].mean())}."
    )


def _title(null, refitted):
    return f"{NAMES[null]}, {'refitted' if refitted else 'diagnostic'}"


def _people_picture(cohort, fit, shown):
    rows = cohort.of_fit("nulls", fit)
    rows = rows[rows["split"] == cohort.scored_split].assign(refitted=rows["refitted"].astype(bool))
    comparisons = list(dict.fromkeys((row["null"], bool(row["refitted"])) for row in shown))
    measures = [measure for measure in DRAWN if any(row["measure"] == measure for row in shown)]
    named = [(*pair, _title(*pair)) for pair in comparisons]
    alt = f"Scores of the own model of every unit and of its null models, fit {fit}"
    return picture(figures.people, rows, named, measures, alt=alt)


def _forest(fit, shown):
    rows = [
        {**row, "label": f"{_title(row['null'], row['refitted'])}, n = {int(row['n_people'])}"}
        for row in shown
        if row["measure"] == "fc_corr" and pd.notna(row["low"])
    ]
    if not rows:
        return None
    alt = f"Mean difference of FC r between own and null models with 95 % intervals, fit {fit}"
    return picture(figures.forest, rows, "fc_corr", alt=alt)
