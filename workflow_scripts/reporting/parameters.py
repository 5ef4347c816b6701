"""Fitted parameters: where they lie, whether they can be told, and whether the truth comes back where it is known."""

from itertools import combinations

import numpy as np
import pandas as pd

from workflow_scripts.figures import parameters as figures
from workflow_scripts.figures.style import picture
from workflow_scripts.reporting.formatting import MISSING, number, significant
from workflow_scripts.reporting.section import Section

WEAK, LOST = 0.5, 1.0  # spread over restarts as a share of the spread over people
RIDGE = 0.7            # correlation of estimates from which two parameters are said to trade off
RECOVERED = 0.7        # correlation with the truth below which a parameter is not recovered
MAX_PAIRS = 6          # panels of the scatter figure


def section(cohort):
    """Scatter, identifiability and recovery of every fit."""
    fits = [_fit(cohort, fit) for fit in cohort.fits]
    context = {"fits": [entry for entry in fits if entry], "has_truth": not cohort.table("recovery").empty,
               "limits": {"weak": WEAK, "lost": LOST, "ridge": RIDGE, "recovered": RECOVERED}}
    return Section("parameters", "Fitted parameters and their identifiability", "parameters.html.j2", context)


def _fit(cohort, fit):
    estimates = free_estimates(cohort, fit)
    if estimates.empty:
        return None
    names = list(estimates.columns[estimates.columns.get_loc("selected") + 1:])
    truth = _recovery(cohort, fit)
    rows, pairs = identifiability(estimates, names, truth), trade_offs(estimates, names)
    return {"name": fit, "rows": rows, "pairs": pairs, "verdict": _verdict(rows, pairs),
            "pictures": _pictures(cohort, fit, estimates, names, truth), "n_restarts": estimates["restart"].nunique()}


def free_estimates(cohort, fit):
    """Estimates of one fit: key, restart, at_bounds, selected, then one column per free parameter."""
    rows = cohort.successful
    rows = rows[rows["fit"] == fit]
    columns = [name for name in rows if name.startswith("param_")]
    free = cohort.fit_settings.get(fit, {}).get("free", {})
    chosen = [f"param_{name}" for name in free if f"param_{name}" in columns]
    chosen = chosen or [name for name in columns if rows[name].nunique() > 1]
    if rows.empty or not chosen:
        return pd.DataFrame()
    kept = rows.assign(at_bounds=rows["at_bounds"], selected=rows["selected"].astype(bool))
    return kept[["key", "restart", "at_bounds", "selected", *chosen]].rename(columns=lambda name: name.removeprefix("param_"))


def identifiability(estimates, names, truth):
    """One row per parameter: spread over people, spread over restarts, their ratio, recovery and a verdict in words."""
    best = estimates[estimates["selected"]]
    rows = []
    for name in names:
        people, restarts = best[name].std(), _within(estimates, name)
        ratio = restarts / people if people > 0 else np.nan
        known = truth[truth["parameter"] == name]
        row = {"name": name, "mean": significant(best[name].mean()), "people": significant(people), "ratio": number(ratio),
               "restarts": significant(restarts), "at_bounds": _bound_hits(best, name), "n": len(best), **_against_truth(known)}
        rows.append({**row, "verdict": _words(ratio, row["truth_r"]), "ratio_value": ratio, "truth_r": number(row["truth_r"])})
    return rows


def _within(estimates, name):
    """SD over the restarts of a unit, pooled over units; NaN with one restart."""
    variance = estimates.groupby("key")[name].var()
    return np.sqrt(variance.mean())


def _bound_hits(best, name):
    hit = best["at_bounds"].fillna("").astype(str).str.split(r"[\s,;:=]+", regex=True)
    return int(hit.map(lambda words: name in words).sum())


def _against_truth(known):
    if len(known) < 2:
        return {"truth_r": np.nan, "bias": MISSING, "rmse": MISSING}
    error = known["estimate"] - known["truth"]
    spread = known["truth"].std() > 0 and known["estimate"].std() > 0
    r = np.corrcoef(known["truth"], known["estimate"])[0, 1] if spread else np.nan
    return {"truth_r": r, "bias": significant(error.mean()), "rmse": significant(np.sqrt((error**2).mean()))}


def _words(ratio, truth_r):
    if np.isfinite(truth_r) and truth_r < RECOVERED:
        lead = "not identifiable: the truth does not come back"
    elif not np.isfinite(ratio):
        lead = "unknown: one restart, or one person"
    elif ratio >= LOST:
        lead = "not identifiable: restarts differ as much as people"
    elif ratio >= WEAK:
        lead = "weakly identifiable"
    else:
        lead = "repeatable over restarts"
    return lead + (", and the truth comes back" if truth_r >= RECOVERED else "")


def _verdict(rows, pairs):
    """The tables in a few words: what must not be interpreted, and which parameters trade off."""
    lost = [row["name"] for row in rows if row["verdict"].startswith("not identifiable")]
    ridges = [pair["pair"] for pair in pairs if pair["ridge"]]
    sentences = []
    if lost:
        sentences.append(f"Not identifiable here: {', '.join(lost)}. Differences between people in them must not be interpreted.")
    if ridges:
        sentences.append(f"On a ridge, so that only a combination is determined: {'; '.join(ridges)}.")
    if any(row["verdict"].startswith("unknown") for row in rows):
        sentences.append("Identifiability cannot be judged in full: that needs at least two restarts and two people.")
    return {"is_good": not sentences, "text": " ".join(sentences) or "No parameter fails these checks."}


def trade_offs(estimates, names):
    """Correlation of every pair of estimates: over restarts within a person, and over people; strongest first."""
    best = estimates[estimates["selected"]]
    deviations = estimates[names] - estimates.groupby("key")[names].transform("mean")
    deviations = deviations[(deviations != 0).any(axis=1)]
    pairs = []
    for one, other in combinations(names, 2):
        within, between = _correlation(deviations, one, other), _correlation(best, one, other)
        strongest = np.nanmax(np.abs([within, between, 0.0]))
        pairs.append({"pair": f"{one} and {other}", "within": number(within), "between": number(between),
                      "ridge": strongest >= RIDGE, "strength": strongest})
    return sorted(pairs, key=lambda pair: -pair["strength"])[:15]


def _correlation(frame, one, other):
    # Two deviations of two restarts are mirror images: fewer than six say nothing.
    if len(frame) < 6 or not (frame[one].std() > 0 and frame[other].std() > 0):
        return np.nan
    return np.corrcoef(frame[one], frame[other])[0, 1]


def _recovery(cohort, fit):
    rows = cohort.of_fit("recovery", fit)
    return rows.dropna(subset=["truth", "estimate"])[["key", "parameter", "truth", "estimate"]]


def _pictures(cohort, fit, estimates, names, truth):
    bounds = cohort.fit_settings.get(fit, {}).get("free", {})
    groups = cohort.groups
    pictures = {"scatter": picture(figures.scatter, estimates, _pairs(names), bounds, groups, alt=(
        f"Fitted parameters of fit {fit}, one point per person, restarts joined by lines: {', '.join(names)}"))}
    if groups.nunique() > 1:
        pictures["groups"] = picture(figures.by_group, estimates, names[:MAX_PAIRS], groups, truth,
                                     alt=f"Fitted parameters of fit {fit} by group: {', '.join(names[:MAX_PAIRS])}")
    shown = [name for name in names if (truth["parameter"] == name).any()]
    if shown:
        pictures["recovery"] = picture(figures.recovery, truth, shown[:MAX_PAIRS], groups,
                                       alt=f"Recovered against true parameters of fit {fit}: {', '.join(shown)}")
    return pictures


def _pairs(names):
    """Pairs of parameters to draw; a lone parameter is drawn against nothing."""
    return list(combinations(names, 2))[:MAX_PAIRS] or [(names[0], None)]
