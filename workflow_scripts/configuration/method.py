"""How the candidates of a search are scored: ``method`` and ``flagged`` of a fit."""

from cubnm_core.errors import InputError
from cubnm_core.fitting.expectations import VERSION
from cubnm_core.measures.comparison import FC_TERMS
from cubnm_core.measures.objective import RATE_TERMS

SIMULATION, LINEAR = "simulation", "linear"
SIMULATE = "simulate"
#: Terms of a cost that linear response gives.
EXPECTED_TERMS = (*FC_TERMS, *RATE_TERMS)


def is_linear(settings):
    """Say whether the search of a fit scores candidates by linear response."""
    return settings.get("method", SIMULATION) == LINEAR


def flagged_choice(settings):
    """Say what becomes of candidates that linear response flags."""
    return settings.get("flagged", SIMULATE)


def version(fit, simulation):
    """Give the version of what scores the candidates of a search: of linear response, or of simulations.

    Snakemake overlooks a parameter whose value another one has, so nothing runs again for a simulated search.
    """
    return f"linear response version {VERSION}" if is_linear(fit) else simulation


def check(fit, model, place):
    """List what a fit by linear response asks for and cannot have.

    Parameters
    ----------
    fit : dict
        As returned by :func:`workflow_scripts.configuration.fit_settings.resolve_fit`.
    model : cubnm_core.equations.model.Model
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    if not is_linear(fit):
        if flagged_choice(fit) == SIMULATE:
            return []
        return [
            f"{place}.flagged: only linear response flags candidates; state method: linear, or leave it out"
        ]
    return _check_terms(fit, place) + _check_averages(fit, place) + _check_model(model, place)


def _check_terms(fit, place):
    own = place.split(".")[1]
    named = {**fit["objective"], **{name: term["weight"] for name, term in fit["terms"].items()}}
    counted = [name for name, weight in named.items() if weight] + list(fit["constraints"])
    return [
        f"{place}: method linear gives {', '.join(EXPECTED_TERMS)}, and {name} only simulations give; leave "
        f"it out here, and add a second fit with {name} that starts from this one (start: {{from: {own}}})"
        for name in dict.fromkeys(counted)
        if name not in EXPECTED_TERMS
    ]


def _check_averages(fit, place):
    if "averaged_runs" not in fit:
        return []
    return [
        f"{place}.averaged_runs: method linear averages no simulations; leave it out here, and add a second "
        f"fit with it that starts from this one (start: {{from: {place.split('.')[1]}}})"
    ]


def _check_model(model, place):
    """Check that a model can be linearised around a fixed point."""
    from cubnm_core.linear.linearisation import linearise

    turning = [name for name, state in model.states.items() if state.wrap is not None]
    if turning:
        return [
            f"{place}.method: linear response needs a fixed point, and {turning[0]} of {model.name} goes "
            "round in circles; leave method out"
        ]
    try:
        linearise(model)
    except InputError as error:
        return [
            f"{place}.method: linear response needs derivatives of all equations ({error}); leave method "
            "out, or write smooth equations"
        ]
    return []
