"""What a fit hands on: the parameters of the best candidate, for the whole brain and for every node."""

import numpy as np
import pandas as pd

from cubnm_core import load_model
from workflow_scripts import job, noise_seeds, simulations

REGIONAL = ("participant_id", "session_id", "fit", "label", "hemisphere", "variable", "value", "unit")


def read_table(path):
    """Read a table as text, so that ids such as 001 stay as they are."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def best_coordinates(fits, fit):
    """Read the best values of every fitted person from a table of fits.

    Parameters
    ----------
    fits : path
        Table of the fits of a batch, or of the cohort.
    fit : str
        Name of the fit setting.

    Returns
    -------
    dict of (participant_id, session_id) to dict of str to float
        Free and fixed coordinates of the search space, of the selected restart; ``session_id`` is "n/a"
        without sessions.
    """
    table = read_table(fits)
    chosen = table[(table["selected"] == "True") & (table["fit"] == fit)]
    names = [column for column in table.columns if column.startswith("param_")]
    return {
        (row["participant_id"], row["session_id"]): {
            name.removeprefix("param_"): float(row[name]) for name in names if row[name] != job.MISSING
        }
        for _, row in chosen.iterrows()
    }


def composed(space, coordinates):
    """Make the parameters of one model from coordinates: dict of str to float, or (N,) array if regional."""
    params = space.compose({name: np.array([value]) for name, value in coordinates.items()})
    return {name: values[0] if values.ndim == 2 else float(values[0]) for name, values in params.items()}


def tuned_parameters(person, params, settings, hemispheres):
    """Add the inhibitory weights that feedback inhibition control found for the best candidate.

    They belong to the fit: scores over other noise are those of the same model, not of one tuned again.

    Parameters
    ----------
    person : simulations.Person
    params : dict of str to float or (N,) array
        As of :func:`composed`.
    settings : dict
        Resolved settings of a fit.
    hemispheres : list of str

    Returns
    -------
    dict of str to float or (N,) array
        `params` itself where the fit has no such control.
    """
    if settings["fic"] is None:
        return params
    weight = load_model(settings["model"]).inhibition["weight"]
    # The control does its work before the simulation begins, so the shortest one will do.
    shortest = {"duration": person.repetition_time, "burn_in": 0.0}
    short = {**settings, "simulation": {**settings["simulation"], **shortest}}
    simulate_batch = simulations.batch_simulator(short, hemispheres, person.repetition_time, record=())
    batch = {name: np.asarray(value)[None] for name, value in params.items()}
    seed = np.array([noise_seeds.of_session(settings["noise_seed"], person.ids["session_id"])])
    lengths = None if person.lengths is None else person.lengths[None]
    run = simulate_batch(person.weights[None], np.zeros(1, dtype=int), batch, seed, lengths)
    return {**params, weight: run.params[weight][0]}


def without_control(settings, params):
    """Settings under which parameters are used as they stand, inhibitory weights included."""
    model = load_model(settings["model"])
    return {**settings, "fic": None} if model.inhibition.get("weight") in params else settings


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
    table = read_table(regional)
    table = table[table["fit"] == fit]
    for (participant, session, name), rows in table.groupby(
        ["participant_id", "session_id", "variable"], sort=False
    ):
        params[participant, session][name] = rows["value"].to_numpy(dtype=float)
    return params
