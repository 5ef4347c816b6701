"""Feedback inhibition control at work: the runs that find the inhibitory weights of a batch."""

import logging
from dataclasses import replace
from functools import partial

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.simulation import inhibition, parameters
from cubnm_core.simulation.schedule import make_schedule

logger = logging.getLogger(__name__)


def tune(fic, model, used, batch, hemodynamic_dt, noise):
    """Find the inhibitory weights of a batch.

    Parameters
    ----------
    fic : Inhibition
    model : Model
    used : dict of (B,) or (B, N) arrays
        Values of all parameters.
    batch : cubnm_core.simulation.batch.Batch
    hemodynamic_dt : float
        In s.
    noise : (steps, N, n_noise) array or None
        As given to `simulate`; the numerical method runs under the noise of the simulation itself.

    Returns
    -------
    used : dict
        With the weights found.
    found : (B,) bool array
        Whether the method came to its end.

    Raises
    ------
    InputError
        If the model does not say what is to be tuned, or the method does not suit it.
    """
    if not model.inhibition:
        raise InputError(
            f"{model.name} has no [inhibition] table, so there is nothing for FIC to tune; set fic to None"
        )
    if fic.method == "numerical":
        inhibition.check_numerical(model)
    if fic.method == "analytical":
        return _analytical(model, used, batch)
    used = _start(model, used, batch)
    tuned = _plastic if fic.method == "plasticity" else partial(_numerical, noise=noise)
    return tuned(fic, model, used, batch, hemodynamic_dt)


def _analytical(model, used, batch):
    """Weights at the operating point of the model."""
    name = model.inhibition["weight"]
    values = {key: parameters.regional(value, batch.nodes) for key, value in used.items()}
    weight, found = np.empty((len(batch.seeds), batch.nodes)), np.empty(len(batch.seeds), bool)
    for index in np.unique(batch.connectome):
        rows = batch.connectome == index
        some = {key: value[rows] for key, value in values.items()}
        weight[rows], found[rows] = inhibition.analytical(model, batch.weights[index], some)
    return {**used, name: weight}, found


def _start(model, used, batch):
    """Weights that the other methods start from: analytical ones, or a constant where there are none."""
    try:
        return _analytical(model, used, batch)[0]
    except InputError as error:
        logger.info("%s: inhibition starts from a constant weight: %s", model.name, error)
        constant = np.full((len(batch.seeds), batch.nodes), inhibition.start_weight(model))
        return {**used, model.inhibition["weight"]: constant}


def _plastic(fic, model, used, batch, hemodynamic_dt):
    """Weights at the end of a warm-up that starts from the analytical ones; 1 where it diverged.

    The warm-up runs as a pair, with a noise and its mirror image: first-order errors cancel in the mean.
    """
    name, size = model.inhibition["weight"], len(batch.seeds)
    settled = fic.warm_up * (1 - inhibition.AVERAGED_SHARE)
    schedule = make_schedule(fic.warm_up, fic.warm_up, batch.dt, hemodynamic_dt, settled)
    learned = np.empty((2 * size, batch.nodes))

    def collect(rows, result):
        learned[rows] = np.where(result.finite[:, None], result.state_means[name], np.nan)

    start = {key: np.concatenate([value, value]) for key, value in used.items() if key != name}
    start["start_weight"] = np.concatenate([used[name], used[name]])
    start["mirror"] = np.repeat([1.0, -1.0], size)
    pair = replace(batch, connectome=np.tile(batch.connectome, 2), seeds=batch.seeds * 2)
    plastic = inhibition.plastic_model(model, fic)
    pair.run(pair.task(plastic, start, schedule, None, stream="warm_up"), on_result=collect)
    weight = (learned[:size] + learned[size:]) / 2
    found = np.isfinite(weight).all(axis=1)
    return {**used, name: np.where(found[:, None], weight, 1.0)}, found


def _numerical(fic, model, used, batch, hemodynamic_dt, *, noise):
    """cuBNM's adjustment: ten seconds are simulated, weights moved where a current is off, and again."""
    name = model.inhibition["weight"]
    weight, found = used[name].copy(), np.zeros(len(batch.seeds), bool)
    step = np.full_like(weight, inhibition.FIRST_STEP)
    rows = np.arange(len(batch.seeds))  # those that are still off
    for trial in range(fic.trials + 1):
        some = replace(batch, connectome=batch.connectome[rows], seeds=[batch.seeds[row] for row in rows])
        values = {key: value[rows] for key, value in {**used, name: weight}.items()}
        current = _mean_current(model, values, some, hemodynamic_dt, noise)
        found[rows] = ~inhibition.is_off(model, current).any(axis=1)
        if found.all() or trial == fic.trials:
            break
        current, rows = current[~found[rows]], rows[~found[rows]]
        weight[rows], step[rows] = inhibition.adjust(model, current, weight[rows], step[rows])
    return {**used, name: weight}, found


def _mean_current(model, used, batch, hemodynamic_dt, noise):
    """Mean excitatory current of every node (nA) in the time that the numerical method looks at."""
    start, end = inhibition.SAMPLED
    schedule = make_schedule(end, end, batch.dt, hemodynamic_dt, start, hemodynamic_dt)
    steps = schedule.n_steps * schedule.inner_steps
    if noise is not None and len(noise) < steps:
        raise InputError(
            f"numerical FIC needs the noise of {end:g} s ({steps} steps); found {len(noise)} steps"
        )
    current = np.empty((len(batch.seeds), batch.nodes))

    def collect(rows, result):
        current[rows] = result.state_means[inhibition.CURRENT]

    task = batch.task(model, used, schedule, None, noise=None if noise is None else np.asarray(noise)[:steps])
    batch.run(task, on_result=collect)
    return current
