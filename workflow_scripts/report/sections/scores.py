"""Scores of the fits and of the baselines they must beat."""

import numpy as np
import pandas as pd

from workflow_scripts.configuration.start import FROM_GROUP
from workflow_scripts.files.words import plural
from workflow_scripts.report.comparison import (
    BASELINES,
    COMPARED,
    HIGHER_IS_BETTER,
    MEASURES,
    interval,
    is_better,
    kind,
    label,
    p_text,
    people_to_tell,
    too_few,
)
from workflow_scripts.report.disclosure import hide_intervals
from workflow_scripts.report.figures import optimism as optimism_figures
from workflow_scripts.report.figures import scores as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number, spread
from workflow_scripts.report.section import Section

SPLITS = {"train": "training", "test": "held-out"}
# Rows of the cohort table below the fits: name, and the baselines of FC correlation, FCD distance and cost.
BASELINE_ROWS = (
    ("SC–FC correlation", "sc_fc", None, None),
    ("linear diffusion along the connectome", "diffusion_fc", None, None),
    ("distance rule, exp(−length/λ)", "distance_fc", None, None),
    ("global signal", "global_signal_fc", "global_signal_ks", "global_signal_cost"),
    ("group-mean FC (leave-one-out)", "group_mean_fc", None, None),
    ("scan–rescan agreement", "scan_rescan_fc", "scan_rescan_ks", None),
)


def section(cohort):
    """Verdicts, cohort table, comparisons, optimism, figures, and the table of every unit."""
    context = _context(cohort, 1) | {"people": _people(cohort), "pictures": _people_picture(cohort)}
    return Section("scores", "Scores, training and held-out", "scores.html.j2", context)


def aggregate(cohort):
    """The same without people, and without what rests on few of them."""
    fewest = cohort.smallest_group
    frame = figure_frame(cohort)
    kinds = frame.assign(person=frame["key"].map(cohort.people)).groupby(["measure", "source", "split"])
    counts = kinds["person"].transform("nunique")
    boxes = _drawn(cohort, figures.cohort_boxes, frame[counts >= fewest])
    context = _context(cohort, fewest) | {"people": [], "pictures": boxes}
    return Section("scores", "Scores, training and held-out", "scores.html.j2", context)


def _context(cohort, fewest):
    """What both pages say, of `fewest` people or more."""
    rows = _comparisons(cohort, fewest)
    return {
        "fits": [_fit(cohort, fit, fewest) for fit in cohort.fits],
        "has_heldout": cohort.has_heldout,
        "scans": SPLITS[cohort.scored_split],
        "summary": [row for row in _summary(cohort, fewest) if row["n"] >= fewest],
        "comparisons": [_comparison_cells(row, rows, cohort.fits) for row in rows],
        "lacking": [text for text in (too_few(rows), *_lacking(cohort, fewest)) if text],
        "optimism": _optimism(cohort, fewest),
    }


def unit_scores(cohort, fit):
    """Scores of every unit of one fit: columns (split, measure, "mean" | "sd"), index unit."""
    rows = one_distance(cohort.of_fit("evaluation", fit).dropna(subset="mean"))
    if rows.empty:
        return pd.DataFrame(
            index=pd.Index([], name="key"), columns=pd.MultiIndex.from_tuples([], names=["", "", ""])
        )
    wide = rows.pivot_table(index="key", columns=["split", "measure"], values=["mean", "sd"], sort=False)
    return wide.reorder_levels([1, 2, 0], axis=1)


def one_distance(rows):
    """Rows with one distance of the FCD: the binned one where targets came as distribution functions."""
    if (rows["measure"] == "fcd_ks").any():
        return rows[rows["measure"] != "fcd_ks_binned"]
    return rows.assign(measure=rows["measure"].replace("fcd_ks_binned", "fcd_ks"))


def unit_baselines(cohort, fit):
    """Baselines of every unit for a fit: columns (split, measure), index unit.

    A global signal was fitted with the cost of that fit. Scan–rescan belongs to no split.
    """
    baselines = cohort.table("baselines").dropna(subset="value")
    baselines = baselines[baselines["fit"].isna() | (baselines["fit"] == fit)]
    if baselines.empty:
        return pd.DataFrame(columns=pd.MultiIndex.from_tuples([], names=["split", "measure"]))
    return baselines.pivot_table(index="key", columns=["split", "measure"], values="value", sort=False)


def column(frame, *key):
    """A column of a wide table, all missing where it does not exist."""
    return frame[key] if key in frame else pd.Series(np.nan, index=frame.index)


def baseline_column(baselines, split, measure):
    """One baseline per unit; scan–rescan is taken from the split it was stored under."""
    if not measure.startswith("scan_rescan"):
        return column(baselines, split, measure)
    found = [baselines[key] for key in baselines.columns if key[1] == measure]
    return pd.concat(found, axis=1).mean(axis=1) if found else pd.Series(np.nan, index=baselines.index)


def per_person(cohort, values):
    """Mean over the sessions of each participant, so that a person counts once."""
    return values.groupby(cohort.people.reindex(values.index)).mean()


def _fit(cohort, fit, fewest):
    """How many people a fit scored, and what it changed since the one that it started from."""
    n = cohort.people.reindex(unit_scores(cohort, fit).index).nunique()
    return {
        "name": fit,
        "n": n,
        "since": _since_origin(cohort, fit) if n >= fewest else None,
    }


def _comparisons(cohort, fewest):
    """Rows of fit_comparison.tsv of `fewest` people or more, as dicts."""
    rows = cohort.table("fit_comparison")
    return hide_intervals(rows[rows["n_people"] >= fewest], fewest).to_dict("records")


def _together(row, rows):
    """How many comparisons were corrected together with this one."""
    fits = {other["fit"] for other in rows}
    if row["other"] in fits:
        return sum(other["other"] in fits and other["measure"] == row["measure"] for other in rows)
    return sum(other["other"] == row["other"] for other in rows)


def _comparison_cells(row, rows, fits):
    """A row of the table of comparisons."""
    return {
        "fit": row["fit"],
        "other": label(row["other"]),
        "measure": COMPARED[row["measure"]],
        "kind": kind(row),
        "verdict": row["verdict"],
        "between": row["other"] in fits,
        "needed": people_to_tell(row, _together(row, rows)),
        "difference": {"sort": row["difference"], "text": interval(row)},
        "p_corrected": {"sort": row["p_corrected"], "text": p_text(row["p_corrected"])},
        "effect": {"sort": row["effect_size"], "text": number(row["effect_size"], sign=True)},
        "better": f"{int(row['n_better'])} of {int(row['n_people'])}",
    }


def _lacking(cohort, fewest):
    """Baselines that could not be had by `fewest` people or more, with the reason and their number."""
    baselines = cohort.table("baselines")
    if "note" not in baselines:
        return []
    lacking = baselines[baselines["value"].isna() & baselines["note"].notna()]
    counts = lacking.groupby(["measure", "note"])["participant_id"].nunique()
    return [
        f"No {label(measure)} for {plural(people, 'person')}: {note}."
        for (measure, note), people in counts.items()
        if people >= fewest
    ]


def _optimism(cohort, fewest):
    """Rows and figure of what becomes of a score between the search and the held-out scan."""
    table = one_distance(cohort.table("optimism"))
    if table.empty:
        return None
    numbers = ["search", "train", "test", "seed_part", "scan_part"]
    people = table[table["measure"].isin(MEASURES)]
    people = people.groupby(["fit", "measure", "participant_id"], sort=False)[numbers].mean().reset_index()
    people = people[people.groupby(["fit", "measure"])["participant_id"].transform("size") >= fewest]
    rows = [
        {"fit": fit, "measure": MEASURES[measure], "n": len(part)}
        | {name: spread(part[name], sign=name.endswith("part"), fewest=fewest) for name in numbers}
        for (fit, measure), part in people.groupby(["fit", "measure"], sort=False)
    ]
    alt = (
        "Mean scores of each fit: in the search, with fresh noise seeds on training scans, on held-out scans"
    )
    drawn = picture(optimism_figures.optimism, people, cohort.fits, alt=alt) if rows else None
    return {"rows": rows, "picture": drawn}


def _since_origin(cohort, fit):
    """What changed since the fit that this one started from, in words; None where it started from none."""
    start = cohort.fit_settings[fit]["start"]
    if start is None or start["from"] == FROM_GROUP or start["from"] in cohort.steps:
        return None
    after, before = unit_scores(cohort, fit), unit_scores(cohort, start["from"])
    parts, people = [], 0
    for measure, name in MEASURES.items():
        ours, theirs = (column(scores, cohort.scored_split, measure, "mean") for scores in (after, before))
        changes = per_person(cohort, ours - theirs).dropna()
        people = max(people, len(changes))
        parts.append(f"{name} {spread(changes, digits=3, sign=True)}")
    return (
        f"Change from {start['from']}, whose best parameters were the starting point, on "
        f"{SPLITS[cohort.scored_split]} scans: {', '.join(parts)} "
        f"(mean ± SD over {plural(people, 'person')})."
    )


def _summary(cohort, fewest):
    """Rows of the cohort table: mean ± SD over `fewest` people or more, training and held-out."""
    rows = [_fit_row(cohort, fit, fewest) for fit in cohort.fits]
    for names in BASELINE_ROWS:
        found = [_baseline_row(cohort, fit, fewest, *names) for fit in cohort.fits]
        if any(row != found[0] for row in found):  # fitted with different costs
            found = [
                {**row, "label": f"{row['label']}, with the cost of {fit}"}
                for fit, row in zip(cohort.fits, found, strict=True)
            ]
            rows += found
        else:
            rows += found[:1]
    return rows


def _fit_row(cohort, fit, fewest):
    scores = unit_scores(cohort, fit)
    row = {"label": fit, "is_fit": True, "n": cohort.people.reindex(scores.index).nunique()}
    for measure in MEASURES:
        for split in SPLITS:
            values = per_person(cohort, column(scores, split, measure, "mean"))
            row[f"{split}_{measure}"] = spread(values, fewest=fewest)
    gap = column(scores, "train", "fc_corr", "mean") - column(scores, "test", "fc_corr", "mean")
    row["gap"] = spread(per_person(cohort, gap), sign=True, fewest=fewest)
    row["seed_sd"] = number(column(scores, cohort.scored_split, "fc_corr", "sd").mean(), digits=3)
    return row


def _baseline_row(cohort, fit, fewest, label, fc, ks, cost):
    """Cells of a baseline; scan–rescan is in the held-out column, a cost excludes firing rates."""
    baselines = unit_baselines(cohort, fit)
    known = baseline_column(baselines, cohort.scored_split, fc).dropna().index
    row = {
        "label": label,
        "is_fit": False,
        "n": cohort.people.reindex(known).nunique(),
        "gap": MISSING,
        "seed_sd": MISSING,
    }
    for split in SPLITS:
        for measure, name in (("fc_corr", fc), ("fcd_ks", ks), ("cost", cost)):
            shown = name and (split == "test" or not fc.startswith("scan_rescan"))
            values = per_person(cohort, baseline_column(baselines, split, name)) if shown else None
            row[f"{split}_{measure}"] = spread(values, fewest=fewest) if shown else MISSING
    if not fc.startswith("scan_rescan"):
        gap = column(baselines, "train", fc) - column(baselines, "test", fc)
        row["gap"] = spread(per_person(cohort, gap), sign=True, fewest=fewest)
    if cost:
        for split in SPLITS:
            row[f"{split}_cost"] += " †" if row[f"{split}_cost"] != MISSING else ""
    return row


def _people(cohort):
    return [
        _person_row(cohort, fit, unit, scores, baselines)
        for fit in cohort.fits
        for scores, baselines in [(unit_scores(cohort, fit), unit_baselines(cohort, fit))]
        for unit in scores.index
    ]


def _person_row(cohort, fit, unit, scores, baselines):
    row = {"key": unit, "fit": fit, "group": cohort.groups.get(unit, "")}
    for measure in MEASURES:
        mean = column(scores, cohort.scored_split, measure, "mean").get(unit, np.nan)
        row[measure] = {"sort": mean, "text": number(mean)}
    for name, (measure, _) in BASELINES.items():
        baseline = baseline_column(baselines, cohort.scored_split, name).get(unit, np.nan)
        row[name] = _beside(baseline, row[measure]["sort"], measure)
    judged = [row[name]["beaten"] for name in BASELINES if row[name]["beaten"] is not None]
    row["beaten"] = {"sort": sum(judged), "text": f"{sum(judged)} of {len(judged)}" if judged else MISSING}
    return row


def _beside(baseline, score, measure):
    """A baseline's cell; `beaten` is None where there is nothing to compare."""
    beaten = is_better(score, baseline, measure) if np.isfinite([baseline, score]).all() else None
    return {"sort": baseline, "text": number(baseline), "beaten": beaten}


def draw_glance(cohort):
    """Draw the cohort at a glance, for the measures that baselines speak to; None if nobody was scored."""
    return _drawn(cohort, figures.cohort_strip, figure_frame(cohort)).get("strip")


def _people_picture(cohort):
    """Person by person, if anybody was scored."""
    frame = figure_frame(cohort)
    if not frame["source"].isin(cohort.fits).any():
        return {}
    alt = "Score and baselines of every person, ordered by the score of the first fit"
    return {"people": picture(figures.people_ranked, frame, cohort.fits, cohort.scored_split, alt=alt)}


def _drawn(cohort, draw, frame):
    """The cohort at a glance, if anybody was scored."""
    if not frame["source"].isin(cohort.fits).any():
        return {}
    alt = "FC correlation and FCD distance of all people: baselines and fits, training and held-out scans"
    return {"strip": picture(draw, frame, cohort.fits, alt=alt)}


def figure_frame(cohort):
    """Long table for the figures: key, measure, source (a fit or a baseline), split, mean, sd.

    A global signal counts with its mean over the fits whose cost it was fitted with.
    """
    evaluation = one_distance(cohort.table("evaluation"))
    fits = evaluation[evaluation["measure"].isin(HIGHER_IS_BETTER)].rename(columns={"fit": "source"})
    baselines = cohort.table("baselines")
    baselines = baselines[baselines["measure"].isin(BASELINES)].rename(columns={"measure": "source"})
    baselines = baselines.groupby(["key", "source", "split"], sort=False, as_index=False)["value"].mean()
    measures = baselines["source"].map({name: measure for name, (measure, _) in BASELINES.items()})
    shown = baselines.rename(columns={"value": "mean"}).assign(measure=measures, sd=np.nan)
    columns = ["key", "measure", "source", "split", "mean", "sd"]
    return pd.concat([fits[columns], shown[columns]], ignore_index=True).dropna(subset="mean")
