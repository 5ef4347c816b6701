"""What a call of `simulate` is made of: the model, the batch of networks, their parameters, the backend."""

import logging
from functools import cache, partial
from importlib import import_module

from cubnm_core.backends import reference
from cubnm_core.equations.files import load_model
from cubnm_core.equations.hemodynamics import CHOICES, hemodynamic_constants
from cubnm_core.equations.model import Model, with_velocity
from cubnm_core.errors import InputError
from cubnm_core.simulation import checks, parameters
from cubnm_core.simulation.batch import Batch

logger = logging.getLogger(__name__)


def assemble(
    model, weights, params, *, seed, connectome, lengths, dt, scheme, backend, precision=None, threads=None
):
    """Check a batch of networks and give their parameters one shape; see `simulate` for what is given.

    Returns
    -------
    model : Model
        With the velocity of conduction as a parameter where there are `lengths`.
    batch : cubnm_core.simulation.batch.Batch
    used : dict of (B,) or (B, N) arrays
        Values of all parameters, before feedback inhibition control.
    """
    model = model if isinstance(model, Model) else load_model(model)
    precision = precision or model.precision
    checks.check_choices(precision=precision)
    weights = checks.check_weights(weights)
    lengths = checks.check_lengths(lengths, weights, scheme)
    model = model if lengths is None else with_velocity(model)
    parameters.check_meaning(model, params, weights.shape[-1], seed, connectome)
    size = parameters.batch_size(params, ("seed", seed), ("connectome", connectome))
    batch = Batch(
        weights=weights,
        lengths=lengths,
        connectome=checks.check_indices(connectome, size, len(weights)),
        seeds=checks.check_seeds(seed, size),
        dt=dt,
        scheme=scheme,
        run=partial(_backend(backend).run, precision=precision, threads=threads),
    )
    return model, batch, parameters.complete(model, params, batch.seeds, batch.nodes)


def known_constants(model, hemodynamics, wants_bold=True):
    """Constants between activity and BOLD; none for a model that describes BOLD itself, or without BOLD.

    Raises
    ------
    InputError
        Where they are needed and were not given.
    """
    if model.observation != "balloon" or (hemodynamics is None and not wants_bold):
        return {}
    if hemodynamics is None:
        raise InputError(
            f"hemodynamics: {model.name} needs the constants of the haemodynamic model for BOLD, and no "
            f"default is safe; give {CHOICES}"
        )
    return hemodynamic_constants(hemodynamics)


def chosen_backend(name):
    """The backend that a name stands for on this machine.

    Parameters
    ----------
    name : str
        ``"auto"`` takes a GPU where there is a usable one, else the CPU.

    Returns
    -------
    str
    """
    return _best_backend() if name == "auto" else name


@cache
def _best_backend():
    from cubnm_core.backends.cuda import devices

    reason = devices.unavailable()
    logger.info("Simulating on %s", f"the CPU: {reason}" if reason else "a GPU")
    return "cpu" if reason else "cuda"


def _backend(name):
    return reference if name == "reference" else import_module(f"cubnm_core.backends.{name}")
