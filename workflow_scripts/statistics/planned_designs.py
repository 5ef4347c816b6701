"""Designs of the statistical models before the first job: too few people are told while it is cheap."""

import numpy as np
import pandas as pd

from cubnm_core.errors import InputError
from workflow_scripts.cohort import tables
from workflow_scripts.cohort.manifest_checks import TARGET_KINDS
from workflow_scripts.configuration import formulas
from workflow_scripts.files.words import plural
from workflow_scripts.statistics import covariates, models, term_tests
from workflow_scripts.statistics.designs import make_design

MEASURED_LATER = ("raw_sum", "scale_factor")
REMEDY = "take terms out of the formula, or add people; everything else is computed"


def check(config, units):
    """Say which models would give no result for the people that there are.

    What is measured later (motion, fit quality, strength of the connectome) counts as known of everybody who
    has the files for it, with values drawn at random.

    Parameters
    ----------
    config : dict
        Completed, with a participants table.
    units : dict of str to dict
        As returned by :func:`workflow_scripts.cohort.tables.units`.

    Returns
    -------
    list of str
        One sentence per model that the people do not suffice for.
    """
    people, excluded = _planned_people(config, units)
    if people is None:
        return []  # nothing is computed at all, which is said elsewhere
    found = [_try(name, model, people, excluded) for name, model in _models(config, people).items()]
    return [text for text in found if text]


def samples(config, units):
    """Give the people of every model as far as they are known, with values drawn for what is measured later.

    Parameters
    ----------
    config, units
        As of :func:`check`.

    Yields
    ------
    str, dict, pandas.DataFrame
        Name and settings of the model, and its people.
    """
    people, _ = _planned_people(config, units)
    if people is not None:
        for name, model in _models(config, people).items():
            yield name, model, term_tests.sample_of(model, people, {})


def _models(config, people):
    stated = config["statistics"]["models"]
    return models.default_model(people) if stated is None else stated


def _planned_people(config, units):
    """People with the files for a fit, None where there are none, and how many have none."""
    participants, source = tables.read_participants(config["participants"]), config["connectome"]["source"]
    usable = {name: unit for name, unit in units.items() if _is_usable(unit, source)}
    return _expected(usable, participants) if usable else None, len(units) - len(usable)


def _is_usable(unit, source):
    """Say whether a unit has a scan, and a connectome where everybody needs one of their own."""
    scanned = any(row["kind"] in TARGET_KINDS for row in unit["bold"])
    return scanned and (source != "individual" or any(row["kind"] == "sc" for row in unit["connectome"]))


def _expected(units, participants):
    """Make the table of covariates as the statistics will, but for values that nobody knows yet."""
    drawn = np.random.default_rng(0)
    qc = pd.DataFrame({"key": list(units)}, dtype=object)
    for name in MEASURED_LATER:
        qc[name] = drawn.uniform(1.0, 2.0, len(units))
    stated = {(row["participant_id"], row["session_id"] or ""): row.get("mean_fd") for row in participants}
    qc["mean_fd"] = [
        drawn.uniform(0.1, 0.3)
        if any(row["kind"] == "motion" for row in unit["bold"])
        else stated.get((unit["participant_id"], unit["session_id"] or ""))
        for unit in units.values()
    ]
    ids = [{"unit": name, **unit} for name, unit in units.items()]
    people = covariates.people_table(ids, participants, qc)
    return people.assign(fit_quality=drawn.uniform(0.1, 0.5, len(people)))


def _try(name, model, people, excluded):
    """Make the design of a model; say why there is none."""
    columns = sorted(formulas.variables(formulas.parse(model["formula"])))
    left_out = {"without connectome or scan": excluded}
    try:
        people = term_tests.sample_of(model, people, left_out)
        make_design(model, people)
    except InputError as error:
        listed = "; ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
        counted = f"{plural(len(people), 'person')}, not counted: {listed or 'nobody'}"
        return (
            f"statistics.models.{name}: {model['formula']!r} gives no result: {error} "
            f"(columns {', '.join(columns)}; {counted}); {REMEDY}"
        )
    return None
