"""Section ``optimizer``: the algorithm, its options, the points of a grid, and the initial point."""

from cubnm_core.errors import InputError
from cubnm_core.fitting import designs
from cubnm_core.fitting.optimisers import OptimizerSettings, make_search
from workflow_scripts.configuration.parameters import stated_bounds


def check(fit, place):
    """List what is wrong with the search of a fit, as far as its coordinates need no table.

    Parameters
    ----------
    fit : dict
        Resolved settings.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    bounds, optimizer = stated_bounds(fit), fit["optimizer"]
    if bounds is None:  # groups: the search space is checked with the node table
        return _check_algorithm(fit, place)
    if optimizer["name"] == "cmaes" and len(bounds) < 2:
        example = next(iter(bounds), "G")
        return [
            f"{place}.optimizer: CMA-ES needs at least two free parameters, found "
            f"{', '.join(bounds) or 'none'}; search one with a grid, optimizer: {{name: grid, shape: "
            f"{{{example}: 20}}}}"
        ]
    if wrong := check_shape(optimizer, bounds):
        return [f"{place}.{text}" for text in wrong]
    initial = [f"{place}.{text}" for text in check_initial(optimizer["initial"], bounds)]
    return _check_algorithm(fit, place) + initial


def check_shape(optimizer, names):
    """List what is wrong with the points of a grid over free coordinates of these names."""
    if optimizer["name"] != "grid" or set(optimizer["shape"]) == set(names):
        return []
    return [
        f"optimizer.shape: a grid needs the number of points of every free parameter ({', '.join(names)}), "
        f"found {', '.join(optimizer['shape']) or 'none'}"
    ]


def check_initial(initial, bounds):
    """List what is wrong with an initial point.

    Parameters
    ----------
    initial : dict of str to float
        Empty for none.
    bounds : dict
        Free coordinate to (low, high), or to None where they are not known yet.

    Returns
    -------
    list of str
    """
    if not initial:
        return []
    if set(initial) != set(bounds):
        return [
            f"optimizer.initial: needs a value for every free parameter ({', '.join(bounds)}), found "
            f"{', '.join(initial)}"
        ]
    known = {name: limits for name, limits in bounds.items() if limits is not None}
    return [
        f"optimizer.initial: {name} is {initial[name]}, outside its bounds [{low}, {high}]"
        for name, (low, high) in known.items()
        if not low <= initial[name] <= high
    ]


def _check_algorithm(fit, place):
    """Check that the algorithm exists, has these options, and suits the number of objectives."""
    optimizer = fit["optimizer"]
    if optimizer["name"] == "cmaes" and fit["objectives"]:
        return [
            f"{place}.optimizer: cmaes searches for one objective; take nsga2, or another one for several"
        ]
    # CMA-ES as it comes is known to work; its library is slow to import, and every job comes past here.
    if optimizer["name"] in designs.DESIGNS or (optimizer["name"] == "cmaes" and not optimizer["options"]):
        return []
    settings = OptimizerSettings(name=optimizer["name"], options=optimizer["options"])
    try:
        make_search(settings, ["G", "w_p"], "check", 0, len(fit["objectives"]) or 1)
    except InputError as error:
        return [f"{place}.optimizer: {error}"]
    return []
