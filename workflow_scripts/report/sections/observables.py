"""Observables beside FC and FCD: of scans and simulations, and how well the two scans of a person agree."""

import numpy as np

from cubnm_core.evidence.observables import FEWEST, LEAST, RELIABLE, TOO_FEW
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from workflow_scripts.files.words import plural
from workflow_scripts.report.figures import observables as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import MISSING, number, significant, spread
from workflow_scripts.report.section import Section

SPLITS = {"train": "training", "test": "held-out"}


def names(cohort):
    """Observables that were read out of anybody's scan, in one order."""
    found = set(cohort.table("observables")["observable"]) if "observables" in cohort.tables else set()
    return [name for name in OBSERVABLES if name in found]


def section(cohort):
    """Agreement of scans, distances and values of every observable, and a figure."""
    context = _context(cohort, 1) | {"picture": _picture(cohort)}
    return _section(context)


def aggregate(cohort):
    """The same without people, and without what rests on few of them."""
    return _section(_context(cohort, cohort.smallest_group) | {"picture": None})


def _section(context):
    return Section("observables", "Observables beyond FC and FCD", "observables.html.j2", context)


def _context(cohort, fewest):
    shown = names(cohort)
    agreed = cohort.table("observable_agreement").set_index("observable")
    agreed = agreed[agreed["n_people"] >= fewest]
    return {
        "fits": [{"name": fit} for fit in cohort.fits],
        "splits": [SPLITS[split] for split in _splits(cohort)],
        "verdict": _verdict(agreed.reindex([name for name in shown if name in agreed.index])),
        "distances": [_distance_cells(cohort, name, agreed, fewest) for name in shown],
        "values": [_value_cells(cohort, name, fewest) for name in shown],
    }


def _splits(cohort):
    return ["train", "test"] if cohort.has_heldout else ["train"]


def _verdict(agreed):
    """What may be said of the agreement of scans, in sentences."""
    if agreed.empty:
        return ["Nobody has two scans, so no observable is called reliable."]
    few = agreed[agreed["verdict"] == TOO_FEW]
    if len(few):
        return [
            f"{plural(int(agreed['n_people'].max()), 'person')} with two scans: below {FEWEST}, no "
            "observable is called reliable."
        ]
    good = [OBSERVABLES[name].title for name in agreed.index[agreed["verdict"] == RELIABLE]]
    listed = ", ".join(good) or "none"
    return [f"Reliable between two scans (the interval of the ICC lies above {LEAST:g}): {listed}."]


def _rows(cohort, name, **wanted):
    rows = cohort.table("observables")
    rows = rows[rows["observable"] == name]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def _per_person(cohort, rows, column):
    """Mean over the sessions of each participant, so that a person counts once."""
    values = rows.set_index("key")[column].astype(float)
    return values.groupby(cohort.people.reindex(values.index).to_numpy()).mean()


def _distance_cells(cohort, name, agreed, fewest):
    """A row of the table of distances: of both scans, and of every fit from the scans of every split."""
    known = agreed.loc[name] if name in agreed.index else None
    fits = [
        spread(_per_person(cohort, _rows(cohort, name, fit=fit, split=split), "distance"), 3, fewest=fewest)
        for fit in cohort.fits
        for split in _splits(cohort)
    ]
    interval = MISSING
    if known is not None and np.isfinite(known["icc"]):
        interval = f"{number(known['icc'])} [{number(known['low'])}, {number(known['high'])}]"
    return {
        "name": OBSERVABLES[name].title,
        "measure": OBSERVABLES[name].distance_title,
        "own": MISSING if known is None else number(known["own"], 3),
        "others": MISSING if known is None else number(known["others"], 3),
        "fits": fits,
        "n": 0 if known is None else int(known["n_people"]),
        "icc": interval,
        "verdict": TOO_FEW if known is None else known["verdict"],
    }


def _value_cells(cohort, name, fewest):
    """A row of the table of values: mean ± SD over people of scans and of every fit."""
    unit = OBSERVABLES[name].unit
    sources = [{"source": "scan", "split": split} for split in _splits(cohort)]
    sources += [{"source": "simulation", "fit": fit, "split": "train"} for fit in cohort.fits]
    values = [_per_person(cohort, _rows(cohort, name, **source), "value") for source in sources]
    return {
        "name": f"{OBSERVABLES[name].title}: {OBSERVABLES[name].summary_title}",
        "unit": "" if unit == "1" else f" {unit}",
        "cells": [_value(each, fewest) for each in values],
    }


def _value(values, fewest):
    """Mean ± SD with three significant digits."""
    if values.count() < max(fewest, 1):
        return MISSING
    text = significant(values.mean())
    return text if not np.isfinite(values.std()) else f"{text} ± {significant(values.std())}"


def _picture(cohort):
    """Simulations against scans, and held-out scans against training scans, person by person."""
    table, shown = cohort.table("observables"), names(cohort)
    if table.empty:
        return None
    titles = {name: OBSERVABLES[name] for name in shown}
    alt = "Observables of simulations and of held-out scans against those of training scans, person by person"
    labels = {
        name: (each.title, each.summary_title + ("" if each.unit == "1" else f" ({each.unit})"))
        for name, each in titles.items()
    }
    return picture(figures.beside_scans, table, labels, cohort.fits, alt=alt)
