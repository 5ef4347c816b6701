"""Is anything personal? Exchange between people, identification, and held-out people."""

import numpy as np

from cubnm_core.evidence.cross import FITTED, TUNED, WITHOUT
from cubnm_core.statistics.paired import BETTER, WORSE
from workflow_scripts.files.words import plural
from workflow_scripts.report.comparison import MEASURES
from workflow_scripts.report.disclosure import hide_intervals
from workflow_scripts.report.figures import personal as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number, spread
from workflow_scripts.report.section import Section

INHIBITION = {FITTED: "wIE as fitted", TUNED: "wIE tuned anew", WITHOUT: ""}
#: What every contrast compares, in words: own, and with what.
CONTRASTS = {
    "connectome_others": ("own connectome", "others' (own parameters)"),
    "connectome_group": ("own connectome", "the others' mean (own parameters)"),
    "parameters_others": ("own parameters", "others' (own connectome)"),
    "parameters_group": ("own parameters", "the others' mean (own connectome)"),
    "everything_others": ("own model", "others' models"),
    "everything_group": ("own model", "the others' mean model"),
    "data_others": ("own scans", "others' scans (own model)"),
    "fit_held_out_people": ("own fit", "the group fit without the person"),
}
SPLITS = {"train": "training scans", "test": "held-out scans"}
SOURCES = {"simulated": "simulation", "empirical": "training scan"}


def section(cohort):
    """Figure, verdicts and tables of every fit, or why there are none."""
    return _section(cohort, 1)


def aggregate(cohort):
    """The same without what rests on few people."""
    return _section(cohort, cohort.smallest_group)


def _section(cohort, fewest):
    fits = [_fit(cohort, fit, fewest) for fit in cohort.fits]
    context = {
        "fits": [entry for entry in fits if entry["contrasts"] or entry["found"]],
        "reason": _why_none(cohort, fewest),
        "split": SPLITS[cohort.scored_split],
        "without_people": _why_nobody_held_out(cohort, fewest),
    }
    return Section("personal", "Is anything personal?", "personal.html.j2", context)


def _why_none(cohort, fewest):
    """Say why people were not crossed; None if any were."""
    stated = cohort.config.get("evaluation", {})
    crossed = _enough(cohort.table("contrasts"), fewest)
    if len(crossed) and (crossed["contrast"] != "fit_held_out_people").any():
        return None
    if stated.get("others") == 0:
        return "Parameters, connectomes and scans were not exchanged between people (evaluation.others: 0)."
    return f"Parameters and connectomes were exchanged for fewer than {max(fewest, 2)} fitted people."


def _why_nobody_held_out(cohort, fewest):
    """Say why no parameters were scored on people they were not fitted to; None where some were."""
    table = cohort.table("held_out_people")
    if len(table) and table["participant_id"].nunique() >= fewest:
        return None
    if cohort.config.get("evaluation", {}).get("folds", 0) < 2:
        return "No people were held out from group fits (evaluation.folds is below 2)."
    return "Too few people were fitted to hold some out from a group fit of the others."


def _enough(rows, fewest):
    """Rows that rest on enough people; tables that do not exist have none."""
    return rows[rows["n_people"] >= fewest] if "n_people" in rows else rows.iloc[:0]


def _fit(cohort, fit, fewest):
    contrasts = hide_intervals(_enough(cohort.of_fit("contrasts", fit), fewest), fewest)
    judged = contrasts[contrasts["split"] == cohort.scored_split]
    means = cell_means(cohort, fit, fewest)
    shown = bool(len(judged)) and bool(len(means))
    return {
        "name": fit,
        "crossed": _how(cohort, fit),
        "tuned_only": bool((judged["inhibition"] == TUNED).any()) if len(judged) else False,
        "contrasts": _contrast_cells(fair(judged)) if len(judged) else [],
        "picture": _picture(cohort, fit, means, judged) if shown else None,
        "found": _identification(cohort, fit, fewest),
        "held_out": _held_out(cohort, fit, fewest),
    }


def _how(cohort, fit):
    """Numbers of other people and noise seeds of the cross of a fit, in words."""
    rows = cohort.of_fit("cross", fit)
    if "n_pairs" not in rows or rows.empty:
        return None
    exchanged = rows[(rows["parameters"] == "others") & (rows["connectome"] == "own")]
    most = int(exchanged["n_pairs"].max()) if len(exchanged) else 0
    failed = int(rows.drop_duplicates(["key", "parameters", "connectome", "inhibition"])["n_failed"].sum())
    seeds = ", ".join(rows["seeds"].dropna().unique())
    text = f"Every person was crossed with up to {plural(most, 'other person')}, over noise seeds {seeds}."
    if have_one_connectome(rows):
        text += " All people have the same connectome, so there is none to exchange."
    return text + (
        f" {plural(failed, 'simulation')} diverged and received the worst score." if failed else ""
    )


def have_one_connectome(rows):
    """Whether parameters were exchanged but no connectomes, because all people have the same."""
    return "others" in set(rows["parameters"]) and set(rows["connectome"]) == {"own"}


def cell_means(cohort, fit, fewest=1):
    """Mean FC correlation of every condition over `fewest` people or more: a Series by condition."""
    rows = cohort.of_fit("cross", fit)
    if "parameters" not in rows or "inhibition" not in rows:
        return rows.iloc[:0]
    rows = rows[(rows["measure"] == "fc_corr") & (rows["split"] == cohort.scored_split)]
    keys = ["inhibition", "data", "parameters", "connectome"]
    cells = rows.groupby([*keys, "participant_id"])["mean"].mean().groupby(keys)
    return cells.mean()[cells.size() >= fewest]


def _picture(cohort, fit, means, judged):
    drawn = _ordered(judged[judged["measure"] == "fc_corr"]).to_dict("records")
    rows = [{**row, "label": label(row)} for row in drawn]
    alt = f"FC correlation with own, others' and mean parameters and connectomes, and contrasts, fit {fit}"
    return picture(figures.cross, means, rows, INHIBITION, alt=alt)


def _ordered(rows):
    """Contrasts in the order of CONTRASTS, tuned weights before fitted ones."""
    places = {name: place for place, name in enumerate(CONTRASTS)}
    rows = rows.assign(place=rows["contrast"].map(places), second=rows["inhibition"] == FITTED)
    return rows.sort_values(["place", "second"], kind="stable")


def fair(rows):
    """Contrasts to judge by: with weights that suit the connectome, where there is the choice."""
    tuned = set(rows.loc[rows["inhibition"] == TUNED, "contrast"])
    return rows[(rows["inhibition"] != FITTED) | ~rows["contrast"].isin(tuned)]


def label(row, named=True):
    """Name a contrast, with its inhibition if that is to be `named`."""
    one, other = CONTRASTS[row["contrast"]]
    how = INHIBITION.get(row["inhibition"], "") if named else ""
    exchanged = not row["contrast"].startswith(("everything_others", "data", "fit"))
    return f"{one} – {other}" + (f", {how}" if how and exchanged else "")


def _contrast_cells(rows):
    """One row per contrast and kind of inhibition, with every measure that was scored."""
    cells = []
    for _, part in _ordered(rows).groupby(["place", "second"], sort=True):
        first = part.iloc[0]
        found = {row["measure"].removesuffix("_binned"): _interval(row) for row in part.to_dict("records")}
        n = int(first["n_people"])
        cells.append(
            {"label": label(first, named=False), "n": n}
            | {name: found.get(name, MISSING) for name in MEASURES}
        )
    return cells


def _interval(row):
    limits = f" [{number(row['low'], 3, sign=True)}, {number(row['high'], 3, sign=True)}]"
    text = number(row["difference"], 3, sign=True) + (limits if np.isfinite(row["low"]) else "")
    return text + (f" {row['verdict']}" if row["verdict"] in (BETTER, WORSE) else "")


def _identification(cohort, fit, fewest):
    """Rates of a fit, and below them those of the scans."""
    table = _enough(cohort.table("identification"), fewest)
    if table.empty:
        return []
    mine = table[(table["fit"] == fit) | (table["source"] == "empirical")]
    return [_found(row) for row in mine.to_dict("records")] if (mine["fit"] == fit).any() else []


def _found(row):
    source, n = SOURCES[row["source"]], int(row["n_people"])
    scan = {"train": "training scan", "test": "held-out scan"}[row["split"]]
    pair = (scan, source) if row["direction"] == "scan" else (source, scan)
    return {
        "what": f"{pair[0]} identifies the person's {pair[1]}",
        "n": n,
        "rate": f"{round(row['rate'] * n)} of {n} ({number(100 * row['rate'], 0)} %)",
        "chance": f"{number(100 * row['chance'], 1)} % "
        f"({number(100 * row['chance_low'], 1)} to {number(100 * row['chance_high'], 1)} %)",
        "p": number(row["p"], 3) if row["p"] >= 0.001 else "< 0.001",
        "empirical": row["source"] == "empirical",
    }


def _held_out(cohort, fit, fewest):
    """Scores of own fits, and of parameters of a group without the person."""
    theirs = cohort.of_fit("held_out_people", fit)
    if theirs.empty or theirs["participant_id"].nunique() < fewest:
        return []
    own = cohort.of_fit("evaluation", fit)
    own = own[own["key"].isin(theirs["key"])]
    return [
        {"label": name, **_scores(rows, fewest)}
        for name, rows in (("own fit", own), ("group fit without the person", theirs))
    ]


def _scores(rows, fewest):
    """Mean ± SD over `fewest` people or more of every split and measure."""
    rows = rows.assign(measure=rows["measure"].replace("fcd_ks_binned", "fcd_ks"))
    cells = {"n": rows["participant_id"].nunique()}
    for split in SPLITS:
        for measure in MEASURES:
            mine = rows[(rows["split"] == split) & (rows["measure"] == measure)]
            values = mine.groupby("participant_id")["mean"].mean()
            cells[f"{split}_{measure}"] = spread(values, fewest=fewest)
    return cells
