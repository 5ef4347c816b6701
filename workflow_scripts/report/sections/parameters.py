"""Fitted parameters: estimates, groups, and recovery of known values."""

from itertools import combinations

from workflow_scripts.report import expected_planes
from workflow_scripts.report.disclosure import told_groups
from workflow_scripts.report.figures import parameters as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import spread
from workflow_scripts.report.section import Section

MAX_PANELS = 6


def section(cohort):
    """Scatter, groups and recovery of every fit."""
    fits = [_fit(cohort, fit) for fit in cohort.fits]
    context = {
        "fits": [entry for entry in fits if entry],
        "has_truth": not cohort.table("recovery").empty,
    }
    return Section("parameters", "Fitted parameters", "parameters.html.j2", context)


def aggregate(cohort):
    """Means and spreads over people, and over the people of groups that are large enough."""
    fits = [_told(cohort, fit) for fit in cohort.fits]
    context = {"fits": [entry for entry in fits if entry]}
    return Section("parameters", "Fitted parameters", "parameters_shared.html.j2", context)


def _told(cohort, fit):
    """Mean ± SD of every free parameter, a person's sessions averaged first; None of too few people."""
    names = list(cohort.free(fit))
    estimates = free_estimates(cohort, fit, names)
    best = estimates[estimates["selected"].astype(bool)].set_index("key")
    people = best[names].groupby(cohort.people.reindex(best.index)).mean()
    if len(people) < cohort.smallest_group:
        return None
    groups = cohort.groups.groupby(cohort.people.reindex(cohort.groups.index)).first().reindex(people.index)
    told = told_groups(groups.fillna("no group"), cohort.smallest_group)
    parts = {"all": people, **{name: people[groups == name] for name in told}}
    rows = [
        {"name": name, "cells": [spread(part[name], 3) for part in parts.values()]}
        for name in names
        if people[name].notna().sum() >= cohort.smallest_group
    ]
    counts = {name: len(part) for name, part in parts.items()}
    return {"name": fit, "parts": counts, "rows": rows}


def _fit(cohort, fit):
    names = list(cohort.free(fit))
    estimates = free_estimates(cohort, fit, names)
    if estimates.empty:
        return None
    truth = cohort.of_fit("recovery", fit).dropna(subset=["truth", "estimate"])
    pictures = _pictures(cohort, fit, estimates, names, truth)
    return {"name": fit, "pictures": pictures, "expected": expected_planes.of_cohort(cohort, fit)}


def free_estimates(cohort, fit, names):
    """Estimates of one fit by unit and restart: key, restart, at_bounds, selected, then the parameters."""
    rows = cohort.successful
    rows = rows[rows["fit"] == fit].rename(columns={f"param_{name}": name for name in names})
    return rows.reindex(columns=["key", "restart", "at_bounds", "selected", *names])


def of_people(cohort, estimates, names):
    """Kept estimates of every person, sessions averaged, under the key of the first one."""
    best = estimates[estimates["selected"].astype(bool)]
    wanted = {"key": "first", **dict.fromkeys(names, "mean")}
    return best.groupby(best["key"].map(cohort.people), sort=False).agg(wanted)


def _pictures(cohort, fit, estimates, names, truth):
    drawn = list(combinations(names, 2))[:MAX_PANELS] or [(names[0], None)]
    alt = f"Fitted parameters of fit {fit}, one point per unit, restarts joined by lines: {', '.join(names)}"
    groups = cohort.groups
    bounds = cohort.free(fit)
    pictures = {"scatter": picture(figures.scatter, estimates, drawn, bounds, groups, alt=alt)}
    people = of_people(cohort, estimates, names)
    counts = people["key"].map(groups).value_counts()
    if len(counts) > 1 and counts.min() > 1:
        alt = f"Fitted parameters of fit {fit} by group: {', '.join(names[:MAX_PANELS])}"
        pictures["groups"] = picture(figures.by_group, people, names[:MAX_PANELS], groups, truth, alt=alt)
    shown = [name for name in names if (truth["parameter"] == name).any()][:MAX_PANELS]
    if shown:
        alt = f"Recovered versus true parameters of fit {fit}: {', '.join(shown)}"
        pictures["recovery"] = picture(figures.recovery, truth, shown, groups, alt=alt)
    return pictures
