"""Fitted parameters: where they lie, whether they can be told, whether a known truth comes back."""

from itertools import combinations

import numpy as np

from workflow_scripts.figures import parameters as figures
from workflow_scripts.figures.style import picture
from workflow_scripts.reporting.formatting import MISSING, number, significant
from workflow_scripts.reporting.section import Section

WEAK, LOST = 0.5, 1.0  # spread over restarts as a share of the spread over people
RIDGE = 0.7  # correlation of estimates from which two parameters are said to trade off
RECOVERED = 0.7  # correlation with the truth below which a parameter is not recovered
ENOUGH = 4  # people below which a correlation says nothing
MAX_PANELS = 6
MAX_PAIRS = 15  # rows of the table of trade-offs


def section(cohort):
    """Scatter, identifiability and recovery of every fit."""
    fits = [_fit(cohort, fit) for fit in cohort.fits]
    context = {
        "fits": [entry for entry in fits if entry],
        "has_truth": not cohort.table("recovery").empty,
        "limits": {"weak": WEAK, "lost": LOST, "ridge": RIDGE, "recovered": RECOVERED},
    }
    return Section("parameters", "Fitted parameters and their identifiability", "parameters.html.j2", context)


def _fit(cohort, fit):
    names = list(cohort.free(fit))
    estimates = free_estimates(cohort, fit, names)
    if estimates.empty:
        return None
    truth = cohort.of_fit("recovery", fit).dropna(subset=["truth", "estimate"])
    rows = identifiability(estimates, names, truth)
    pairs = trade_offs(estimates, names, {row["name"]: row["ratio"]["sort"] for row in rows})
    return {
        "name": fit,
        "rows": rows,
        "pairs": pairs[:MAX_PAIRS],
        "verdict": _verdict(rows, pairs),
        "pictures": _pictures(cohort, fit, estimates, names, truth),
    }


def free_estimates(cohort, fit, names):
    """Estimates of one fit by unit and restart: key, restart, at_bounds, selected, then the parameters."""
    rows = cohort.successful
    rows = rows[rows["fit"] == fit].rename(columns={f"param_{name}": name for name in names})
    return rows.reindex(columns=["key", "restart", "at_bounds", "selected", *names])


def identifiability(estimates, names, truth):
    """One dict per parameter: spread over people and restarts, their ratio, recovery, verdict in words."""
    best = estimates[estimates["selected"]]
    rows = []
    for name in names:
        people, restarts = best[name].std(), _within(estimates, name)
        ratio = restarts / people if people > 0 else np.nan
        recovered = _against_truth(truth[truth["parameter"] == name])
        row = {
            "name": name,
            "n": len(best),
            "mean": significant(best[name].mean()),
            "people": significant(people),
            "restarts": significant(restarts),
            "ratio": {"sort": ratio, "text": number(ratio)},
            "at_bounds": _bound_hits(best, name),
            "verdict": _words(ratio, recovered["r"]),
            "truth": {**recovered, "r": number(recovered["r"])},
        }
        rows.append(row)
    return rows


def _within(estimates, name):
    """SD over the restarts of a unit, pooled over units; NaN with one restart."""
    return np.sqrt(estimates.groupby("key")[name].var().mean())


def _bound_hits(best, name):
    """How many units ended at a bound of a parameter; the column reads `G: low, w_p: high`."""
    named = best["at_bounds"].dropna().str.split(r"[\s,:]+", regex=True)
    return int(named.map(lambda words: name in words).sum())


def _against_truth(known):
    if known.empty:
        return {"r": np.nan, "bias": MISSING, "rmse": MISSING}
    error = known["estimate"] - known["truth"]
    r = _correlation(known, "truth", "estimate", ENOUGH)
    return {"r": r, "bias": significant(error.mean()), "rmse": significant(np.sqrt((error**2).mean()))}


def _correlation(frame, one, other, enough):
    if len(frame) < enough or not (frame[one].std() > 0 and frame[other].std() > 0):
        return np.nan
    return np.corrcoef(frame[one], frame[other])[0, 1]


def _words(ratio, truth_r):
    if truth_r < RECOVERED:
        return "not identifiable: the truth does not come back"
    if ratio >= LOST:
        return "not identifiable: restarts differ as much as people"
    known = ", and the truth comes back" if truth_r >= RECOVERED else ""
    if not np.isfinite(ratio):
        return f"unknown: one restart, or one person{known}"
    return ("weakly identifiable" if ratio >= WEAK else "repeatable over restarts") + known


def trade_offs(estimates, names, ratios):
    """Correlation of every pair of estimates, within people (over restarts) and between; ridges first.

    Only the correlation within people tells a ridge: between people, parameters may truly go together.
    """
    best = estimates[estimates["selected"]]
    deviations = estimates[names] - estimates.groupby("key")[names].transform("mean")
    # With two restarts the deviations come in mirrored pairs, so six of them are three people.
    deviations = deviations[(deviations != 0).any(axis=1)]
    pairs = []
    for one, other in combinations(names, 2):
        within = _correlation(deviations, one, other, enough=6)
        between = _correlation(best, one, other, ENOUGH)
        agreed = max(ratios[one], ratios[other]) < WEAK
        is_ridge = abs(within) >= RIDGE and not agreed
        pair = {"name": f"{one} and {other}", "within": number(within), "between": number(between)}
        pairs.append({**pair, "is_ridge": is_ridge, "verdict": _pair_words(within, between, is_ridge)})
    return sorted(pairs, key=lambda pair: not pair["is_ridge"])


def _pair_words(within, between, is_ridge):
    if is_ridge:
        return "on a ridge"
    if abs(within) >= RIDGE:
        return "trade off, but restarts agree"
    if abs(between) >= RIDGE:
        return "go together between people: a ridge, or truly related"
    return "no strong trade-off seen" if np.isfinite([within, between]).any() else "unknown"


def _verdict(rows, pairs):
    """The tables in a few words: what must not be interpreted, and which parameters trade off."""
    lost = [row["name"] for row in rows if row["verdict"].startswith("not identifiable")]
    ridges = [pair["name"] for pair in pairs if pair["is_ridge"]]
    sentences = []
    if lost:
        sentences.append(
            f"Not identifiable here: {', '.join(lost)}. Do not interpret how people differ in them."
        )
    if ridges:
        sentences.append(f"On a ridge, so that only a combination is determined: {'; '.join(ridges)}.")
    if any(row["verdict"].startswith("unknown") for row in rows):
        sentences.append(
            "Identifiability cannot be judged in full: it takes at least two restarts and two people."
        )
    return {"is_good": not sentences, "text": " ".join(sentences) or "No parameter fails these checks."}


def _pictures(cohort, fit, estimates, names, truth):
    groups = cohort.groups
    drawn = list(combinations(names, 2))[:MAX_PANELS] or [(names[0], None)]
    alt = (
        f"Fitted parameters of fit {fit}, one point per person, restarts joined by lines: {', '.join(names)}"
    )
    bounds = cohort.free(fit)
    pictures = {"scatter": picture(figures.scatter, estimates, drawn, bounds, groups, alt=alt)}
    if groups.nunique() > 1 and groups.value_counts().min() > 1:
        alt = f"Fitted parameters of fit {fit} by group: {', '.join(names[:MAX_PANELS])}"
        pictures["groups"] = picture(figures.by_group, estimates, names[:MAX_PANELS], groups, truth, alt=alt)
    shown = [name for name in names if (truth["parameter"] == name).any()][:MAX_PANELS]
    if shown:
        alt = f"Recovered against true parameters of fit {fit}: {', '.join(shown)}"
        pictures["recovery"] = picture(figures.recovery, truth, shown, groups, alt=alt)
    return pictures
