"""From the settings of a fit to its cost: built-in terms, limits of firing rates, terms of the user's own."""

import runpy

from cubnm_core.errors import InputError
from cubnm_core.measures.objective import Objective, UserTerm
from workflow_scripts.files import job

FUNCTION = "term"


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
    return summed(settings["objectives"])


def summed(objectives):
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
