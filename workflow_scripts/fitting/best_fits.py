"""What a fit hands on: the parameters of the best candidate, for the whole brain and for every node."""

import numpy as np

from cubnm_core import load_model
from workflow_scripts.cohort import noise_seeds
from workflow_scripts.files import job
from workflow_scripts.files.result_tables import read_texts
from workflow_scripts.fitting import simulators

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
    chosen = table[(table["selected"] == "True") & (table["fit"] == fit)]
    names = [column for column in table.columns if column.startswith("param_")]
    return {
        tuple(row[key] for key in keys): {
            name.removeprefix("param_"): float(row[name]) for name in names if row[name] != job.MISSING
        }
        for _, row in chosen.iterrows()
    }


def composed(space, coordinates):
    """Make the parameters of one model from coordinates: dict of str to float, or (N,) array if regional."""
    params = space.compose({name: np.array([value]) for name, value in coordinates.items()})
    return {name: values[0] if values.ndim == 2 else float(values[0]) for name, values in params.items()}


def inhibitory_weight(settings):
    """Name the weights that feedback inhibition control finds; None for a fit without it."""
    return None if settings["fic"] is None else load_model(settings["model"]).inhibition["weight"]


def weight_tuner(settings, hemispheres, repetition_time, session_id):
    """Give a function that lets feedback inhibition control find the inhibitory weights of models.

    They belong to a fit: scores over other noise are those of the same model, not of one tuned again.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit with such control.
    hemispheres : list of str
    repetition_time : float
        In s.
    session_id : str
        Whose noise the control sees, as in the fit.

    Returns
    -------
    callable
        ``tune(weights (S, N, N), connectome (B,), params, lengths)`` gives the inhibitory weights (B, N).
    """
    weight = inhibitory_weight(settings)
    # The control does its work before the simulation begins, so the shortest one will do.
    shortest = {"duration": repetition_time, "burn_in": 0.0}
    short = {**settings, "simulation": {**settings["simulation"], **shortest}}
    simulate_batch = simulators.batch_simulator(short, hemispheres, repetition_time, record=())
    seed = noise_seeds.of_session(settings["noise_seed"], session_id)

    def tune(weights, connectome, params, lengths):
        seeds = np.full(len(connectome), seed)
        return simulate_batch(weights, connectome, params, seeds, lengths).params[weight]

    return tune


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
    table = read_texts(regional)
    table = table[table["fit"] == fit]
    for (participant, session, name), rows in table.groupby(
        ["participant_id", "session_id", "variable"], sort=False
    ):
        params[participant, session][name] = rows["value"].to_numpy(dtype=float)
    return params
