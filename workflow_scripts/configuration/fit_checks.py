"""Checks of one resolved fit setting: against its model, its search, its cost and the time it simulates."""

import math
from pathlib import Path

from cubnm_core.errors import InputError
from cubnm_core.measures.objective import TERMS
from cubnm_core.simulation import inhibition
from workflow_scripts.configuration import regional, search_checks
from workflow_scripts.configuration.messages import suggestion

SEEDS_PER_TWIN = 1000  # noise seeds set aside for the runs of one twin


def problems(fit, config, place):
    """List what is wrong with one fit.

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
    found = _parameter_problems(fit, place) + _simulation_problems(fit, config, place)
    found += _seed_problems(fit, config["evaluation"], place)
    return found + _twin_problems(fit, config["twins"], place)


def beyond_bounds(fit):
    """Say which parameters are searched or held where their model is not meant to be used.

    Parameters
    ----------
    fit : dict
        Resolved settings of a fit.

    Returns
    -------
    list of str
    """
    known = simulated_model(fit).parameters
    spans = {name: _span_of(entry) for name, entry in (fit["free"] | fit["fixed"]).items()}
    return [
        f"{name} of {fit['model']} is {low:g} to {high:g}, beyond {known[name].bounds[0]:g} to "
        f"{known[name].bounds[1]:g}, within which the model is meant to be used"
        for name, (low, high) in spans.items()
        if low < known[name].bounds[0] or high > known[name].bounds[1]
    ]


def _span_of(entry):
    """Lowest and highest value of a parameter; nothing is known of one that stands in a table of maps."""
    if isinstance(entry, dict):
        entry = entry.get("bounds", entry.get("value", (math.inf, -math.inf)))
    return tuple(entry) if isinstance(entry, (list, tuple)) else (entry, entry)


def idle_simulation(config, protocol, rules):
    """Find what the section ``simulation`` says in vain, because the protocol of every fit says otherwise.

    Parameters
    ----------
    config : dict
        The completed configuration.
    protocol : dict of str to dict
        By fit: its protocol, empty without one.
    rules : dict
        Schema of every entry of the section; defaults may be overridden in silence.

    Returns
    -------
    list of str
    """
    found = []
    for key, value in config["simulation"].items():
        others = {
            name: protocol[name].get("simulation", {}).get(key, value)
            for name, fit in config["fits"].items()
            if key not in fit.get("simulation", {})
        }
        idle = len(others) == len(protocol) and value not in others.values()
        if idle and value != rules[key].get("default"):
            listed = ", ".join(f"{other!r} in {name}" for name, other in others.items())
            found.append(
                f"simulation.{key}: {value!r} has no effect, because the protocol of every fit has another "
                f"value ({listed}); write it under fits.<name>.simulation, or delete it"
            )
    return found


def _seed_problems(fit, evaluation, place):
    """Check that search, re-test and evaluation have noise seeds of their own."""
    noise, retest = fit["noise_seed"], fit["retest"]
    search = range(noise, noise + fit["replicates"])
    others = (evaluation[section]["seeds"] for section in ("profile", "nulls"))
    count = max(evaluation["seeds"], evaluation["cross_seeds"], *others)
    scored = range(evaluation["first_seed"], evaluation["first_seed"] + count)
    uses = [(f"{place}.noise_seed", search)]
    if retest is not None:
        seeds = range(retest["first_seed"], retest["first_seed"] + retest["seeds"])
        uses.append((f"{place}.retest.first_seed", seeds))
        if set(seeds) & set(search):
            return [
                f"{place}.retest.first_seed: {_span(seeds)} are also seeds of the search ({_span(search)}); "
                "a re-test needs fresh ones"
            ]
    return [
        f"{name}: {_span(seeds)} is also a seed of the evaluation ({scored[0]} to {scored[-1]}), which must "
        f"be fresh; choose another {name.rsplit('.', 1)[-1]} or evaluation.first_seed"
        for name, seeds in uses
        if set(seeds) & set(scored)
    ]


def _twin_problems(fit, twins, place):
    """Check that the search does not know the noise that scans of synthetic twins were made with."""
    search = range(fit["noise_seed"], fit["noise_seed"] + fit["replicates"])
    scans = range(twins["first_seed"], twins["first_seed"] + SEEDS_PER_TWIN * twins["count"])
    if not set(search) & set(scans):
        return []
    return [
        f"{place}.noise_seed: {_span(search)} is also a seed of scans of synthetic twins ({_span(scans)}); "
        "choose another noise_seed or twins.first_seed"
    ]


def _span(seeds):
    """A range of seeds as text."""
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"


def _parameter_problems(fit, place):
    """Check the parameters of a fit against its model, its bounds and its grid."""
    problems = [f"{place}: {name!r} is both free and fixed" for name in fit["free"] if name in fit["fixed"]]
    try:
        model = simulated_model(fit)
    except InputError as error:
        return [*problems, f"{place}: {error}"]
    known = model.parameters
    problems += [
        f"{place}: {name!r} is no parameter of {fit['model']}{_remedy(name, known)}"
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
        _optimizer_problems(fit, place)
        + _rate_problems(fit, model, place)
        + _term_problems(fit, place)
        + search_checks.problems(fit, place)
    )
    problems += _inhibition_problems(fit, model, place) if fit["fic"] is not None else []
    return problems + (_delay_problems(fit, known["v"], place) if fit["delays"] else [])


def _remedy(name, known):
    """Say what to do about the name of a parameter that the model does not have."""
    if name == "v":
        return "; the velocity of conduction delays needs delays: true"
    return suggestion(name, known)


def simulated_model(fit):
    """Give the model of a fit, with the velocity ``v`` among its parameters where it has delays.

    Parameters
    ----------
    fit : dict
        Resolved settings.

    Returns
    -------
    cubnm_core.equations.model.Model

    Raises
    ------
    InputError
        If the model cannot be read, or has another ``v``.
    """
    from cubnm_core.equations.files import load_model
    from cubnm_core.equations.model import with_velocity

    model = load_model(fit["model"])
    return with_velocity(model) if fit["delays"] else model


def _inhibition_problems(fit, model, place):
    """Check feedback inhibition control against the model and the limits of rates."""
    if not model.inhibition:
        return [f"{place}.fic: {model.name} has no inhibition to control; write fic: null"]
    if model.name != "rWW":
        return [f"{place}.fic: works with rWW only, not with {model.name}; write fic: null"]
    weight = model.inhibition["weight"]
    if weight in (*fit["free"], *fit["fixed"]):
        return [f"{place}: {weight} is set by fic; take it out, or write fic: null"]
    try:
        control = inhibition.settings(fit["fic"])
    except InputError as error:
        return [f"{place}.{error}"]
    limits = fit["rate_limits"]
    if control.method == "plasticity" and not limits[0] < control.target < limits[1]:
        return [
            f"{place}.fic.target: {control.target} Hz lies outside rate_limits {limits} Hz; widen the limits"
        ]
    return []


def _delay_problems(fit, velocity, place):
    """Check the velocity of conduction delays and the scheme that integrates them."""
    problems, (low, high) = [], velocity.bounds
    stated = {**fit["fixed"], **fit["free"]}.get("v")
    if fit["simulation"]["scheme"] != "euler_maruyama":
        problems.append(
            f"{place}.simulation.scheme: delays work with euler_maruyama only, not with "
            f"{fit['simulation']['scheme']}"
        )
    values = stated if isinstance(stated, list) else [stated]
    if any(isinstance(value, (int, float)) and not low <= value <= high for value in values):
        problems.append(f"{place}: v is {stated} m/s; allowed are {low:g} to {high:g} m/s")
    return problems


def _rate_problems(fit, model, place):
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
    if names is None:  # groups need the node table; checked with it
        return search_checks.search_problems(fit, place)
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
    return search_checks.search_problems(fit, place) + search_checks.initial_problems(fit, names, place)


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
    try:
        _schedule(simulation, simulation["duration"])
    except InputError as error:
        return [f"{place}.simulation: {error}"]
    return []


def scan_problems(fit, repetition_time, place):
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
    try:
        schedule = _schedule(simulation, repetition_time)
        kept = int((schedule.bold_steps > schedule.burn_in_steps).sum())
        sliding_windows(kept, repetition_time, analysis["window"], analysis["window_step"], analysis["edges"])
    except InputError as error:
        return [f"{place}: {error}"]
    band = analysis["band_pass"]
    if band is not None and 2 * band[1] * repetition_time >= 1:
        return [
            f"bold.band_pass: {band[1]} Hz is not below half the sampling rate of scans with a repetition "
            f"time of {repetition_time} s; lower it"
        ]
    return []


def _schedule(simulation, repetition_time):
    """Lay out the steps of a simulation as the engine does; InputError if they do not fit each other."""
    from cubnm_core.simulation.schedule import make_schedule

    steps = (simulation["dt"], simulation["hemodynamic_dt"])
    return make_schedule(simulation["duration"], repetition_time, *steps, simulation["burn_in"])
