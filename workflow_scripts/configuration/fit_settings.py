"""The settings of one fit: stated by the user, completed by its protocol, the configuration and defaults."""

import math
from copy import deepcopy

from cubnm_core.errors import InputError
from cubnm_core.fitting.catalogue import canonical
from cubnm_core.measures.rates import DEFAULT_BANDS
from cubnm_core.simulation.inhibition import Inhibition
from workflow_scripts.configuration import objectives, regional, start
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.schemas import complete, protocols, schema

SHORT_SCAN = 600.0  # s: the FCD of less says little about a person


def resolve_fit(config, name):
    """Resolve one entry of ``fits``; the more specific wins: fit, then protocol, then config, then default.

    Parameters
    ----------
    config : dict
        As returned by :func:`validate`.
    name : str
        Key in ``config["fits"]``.

    Returns
    -------
    dict
        ``model``, ``fic`` (see :func:`inhibition_control`), ``delays``, ``free``, ``fixed``, ``objective``,
        ``objectives`` (a list of such, empty for one; ``objective`` is then their sum), ``constraints``,
        ``rate_limits``, ``terms``, ``optimizer``, ``replicates``, ``retest``,
        ``start`` (see :func:`workflow_scripts.configuration.start.resolved`), ``noise_seed``, ``simulation``
        (with the name of the ``hemodynamics``, None without them, and the ``precision`` that is used),
        ``analysis`` (pairs, window, window_step, edges, censored_share, band_pass) and ``maps`` (path,
        normalise; None if no parameter follows a map); JSON-like and complete.

    Raises
    ------
    InputError
        If the model cannot be read, or it needs haemodynamics and none are named.
    """
    stated = with_protocol(config["fits"][name])
    fit = {key: value for key, value in deepcopy(stated).items() if key != "simulation"}
    complete(fit, schema("config")["$defs"]["fit"])
    del fit["protocol"]
    fit["free"] = regional.completed(fit["free"])
    model = read_model(fit)
    fit["fic"] = inhibition_control(stated.get("fic", "plasticity" if model.inhibition else None))
    fit["optimizer"]["name"] = canonical(fit["optimizer"]["name"])
    if fit["optimizer"]["name"] == "grid":
        fit["optimizer"]["restarts"] = 1  # another one would visit the same points
    stated_search = (stated.get("start") or {}).get("optimizer", {})
    fit["start"] = start.resolved(fit["start"], stated_search, fit["optimizer"])
    fit["simulation"] = {
        **config["simulation"],
        **stated.get("simulation", {}),
        "hemodynamics": None if model.observation == "direct" else hemodynamics_name(config["bold"]),
    }
    if fit["simulation"]["precision"] == "auto":
        fit["simulation"]["precision"] = model.precision
    fit["analysis"] = {**config["analysis"], "band_pass": config["bold"]["band_pass"]}
    fit["maps"] = config["maps"] if regional.follows_maps(fit) else None
    if fit["rate_limits"] is None:
        fit["rate_limits"] = stated_band(stated) or default_rate_limits(fit["fic"])
    fit["objectives"] = [{group: 1.0} if isinstance(group, str) else group for group in fit["objectives"]]
    if fit["objectives"]:
        fit["objective"] = objectives.summed(fit["objectives"])
    elif "objective" not in stated:
        fit["objective"] = default_objective(fit)
    return fit


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
    taken.pop("about", None)
    if stated.get("objectives"):
        taken.pop("objective", None)
    if stated_band(stated) is not None:
        taken.pop("rate_limits", None)
    merged = {**taken, **{key: value for key, value in stated.items() if key != "protocol"}}
    for section in ("optimizer", "simulation", "retest"):
        if isinstance(taken.get(section), dict) and isinstance(stated.get(section), dict):
            merged[section] = {**taken[section], **stated[section]}
    return merged


def inhibition_control(fic):
    """Write feedback inhibition control in its long form.

    Parameters
    ----------
    fic : None, str or dict
        As in a configuration.

    Returns
    -------
    dict or None
        ``method``, and for plasticity ``target`` (Hz) and ``warm_up`` (s). Limits of rates are kept under
        ``rate_limits`` of the fit.
    """
    if fic is None:
        return None
    given = {"method": fic} if isinstance(fic, str) else dict(fic)
    given.pop("rate_band", None)
    if given["method"] != "plasticity":
        return given
    return {"target": Inhibition.target, "warm_up": Inhibition.warm_up, **given}


def default_rate_limits(fic):
    """Give the limits of firing rates in Hz that belong to a feedback inhibition control, if there is one.

    Those of plasticity move with its target.
    """
    if fic is None or fic["method"] not in DEFAULT_BANDS:
        return None
    shift = fic.get("target", Inhibition.target) - Inhibition.target
    return [max(limit + shift, 0.0) for limit in DEFAULT_BANDS[fic["method"]]]


def stated_band(stated):
    """Give the limits of firing rates that stand with the feedback inhibition control."""
    fic = stated.get("fic")
    return fic.get("rate_band") if isinstance(fic, dict) else None


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
    short = simulation.get("duration", math.inf) - simulation["burn_in"] < SHORT_SCAN
    objective = {"fc_corr": 1.0} if short else {"fc_corr": 1.0, "fcd_ks": 1.0}
    return objective if fit["fic"] is None else {**objective, "rate_penalty": 0.5}


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


def hemodynamics_name(bold):
    """Name the haemodynamic constants that belong to the scans.

    Parameters
    ----------
    bold : dict
        Section ``bold`` of a completed configuration.

    Returns
    -------
    str

    Raises
    ------
    InputError
        With neither a field strength nor a name, or with an unknown one.
    """
    from cubnm_core.equations.hemodynamics import HEMODYNAMICS, hemodynamics_for_field_strength

    name, field_strength = bold["hemodynamics"], bold["field_strength"]
    if name is None and field_strength is None:
        raise InputError(
            "bold: neither field_strength nor hemodynamics is given; no default is safe: state the field "
            f"strength of the scanner in tesla (1.5 or 3.0), or hemodynamics ({' or '.join(HEMODYNAMICS)})"
        )
    if name is None:
        return hemodynamics_for_field_strength(field_strength)
    if name not in HEMODYNAMICS:
        raise InputError(f"bold.hemodynamics: unknown name {name!r}{suggestion(name, HEMODYNAMICS)}")
    return name


def read_model(fit):
    """Read the model of a fit, stated or not."""
    from cubnm_core.equations.files import load_model

    return load_model(fit.get("model", schema("config")["$defs"]["fit"]["properties"]["model"]["default"]))
