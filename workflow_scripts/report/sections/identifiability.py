"""Parameter identifiability: spread over searches, trade-offs, cost profiles, recovery of a known truth."""

import numpy as np

from cubnm_core.evidence.identifiability import LOST, WEAK
from workflow_scripts.files.words import plural
from workflow_scripts.report.disclosure import few
from workflow_scripts.report.figures import identifiability as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number, significant
from workflow_scripts.report.section import Section

RIDGE = 0.7  # correlation of estimates from which two parameters are said to trade off
RECOVERED = 0.7  # correlation with the truth below which a parameter is not recovered
ENOUGH = 4  # people below which a correlation says nothing
REPEATABLE, NOT_IDENTIFIABLE = "repeatable", "not identifiable"  # how verdicts begin
MAX_PANELS = 6
MAX_PAIRS = 15  # rows of the table of trade-offs
WORDS = {
    "flat": "not identifiable: the cost is flat",
    "lost": "not identifiable: searches differ as much as people",
    "weak": "weakly identifiable",
    "repeatable": f"{REPEATABLE} over searches",
    "unknown": "unknown: one restart, or one person",
}


def section(cohort):
    """Tables and figures of every fit."""
    return _section(cohort, 0)


def aggregate(cohort):
    """The same without a curve per person, and without fits of few people."""
    return _section(cohort, cohort.smallest_group)


def _section(cohort, fewest):
    fits = [_fit(cohort, fit, fewest) for fit in cohort.fits]
    context = {
        "fits": [entry for entry in fits if entry],
        "has_truth": not cohort.table("recovery").empty,
        "limits": {"weak": WEAK, "lost": LOST, "ridge": RIDGE, "recovered": RECOVERED},
        "fewest": fewest,
    }
    return Section("identifiability", "Parameter identifiability", "identifiability.html.j2", context)


def _fit(cohort, fit, fewest):
    found = cohort.of_fit("identifiability", fit)
    if found.empty or found["n_people"].max() < fewest:
        return None
    found = found.assign(ratio_width=found["ratio_width"].where(found["n_profiles"] >= fewest))
    truth = cohort.of_fit("recovery", fit).dropna(subset=["truth", "estimate"])
    rows = [
        _row(row, truth[truth["parameter"] == row["parameter"]], fewest) for row in found.to_dict("records")
    ]
    ratios = {row["name"]: row["ratio"] for row in rows}
    pairs = trade_offs(cohort.of_fit("parameter_correlations", fit), ratios)
    points = cohort.of_fit("profiles", fit)
    return {
        "name": fit,
        "rows": rows,
        "pairs": pairs[:MAX_PAIRS],
        "verdict": _verdict(rows, pairs),
        "profiled": found["n_profiles"].max(),
        "pictures": _pictures(fit, found, points, cohort.count_people(points["key"]) >= fewest, fewest > 0),
    }


def parameter_verdicts(cohort, fit):
    """What is said of every parameter of a fit: dict of str to str."""
    truth = cohort.of_fit("recovery", fit).dropna(subset=["truth", "estimate"])
    return {
        row["parameter"]: _words(
            row["verdict"], against_truth(truth[truth["parameter"] == row["parameter"]])["r"]
        )
        for row in cohort.of_fit("identifiability", fit).to_dict("records")
    }


def not_identifiable(cohort, fit):
    """Parameters whose differences between people must not be interpreted."""
    told = parameter_verdicts(cohort, fit)
    return [name for name, words in told.items() if words.startswith(NOT_IDENTIFIABLE)]


def _row(row, truth, fewest):
    """Cells of one parameter."""
    recovered = against_truth(truth)
    ratio = np.nanmax([-1.0, row["ratio_restarts"], row["ratio_retest"]])
    return {
        "name": row["parameter"],
        "n": int(row["n_people"]),
        "mean": significant(row["mean"]),
        "people": significant(row["sd_people"]),
        "restarts": _with_ratio(row["sd_restarts"], row["ratio_restarts"]),
        "retest": _with_ratio(row["sd_retest"], row["ratio_retest"]),
        "ratio": ratio if ratio >= 0 else np.nan,
        "width": _width(row, fewest),
        "at_bounds": f"{few(int(row['n_at_low'] + row['n_at_high']), fewest)} of {int(row['n_fits'])}",
        "verdict": _words(row["verdict"], recovered["r"]),
        "truth": {**recovered, "r": number(recovered["r"])},
    }


def _with_ratio(sd, ratio):
    """A spread, and in brackets its share of that over people."""
    text = significant(sd)
    return text if text == MISSING else f"{text} ({number(ratio)})"


def _width(row, fewest):
    """Half the width of the profiles, with a sign where it is a lower bound for most people."""
    if row["n_profiles"] < max(fewest, 1) or not np.isfinite(row["width"]):
        return MISSING
    least = "≥ " if row["n_open"] > row["n_profiles"] / 2 else ""
    return f"{least}± {significant(row['width'] / 2)} ({number(row['ratio_width'])})"


def against_truth(known):
    """Correlation of estimates with the truth, bias and RMSE, as far as a truth is known."""
    if known.empty:
        return {"r": np.nan, "bias": MISSING, "rmse": MISSING}
    error = known["estimate"] - known["truth"]
    r = _correlation(known["truth"], known["estimate"])
    return {"r": r, "bias": significant(error.mean()), "rmse": significant(np.sqrt((error**2).mean()))}


def _correlation(one, other):
    if len(one) < ENOUGH or not (one.std() > 0 and other.std() > 0):
        return np.nan
    return np.corrcoef(one, other)[0, 1]


def _words(verdict, truth_r):
    if truth_r < RECOVERED:
        return "not identifiable: not recovered"
    known = ", and recovered" if truth_r >= RECOVERED else ""
    return WORDS[verdict] + ("" if verdict in ("flat", "lost") else known)


def trade_offs(correlations, ratios):
    """Correlation of every pair: over restarts, over the best candidates, and between people; ridges first.

    Only correlations within people tell a ridge: between people, parameters may truly go together.
    """
    pairs = []
    for (one, other), rows in correlations.groupby(["parameter", "other"], sort=False):
        by_level = rows.set_index("level")
        within, candidates, between = (by_level["r"].get(at) for at in ("restarts", "candidates", "people"))
        agreed = max(ratios[one], ratios[other]) < WEAK
        trades = abs(within) >= RIDGE or abs(candidates) >= RIDGE
        is_ridge = trades and not agreed
        interval = by_level.loc["people", ["low", "high"]]
        pair = {
            "name": f"{one} and {other}",
            "within": number(within),
            "candidates": number(candidates),
            "between": _interval(between, interval["low"], interval["high"]),
            "is_ridge": is_ridge,
        }
        known = np.isfinite([within, candidates, between]).any()
        pairs.append({**pair, "verdict": _pair_words(trades, between, is_ridge, known)})
    return sorted(pairs, key=lambda pair: not pair["is_ridge"])


def _interval(value, low, high):
    text = number(value)
    return text if not np.isfinite(low) else f"{text} [{number(low)}, {number(high)}]"


def _pair_words(trades, between, is_ridge, known):
    if is_ridge:
        return "on a ridge"
    if trades:
        return "trade off, but restarts agree"
    if abs(between) >= RIDGE:
        return "correlated between people: a ridge, or a genuine relation"
    return "no strong trade-off" if known else "unknown"


def _verdict(rows, pairs):
    """The tables in a few words: what must not be interpreted, what trades off, what would help."""
    lost = [row["name"] for row in rows if row["verdict"].startswith(NOT_IDENTIFIABLE)]
    ridges = [pair["name"] for pair in pairs if pair["is_ridge"]]
    sentences = []
    if lost:
        sentences.append(
            f"Do not interpret individual differences in {', '.join(lost)}: not identifiable here. Fewer "
            "free parameters, another cost or longer scans may help."
        )
    if ridges:
        sentences.append(f"On a ridge, so only a combination is determined: {'; '.join(ridges)}.")
    if any(row["verdict"].startswith("unknown") for row in rows):
        sentences.append("Use at least two restarts and two people to assess identifiability in full.")
    good = f"All parameters pass these checks in {plural(rows[0]['n'], 'person')}."
    return {"is_good": not sentences, "text": " ".join(sentences) or good}


def _pictures(fit, found, points, has_profiles, is_shared):
    pictures = {}
    if found[["ratio_restarts", "ratio_retest", "ratio_width"]].notna().any(axis=None):
        alt = f"Spread over restarts, noise and profiles as fractions of that over people, fit {fit}"
        pictures["ratios"] = picture(figures.ratios, found, (WEAK, LOST), alt=alt)
    names = [name for name in found["parameter"] if (points["parameter"] == name).any()][:MAX_PANELS]
    if names and has_profiles:
        alt = f"Cost around the best candidates of fit {fit} along {', '.join(names)}"
        pictures["profiles"] = picture(figures.profiles, points, names, is_shared, alt=alt)
    return pictures
