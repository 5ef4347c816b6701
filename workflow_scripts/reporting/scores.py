"""How good the fits are, beside what they have to beat."""

import numpy as np
import pandas as pd

from workflow_scripts.figures import scores as figures
from workflow_scripts.figures.style import picture
from workflow_scripts.reporting.comparison import BASELINES, HIGHER_IS_BETTER, MEASURES, compare, is_better
from workflow_scripts.reporting.formatting import MISSING, number, plural, plus_minus, spread
from workflow_scripts.reporting.section import Section
from workflow_scripts.start import FROM_GROUP

SPLITS = {"train": "training", "test": "held-out"}
# Rows of the cohort table below the fits: name, baseline of the FC correlation, baseline of the FCD distance.
BASELINE_ROWS = (
    ("SC–FC correlation", "sc_fc", None),
    ("group-mean FC (leave-one-out)", "group_mean_fc", None),
    ("scan–rescan agreement", "scan_rescan_fc", "scan_rescan_ks"),
)


def section(cohort):
    """Cohort table, verdicts, figures and the table of every unit."""
    context = {
        "fits": [_fit(cohort, fit) for fit in cohort.fits],
        "has_heldout": cohort.has_heldout,
        "summary": _summary(cohort),
        "people": _people(cohort),
        "pictures": _pictures(cohort),
    }
    return Section("scores", "Scores, training and held-out", "scores.html.j2", context)


def unit_scores(cohort, fit):
    """Scores of every unit of one fit: columns (split, measure, "mean" | "sd"), index unit."""
    rows = cohort.of_fit("evaluation", fit).dropna(subset="mean")
    if "fcd_ks" not in set(rows["measure"]):  # FCDs that are distribution functions have the binned distance
        rows = rows.assign(measure=rows["measure"].replace("fcd_ks_binned", "fcd_ks"))
    if rows.empty:
        return pd.DataFrame(
            index=pd.Index([], name="key"), columns=pd.MultiIndex.from_tuples([], names=["", "", ""])
        )
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


def _fit(cohort, fit):
    """Conditions of a fit, and what is to be said about it and each baseline."""
    scores, baselines = unit_scores(cohort, fit), unit_baselines(cohort)
    verdicts = []
    for name, (measure, label) in BASELINES.items() if cohort.has_heldout else ():
        ours = per_person(cohort, column(scores, "test", measure, "mean"))
        theirs = per_person(cohort, baseline_column(baselines, "test", name))
        if comparison := compare(ours, theirs, measure):
            verdicts.append({"beats": comparison.beats, "text": sentence(fit, label, comparison)})
    return {"name": fit, "n": len(scores), "verdicts": verdicts, "since": _since_origin(cohort, fit)}


def _since_origin(cohort, fit):
    """What changed since the fit that this one started from, in words; None where it started from none."""
    start = cohort.fit_settings[fit]["start"]
    if start is None or start["from"] == FROM_GROUP:
        return None
    after, before = unit_scores(cohort, fit), unit_scores(cohort, start["from"])
    parts, people = [], 0
    for measure, name in MEASURES.items():
        ours, theirs = (column(scores, cohort.scored_split, measure, "mean") for scores in (after, before))
        changes = per_person(cohort, ours - theirs).dropna()
        people = max(people, len(changes))
        parts.append(f"{name} {spread(changes, digits=3, sign=True)}")
    return (
        f"Change since {start['from']}, from whose best parameters it started, on "
        f"{SPLITS[cohort.scored_split]} scans: {', '.join(parts)} "
        f"(mean ± SD over {plural(people, 'person')})."
    )


def sentence(fit, baseline, comparison):
    """A comparison in words, with its numbers."""
    verb = "beats" if comparison.beats else "does not beat"
    unsure = comparison.is_better_on_average and not comparison.beats
    limits = [number(value, sign=True) for value in (comparison.low, comparison.high)]
    return (
        f"{fit} {verb} {baseline}{' beyond the spread between people' if unsure else ''}: "
        f"{MEASURES[comparison.measure]} {number(comparison.fit_mean)} against "
        f"{number(comparison.baseline_mean)}, "
        f"difference {number(comparison.difference, sign=True)}"
        f"{' [' + ', '.join(limits) + ']' if np.isfinite(comparison.low) else ''}, "
        f"better in {comparison.n_better} of {comparison.n_people}."
    )


def _summary(cohort):
    """Rows of the cohort table: mean ± SD over people, training beside held-out."""
    rows = [_fit_row(cohort, fit) for fit in cohort.fits]
    return rows + [_baseline_row(cohort, *names) for names in BASELINE_ROWS]


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


def _baseline_row(cohort, label, fc, ks):
    """Cells of a baseline, which has no cost and no seeds; scan–rescan stands in the held-out column."""
    baselines = unit_baselines(cohort)
    known = baseline_column(baselines, cohort.scored_split, fc).dropna().index
    row = {
        "label": label,
        "is_fit": False,
        "n": cohort.people.reindex(known).nunique(),
        "gap": MISSING,
        "seed_sd": MISSING,
    }
    for split in SPLITS:
        for measure, name in (("fc_corr", fc), ("fcd_ks", ks), ("cost", None)):
            shown = name and (split == "test" or not fc.startswith("scan_rescan"))
            values = per_person(cohort, baseline_column(baselines, split, name)) if shown else None
            row[f"{split}_{measure}"] = spread(values) if shown else MISSING
    return row


def _people(cohort):
    baselines = unit_baselines(cohort)
    return [
        _person_row(cohort, fit, unit, scores, baselines)
        for fit in cohort.fits
        for scores in [unit_scores(cohort, fit)]
        for unit in scores.index
    ]


def _person_row(cohort, fit, unit, scores, baselines):
    row = {"key": unit, "fit": fit, "group": cohort.groups.get(unit, "")}
    for split in SPLITS:
        for measure in MEASURES:
            mean, sd = (_cell(scores, unit, split, measure, kind) for kind in ("mean", "sd"))
            row[f"{split}_{measure}"] = {"sort": mean, "text": plus_minus(mean, sd)}
    for name, (measure, _) in BASELINES.items():
        baseline = baseline_column(baselines, cohort.scored_split, name).get(unit, np.nan)
        row[name] = _beside(baseline, row[f"test_{measure}"]["sort"], measure)
    judged = [row[name]["beaten"] for name in BASELINES if row[name]["beaten"] is not None]
    row["beaten"] = {"sort": sum(judged), "text": f"{sum(judged)} of {len(judged)}" if judged else MISSING}
    return row


def _beside(baseline, score, measure):
    """A baseline's cell; `beaten` is None where there is nothing to compare."""
    beaten = is_better(score, baseline, measure) if np.isfinite([baseline, score]).all() else None
    return {"sort": baseline, "text": number(baseline), "beaten": beaten}


def _cell(scores, unit, *key):
    return column(scores, *key).get(unit, np.nan)


def _pictures(cohort):
    """The cohort at a glance and person by person, for the measures that baselines speak to."""
    frame = figure_frame(cohort)
    if not frame["source"].isin(cohort.fits).any():
        return {}
    glance = "FC correlation and FCD distance of all people: baselines, and each fit by split"
    ranked = "Score of every person beside that person's baselines, ordered by the score of the first fit"
    common = (frame, cohort.fits, cohort.scored_split)
    return {
        "strip": picture(figures.cohort_strip, *common, alt=glance),
        "people": picture(figures.people_ranked, *common, alt=ranked),
    }


def figure_frame(cohort):
    """Long table for the figures: key, measure, source (a fit or a baseline), split, mean, sd."""
    evaluation, baselines = cohort.table("evaluation"), unit_baselines(cohort)
    fits = evaluation[evaluation["measure"].isin(HIGHER_IS_BETTER)].rename(columns={"fit": "source"})
    parts = [fits[["key", "measure", "source", "split", "mean", "sd"]]]
    for name, (measure, _) in BASELINES.items():
        values = (
            baseline_column(baselines, cohort.scored_split, name)
            .rename("mean")
            .rename_axis("key")
            .reset_index()
        )
        parts.append(values.assign(measure=measure, source=name, split=cohort.scored_split, sd=np.nan))
    return pd.concat(parts, ignore_index=True).dropna(subset="mean")
