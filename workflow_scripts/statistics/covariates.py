"""Covariates of every person: participants table, motion, connectome strength, fit quality."""

import pandas as pd

from workflow_scripts.statistics.models import WORDS

MEASURED = {"mean_fd": "mean_fd", "sc_strength": "raw_sum", "scale_factor": "scale_factor"}


def people_table(ids, participants, qc):
    """Join the participants table and what was measured before any fit.

    Parameters
    ----------
    ids : list of dict
        Every unit of the cohort: unit, participant_id, session_id.
    participants : list of dict
        Rows of the participants table. Values of a session take precedence over those of the person.
    qc : pandas.DataFrame
        Table of quality control, with the unit as ``key``.

    Returns
    -------
    pandas.DataFrame
        Indexed by unit. Columns whose values are all numbers are numbers, but for names of groups, sites and
        the like. ``mean_fd`` is the measured motion where there is any, else the stated one.
    """
    stated = {(row["participant_id"], row["session_id"] or ""): row for row in participants}
    rows = {}
    for entry in ids:
        person, session = entry["participant_id"], entry["session_id"] or ""
        own = [stated.get((person, name), {}) for name in dict.fromkeys(("", session))]
        known = {key: value for row in own for key, value in row.items() if value is not None}
        rows[entry["unit"]] = {**known, "participant_id": person, "session_id": session or None}
    people = pd.DataFrame.from_dict(rows, orient="index")
    measured = qc.set_index("key").reindex(index=people.index, columns=MEASURED.values())
    for name, column in MEASURED.items():
        people[name] = pd.to_numeric(measured[column], errors="coerce")
    return people.apply(_typed)


def _typed(values):
    """Numbers where all values are numbers."""
    if values.name in WORDS or values.isna().all():
        return values
    try:
        return pd.to_numeric(values)
    except ValueError:
        return values


def of_fit(people, fit, evaluation, split):
    """Add fit quality: the mean FC correlation on held-out scans, or training scans without any.

    Parameters
    ----------
    people : pandas.DataFrame
        As of :func:`people_table`.
    fit : str
    evaluation : pandas.DataFrame
        Scores, with the unit as ``key``.
    split : {"train", "test"}

    Returns
    -------
    pandas.DataFrame
        With the column ``fit_quality``.
    """
    chosen = (
        (evaluation["fit"] == fit) & (evaluation["split"] == split) & (evaluation["measure"] == "fc_corr")
    )
    scores = evaluation[chosen].drop_duplicates("key").set_index("key")["mean"]
    return people.assign(fit_quality=scores.reindex(people.index))


def per_person(people):
    """Average the sessions of every person.

    Parameters
    ----------
    people : pandas.DataFrame
        Indexed by unit.

    Returns
    -------
    pandas.DataFrame
        Indexed by participant. Text that differs between sessions is missing.
    """
    grouped = people.drop(columns=["participant_id", "session_id"]).groupby(
        people["participant_id"], sort=False
    )
    return pd.DataFrame({name: grouped[name].agg(_pooled) for name in grouped.obj}).assign(
        participant_id=lambda table: table.index
    )


def _pooled(values):
    known = values.dropna()
    if pd.api.types.is_numeric_dtype(values):
        return known.mean() if len(known) else float("nan")
    return known.iloc[0] if known.nunique() == 1 else None
