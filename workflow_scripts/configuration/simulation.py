"""Section ``simulation``: its time has to hold windows, its steps fit each other, and delays their scheme."""

from math import ceil

from cubnm_core.errors import InputError
from workflow_scripts.configuration.schemas import protocols, schema

MOST_STEPS = 10**9  # of one simulation: days of computing
#: Value of ``simulation.duration``: every split is compared with pieces as long as its own runs.
MATCH = "match"
#: Value of ``simulation.dt``: the coarsest step that gives the scores of the finest.
AUTO = "auto"
_FINEST, _FINEST_OF_MODELS, _MULTIPLES = 1e-4, {"MPR": 1e-5}, (1, 5, 10, 20)


def check(fit, config, place):
    """List what is wrong with the time and the steps of the simulations of a fit.

    Parameters
    ----------
    fit : dict
        As returned by :func:`workflow_scripts.configuration.fit_settings.resolve_fit`.
    config : dict
        The completed configuration.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    simulation, window = fit["simulation"], config["analysis"]["window"]
    if len(fit.get("step_choice", (0, 0))) < 2:
        coarser = ", ".join(f"{step:g}" for step in _multiples(fit["model"])[1:])
        return [
            f"{place}: simulation.dt is auto, and none of the steps to choose from ({coarser} s) divides "
            f"simulation.hemodynamic_dt ({simulation['hemodynamic_dt']:g} s); make it 0.001, or state a step"
        ]
    is_matched = simulation["duration"] == MATCH
    if is_matched:  # what follows holds for any length, but for windows, which the scans themselves must hold
        simulation = {**simulation, "duration": simulation["burn_in"] + 2 * window}
        if "averaged_runs" in fit:
            return [
                f"{place}.averaged_runs: averages of simulations are compared as a whole; state "
                "simulation.duration in s, or leave averaged_runs out"
            ]
    if found := _check_search_steps({**fit, "simulation": simulation}, place):
        return found
    lengths = {"simulation.duration": simulation["duration"]}
    lengths["fic.warm_up"] = (fit["fic"] or {}).get("warm_up", 0.0)
    found = [
        text
        for key, seconds in lengths.items()
        for text in check_steps(seconds, simulation["dt"], f"{place}: {key}")
    ]
    if found:
        return found
    analysed = simulation["duration"] - simulation["burn_in"]
    if analysed <= window:
        return [
            f"{place}: simulation.duration {simulation['duration']} s less burn_in "
            f"{simulation['burn_in']} s leaves {analysed} s, "
            f"which holds no two windows of {window} s; simulate longer or shorten analysis.window"
        ]
    try:
        _schedule(simulation, simulation["duration"])
    except InputError as error:
        return [f"{place}.simulation: {error}"]
    return []


def candidate_steps(fit):
    """Steps that ``simulation.dt: auto`` chooses from, the finest first, in s.

    Parameters
    ----------
    fit : dict
        With ``model`` and ``simulation``.

    Returns
    -------
    list of float
        The finest, and those coarser ones of which the haemodynamic step is a multiple.
    """
    from cubnm_core.simulation.schedule import exact

    finest, *coarser = _multiples(fit["model"])
    outer = exact(fit["simulation"]["hemodynamic_dt"])
    return [finest, *(step for step in coarser if (outer / exact(step)).denominator == 1)]


def _multiples(model):
    """Every step that is looked at for a model, by its name or the path of its file."""
    finest = _FINEST_OF_MODELS.get(model, _FINEST)
    return [round(times * finest, 9) for times in _MULTIPLES]


def search_simulation(fit):
    """Give the section ``simulation`` of the search: with its own steps, where a fit has such."""
    return {**fit["simulation"], **fit.get("search_steps", {})}


def _check_search_steps(fit, place):
    """List what is wrong with the steps that only the search takes."""
    if "search_steps" not in fit:
        return []
    simulation = search_simulation(fit)
    found = check_steps(simulation["duration"], simulation["dt"], f"{place}: search_steps.dt")
    if found:
        return found
    try:
        _schedule(simulation, simulation["duration"])
    except InputError as error:
        return [f"{place}.search_steps: {error}"]
    return []


def check_steps(seconds, dt, place):
    """List what is wrong with the number of steps that a simulation takes.

    Parameters
    ----------
    seconds, dt : float
        Length of the simulation and of a step.
    place : str
        Of the length, for the messages.

    Returns
    -------
    list of str
    """
    if seconds <= MOST_STEPS * dt:
        return []
    return [
        f"{place} of {seconds:g} s in steps (dt) of {dt:g} s has {seconds / dt:.1e} steps, and one "
        f"simulation has at most {MOST_STEPS:,}; choose a longer step, such as the default, or less time"
    ]


def check_scans(fit, repetition_time, place):
    """Check that simulations give windows of an FCD at the repetition time of scans.

    Parameters
    ----------
    fit : dict
        Resolved settings, without other problems.
    repetition_time : float
        In s.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    from cubnm_core.measures.connectivity import sliding_windows

    simulation, analysis = fit["simulation"], fit["analysis"]
    if simulation["duration"] == MATCH:
        volumes = ceil((analysis["window"] + 4 * analysis["window_step"]) / repetition_time) + 4
        simulation = {**simulation, "duration": simulation["burn_in"] + volumes * repetition_time}
    try:
        schedule = _schedule(simulation, repetition_time)
        kept = int((schedule.bold_steps > schedule.burn_in_steps).sum())
        sliding_windows(kept, repetition_time, analysis["window"], analysis["window_step"], analysis["edges"])
    except InputError as error:
        return [f"{place}: {error}"]
    band = analysis["band_pass"]
    if band is not None and 2 * band[1] * repetition_time >= 1:
        return [
            f"bold.band_pass or bold.filtered: {band[1]} Hz is not below half the sampling rate of scans "
            f"with a repetition time of {repetition_time} s; lower it"
        ]
    return []


def check_delays(fit, model, place):
    """List what is wrong with the velocity of conduction delays and the scheme that integrates them.

    Parameters
    ----------
    fit : dict
        Resolved settings.
    model : cubnm_core.equations.model.Model
        As of :func:`workflow_scripts.configuration.parameters.simulated_model`.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    if not fit["delays"]:
        return []
    problems, (low, high) = [], model.parameters["v"].bounds
    stated = {**fit["fixed"], **fit["free"]}.get("v")
    if fit["simulation"]["scheme"] != "euler_maruyama":
        problems.append(
            f"{place}.simulation.scheme: delays work with euler_maruyama only, not with "
            f"{fit['simulation']['scheme']}; set it to euler_maruyama, or delays to false"
        )
    values = stated if isinstance(stated, list) else [stated]
    if any(isinstance(value, (int, float)) and not low <= value <= high for value in values):
        problems.append(f"{place}: v is {stated} m/s; allowed are {low:g} to {high:g} m/s")
    return problems


def check_effect(config):
    """List what the section says in vain, because the protocol of every fit has another value.

    Parameters
    ----------
    config : dict
        The completed configuration; what stands at its default may be overridden in silence.

    Returns
    -------
    list of str
    """
    rules = schema("config")["properties"]["simulation"]["properties"]
    return [
        text for key, text in _overridden(config) if config["simulation"][key] != rules[key].get("default")
    ]


def remark_defaults(config, stated):
    """List what was written in vain although it is the default, as protocols have other values.

    Parameters
    ----------
    config : dict
        The completed configuration.
    stated : dict
        The section as it was written.

    Returns
    -------
    list of str
    """
    return [text for key, text in _overridden(config) if key in stated]


def _overridden(config):
    """Keys for which the protocol of every fit has another value, each with a message."""
    protocol = {name: protocols().get(fit.get("protocol"), {}) for name, fit in config["fits"].items()}
    for key, value in config["simulation"].items():
        others = {
            name: protocol[name].get("simulation", {}).get(key, value)
            for name, fit in config["fits"].items()
            if key not in fit.get("simulation", {})
        }
        if len(others) == len(protocol) and value not in others.values():
            listed = ", ".join(f"{other!r} in {name}" for name, other in others.items())
            yield (
                key,
                f"simulation.{key}: {value!r} has no effect, because the protocol of every fit has another "
                f"value ({listed}); write it under fits.<name>.simulation, or delete it",
            )


def _schedule(simulation, repetition_time):
    """Lay out the steps of a simulation as the engine does; InputError if they do not fit each other."""
    from cubnm_core.simulation.schedule import make_schedule

    steps = (simulation["dt"], simulation["hemodynamic_dt"])
    return make_schedule(simulation["duration"], repetition_time, *steps, simulation["burn_in"])
