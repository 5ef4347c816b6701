"""The settings of one fit: stated by the user, completed by its protocol, the configuration and defaults."""

from copy import deepcopy

from cubnm_core.errors import InputError
from cubnm_core.fitting.catalogue import canonical
from workflow_scripts.configuration import method, objectives, parameters, start
from workflow_scripts.configuration.analysis import resolve_analysis
from workflow_scripts.configuration.bold import settled_hemodynamics
from workflow_scripts.configuration.inhibition import default_rate_limits, inhibition_control, stated_band
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.schemas import complete, fit_schema, protocols
from workflow_scripts.configuration.simulation import AUTO, candidate_steps

#: Entries that later versions added, with their defaults. Snakemake compares settings as text, and what was
#: computed before they existed is to stand.
ADDED = {
    "averaged_runs": None,
    "search_steps": None,
    "strongest_weight": None,
    "method": method.SIMULATION,
    "flagged": method.SIMULATE,
}


def resolve_fit(config, name):
    """Resolve one entry of ``fits``; the more specific wins: fit, then protocol, then config, then default.

    Parameters
    ----------
    config : dict
        As returned by :func:`workflow_scripts.configuration.configuration.validate`.
    name : str
        Key in ``config["fits"]``.

    Returns
    -------
    dict
        ``model``, ``fic`` (see :func:`workflow_scripts.configuration.inhibition.inhibition_control`),
        ``delays``, ``free``, ``fixed``, ``objective``, ``objectives`` (a list of such, empty for one;
        ``objective`` is then their sum), ``constraints``, ``rate_limits``, ``terms``, ``optimizer``,
        ``replicates``, ``retest``, ``start`` (see
        :func:`workflow_scripts.configuration.start.resolve_start`), ``noise_seed``, ``simulation`` (with the
        ``hemodynamics`` (see :func:`workflow_scripts.configuration.hemodynamics.settle`), None without them,
        and the ``precision`` that is used), ``analysis``
        (pairs, window, window_step, edges, censored_share, band_pass) and ``maps`` (path, normalise; None if
        no parameter follows a map); JSON-like and complete. Entries of :data:`ADDED` are there only where
        they say something. ``step_choice``, the time steps (s) to choose from, is there only with
        ``simulation.dt: auto``, whose ``dt`` is the finest of them until one is chosen (see
        :mod:`workflow_scripts.fitting.time_steps`).

    Raises
    ------
    InputError
        If the model cannot be read, or it needs haemodynamics and none are named.
    """
    stated = with_protocol(config["fits"][name])
    fit = {key: value for key, value in deepcopy(stated).items() if key != "simulation"}
    complete(fit, fit_schema())
    del fit["protocol"], fit["hemodynamics"]
    for entry, default in ADDED.items():
        if fit[entry] == default:
            del fit[entry]
    fit["free"] = parameters.complete_free(fit["free"])
    model = parameters.read_model(fit)
    fit["fic"] = inhibition_control(stated.get("fic", "plasticity" if model.inhibition else None))
    fit["optimizer"]["name"] = canonical(fit["optimizer"]["name"])
    if fit["optimizer"]["name"] == "grid":
        fit["optimizer"]["restarts"] = 1  # another one would visit the same points
    stated_search = (stated.get("start") or {}).get("optimizer", {})
    fit["start"] = start.resolve_start(fit["start"], stated_search, fit["optimizer"])
    fit["simulation"] = {
        **config["simulation"],
        **stated.get("simulation", {}),
        "hemodynamics": None if model.observation == "direct" else _hemodynamics(config, name, stated),
    }
    if fit["simulation"]["dt"] == AUTO:
        fit["step_choice"] = candidate_steps(fit)
        fit["simulation"]["dt"] = fit["step_choice"][0]
    if fit["simulation"]["precision"] == "auto":
        fit["simulation"]["precision"] = model.precision
    fit["analysis"] = resolve_analysis(config)
    fit["maps"] = config["maps"] if parameters.needs_maps(fit) else None
    if fit["rate_limits"] is None:
        fit["rate_limits"] = stated_band(stated) or default_rate_limits(fit["fic"])
    fit["objectives"] = [{group: 1.0} if isinstance(group, str) else group for group in fit["objectives"]]
    if fit["objectives"]:
        fit["objective"] = objectives.add_weights(fit["objectives"])
    elif "objective" not in stated:
        fit["objective"] = objectives.default_objective(fit)
    return fit


def _hemodynamics(config, name, stated):
    """Settle the constants of a fit: its own, else those of its protocol, else those of the cohort."""
    own = stated.get("hemodynamics")
    if own is None:
        return settled_hemodynamics(config["bold"]["hemodynamics"])
    return settled_hemodynamics(own, f"fits.{name}.hemodynamics")


def check(stated, place):
    """List what is wrong with a fit as it was written, before anything is filled in.

    Parameters
    ----------
    stated : dict
        An entry of ``fits``.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    try:
        model = parameters.read_model(stated)
    except InputError as error:
        return [f"{place}.model: {error}"]
    if stated_band(stated) is not None and stated.get("rate_limits") is not None:
        return [f"{place}: fic.rate_band and rate_limits are two places for one thing; give one of them"]
    if stated.get("objectives") and stated.get("objective"):
        return [f"{place}: objective and objectives are two ways to state the cost; give one of them"]
    protocol = stated.get("protocol")
    if protocol is not None and protocol not in protocols():
        return [f"{place}.protocol: unknown name {protocol!r}{suggestion(protocol, protocols())}"]
    about = protocols()[protocol]["about"] if protocol is not None else {}
    if about.get("model", model.name) != model.name:
        return [f"{place}.protocol: {protocol} {_other_model(about, model, protocol)}"]
    return []


def _other_model(about, model, protocol):
    """Say that a protocol belongs to a model that the fit does not have."""
    text = f"is for the model {about['model']}, and this fit has {model.name}: write model: {about['model']}"
    if "before" not in about:
        return f"{text}, or choose another protocol"
    return (
        f"{text} with its parameters for what the paper did, or protocol: {about['before']} for what "
        f"{protocol} meant before (the same numbers: histories and results go on)"
    )


def with_protocol(stated):
    """Add to a fit what its protocol states and the fit itself does not.

    Parameters
    ----------
    stated : dict
        An entry of ``fits``.

    Returns
    -------
    dict
        Without ``protocol``. Sections ``optimizer``, ``simulation`` and ``retest`` are merged key by key;
        what stands for one thing, such as the terms of ``objective``, is taken as a whole.
    """
    taken = deepcopy(protocols().get(stated.get("protocol"), {}))
    for other in ("about", "first"):
        taken.pop(other, None)
    if stated.get("objectives"):
        taken.pop("objective", None)
    if stated_band(stated) is not None:
        taken.pop("rate_limits", None)
    merged = {**taken, **{key: value for key, value in stated.items() if key != "protocol"}}
    for section in ("optimizer", "simulation", "retest"):
        if isinstance(taken.get(section), dict) and isinstance(stated.get(section), dict):
            merged[section] = {**taken[section], **stated[section]}
    return merged


def model_files(fit):
    """List the file of a model of the user's own; a model that comes with `cubnm_core` has a name, no file.

    Parameters
    ----------
    fit : dict
        As returned by :func:`resolve_fit`.

    Returns
    -------
    list of str
    """
    return [fit["model"]] if fit["model"].endswith(".toml") else []
