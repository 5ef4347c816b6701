"""Regional read-outs of the fitted models."""

import numpy as np

from workflow_scripts.figures import states as figures
from workflow_scripts.figures.style import picture
from workflow_scripts.reporting.formatting import MISSING, significant
from workflow_scripts.reporting.section import Section


def section(cohort):
    """A strip plot and a table for each fit."""
    fits = [_fit(cohort, fit, cohort.of_fit("states", fit)) for fit in cohort.fits]
    context = {
        "fits": [entry for entry in fits if entry],
        "has_networks": "network" in cohort.nodes,
    }
    return Section("states", "Regional read-outs", "states.html.j2", context)


def _fit(cohort, fit, rows):
    rows = rows.dropna(subset="mean")
    if rows.empty:
        return None
    regions = regional_means(rows, cohort.nodes)
    drawn = picture(
        figures.regional_strips,
        regions,
        alt=f"Mean over people of every regional read-out of fit {fit}, by network and hemisphere",
    )
    return {
        "name": fit,
        "rows": _summary(rows),
        "picture": drawn,
        "n": rows["key"].nunique(),
        "n_regions": rows["label"].nunique(),
    }


def regional_means(rows, nodes):
    """Mean over people of each variable and region, with hemisphere and network."""
    keys = ["variable", "label", "hemisphere", "unit"]
    rows = rows.fillna({"unit": "", "hemisphere": ""})
    regions = rows.groupby(keys, sort=False)["mean"].mean().reset_index()
    if {"network", "label"} <= set(nodes.columns):
        return regions.assign(
            network=regions["label"].map(nodes.set_index("label")["network"]).fillna("none")
        )
    return regions.assign(network="all regions")


def _summary(rows):
    """Mean of each variable and how much of its spread lies between regions, people and seeds."""
    found = []
    for variable, part in rows.groupby("variable", sort=False):
        wide = part.pivot_table(index="key", columns="label", values="mean")
        unit = part["unit"].dropna().unique()
        found.append(
            {
                "variable": variable,
                "unit": unit[0] if len(unit) and unit[0] != "1" else MISSING,
                "mean": significant(np.nanmean(wide)),
                "regions": significant(wide.mean(axis=0).std()),
                "people": significant(wide.mean(axis=1).std()),
                "seeds": significant(part["sd"].mean()),
            }
        )
    return found
