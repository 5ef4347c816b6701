"""Experiments on fitted people: what a lesion or a change of a parameter does to them."""

import numpy as np
from scipy.stats import spearmanr

from cubnm_core.evidence.experiments import CHANGED_FC, FCD_DISTANCE, MEAN_FC, WHOLE
from cubnm_core.statistics.paired import FEWEST, sign_flip_test
from workflow_scripts.files.job import MISSING as NOT_APPLICABLE
from workflow_scripts.files.words import plural
from workflow_scripts.report.figures import experiments as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number, significant
from workflow_scripts.report.section import Section

MEASURES = {
    MEAN_FC: "change of mean FC",
    CHANGED_FC: "mean absolute change of FC",
    FCD_DISTANCE: "FCD, KS distance to before",
}
SHOWN_REGIONS = 10


def is_told(cohort):
    """Whether any experiment is configured."""
    return bool(cohort.config.get("experiments"))


def section(cohort):
    """A picture and a table for every fit, and whether regions matter beyond their strength."""
    return _section(cohort, 0)


def aggregate(cohort):
    """The same for enough people."""
    return _section(cohort, cohort.smallest_group)


def _section(cohort, fewest):
    fits = [_fit(cohort, fit, fewest) for fit in cohort.fits]
    context = {"fits": [fit for fit in fits if fit["rows"] or fit["ranked"] or fit["notes"]]}
    return Section("experiments", "Experiments", "experiments.html.j2", context)


def _fit(cohort, fit, fewest):
    rows = cohort.of_fit("experiments", fit)
    noted = rows[rows["note"].notna()]
    notes = [] if fewest else _notes(noted)
    rows = rows[rows["note"].isna()]
    if rows.empty:
        return {"name": fit, "notes": notes, "rows": [], "ranked": [], "picture": None, "regions": None}
    people = _people(rows)
    once = people[people["region"] == NOT_APPLICABLE]
    turned = people[people["region"] != NOT_APPLICABLE]
    shown = [row for row in (_row(key, part, fewest) for key, part in _parts(once)) if row]
    ranked = [_ranked(name, part, fewest) for name, part in turned.groupby("experiment", sort=False)]
    ranked = [entry for entry in ranked if entry["n"] >= max(fewest, 1)]
    drawn = once[(once["measure"] == CHANGED_FC) & (once["place"] == WHOLE)]
    alt = f"Mean absolute change of FC by experiment, every person, fit {fit}"
    can_draw = len(drawn) and not fewest
    return {
        "name": fit,
        "notes": notes,
        "rows": shown,
        "ranked": ranked,
        "picture": picture(figures.people, drawn, alt=alt) if can_draw else None,
        "regions": picture(figures.regions, ranked, alt=f"Effect of every region by its strength, fit {fit}")
        if ranked
        else None,
    }


def _notes(rows):
    """Who has no result of an experiment, and why: a sentence for every experiment and reason."""
    counted = rows.fillna({"experiment": "all experiments"}).groupby(["experiment", "note"], sort=False)
    return [
        f"{experiment}, {plural(part['key'].nunique(), 'unit')}: {note}"
        for (experiment, note), part in counted
    ]


def _people(rows):
    """Mean over the sessions of a person of every effect."""
    rows = rows.assign(region=rows["region"].fillna(NOT_APPLICABLE).astype(str))
    keys = ["participant_id", "experiment", "kind", "region", "measure", "place"]
    numbers = ["mean", "sd_candidates", "sd_seeds", "n_candidates", "strength", "deleted"]
    return rows.groupby(keys, sort=False, dropna=False)[numbers].mean().reset_index()


def _parts(rows):
    return rows.groupby(["experiment", "measure", "place"], sort=False)


def _row(key, part, fewest):
    """One row of the table: what an experiment changes, over people."""
    experiment, measure, place = key
    values = part["mean"].dropna().to_numpy()
    if len(values) < max(fewest, 1):
        return None
    low = high = np.nan
    if len(values) >= max(FEWEST, 2 * fewest):  # limits of few are values of one or two of them
        low, high, _ = sign_flip_test(values)
    return {
        "experiment": experiment,
        "measure": MEASURES.get(measure, f"change of mean {measure}"),
        "place": "" if place == WHOLE else place,
        "n": len(values),
        "change": _interval(values.mean(), low, high),
        "people": significant(values.std(ddof=1)) if len(values) > 1 else MISSING,
        "candidates": significant(part["sd_candidates"].mean()),
        "seeds": significant(part["sd_seeds"].mean()),
    }


def _interval(mean, low, high):
    limits = f" [{significant(low)}, {significant(high)}]" if np.isfinite(low) else ""
    return significant(mean) + limits


def _ranked(experiment, rows, fewest):
    """Regions by what their lesion changes elsewhere, and what their strength alone tells."""
    rows = rows[(rows["measure"] == CHANGED_FC) & (rows["place"] == WHOLE)]
    by_region = rows.groupby("region", sort=False)[["mean", "strength", "deleted"]].mean()
    order = by_region["mean"].sort_values(ascending=False)
    within = [
        spearmanr(part["mean"], part["strength"]).statistic
        for _, part in rows.groupby("participant_id", sort=False)
        if len(part) > 2
    ]
    within = np.array([value for value in within if np.isfinite(value)])
    return {
        "experiment": experiment,
        "n": rows["participant_id"].nunique(),
        "n_regions": len(by_region),
        "top": ", ".join(order.index[:SHOWN_REGIONS]),
        "sentence": _sentence(within, names_extremes=not fewest),
        "values": by_region,
    }


def _sentence(within, names_extremes):
    """Whether the ranking of regions differs from that by strength; extremes are values of single people."""
    if not len(within):
        return "Too few regions to be ranked."
    told = f"Spearman's ρ with the strength of the regions, within people: median {number(np.median(within))}"
    if names_extremes and len(within) > 1:
        told += f" ({number(within.min())} to {number(within.max())})"
    rest = 1 - np.median(within) ** 2
    return f"{told}; {rest:.0%} of the variance of ranks is noise or more than strength."
