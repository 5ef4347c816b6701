"""Regional read-outs: brain maps, networks, reliability, effects, and sources of variation."""

import numpy as np

from workflow_scripts.report.brain_maps import BESIDE, brain_map
from workflow_scripts.report.figures import brain as colours
from workflow_scripts.report.figures import regional as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number, significant
from workflow_scripts.report.section import Section
from workflow_scripts.report.sections.statistics import corrected, level

MAX_EFFECTS = 2
MAX_NAMED = 8  # regions named below a map
RELIABILITY = "ICC(2,1)"
ICC_SCALE = (0.0, 1.0)


def section(cohort):
    """Maps, boxes by network and a table for each fit."""
    return _section(cohort, [_fit(cohort, fit) for fit in cohort.fits])


def aggregate(cohort):
    """The same where there are people enough; no effects of models with a factor level of fewer."""
    smallest = cohort.smallest_group
    told = [fit for fit in cohort.fits if _rows(cohort, fit)["person"].nunique() >= smallest]
    return _section(cohort, [_fit(cohort, fit, _of_few(cohort, smallest)) for fit in told])


def _of_few(cohort, smallest):
    """Names of statistical models that compare a group of fewer people."""
    models = cohort.tables.get("statistics_models")
    if models is None or models.empty:
        return set()
    return set(models.loc[(models["smallest_level"] < smallest) | (models["n"] < smallest), "model"])


def _section(cohort, fits):
    context = {
        "fits": [entry for entry in fits if entry],
        "has_networks": "network" in cohort.nodes,
        "note": cohort.brain.note,
        "looks": cohort.brain.looks,
        "beside": BESIDE[cohort.brain.kind],
    }
    return Section("regional", "Regional read-outs", "regional.html.j2", context)


def _rows(cohort, fit):
    """States of a fit, each with the person it is of."""
    rows = cohort.of_fit("states", fit).dropna(subset="mean")
    return rows.assign(person=rows["key"].map(cohort.people))


def _of_people(rows):
    """States of people, sessions averaged."""
    keys = ["variable", "label", "hemisphere", "unit", "person"]
    return rows.groupby(keys, sort=False, dropna=False)["mean"].mean().reset_index()


def _fit(cohort, fit, hidden=()):
    rows = _rows(cohort, fit)
    if rows.empty:
        return None
    regions = regional_means(_of_people(rows), cohort.nodes)
    drawn = picture(
        figures.network_boxes,
        regions,
        alt=f"Regional read-outs of fit {fit}, averaged over people, by network and hemisphere",
    )
    return {
        "name": fit,
        "rows": _summary(rows),
        "picture": drawn,
        "n": rows["person"].nunique(),
        "n_regions": rows["label"].nunique(),
        "maps": state_maps(cohort.brain, rows),
        "reliability": reliability_maps(cohort, fit),
        "effects": effect_maps(cohort, fit, hidden),
        "associations": associations(cohort, fit, hidden),
    }


def state_maps(brain, rows):
    """Mean and, with two people or more, SD over people of every read-out; sessions are averaged first.

    Parameters
    ----------
    brain : workflow_scripts.report.brain_maps.Brain
    rows : pandas.DataFrame
        States of one fit.

    Returns
    -------
    list of dict
        variable, and the maps `mean` and `sd` (None where there is none).
    """
    found = []
    for variable, part in rows.groupby("variable", sort=False):
        wide, unit = part.pivot_table(index="person", columns="label", values="mean"), _unit(part)
        spread = None
        if len(wide) > 1:
            values = wide.std()
            scale = colours.sequential(values, colours.SPREAD)
            spread = brain_map(brain, values, f"{variable}, SD over people", unit, scale)
        mean = brain_map(brain, wide.mean(), f"{variable}, mean over people", unit)
        if mean:
            found.append({"variable": variable, "mean": mean, "sd": spread})
    return found


def reliability_maps(cohort, fit):
    """A map of the intraclass correlation of every read-out, where people have several sessions."""
    rows = _table(cohort, "reliability", fit)
    if rows is None:
        return []
    kept = (rows["quantity"] == "state") & (rows["source"] == "simulated")
    rows = rows[kept & (rows["icc_type"] == RELIABILITY)].dropna(subset=["label", "icc"])
    scale = colours.Scale(*ICC_SCALE, colours.colormap(colours.SEQUENTIAL))
    maps = [
        brain_map(
            cohort.brain,
            part.set_index("label")["icc"],
            f"{variable}, {RELIABILITY}, median {number(part['icc'].median())}",
            scale=scale,
        )
        for variable, part in rows.groupby("variable", sort=False)
    ]
    return [entry for entry in maps if entry]


def effect_maps(cohort, fit, hidden=()):
    """Maps of the effect sizes of all statistical models, and regions that survive the correction.

    Parameters
    ----------
    cohort : Cohort
    fit : str
    hidden : collection of str
        Statistical models to omit.

    Returns
    -------
    list of dict
        map, and what was found in words; those with the smallest p first.
    """
    rows = _table(cohort, "statistics", fit)
    if rows is None:
        return []
    rows = rows[(rows["quantity"] == "state") & (rows["sample"] == "all") & (rows["df_term"] == 1)]
    rows = rows[~rows["model"].isin(hidden)]
    rows = rows.dropna(subset=["label", "effect_size"]).fillna({"contrast": ""})
    rows = rows.assign(p=corrected(rows))
    parts = list(rows.groupby(["model", "term", "contrast", "variable"], sort=False))
    ranked = sorted(parts, key=lambda entry: entry[1]["p"].min())
    found = []
    for (_, term, contrast, variable), part in ranked[:MAX_EFFECTS]:
        values = part.set_index("label")["effect_size"]
        asked = f"{term} ({contrast})" if contrast else term
        title = f"{variable}, effect of {asked}"
        drawn = brain_map(cohort.brain, values, title, _measure(part), colours.diverging(values))
        if drawn:
            found.append({"map": drawn, "text": _survivors(part, level(cohort))})
    return found


def _measure(part):
    """Name of the effect size."""
    names = part["effect"].dropna().unique()
    return str(names[0]) if len(names) else ""


def _survivors(part, alpha):
    """Say which regions are significant after FDR correction."""
    kept = part[part["p"] < alpha].sort_values("p")["label"].tolist()
    if not kept:
        return f"None of {len(part)} regions passes."
    more = f" and {len(kept) - MAX_NAMED} more" if len(kept) > MAX_NAMED else ""
    named = ", ".join(kept[:MAX_NAMED])
    counted = f"{len(kept)} of {len(part)} regions"
    return f"{counted} have p below {alpha:g} after FDR correction: {named}{more}."


def associations(cohort, fit, hidden=()):
    """Correlations of read-outs with brain maps, without those of hidden statistical models."""
    rows = _table(cohort, "map_association", fit)
    if rows is None:
        return []
    return [
        {
            "variable": row.variable,
            "read_out": row.read_out,
            "asked": " ".join(str(part) for part in (row.term, row.contrast) if isinstance(part, str)),
            "map": row.map,
            "follows": row.follows,
            "r": {"sort": row.r, "text": number(row.r, sign=True)},
            "p": {"sort": row.p_spin, "text": number(row.p_spin, 3)},
            "p_fdr": {"sort": row.p_fdr, "text": number(row.p_fdr, 3)},
        }
        for row in rows[~rows["model"].isin(hidden)].itertuples()
    ]


def _table(cohort, name, fit):
    """Rows of a fit in a table that not every cohort has; None without any."""
    rows = cohort.tables.get(name)
    if rows is None or rows.empty:
        return None
    return rows[rows["fit"] == fit]


def regional_means(rows, nodes):
    """Mean of each variable and region over people, or of one, with hemisphere and network."""
    keys = ["variable", "label", "hemisphere", "unit"]
    rows = rows.fillna({"unit": "", "hemisphere": ""})
    regions = rows.groupby(keys, sort=False)["mean"].mean().reset_index()
    if {"network", "label"} <= set(nodes.columns):
        return regions.assign(
            network=regions["label"].map(nodes.set_index("label")["network"]).fillna("none")
        )
    return regions.assign(network="all regions")


def _unit(part):
    units = part["unit"].dropna().unique()
    return units[0] if len(units) and units[0] != "1" else ""


def _summary(rows):
    """Mean of each variable, and its variation over regions, people and seeds."""
    found = []
    for variable, part in rows.groupby("variable", sort=False):
        wide = part.pivot_table(index="person", columns="label", values="mean")
        found.append(
            {
                "variable": variable,
                "unit": _unit(part) or MISSING,
                "mean": significant(np.nanmean(wide)),
                "regions": significant(wide.mean(axis=0).std()),
                "people": significant(wide.mean(axis=1).std()),
                "seeds": significant(part["sd"].mean()),
            }
        )
    return found
