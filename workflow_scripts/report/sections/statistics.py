"""Group statistics: tests, effect sizes, and exclusions."""

import numpy as np
import pandas as pd

from workflow_scripts.files.words import plural
from workflow_scripts.report.figures import effects as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number
from workflow_scripts.report.section import Section
from workflow_scripts.report.sections.identifiability import not_identifiable
from workflow_scripts.statistics.corrections import EXPLORATORY, PRIMARY
from workflow_scripts.statistics.map_association import COLUMNS as MAP_COLUMNS

ALPHA = 0.05
SHOWN_REGIONS = 5
JUDGING = "fc_corr", "test"  # the score that is always shown
SHOWN_MAPS = 60
SAMPLES = {
    "all": "all participants",
    "sensitivity": "without poor fits and boundary hits",
    "combat": "regional states harmonised by ComBat",
}
RESPONSES = {
    "value": "Each response",
    "change": "The change of each response from session {} to session {}",
    "slope": "The slope of each response over sessions {}, fitted to every person on its own (random "
    "slopes),",
}
PS = ("p", "p_fdr", "p_permutation", "p_permutation_fdr", "p_permutation_fwe")
MANY = {"parameter": "parameters", "score": "scores", "state": "regional read-outs"}
EFFECTS = {"hedges_g": "g", "partial_r": "partial r", "partial_eta_squared": "partial η²"}
# The page that is shared does not tell who was excluded.
UNTOLD = {
    "left_out": None,
    "note": None,
    "sensitivity": "The sensitivity run excludes poor fits and boundary hits.",
    "combat": None,
}
KEYS = ["quantity", "variable", "label", "split", "term", "contrast"]


def section(cohort):
    """Every model on every fit: a sentence, a forest plot, tables of parameters, scores and regions."""
    return _section(cohort, [_model(cohort, *key) for key in _model_keys(cohort)])


def aggregate(cohort):
    """The same without results on groups that are too small, also by subtraction."""
    models = [_model(cohort, *key, cohort.smallest_group) for key in _model_keys(cohort)]
    kept = [{**model, **UNTOLD} for model in models if model["rows"] or model["regions"]]
    return _section(cohort, kept, withheld=len(models) - len(kept))


def _section(cohort, models, withheld=0):
    context = {
        "models": models,
        "withheld": withheld,
        "maps": _maps(cohort, {model["name"] for model in models}),
        "alpha": level(cohort),
        "has_groups": cohort.groups.nunique() > 1,
        "has_primary": stated_primary(cohort) is not None,
    }
    return Section("statistics", "Statistics", "statistics.html.j2", context)


def _model_keys(cohort):
    """Model and fit of every model, that of the primary test first."""
    models = cohort.table("statistics_models").reindex(columns=["model", "fit"])
    keys = list(models.drop_duplicates().itertuples(index=False, name=None))
    rows = cohort.table("statistics")
    first = rows.loc[rows["role"] == PRIMARY, ["model", "fit"]].drop_duplicates()
    first = set(first.itertuples(index=False, name=None))
    return sorted(keys, key=lambda key: key not in first)


def stated_primary(cohort):
    """The primary analysis of the configuration, None where there is none."""
    return cohort.config.get("statistics", {}).get("primary")


def level(cohort):
    """The level of significance of the configuration."""
    return cohort.config.get("statistics", {}).get("alpha", ALPHA)


def _model(cohort, name, fit, smallest=0):
    """What the page shows of one model of one fit, about no fewer people than `smallest`."""
    told = cohort.table("statistics_models")
    told = told[(told["model"] == name) & (told["fit"] == fit)].set_index("sample")
    rows = cohort.of_fit("statistics", fit)
    rows = rows[(rows["model"] == name) & rows["sample"].isin(tellable(told, smallest))]
    whole = rows[rows["quantity"] != "state"]
    regional = rows[rows["quantity"] == "state"]
    shown = _shown(whole, level(cohort))
    counts = _counts(regional, level(cohort))
    first = told.loc["all"]
    return {
        "name": name,
        "fit": fit,
        "id": f"statistics-{name}-{fit}",
        "sentence": _sentence(first),
        "left_out": _text(first["left_out"]),
        "note": _text(first["note"]),
        "sensitivity": _sensitivity(told),
        "combat": _combat(told),
        "verdicts": _verdicts(rows[rows["sample"] == "all"], level(cohort), not_identifiable(cohort, fit)),
        "is_primary": bool((rows["role"] == PRIMARY).any()),
        "rows": _beside(shown),
        "shown": _caption(shown, whole),
        "picture": _forest(whole[whole["quantity"] == "parameter"], name, fit),
        "states": [row for row in counts if row["found"]],
        "has_found": all(row["found"] for row in counts),
        "regions": _beside(regional)[:SHOWN_REGIONS],
        "n_regions": int((regional["sample"] == "all").sum()),
    }


def tellable(told, smallest):
    """Samples of enough people that do not reveal a few excluded ones by subtraction."""
    found = told[["n", "smallest_level"]].min(axis=1)
    found = found[found >= smallest]
    left = told["n"].max() - told["n"].min()
    return (
        found.index.drop(["sensitivity", "combat"], errors="ignore") if 0 < left < smallest else found.index
    )


def _text(value):
    return None if pd.isna(value) else str(value)


def _sentence(told):
    """A model in words."""
    method = "ordinary least squares"
    if told["method"] == "mixed":
        intercept = f"a random intercept for {told['random']}"
        method = f"a mixed model with {intercept}, fitted by restricted maximum likelihood"
    counted = plural(int(told["n"]), "person")
    if told["n_observations"] > told["n"]:
        counted += f" in {plural(int(told['n_observations']), 'session')}"
    explained = f"{_response(told)} is modelled by {told['formula']} using {method}"
    return f"{explained}, in {counted}{_permutations(told)}."


def _response(told):
    """What is explained, in words."""
    names = [] if pd.isna(told["sessions"]) else str(told["sessions"]).split(", ")
    if told["response"] == "change":
        return RESPONSES["change"].format(*names)
    return RESPONSES[told["response"]].format(", ".join(names))


def _permutations(told):
    """How many permutations of whom, in words."""
    if pd.isna(told["permutations"]):
        return ""
    blocks = ""
    if not pd.isna(told["blocks"]):
        kept = "of whole blocks of the same size" if told["exchange"] == "whole" else "within blocks"
        blocks = f" {kept} ({told['blocks']})"
    which = {"all": "all {:,} distinct", "random": "{:,} random"}[told["which_permutations"]]
    return f"; {which.format(int(told['permutations']))} permutations{blocks}"


def _sensitivity(told):
    """Who the sensitivity run leaves out, in words."""
    second = told.loc["sensitivity"]
    if second["n_left_out"] == told.loc["all"]["n_left_out"]:
        return "No sensitivity run: no fit is poor or at a bound."
    note = _text(second["note"])
    return f"Sensitivity run: {plural(int(second['n']), 'person')}; excluded: {second['left_out']}." + (
        f" No result: {note}." if note else ""
    )


def _combat(told):
    """What ComBat was fitted to, or why it was not, in words; None where it is not asked for."""
    if "combat" not in told.index:
        return None
    third = told.loc["combat"]
    if pd.isna(third["permutations"]):
        return f"No analysis of harmonised states: {third['note']}."
    return (
        f"Sensitivity analysis with ComBat (sites: {third['blocks']}): regional states of "
        f"{plural(int(third['n']), 'person')} were harmonised anew in each of {int(third['permutations']):,} "
        "permutations within sites. It was fitted to the sites of these people; people of a site that is "
        "not among "
        "them cannot be harmonised."
    )


def corrected(rows):
    """Give the corrected p values to go by: of permutations, or of the model where there are none."""
    return rows["p_permutation_fdr"].fillna(rows["p_fdr"])


def _verdicts(rows, alpha, lost=()):
    """For every kind of response and contrast: what was found after correction, the primary test left out.

    A difference in a parameter that is not identifiable, one of `lost`, is no finding.
    """
    found, rows = [], rows[rows["role"] == EXPLORATORY]
    for (quantity, term, contrast), part in rows.groupby(["quantity", "term", "contrast"], sort=False):
        p = corrected(part)
        if p.notna().any():
            hits = part[p < alpha]
            counted = f"of {len(part)} {MANY[quantity]}"
            limit = f"with p below {alpha:g} after correction"
            said = f"{len(hits)} {counted} {limit}{_familywise(part, alpha)}{_named(hits)}."
            if hits.empty:
                limits = f"{_reach(part)}{_resolution(part, alpha)}"
                said = f"none {counted} {limit} (smallest p {p_text(p.min())}{limits})."
            is_parameter = quantity == "parameter"
            doubtful = [name for name in hits["variable"].unique() if is_parameter and name in lost]
            said += f" Not identifiable, so no finding: {', '.join(doubtful)}." if doubtful else ""
            sound = hits[~hits["variable"].isin(doubtful)]
            found.append({"text": f"{term} ({contrast}): {said}", "found": not sound.empty})
    return found


def _reach(part):
    """How far intervals reach: what could have been missed."""
    limits = part[["effect_low", "effect_high"]].abs().max(axis=None)
    return f"; intervals extend to ±{number(limits, 1)}" if np.isfinite(limits) else ""


def _familywise(part, alpha):
    """How many of those found by the false discovery rate are found by the stricter correction, too."""
    p = part["p_permutation_fwe"]
    return f" (FDR; {int((p < alpha).sum())} by familywise p)" if p.notna().any() else ""


def _resolution(part, alpha):
    """How many responses must differ together where too few permutations exist to find a single one."""
    size, smallest = part["n_corrected"].max(), part["p_permutation_smallest"].max()
    if not size * smallest >= alpha:
        return ""
    forbidden = f"; resolution: the permutations allow no p below {smallest:.2g}"
    if smallest >= alpha:
        return f"{forbidden}, so nothing can be found"
    together = int(size * smallest / alpha) + 1
    return f"{forbidden}, so fewer than {together} of {int(size)} cannot pass the correction"


def _named(hits):
    """The strongest of what was found, with effect size and interval."""
    best = hits.reindex(hits["effect_size"].abs().sort_values(ascending=False).index)[:3]
    return ": " + "; ".join(f"{name_of(row)} {effect_text(row)}" for _, row in best.iterrows())


def name_of(row):
    """Name of a response as text."""
    parts = (row["variable"], row["label"], {"train": "training", "test": "held-out"}.get(row["split"]))
    return " ".join(part for part in parts if isinstance(part, str) and part)


def effect_text(row):
    """Effect size with its interval as text."""
    return f"{EFFECTS[row['effect']]} {_interval(row)}"


def _interval(row):
    text = number(row["effect_size"])
    if pd.isna(row["effect_low"]):
        return text
    return f"{text} [{number(row['effect_low'])}, {number(row['effect_high'])}]"


def p_text(p):
    """A p value as text."""
    if p is None or not np.isfinite(p):
        return MISSING
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _shown(rows, alpha):
    """Tests of parameters, of the held-out FC r, and of whatever else was found."""
    judging = (rows["variable"] == JUDGING[0]) & (rows["split"] == JUDGING[1])
    always = (rows["quantity"] == "parameter") | (rows["role"] == PRIMARY) | judging
    hit = rows["sample"].eq("all") & (corrected(rows) < alpha)
    keys = set(map(tuple, rows.loc[always | hit, KEYS].astype(str).to_numpy()))
    known = [tuple(key) in keys for key in rows[KEYS].astype(str).to_numpy()]
    return rows[np.array(known, bool)]


def _caption(shown, whole):
    """What the table of parameters and scores holds."""
    left = (whole["sample"] == "all").sum() - (shown["sample"] == "all").sum()
    return "Parameters and held-out FC r" + (
        f"; none of {left} other scores passes the correction." if left else " with other scores."
    )


def _beside(rows):
    """One dict per response and contrast, with the sensitivity run; smallest p first."""
    rows = rows.assign(**{key: rows[key].astype(object).where(rows[key].notna(), "") for key in KEYS})
    second = rows[rows["sample"] == "sensitivity"].set_index(KEYS)
    second = second.to_dict("index")
    first = rows[rows["sample"] == "all"].sort_values(["quantity", "p_permutation", "p"], kind="stable")
    return [_row(row, second.get(tuple(row[key] for key in KEYS))) for row in first.to_dict("records")]


def _row(row, second):
    checked = second or {}
    cells = {name: {"sort": row[name], "text": p_text(row[name])} for name in PS}
    return {
        "name": name_of(row) if row["quantity"] != "state" else row["variable"],
        "label": row["label"],
        "contrast": f"{row['term']}: {row['contrast']}" + " (primary)" * (row["role"] == PRIMARY),
        "effect": {"sort": row["effect_size"], "text": effect_text(row)},
        "p_judged": cells["p_permutation_fdr" if np.isfinite(row["p_permutation_fdr"]) else "p_fdr"],
        "n": row["n"],
        "checked_effect": {
            "sort": checked.get("effect_size"),
            "text": _interval(second) if second else MISSING,
        },
        "checked_p": {
            "sort": checked.get("p_permutation_fdr"),
            "text": p_text(checked.get("p_permutation_fdr", np.nan)),
        },
        **cells,
    }


def _forest(rows, name, fit):
    rows = rows[rows["df_term"] == 1].dropna(subset=["effect_low", "effect_high"])
    if rows.empty:
        return None
    drawn = rows.assign(name=rows["variable"], contrast=rows["term"] + ": " + rows["contrast"])
    alt = f"Effect sizes with 95 % intervals of every parameter of fit {fit}, model {name}"
    return picture(figures.forest, drawn, alt=alt)


def _counts(rows, alpha):
    """Number of significant regions of every state, by each correction."""
    rows, found = rows.dropna(subset=["p", "p_permutation"], how="all"), []
    for (variable, contrast), part in rows.groupby(["variable", "contrast"], sort=False):
        whole, checked, harmonised = (part[part["sample"] == sample] for sample in SAMPLES)
        kinds = ("p_fdr", "p_permutation_fdr", "p_permutation_fwe")
        counts = {kind: int((whole[kind] < alpha).sum()) for kind in kinds}
        again = int((checked["p_permutation_fdr"] < alpha).sum()) if len(checked) else MISSING
        third = int((harmonised["p_permutation_fdr"] < alpha).sum()) if len(harmonised) else MISSING
        row = {"variable": variable, "contrast": contrast, "n": len(whole), **counts}
        some = any(isinstance(count, int) and count for count in (*counts.values(), again, third))
        found.append({**row, "checked": again, "harmonised": third, "found": some})
    return found


def _maps(cohort, models):
    """Rows of the table of associations, smallest p first; why there is no p where there is none."""
    rows = cohort.table("map_association").reindex(columns=list(MAP_COLUMNS))
    rows = rows[rows["model"].isna() | rows["model"].isin(models)]
    rows = rows.sort_values(["p_spin", "r"], kind="stable")
    notes = [str(text) for text in rows["note"].dropna().unique()]
    spheres = [str(text) for text in rows["sphere"].dropna().unique()]
    shown = [
        {
            "fit": row["fit"],
            "variable": row["variable"],
            "read_out": row["read_out"] if pd.isna(row["contrast"]) else f"{row['term']}: {row['contrast']}",
            "map": row["map"],
            "follows": bool(row["follows"]),
            "r": {"sort": row["r"], "text": number(row["r"])},
            "p": {"sort": row["p_spin"], "text": p_text(row["p_spin"])},
            "p_fdr": {"sort": row["p_fdr"], "text": p_text(row["p_fdr"])},
            "n": int(row["n_nodes"]),
        }
        for row in rows[:SHOWN_MAPS].to_dict("records")
    ]
    spins = 0 if rows.empty else int(rows["n_spins"].max())
    return {"rows": shown, "n": len(rows), "notes": notes, "spheres": spheres, "spins": spins}
