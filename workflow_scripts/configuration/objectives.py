"""What a fit minimises: built-in terms, limits of firing rates, own terms, several objectives."""

import runpy
from pathlib import Path

from cubnm_core.errors import InputError
from cubnm_core.measures.objective import TERMS, Objective, UserTerm
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.simulation import MATCH
from workflow_scripts.files import job

FUNCTION = "term"
SHORT_SCAN = 600.0  # s: the FCD of less says little about a person


def make_objective(settings):
    """Build the objective of a fit.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit.

    Returns
    -------
    cubnm_core.measures.objective.Objective

    Raises
    ------
    InputError
        If a file of a term cannot be run or has no function ``term``.
    """
    limits, own = settings["rate_limits"], settings["terms"]
    return Objective(
        weights(settings),
        band=None if limits is None else tuple(limits),
        own={name: UserTerm(load_function(term["file"]), term["worst"]) for name, term in own.items()},
        constraints=settings["constraints"],
        groups=tuple(settings["objectives"]),
    )


def weights(settings):
    """Weights of all terms of the cost: dict of str to float; with several objectives, of their sum."""
    if not settings["objectives"]:
        return {
            **settings["objective"],
            **{name: term["weight"] for name, term in settings["terms"].items()},
        }
    return add_weights(settings["objectives"])


def add_weights(objectives):
    """Add the weights of several objectives up, term by term."""
    names = dict.fromkeys(name for group in objectives for name in group)
    return {name: sum(group.get(name, 0.0) for group in objectives) for name in names}


def load_function(path):
    """Run a Python file of the user's and give its function ``term``."""
    try:
        function = runpy.run_path(path).get(FUNCTION)
    except Exception as error:
        raise InputError(f"{path}: cannot be run: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise InputError(f"{path}: has no function {FUNCTION}(simulated_fc, simulated_fcd, target_fc, ...)")
    return function


def identity(settings):
    """Give what a cost depends on, in a form that can be hashed: files of terms count with their content."""
    terms = {name: {**term, "file": job.sha256(term["file"])} for name, term in settings["terms"].items()}
    stated = {name: settings[name] for name in ("objective", "objectives", "constraints", "rate_limits")}
    return {**stated, "terms": terms}


def default_objective(fit):
    """Choose the terms of the cost where the user named none.

    Parameters
    ----------
    fit : dict
        With ``fic`` and ``simulation``.

    Returns
    -------
    dict of str to float
        Without the distance of the FCD for short simulations, without firing rates where nothing holds them.
    """
    simulation = fit["simulation"]
    stated = simulation.get("duration", MATCH)  # with match, too short scans are left without an FCD anyway
    short = stated != MATCH and stated - simulation["burn_in"] < SHORT_SCAN
    objective = {"fc_corr": 1.0} if short else {"fc_corr": 1.0, "fcd_ks": 1.0}
    return objective if fit["fic"] is None else {**objective, "rate_penalty": 0.5}


def check(fit, model, place):
    """List what is wrong with the objectives, constraints, limits of rates and own terms of a fit.

    Parameters
    ----------
    fit : dict
        Resolved settings.
    model : cubnm_core.equations.model.Model
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    found = _check_rates(fit, model, place) + _check_terms(fit, place) + _check_objectives(fit, place)
    if any(weights(fit).values()):
        return found
    return [*found, f"{place}.objective: every weight is 0, so nothing is minimised; give one above 0"]


def _check_rates(fit, model, place):
    """Check that terms of the cost that look at firing rates have rates and limits."""
    limits, problems = fit["rate_limits"], []
    if limits is not None and limits[0] >= limits[1]:
        problems.append(f"{place}.rate_limits: {limits} is not [lower, upper] in Hz")
    for term in ("rate_penalty", "rate_band"):
        if not fit["objective"].get(term) and term not in fit["constraints"]:
            continue
        section = "constraints" if term in fit["constraints"] else "objective"
        if limits is None:
            problems.append(
                f"{place}.{section}.{term}: has no meaning without fic, unless rate_limits says which rates "
                "are allowed; leave it out or set it to 0"
            )
        elif "r_E" not in model.record:
            problems.append(f"{place}.{section}.{term}: {model.name} has no firing rate r_E; leave it out")
    return problems


def _check_terms(fit, place):
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


def _check_objectives(fit, place):
    """Check that objectives and constraints name terms, and that several of them are searched as such."""
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
