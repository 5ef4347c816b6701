"""Parameter values of a batch: completed with defaults, checked, and given one shape."""

from difflib import get_close_matches

import numpy as np

from cubnm_core import noise
from cubnm_core.errors import InputError


def batch_size(params, *others):
    """Number of simulations that parameters, seeds or connectome indices ask for; 1 if all are scalar.

    Raises
    ------
    InputError
        If their lengths disagree.
    """
    arrays = {name: np.asarray(value) for name, value in params.items()}
    arrays |= {name: np.asarray(value) for name, value in others if value is not None}
    lengths = {name: array.shape[0] for name, array in arrays.items() if array.ndim}
    sizes = set(lengths.values()) - {1}
    if len(sizes) > 1:
        listed = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise InputError(
            f"the number of simulations differs between inputs ({listed}); give each one value or all B"
        )
    return max(lengths.values(), default=1)


def check_meaning(model, params, nodes, *others):
    """Refuse values of a regional parameter that may be those of N regions or of N simulations.

    Parameters
    ----------
    model : Model
    params : dict
    nodes : int
    others
        Seeds and indices of connectomes: where anything else has N values, there are N simulations.

    Raises
    ------
    InputError
        With both ways to say what is meant.
    """
    shapes = {name: np.shape(value) for name, value in params.items()}
    unclear = [name for name, shape in shapes.items() if shape == (nodes,) and _is_regional(model, name)]
    if nodes == 1 or not unclear:
        return
    clear = [shape for name, shape in shapes.items() if name not in unclear and shape]
    clear += [np.shape(value) for value in others if value is not None and np.ndim(value)]
    if any(shape[0] == nodes for shape in clear):
        return
    name = unclear[0]
    raise InputError(
        f"parameter {name!r} has {nodes} values, as many as there are nodes: give {name}[None] for one "
        f"simulation with a value for every region, or {name}[:, None] for {nodes} simulations"
    )


def _is_regional(model, name):
    return name in model.parameters and model.parameters[name].regional


def complete(model, params, seeds, nodes):
    """Values of every parameter of a model.

    Parameters
    ----------
    model : Model
    params : dict
        Scalars, (B,), (B, 1) or (B, N) arrays; a global parameter may not be (B, N).
    seeds : list of B ints
        For parameters that are drawn by default.
    nodes : int

    Returns
    -------
    dict of str to (B,) or (B, N) float64 arrays

    Raises
    ------
    InputError
        For unknown, missing or non-finite parameters and wrong shapes.
    """
    for name in params:
        if name not in model.parameters:
            near = get_close_matches(name, model.parameters, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            allowed = ", ".join(model.parameters)
            raise InputError(f"{model.name} has no parameter {name!r}; it has {allowed}{hint}")
    return {name: _one(model, name, params.get(name), seeds, nodes) for name in model.parameters}


def _one(model, name, value, seeds, nodes):
    parameter, size = model.parameters[name], len(seeds)
    value = parameter.default if value is None else value
    if isinstance(value, str):
        return _drawn(parameter, list(model.parameters).index(name), seeds, nodes)
    if value is None:
        raise InputError(
            f"{model.name} needs a value for {name!r} ({parameter.description}); it has no default"
        )
    array = np.asarray(value, float)
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    shapes = [(), (1,), (size,)] + ([(1, nodes), (size, nodes)] if parameter.regional else [])
    if array.shape not in shapes:
        allowed = f"a number, ({size},)" + (f" or ({size}, {nodes})" if parameter.regional else "")
        raise InputError(f"parameter {name!r} has shape {array.shape}; allowed are {allowed}")
    if not np.isfinite(array).all():
        raise InputError(f"parameter {name!r} has values that are not finite numbers")
    return np.array(np.broadcast_to(array, (size, nodes) if array.ndim == 2 else (size,)))


def _drawn(parameter, term, seeds, nodes):
    """Uniform within the bounds, for each seed and node."""
    low, high = parameter.bounds
    drawn = {seed: low + (high - low) * noise.uniforms(seed, nodes, term) for seed in set(seeds)}
    return np.stack([drawn[seed] for seed in seeds])


def regional(values, nodes):
    """A (B,) or (B, N) array as (B, N)."""
    return values if values.ndim == 2 else np.broadcast_to(values[:, None], (len(values), nodes))
