"""How good the fits are, beside what they have to beat."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from workflow_scripts.figures import scores as figures
from workflow_scripts.figures.style import picture
from workflow_scripts.reporting.formatting import conditions, number, plus_minus, spread
from workflow_scripts.reporting.section import Section

MEASURES = {"fc_corr": "FC r", "fcd_ks": "FCD KS", "cost": "cost"}
HIGHER_IS_BETTER = {"fc_corr": True, "fcd_ks": False}
# What a fit is compared with: name of the baseline in the table, the measure it speaks to, how it is called.
BASELINES = {
    "sc_fc": ("fc_corr", "SC–FC correlation"),
    "group_mean_fc": ("fc_corr", "group-mean FC"),
    "scan_rescan_fc": ("fc_corr", "scan–rescan agreement"),
    "scan_rescan_ks": ("fcd_ks", "scan–rescan agreement"),
}
SPLITS = {"train": "training", "test": "held-out"}


@dataclass(frozen=True)
class Comparison:
    """A fit against one baseline, paired over people."""

    measure: str
    baseline: str
    n_people: int
    n_better: int
    fit_mean: float
    baseline_mean: float
    difference: float
    low: float
    high: float
    beats: bool

    @property
    def sentence(self):
        verb = "beats" if self.beats else "does not beat"
        beyond = "" if self.beats or not self._mean_is_better else " beyond the spread between people"
        interval = f" [{number(self.low, sign=True)}, {number(self.high, sign=True)}]" if np.isfinite(self.low) else ""
        return (f"{verb} {self.baseline}{beyond}: {MEASURES[self.measure]} {number(self.fit_mean)} against "
                f"{number(self.baseline_mean)}, mean difference {number(self.difference, sign=True)}{interval}, "
                f"better in {self.n_better} of {self.n_people}.")

    @property
    def _mean_is_better(self):
        return self.difference > 0 if HIGHER_IS_BETTER[self.measure] else self.difference < 0


def compare(fit, baseline, measure, label):
    """Paired comparison over people.

    A fit beats a baseline when the 95 % t interval of the mean paired difference lies wholly on its side; with fewer than three
    people there is no interval worth the name, and it must be better in every one of them.

    Parameters
    ----------
    fit, baseline : pandas.Series
        One value per person.

    Returns
    -------
    Comparison or None
        None where no person has both values.
    """
    pairs = pd.DataFrame({"fit": fit, "baseline": baseline}).dropna()
    if pairs.empty:
        return None
    difference = pairs["fit"] - pairs["baseline"]
    gain = difference if HIGHER_IS_BETTER[measure] else -difference
    low, high = _interval(difference)
    if np.isfinite(low):
        beats = (low > 0) if HIGHER_IS_BETTER[measure] else (high < 0)
    else:
        beats = (gain > 0).all()
    return Comparison(measure, label, len(pairs), int((gain > 0).sum()), pairs["fit"].mean(), pairs["baseline"].mean(),
                      difference.mean(), low, high, bool(beats))


def _interval(difference):
    if len(difference) < 3:
        return np.nan, np.nan
    half = stats.t.ppf(0.975, len(difference) - 1) * difference.std() / np.sqrt(len(difference))
    return difference.mean() - half, difference.mean() + half


def unit_scores(cohort, fit):
    """Scores of every unit of one fit: columns (split, measure, "mean" | "sd"), index unit."""
    rows = cohort.of_fit("evaluation", fit).dropna(subset="mean")
    if rows.empty:
        return pd.DataFrame(index=pd.Index([], name="key"), columns=pd.MultiIndex.from_tuples([], names=["", "", ""]))
    wide = rows.pivot_table(index="key", columns=["split", "measure"], values=["mean", "sd"], sort=False)
    return wide.reorder_levels([1, 2, 0], axis=1)


def unit_baselines(cohort):
    """Baselines of every unit: columns (split, measure), index unit. Scan–rescan belongs to no split."""
    baselines = cohort.table("baselines").dropna(subset="value")
    if baselines.empty:
        return pd.DataFrame(columns=pd.MultiIndex.from_tuples([], names=["split", "measure"]))
    return baselines.pivot_table(index="key", columns=["split", "measure"], values="value", sort=False)


def column(frame, *key):
    """A column of a wide table, all missing where it does not exist."""
    return frame[key] if key in frame else pd.Series(np.nan, index=frame.index)


def baseline_column(baselines, split, measure):
    """One baseline per unit; scan–rescan is taken from whatever split it was stored under."""
    if not measure.startswith("scan_rescan"):
        return column(baselines, split, measure)
    found = [baselines[key] for key in baselines.columns if key[1] == measure]
    return pd.concat(found, axis=1).mean(axis=1) if found else pd.Series(np.nan, index=baselines.index)


def per_person(cohort, values):
    """Mean over the sessions of each participant, so that a person counts once."""
    return values.groupby(cohort.people.reindex(values.index)).mean()


def comparisons(cohort, fit):
    """The fit's scores on the judging split against every baseline that exists."""
    scores, baselines = unit_scores(cohort, fit), unit_baselines(cohort)
    found = []
    for name, (measure, label) in BASELINES.items():
        ours = per_person(cohort, column(scores, cohort.scored_split, measure, "mean"))
        theirs = per_person(cohort, baseline_column(baselines, cohort.scored_split, name))
        found.append(compare(ours, theirs, measure, label))
    return [comparison for comparison in found if comparison]


def section(cohort):
    """The section of the page: cohort table, verdicts, figures, table of people."""
    per_fit = [{"name": fit, "conditions": conditions(cohort, fit), "n": len(unit_scores(cohort, fit)),
                "comparisons": comparisons(cohort, fit) if cohort.has_heldout else []} for fit in cohort.fits]
    context = {"fits": per_fit, "has_heldout": cohort.has_heldout, "summary": _summary(cohort),
               "people": _people(cohort), "pictures": _pictures(cohort)}
    return Section("scores", "Scores, training and held-out", "scores.html.j2", context)


def _summary(cohort):
    """Rows of the cohort table: mean ± SD over people, training beside held-out."""
    baselines = unit_baselines(cohort)
    rows = [_fit_row(cohort, fit) for fit in cohort.fits]
    named = {"SC–FC correlation": ("sc_fc", None), "group-mean FC (leave-one-out)": ("group_mean_fc", None),
             "scan–rescan agreement": ("scan_rescan_fc", "scan_rescan_ks")}
    for label, (fc, ks) in named.items():
        rows.append({"label": label, "is_fit": False, **_baseline_cells(cohort, baselines, fc, ks)})
    return rows


def _fit_row(cohort, fit):
    scores = unit_scores(cohort, fit)
    row = {"label": fit, "is_fit": True, "n": cohort.people.reindex(scores.index).nunique()}
    for measure in MEASURES:
        for split in SPLITS:
            row[f"{split}_{measure}"] = spread(per_person(cohort, column(scores, split, measure, "mean")))
    gap = column(scores, "train", "fc_corr", "mean") - column(scores, "test", "fc_corr", "mean")
    row["gap"] = spread(per_person(cohort, gap), sign=True)
    row["seed_sd"] = number(column(scores, cohort.scored_split, "fc_corr", "sd").mean(), digits=3)
    return row


def _baseline_cells(cohort, baselines, fc, ks):
    rescan = fc.startswith("scan_rescan")
    cells = {"n": cohort.people.reindex(baseline_column(baselines, cohort.scored_split, fc).dropna().index).nunique()}
    for split in SPLITS:
        shown = split == "test" or not rescan
        cells[f"{split}_fc_corr"] = _baseline_cell(cohort, baselines, split, fc) if shown else "–"
        cells[f"{split}_fcd_ks"] = _baseline_cell(cohort, baselines, split, ks) if shown and ks else "–"
        cells[f"{split}_cost"] = "–"
    return {**cells, "gap": "–", "seed_sd": "–"}


def _baseline_cell(cohort, baselines, split, name):
    return spread(per_person(cohort, baseline_column(baselines, split, name)))


def _people(cohort):
    baselines = unit_baselines(cohort)
    return [_person_row(cohort, fit, unit, scores, baselines)
            for fit in cohort.fits for scores in [unit_scores(cohort, fit)] for unit in scores.index]


def _person_row(cohort, fit, unit, scores, baselines):
    values = {f"{split}_{measure}": (_cell(scores, unit, split, measure, "mean"), _cell(scores, unit, split, measure, "sd"))
              for split in SPLITS for measure in MEASURES}
    beside = {name: _at(baseline_column(baselines, cohort.scored_split, name), unit) for name in BASELINES}
    unbeaten, judged = [], False
    for name, (measure, label) in BASELINES.items():
        ours, theirs = values[f"test_{measure}"][0], beside[name]
        if np.isfinite(ours) and np.isfinite(theirs):
            better = ours > theirs if HIGHER_IS_BETTER[measure] else ours < theirs
            judged = True
            unbeaten += [] if better else [f"{label} ({MEASURES[measure]})"]
    return {"key": unit, "fit": fit, "group": cohort.groups.get(unit, ""), "unbeaten": unbeaten, "is_judged": judged,
            **{key: {"sort": mean, "text": plus_minus(mean, sd)} for key, (mean, sd) in values.items()},
            **{key: {"sort": value, "text": number(value)} for key, value in beside.items()}}


def _cell(scores, unit, *key):
    return _at(column(scores, *key), unit)


def _at(series, unit):
    return series.get(unit, np.nan)


def _pictures(cohort):
    """The cohort at a glance and person by person, for the measures that baselines speak to."""
    if not any(len(unit_scores(cohort, fit)) for fit in cohort.fits):
        return {}
    frame = figure_frame(cohort)
    return {
        "strip": picture(figures.cohort_strip, frame, cohort.fits, cohort.scored_split, alt=(
            "FC correlation and FCD distance of every person: baselines, and each fit on training and held-out scans")),
        "people": picture(figures.people_ranked, frame, cohort.fits, cohort.scored_split, alt=(
            "Score of every person beside that person's baselines, people ordered by the score of the first fit")),
    }


def figure_frame(cohort):
    """Long table for the figures: unit, measure, source (fit name or baseline), split, mean, sd."""
    rows = []
    for fit in cohort.fits:
        scores = unit_scores(cohort, fit)
        rows += [(unit, measure, fit, split, _cell(scores, unit, split, measure, "mean"), _cell(scores, unit, split, measure, "sd"))
                 for unit in scores.index for split in SPLITS for measure in HIGHER_IS_BETTER]
    baselines = unit_baselines(cohort)
    for name, (measure, _) in BASELINES.items():
        values = baseline_column(baselines, cohort.scored_split, name)
        rows += [(unit, measure, name, cohort.scored_split, value, np.nan) for unit, value in values.items()]
    return pd.DataFrame(rows, columns=["key", "measure", "source", "split", "mean", "sd"]).dropna(subset="mean")
