"""Checks of one resolved fit setting: against its model, its search, its cost and the time it simulates."""

from pathlib import Path

from cubnm_core.errors import InputError
from cubnm_core.objective import TERMS
from workflow_scripts import regional
from workflow_scripts.problems import suggestion


def problems(fit, config, place):
    """List what is wrong with one fit.

    Parameters
    ----------
    fit : dict
        As returned by :func:`workflow_scripts.settings.fit_settings`.
    config : dict
        The completed configuration.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    found = _parameter_problems(fit, place) + _simulation_problems(fit, config, place)
    first, count = config["evaluation"]["first_seed"], config["evaluation"]["seeds"]
    if first <= fit["noise_seed"] < first + count:
        found.append(
            f"{place}.noise_seed: {fit['noise_seed']} is also a seed of the evaluation ({first} to "
            f"{first + count - 1}), which must be fresh; choose another noise_seed or evaluation.first_seed"
        )
    return found


def _parameter_problems(fit, place):
    """Check the parameters of a fit against its model, its bounds and its grid."""
    from cubnm_core.equations import load_model

    problems = [f"{place}: {name!r} is both free and fixed" for name in fit["free"] if name in fit["fixed"]]
    try:
        model = load_model(fit["model"])
    except InputError as error:
        return [*problems, f"{place}.model: {error}"]
    known = model.parameters
    problems += [
        f"{place}: {name!r} is no parameter of {fit['model']}{suggestion(name, known)}"
        for name in [*fit["free"], *fit["fixed"]]
        if name not in known
    ]
    problems += [
        f"{place}: {name} has no default value; list it under free or fixed"
        for name, parameter in known.items()
        if parameter.default is None and name not in fit["free"] and name not in fit["fixed"]
    ]
    problems += regional.problems(fit, known, place)
    problems += (
        _optimizer_problems(fit, place) + _rate_problems(fit, model, place) + _term_problems(fit, place)
    )
    if fit["fic"] is not None and not model.inhibition:
        problems.append(f"{place}.fic: {model.name} has no inhibition to control; write fic: null")
    if fit["fic"] is not None and model.inhibition.get("weight") in (*fit["free"], *fit["fixed"]):
        problems.append(
            f"{place}: {model.inhibition['weight']} is set by fic; take it out, or write fic: null"
        )
    return problems


def _rate_problems(fit, model, place):
    """Check that terms of the cost that look at firing rates have rates and limits."""
    limits, problems = fit["rate_limits"], []
    if limits is not None and limits[0] >= limits[1]:
        problems.append(f"{place}.rate_limits: {limits} is not [lower, upper] in Hz")
    for term in ("rate_penalty", "rate_band"):
        if not fit["objective"].get(term):
            continue
        if limits is None:
            problems.append(
                f"{place}.objective.{term}: has no meaning without fic, unless rate_limits says which rates "
                "are allowed; leave it out or set it to 0"
            )
        elif "r_E" not in model.record:
            problems.append(f"{place}.objective.{term}: {model.name} has no firing rate r_E; leave it out")
    return problems


def _term_problems(fit, place):
    """Check that terms of the user's own have a file and a name that is free."""
    problems = [
        f"{place}.terms.{name}: no file {term['file']}; correct the path"
        for name, term in fit["terms"].items()
        if not Path(term["file"]).is_file()
    ]
    return problems + [
        f"{place}.terms.{name}: {name} is a built-in term; choose another name"
        for name in fit["terms"]
        if name in TERMS
    ]


def _optimizer_problems(fit, place):
    """Check that the search suits the number of free parameters."""
    names, optimizer = regional.free_coordinates(fit), fit["optimizer"]
    if names is None:
        return []  # groups need the node table; checked with it
    if optimizer["name"] == "cmaes" and len(names) < 2:
        example = names[0] if names else "G"
        return [
            f"{place}.optimizer: CMA-ES needs at least two free parameters, found "
            f"{', '.join(names) or 'none'}; search one with a grid, optimizer: {{name: grid, shape: "
            f"{{{example}: 20}}}}"
        ]
    if optimizer["name"] == "grid" and set(optimizer["shape"]) != set(names):
        return [
            f"{place}.optimizer.shape: a grid needs the number of points of every free parameter "
            f"({', '.join(names)}), found {', '.join(optimizer['shape']) or 'none'}"
        ]
    return []


def _simulation_problems(fit, config, place):
    """Check that the simulated time holds windows enough for an FCD."""
    simulation, window = fit["simulation"], config["analysis"]["window"]
    if "duration" not in simulation:
        return [
            f"{place}: no duration is given; set simulation.duration (in s, burn-in included), or choose "
            "a protocol"
        ]
    analysed = simulation["duration"] - simulation["burn_in"]
    if analysed <= window:
        return [
            f"{place}: simulation.duration {simulation['duration']} s less burn_in "
            f"{simulation['burn_in']} s leaves {analysed} s, "
            f"which holds no two windows of {window} s; simulate longer or shorten analysis.window"
        ]
    return []
