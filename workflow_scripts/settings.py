"""The configuration: checked as a whole before the first job, completed, resolved to settings per fit."""

import math
from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml

from cubnm_core.catalogue import canonical
from cubnm_core.errors import InputError
from cubnm_core.inhibition import Inhibition
from cubnm_core.rates import DEFAULT_BANDS
from workflow_scripts import costs, fit_checks, regional, start
from workflow_scripts.problems import raise_problems, schema_problems, suggestion

CONFIG_FOLDER = Path(__file__).resolve().parents[1] / "config"
SYNTHETIC_FOLDER = "results/synthetic"
SHORT_SCAN = 600.0  # s: the FCD of less says little about a person
SYNTHETIC_TABLES = {
    name: f"{SYNTHETIC_FOLDER}/{name}.tsv" for name in ("manifest", "participants", "nodes", "truth")
}


@cache
def read_yaml(path):
    """Read a YAML file once per process.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        Shared between callers: copy before changing it.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, loader)


def schema(name):
    """Give one of the schemas of ``config/schema``: config, manifest, participants or nodes."""
    return read_yaml(CONFIG_FOLDER / "schema" / f"{name}.schema.yaml")


def validate(config):
    """Check a configuration and complete it with defaults; fits stay as written (see :func:`fit_settings`).

    Parameters
    ----------
    config : dict
        As read from a config file.

    Returns
    -------
    dict
        A completed copy.

    Raises
    ------
    InputError
        Listing every problem, each with its place, what was found and what is allowed.
    """
    raise_problems("The configuration cannot be used", schema_problems(config, schema("config")))
    completed = deepcopy(dict(config))
    fits = completed.pop("fits")
    _complete(completed, schema("config"))
    completed["fits"] = fits
    problems = _table_problems(completed) + _bold_problems(completed) + _idle_simulation(completed)
    for name in fits:
        problems += _fit_problems(completed, name)
    raise_problems("The configuration cannot be used", problems)
    return completed


def fit_settings(config, name):
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
        ``start`` (see :func:`workflow_scripts.start.resolved`), ``noise_seed``, ``simulation`` (with the name
        of the ``hemodynamics``, None without them, and the ``precision`` that is used), ``analysis`` (pairs,
        window, window_step, edges, censored_share, band_pass) and ``maps`` (path, normalise; None if no
        parameter follows a map); JSON-like and complete.

    Raises
    ------
    InputError
        If the model cannot be read, or it needs haemodynamics and none are named.
    """
    stated = with_protocol(config["fits"][name])
    fit = {key: value for key, value in deepcopy(stated).items() if key != "simulation"}
    _complete(fit, schema("config")["$defs"]["fit"])
    del fit["protocol"]
    fit["free"] = regional.completed(fit["free"])
    model = _model(fit)
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
        fit["rate_limits"] = _stated_band(stated) or default_rate_limits(fit["fic"])
    fit["objectives"] = [{group: 1.0} if isinstance(group, str) else group for group in fit["objectives"]]
    if fit["objectives"]:
        fit["objective"] = costs.summed(fit["objectives"])
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
    if _stated_band(stated) is not None:
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


def _stated_band(stated):
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
        As returned by :func:`fit_settings`.

    Returns
    -------
    list of str
    """
    return [fit["model"]] if fit["model"].endswith(".toml") else []


def protocols():
    """Give the named protocols: settings that a fit may take over, and under ``about`` what each is."""
    return read_yaml(CONFIG_FOLDER / "protocols.yaml")


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
    from cubnm_core.hemodynamics import HEMODYNAMICS, hemodynamics_for_field_strength

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


def preparation(config):
    """Part the settings of the preparation by the rule that they matter to, so that no other one runs again.

    Parameters
    ----------
    config : dict
        As returned by :func:`validate`.

    Returns
    -------
    reading, scaling, scans : dict
        Of rule prepare_connectome; of rules common_nodes and scale_connectome; of rule prepare_bold.
    """
    connectome, policy, bold = config["connectome"], config["node_policy"], config["bold"]
    reading = {**{key: connectome[key] for key in ("source", "session", "asymmetric")}, **policy}
    scaling = {
        key: connectome[key] for key in ("source", "mask", "scaling", "group_factor", "threshold", "lengths")
    }
    names = ("initial_volumes", "detrend", "zscore", "fd_threshold", "shortest_scan")
    scans = {**{key: bold[key] for key in names}, "largest_missing": policy["largest_missing"]}
    return reading, scaling, scans


def needs_fcd(config):
    """Say whether every fit weighs the distance of the FCD, so that people without one are of no use."""
    objectives = [fit_settings(config, name)["objective"] for name in config["fits"]]
    return all(objective.get("fcd_ks") or objective.get("fcd_ks_binned") for objective in objectives)


def _complete(value, rules):
    """Fill missing keys of a mapping with the defaults of its schema, at every level.

    Keys come in the order of the schema: Snakemake compares text, and an entry that moves is to run nothing.
    """
    rules = _resolved(rules)
    for key, entry in rules.get("properties", {}).items():
        entry = _resolved(entry)
        if key in value:
            value[key] = value.pop(key)
        elif "default" in entry:
            value[key] = deepcopy(entry["default"])
        if isinstance(value.get(key), dict):
            _complete(value[key], entry)
    others = rules.get("additionalProperties")
    for entry in value.values() if isinstance(others, dict) else ():
        if isinstance(entry, dict):
            _complete(entry, others)


def _resolved(rules):
    """Follow a reference into the definitions of the config schema; what stands beside it wins."""
    if "$ref" not in rules:
        return rules
    definition = schema("config")["$defs"][rules["$ref"].rsplit("/", 1)[-1]]
    return {**definition, **{key: value for key, value in rules.items() if key != "$ref"}}


def _table_problems(config):
    """Find contradictions between a made cohort and the tables named in the configuration."""
    if config["synthetic"] is None:
        return []
    return [
        f"{name}: {config[name]!r}, but a synthetic cohort has its table in {path!r}; write that"
        for name, path in SYNTHETIC_TABLES.items()
        if config[name] != path
    ]


def _bold_problems(config):
    """Find what is wrong with the settings of the scans and of their analysis."""
    problems = []
    if config["bold"]["hemodynamics"] is not None or _needs_hemodynamics(config):
        try:
            hemodynamics_name(config["bold"])
        except InputError as error:
            problems.append(str(error))
    band = config["bold"]["band_pass"]
    if band is not None and band[0] >= band[1]:
        problems.append(f"bold.band_pass: {band} is not [lower, upper] in Hz")
    return problems


def _idle_simulation(config):
    """Find settings of all simulations that the protocols override."""
    protocol = {name: protocols().get(fit.get("protocol"), {}) for name, fit in config["fits"].items()}
    return fit_checks.idle_simulation(config, protocol, schema("config")["$defs"]["simulation"]["properties"])


def _model(fit):
    """Read the model of a fit, stated or not."""
    from cubnm_core.equations import load_model

    return load_model(fit.get("model", schema("config")["$defs"]["fit"]["properties"]["model"]["default"]))


def _needs_hemodynamics(config):
    """Say whether BOLD comes from a haemodynamic model anywhere; models that cannot be read do not count."""
    if config["synthetic"] is not None:
        return True
    for fit in config["fits"].values():
        try:
            model = _model(fit)
        except InputError:
            continue
        if model.observation != "direct":
            return True
    return False


def _fit_problems(config, name):
    """Find what is wrong with one fit, after its protocol and the defaults are filled in."""
    place, stated = f"fits.{name}", config["fits"][name]
    try:
        _model(stated)
    except InputError as error:
        return [f"{place}.model: {error}"]
    if _stated_band(stated) is not None and stated.get("rate_limits") is not None:
        return [f"{place}: fic.rate_band and rate_limits are two places for one thing; give one of them"]
    if stated.get("objectives") and stated.get("objective"):
        return [f"{place}: objective and objectives are two ways to state the cost; give one of them"]
    protocol = stated.get("protocol")
    if protocol is not None and protocol not in protocols():
        return [f"{place}.protocol: unknown name {protocol!r}{suggestion(protocol, protocols())}"]
    try:
        fit = fit_settings(config, name)
    except InputError:
        return []  # the haemodynamics, already listed
    return fit_checks.problems(fit, config, place) or start.problems(fit, config, name)
