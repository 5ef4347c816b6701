"""What a fit minimises: built-in terms, limits of firing rates, own terms, several objectives."""

import ast
import runpy
from pathlib import Path

from cubnm_core.errors import InputError
from cubnm_core.measures.objective import TERMS, Objective
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from cubnm_core.measures.user_terms import POSITIONAL, UserTerm, choose_arguments
from workflow_scripts.configuration import analysis
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.method import is_linear
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
        If a file of a term cannot be run, has no function ``term``, or one that asks for what there is not.
    """
    limits, own = settings["rate_limits"], settings["terms"]
    return Objective(
        weights(settings),
        band=None if limits is None else tuple(limits),
        own={name: _load_term(**term) for name, term in own.items()},
        constraints=settings["constraints"],
        groups=tuple(settings["objectives"]),
        averaged=settings.get("averaged_runs"),
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


def _load_term(file, worst, **_):
    """Make a term of a file, and see what it asks for."""
    term = UserTerm(load_function(file), worst)
    try:
        term.asks  # noqa: B018
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    return term


def asked_arguments(path):
    """Say what the function of a term gets, without running the user's file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    tuple of str
        Names of :data:`cubnm_core.measures.user_terms.ARGUMENTS`.

    Raises
    ------
    InputError
        If it asks for what there is not, or the file is no Python.
    """
    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path}: is no Python: {error}") from error
    found = [part for part in tree.body if isinstance(part, ast.FunctionDef) and part.name == FUNCTION]
    if not found or found[-1].args.vararg is not None:
        return POSITIONAL
    given = found[-1].args
    ordered = [each.arg for each in (*given.posonlyargs, *given.args)]
    stated = ordered[: len(ordered) - len(given.defaults)]
    pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    stated += [each.arg for each, default in pairs if default is None]
    try:
        return choose_arguments(stated) or POSITIONAL
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def wants_scans(fits):
    """Say whether a term of any fit asks for the BOLD of scans.

    Parameters
    ----------
    fits : iterable of dict
        Resolved settings.
    """
    files = {term["file"] for fit in fits for term in fit["terms"].values()}
    return any("target_bold" in asked_arguments(path) for path in files)


def observable_terms(settings):
    """List the observables that the cost or the constraints of a fit name, always in one order."""
    named = {name for name, weight in weights(settings).items() if weight} | {*settings["constraints"]}
    return [name for name in OBSERVABLES if name in named]


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
    averages = {"averages": True} if "averaged_runs" in settings else {}
    return {**stated, "terms": terms, **averages}


def default_objective(fit):
    """Choose the terms of the cost where the user named none.

    Parameters
    ----------
    fit : dict
        With ``fic`` and ``simulation``.

    Returns
    -------
    dict of str to float
        Without the distance of the FCD for short simulations and linear response, without firing rates where
        nothing holds them.
    """
    simulation = fit["simulation"]
    stated = simulation.get("duration", MATCH)  # with match, too short scans are left without an FCD anyway
    short = stated != MATCH and stated - simulation["burn_in"] < SHORT_SCAN
    objective = {"fc_corr": 1.0} if short or is_linear(fit) else {"fc_corr": 1.0, "fcd_ks": 1.0}
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
    found += _check_observables(fit, place) + _check_averages(fit, place)
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
    problems = []
    for name, term in fit["terms"].items():
        if not Path(term["file"]).is_file():
            problems.append(f"{place}.terms.{name}: no file {term['file']}; correct the path")
            continue
        try:
            asked_arguments(term["file"])
        except InputError as error:
            problems.append(f"{place}.terms.{name}: {error}")
    return problems + [
        f"{place}.terms.{name}: {name} is a built-in term; choose another name"
        for name in fit["terms"]
        if name in TERMS or name in OBSERVABLES
    ]


def _check_observables(fit, place):
    """Check that observables of the cost are among those that are read out of scans."""
    return [
        f"{place}: {name} is compared, but not read out of the scans; add it to analysis.observables"
        for name in observable_terms(fit)
        if name not in analysis.observables_of(fit["analysis"])
    ]


def _check_averages(fit, place):
    """Check that averages of simulations are asked only for what they have: FC, FCD and means of states."""
    if "averaged_runs" not in fit:
        return []
    found = [f"{place}.terms.{name}" for name, term in fit["terms"].items() if _asks_for_more(term["file"])]
    found += ["analysis.observables"] if analysis.observables_of(fit["analysis"]) else []
    return [
        f"{name}: averages of simulations ({place}.averaged_runs) have FC, FCD and means of states only; "
        "leave it out, or averaged_runs"
        for name in found
    ]


def _asks_for_more(path):
    """Whether a term asks for BOLD or states; what is wrong with its file is told elsewhere."""
    try:
        return not set(asked_arguments(path)) <= set(POSITIONAL)
    except (InputError, OSError):
        return False


def _check_objectives(fit, place):
    """Check that objectives and constraints name terms, and that several of them are searched as such."""
    known = [*TERMS, *OBSERVABLES, *fit["terms"]]
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
