"""From sessions to one value per person: the change between two, or the slope over several.

A slope of everybody's own and a model of these slopes is the model with random intercepts and slopes, fitted
in two steps: where everybody has the same sessions, both give the same tests of what differs between people
(Holmes & Friston 1998, NeuroImage 7, S754). Where people have different ones, slopes differ in their
variance, which the permutation test allows.
"""

import numpy as np
import pandas as pd

from workflow_scripts.configuration.formulas import FEWEST_SESSIONS, PERSON
from workflow_scripts.files.words import plural

VALUE, CHANGE, SLOPE = "value", "change", "slope"
CHANGING = ("mean_fd", "fit_quality")  # whose change is a covariate beside their mean


def select(model, people, left_out):
    """Choose the sessions that make a change or slope, and weigh them.

    Parameters
    ----------
    model : dict
        An entry of ``statistics.models``, completed.
    people : pandas.DataFrame
        One row per unit.
    left_out : dict of str to int
        Gets why people do not count, and how many.

    Returns
    -------
    pandas.DataFrame
        The rows that count, with the column ``weight``: sums of weighted values are the responses.
    """
    chosen = people[people["session_id"].isin(model["sessions"])].copy()
    chosen["at"] = (
        chosen["session_id"].map({name: at for at, name in enumerate(model["sessions"])}).astype(float)
    )
    if model["time"] is not None:
        chosen["at"] = pd.to_numeric(chosen[model["time"]], errors="coerce")
        chosen = chosen.dropna(subset="at")
    fewest = len(model["sessions"]) if model["response"] == CHANGE else FEWEST_SESSIONS
    grouped = chosen.groupby(PERSON)["at"]
    whole = chosen[(grouped.transform("size") >= fewest) & (grouped.transform("nunique") > 1)]
    lacking = people[PERSON].nunique() - whole[PERSON].nunique()
    what = "both sessions" if model["response"] == CHANGE else f"{plural(fewest, 'session')} or more"
    left_out[f"without {what}"] = lacking
    return whole.assign(weight=_weights(whole, model["response"])).drop(columns="at")


def _weights(rows, response):
    """Weights that make changes or slopes of values."""
    grouped = rows.groupby(PERSON)["at"]
    if response == CHANGE:
        return np.where(rows["at"] == grouped.transform("max"), 1.0, -1.0)
    distance = rows["at"] - grouped.transform("mean")
    return distance / (distance**2).groupby(rows[PERSON]).transform("sum")


def combine(values, units):
    """Weigh and add the values of a person's sessions.

    Parameters
    ----------
    values : pandas.DataFrame
        Indexed by unit.
    units : pandas.DataFrame
        As of :func:`select`.

    Returns
    -------
    pandas.DataFrame
        Indexed by person, in order of appearance; a missing session is missing in a change or slope.
    """
    person, weighted = units[PERSON], values.reindex(units.index).mul(units["weight"], axis="index")
    return weighted.groupby(person, sort=False).agg(lambda column: column.sum(skipna=False))


def add_changes(people, units):
    """Add changes of covariates that go with motion and fit quality.

    Parameters
    ----------
    people : pandas.DataFrame
        Indexed by person.
    units : pandas.DataFrame
        As of :func:`select`, of changes or slopes.

    Returns
    -------
    pandas.DataFrame
    """
    known = [name for name in CHANGING if name in units]
    changes = combine(units[known], units).add_suffix("_change")
    return people.join(changes)
