"""Linear response with the settings of a fit, in the form in which searches call it."""

from dataclasses import asdict
from functools import partial

from cubnm_core.fitting.expectations import VERSION, Expectations
from workflow_scripts.configuration.method import flagged_choice, is_linear
from workflow_scripts.fitting.fingerprints import defaults

#: Keywords of simulations that say nothing about linear response.
ONLY_SIMULATED = ("duration", "scheme", "precision", "window", "window_step", "window_edges")


def expectations(settings, keywords, hemispheres, threads, simulate_batch):
    """Fix everything about expected scores that does not change within a fit.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit.
    keywords : dict
        Of its simulations, see :func:`workflow_scripts.fitting.simulators.simulation_keywords`.
    hemispheres : sequence of str
    threads : int
    simulate_batch : callable
        For the candidates that linear response flags.

    Returns
    -------
    cubnm_core.fitting.expectations.Expectations
    """
    from cubnm_core import linear_response, load_model

    fixed = {name: value for name, value in keywords.items() if name not in ONLY_SIMULATED}
    respond = partial(
        linear_response, load_model(settings["model"]), hemispheres=hemispheres, threads=threads, **fixed
    )
    simulates = flagged_choice(settings) == "simulate"
    timing = (keywords[name] for name in ("duration", "burn_in", "repetition_time"))
    return Expectations(respond, *timing, simulate_batch if simulates else None)


def identity(settings):
    """Give what expected scores depend on beside the settings of simulations, in a form that can be hashed.

    Returns
    -------
    list
        Empty for fits that simulate every candidate.
    """
    if not is_linear(settings):
        return []
    from cubnm_core import load_model
    from cubnm_core.linear import response
    from cubnm_core.linear.branches import default_noisy_run

    chosen = {name: defaults(response.linear_response)[name] for name in ("starts", "tolerance")}
    chosen |= {"noisy": asdict(default_noisy_run(load_model(settings["model"])))}
    chosen |= {"limits": [response.NONLINEAR, response.OFF_BRANCH]}
    return [["linear", VERSION, flagged_choice(settings), chosen]]
