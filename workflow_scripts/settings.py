"""The configuration: checked as a whole before the first job, completed, resolved to settings per fit."""

from copy import deepcopy
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from cubnm_core.errors import InputError

CONFIG_FOLDER = Path(__file__).resolve().parents[1] / "config"
SYNTHETIC_FOLDER = "results/synthetic"
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
    problems = _table_problems(completed) + _bold_problems(completed)
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
        ``model``, ``fic``, ``free``, ``fixed``, ``objective``, ``optimizer``, ``noise_seed``, ``simulation``
        (with the name of the ``hemodynamics``) and ``analysis`` (pairs, window, window_step, band_pass);
        JSON-like and complete.
    """
    stated = config["fits"][name]
    protocol = protocols().get(stated.get("protocol"), {})
    fit = {key: value for key, value in deepcopy(stated).items() if key not in ("protocol", "simulation")}
    fit["optimizer"] = {**protocol.get("optimizer", {}), **stated.get("optimizer", {})}
    _complete(fit, schema("config")["$defs"]["fit"])
    del fit["protocol"]
    if fit["optimizer"]["name"] == "grid":
        fit["optimizer"]["restarts"] = 1  # another one would visit the same points
    fit["simulation"] = {
        **config["simulation"],
        **protocol.get("simulation", {}),
        **stated.get("simulation", {}),
        "hemodynamics": hemodynamics_name(config["bold"]),
    }
    fit["analysis"] = {**config["analysis"], "band_pass": config["bold"]["band_pass"]}
    return fit


def protocols():
    """Give the named protocols: ``optimizer`` and ``simulation`` settings that a fit may take over."""
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
            "bold: neither field_strength nor hemodynamics is given, and there is no safe default; state "
            "the field "
            f"strength of the scanner in tesla (1.5 or 3.0), or hemodynamics ({' or '.join(HEMODYNAMICS)})"
        )
    if name is None:
        return hemodynamics_for_field_strength(field_strength)
    if name not in HEMODYNAMICS:
        raise InputError(f"bold.hemodynamics: unknown name {name!r}{suggestion(name, HEMODYNAMICS)}")
    return name


def needs_fcd(config):
    """Say whether any fit weighs the distance of the FCD."""
    return any(fit_settings(config, name)["objective"].get("fcd_ks", 0) > 0 for name in config["fits"])


def raise_problems(title, problems):
    """Raise one InputError that lists all problems; do nothing without problems."""
    if problems:
        raise InputError("\n".join([f"{title}:", *(f"  - {problem}" for problem in problems)]))


def suggestion(word, allowed):
    """Give the nearest allowed word and all of them, as the end of a message."""
    allowed = [str(item) for item in allowed]
    lowered = {item.lower(): item for item in allowed}
    nearest = get_close_matches(str(word).lower(), lowered, n=1)
    meant = f"; did you mean {lowered[nearest[0]]!r}?" if nearest else ";"
    return f"{meant} Allowed: {', '.join(sorted(allowed))}"


def schema_problems(instance, rules):
    """List what contradicts a schema, in words.

    Parameters
    ----------
    instance : object
    rules : dict
        JSON schema.

    Returns
    -------
    list of str
    """
    errors = sorted(
        Draft202012Validator(rules).iter_errors(instance), key=lambda error: list(map(str, error.path))
    )
    return [text for error in errors for text in _describe(error)]


def _describe(error):
    """Turn one error of jsonschema into messages that say where, what and what instead."""
    place = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {})
        unknown = [key for key in error.instance if key not in allowed]
        return [f"{place}: unknown key {key!r}{suggestion(key, allowed)}" for key in unknown]
    if error.validator == "required":
        return [
            f"{place}: key {key!r} is missing" for key in error.validator_value if key not in error.instance
        ]
    if error.validator == "enum":
        allowed = ["null" if item is None else item for item in error.validator_value]
        return [f"{place}: {error.instance!r} is not allowed{suggestion(error.instance, allowed)}"]
    if error.validator == "type" and isinstance(error.instance, str) and _is_number(error.instance):
        return [
            f"{place}: {error.instance!r} is text to YAML, not a number; write it like "
            f"{float(error.instance):.1e}"
        ]
    return [f"{place}: {error.message}"]


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _complete(value, rules):
    """Fill missing keys of a mapping with the defaults of its schema, at every level."""
    rules = _resolved(rules)
    for key, entry in rules.get("properties", {}).items():
        entry = _resolved(entry)
        if key not in value and "default" in entry:
            value[key] = deepcopy(entry["default"])
        if isinstance(value.get(key), dict):
            _complete(value[key], entry)


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
    try:
        hemodynamics_name(config["bold"])
    except InputError as error:
        problems.append(str(error))
    band = config["bold"]["band_pass"]
    if band is not None and band[0] >= band[1]:
        problems.append(f"bold.band_pass: {band} is not [lower, upper] in Hz")
    return problems


def _fit_problems(config, name):
    """Find what is wrong with one fit, after its protocol and the defaults are filled in."""
    place = f"fits.{name}"
    protocol = config["fits"][name].get("protocol")
    if protocol is not None and protocol not in protocols():
        return [f"{place}.protocol: unknown name {protocol!r}{suggestion(protocol, protocols())}"]
    try:
        fit = fit_settings(config, name)
    except InputError:
        return []  # the haemodynamics, already listed
    problems = _parameter_problems(fit, place) + _simulation_problems(fit, config, place)
    first, count = config["evaluation"]["first_seed"], config["evaluation"]["seeds"]
    if first <= fit["noise_seed"] < first + count:
        problems.append(
            f"{place}.noise_seed: {fit['noise_seed']} is also a seed of the evaluation ({first} to "
            f"{first + count - 1}), which must be fresh; choose another noise_seed or evaluation.first_seed"
        )
    return problems


def _parameter_problems(fit, place):
    """Check the parameters of a fit against its model, its bounds and its grid."""
    from cubnm_core.equations import load_model

    problems = [
        f"{place}.free.{name}: {bounds} is not [lower, upper]"
        for name, bounds in fit["free"].items()
        if bounds[0] >= bounds[1]
    ]
    problems += [f"{place}: {name!r} is both free and fixed" for name in fit["free"] if name in fit["fixed"]]
    try:
        model = load_model(fit["model"])
    except InputError as error:
        return [*problems, f"{place}.model: {error}"]
    known = model.parameters
    problems += [
        f"{place}: {name!r} is no parameter of {fit['model']}{suggestion(name, known)}"
        for name in [*fit["free"], *fit["fixed"]]
        if name not in known
    ]
    problems += [
        f"{place}: {name} has no default value; list it under free or fixed"
        for name, parameter in known.items()
        if parameter.default is None and name not in fit["free"] and name not in fit["fixed"]
    ]
    problems += _optimizer_problems(fit, place)
    if fit["fic"] is not None and model.inhibition.get("weight") in (*fit["free"], *fit["fixed"]):
        problems.append(
            f"{place}: {model.inhibition['weight']} is set by fic; take it out, or write fic: null"
        )
    if fit["fic"] is None and fit["objective"].get("rate_penalty"):
        problems.append(
            f"{place}.objective.rate_penalty: has no meaning without fic; leave it out or set it to 0"
        )
    return problems


def _optimizer_problems(fit, place):
    """Check that the search suits the number of free parameters."""
    names, optimizer = list(fit["free"]), fit["optimizer"]
    if optimizer["name"] == "cmaes" and len(names) < 2:
        return [
            f"{place}.optimizer: CMA-ES needs at least two free parameters, found {', '.join(names)}; search "
            f"one with a grid, optimizer: {{name: grid, shape: {{{names[0]}: 20}}}}"
        ]
    if optimizer["name"] == "grid" and set(optimizer["shape"]) != set(names):
        return [
            f"{place}.optimizer.shape: a grid needs the number of points of every free parameter "
            f"({', '.join(names)}), found {', '.join(optimizer['shape']) or 'none'}"
        ]
    return []


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
    return []
