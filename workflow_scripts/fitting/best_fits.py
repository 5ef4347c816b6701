"""What a fit hands on: the parameters of the best candidate, for the whole brain and for every node."""

import numpy as np

from workflow_scripts.files import job
from workflow_scripts.files.damage import told_as_damage
from workflow_scripts.files.result_tables import read_texts

REGIONAL = ("participant_id", "session_id", "fit", "label", "hemisphere", "variable", "value", "unit")


def best_coordinates(fits, fit, keys=("participant_id", "session_id")):
    """Read the best values of every fitted person from a table of fits.

    Parameters
    ----------
    fits : path
        Table of the fits of a batch, or of the cohort.
    fit : str
        Name of the fit setting.
    keys : sequence of str, optional
        Columns that tell one search from another.

    Returns
    -------
    dict of (participant_id, session_id) to dict of str to float
        By the texts in `keys`: free and fixed coordinates of the search space, of the selected restart;
        ``session_id`` is "n/a" without sessions.
    """
    table = read_texts(fits)
    with told_as_damage(fits, "it is no table of fits"):
        chosen = table[(table["selected"] == "True") & (table["fit"] == fit)]
        names = [column for column in table.columns if column.startswith("param_")]
        return {
            tuple(row[key] for key in keys): {
                name.removeprefix("param_"): float(row[name]) for name in names if row[name] != job.MISSING
            }
            for _, row in chosen.iterrows()
        }


def compose(space, coordinates):
    """Make the parameters of one model from coordinates: dict of str to float, or (N,) array if regional."""
    params = space.compose({name: np.array([value]) for name, value in coordinates.items()})
    return {name: values[0] if values.ndim == 2 else float(values[0]) for name, values in params.items()}


def regional_rows(keys, params, nodes, model):
    """Make one row per region and parameter that differs between regions."""
    return [
        {
            **keys,
            "label": node["label"],
            "hemisphere": node["hemisphere"],
            "variable": name,
            "value": float(values[index]),
            "unit": model.unit(name),
        }
        for name, values in params.items()
        if np.ndim(values)
        for index, node in enumerate(nodes)
    ]


def read_parameters(fits, regional, fit):
    """Read the parameters of every fitted person from the tables of the cohort.

    Parameters
    ----------
    fits, regional : path
        Tables of the fits and of the regional parameters.
    fit : str
        Name of the fit setting.

    Returns
    -------
    dict of (participant_id, session_id) to dict of str to float or (N,) array
    """
    # A name such as w_p.myelin or w_p[Vis] is a coordinate that regional values were made of.
    params = {
        person: {name: value for name, value in values.items() if name.isidentifier()}
        for person, values in best_coordinates(fits, fit).items()
    }
    table = read_texts(regional)
    with told_as_damage(regional, "it is no table of regional parameters"):
        table = table[table["fit"] == fit]
        for (participant, session, name), rows in table.groupby(
            ["participant_id", "session_id", "variable"], sort=False
        ):
            params[participant, session][name] = rows["value"].to_numpy(dtype=float)
    return params
