"""Checks of what a fit minimises and how: several objectives, constraints, the options of the optimiser."""

from cubnm_core.errors import InputError
from cubnm_core.fitting import designs
from cubnm_core.fitting.optimisers import OptimizerSettings, make_search
from cubnm_core.measures.objective import TERMS
from workflow_scripts.configuration import regional
from workflow_scripts.configuration.messages import suggestion


def problems(fit, place):
    """List what is wrong with the objectives and constraints of a fit.

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
    known = [*TERMS, *fit["terms"]]
    limited = [name for name in known if TERMS.get(name, 1) > 0]
    found = [
        f"{place}.constraints: {name!r} cannot be constrained{suggestion(name, limited)}"
        for name in fit["constraints"]
        if name not in limited
    ]
    named = {name for group in fit["objectives"] for name in group}
    found += [
        f"{place}.objectives: no term {name!r}{suggestion(name, known)}"
        for name in sorted(named - set(known))
    ]
    if (fit["objective"].get("fic_failed") or "fic_failed" in fit["constraints"]) and fit["fic"] is None:
        found.append(f"{place}: fic_failed has no meaning without fic; leave it out")
    if not fit["objectives"]:
        return found
    if len(fit["objectives"]) == 1:
        found.append(f"{place}.objectives: one objective alone is stated under objective")
    found += [
        f"{place}.terms.{name}: stands in none of the objectives; name it in one of them"
        for name in fit["terms"]
        if name not in named
    ]
    if fit["optimizer"]["patience"] is not None:
        found.append(
            f"{place}.optimizer.patience: the best cost says little with several objectives; leave it out"
        )
    return found


def search_problems(fit, place):
    """List what is wrong with the optimiser of a fit and with its options, as :func:`problems` does."""
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


def initial_problems(fit, names, place):
    """List what is wrong with the initial point of a fit whose free coordinates have these names."""
    initial = fit["optimizer"]["initial"]
    if initial and set(initial) != set(names):
        return [
            f"{place}.optimizer.initial: needs a value for every free parameter ({', '.join(names)}), found "
            f"{', '.join(initial)}"
        ]
    bounds = {name: regional.bounds(fit["free"][name]) for name in initial if name in fit["free"]}
    return [
        f"{place}.optimizer.initial: {name} is {initial[name]}, outside its bounds {limits}"
        for name, limits in bounds.items()
        if limits is not None and not limits[0] <= initial[name] <= limits[1]
    ]
