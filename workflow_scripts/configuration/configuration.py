"""The configuration: checked as a whole before the first job, completed, resolved to settings per fit."""

from copy import deepcopy

from cubnm_core.errors import InputError
from workflow_scripts.configuration import fit_checks, start
from workflow_scripts.configuration.fit_settings import (
    hemodynamics_name,
    read_model,
    resolve_fit,
    stated_band,
)
from workflow_scripts.configuration.messages import raise_problems, schema_problems, suggestion
from workflow_scripts.configuration.schemas import complete, protocols, schema

SYNTHETIC_FOLDER = "results/synthetic"
SYNTHETIC_TABLES = {
    name: f"{SYNTHETIC_FOLDER}/{name}.tsv" for name in ("manifest", "participants", "nodes", "truth")
}


def validate(config):
    """Check a configuration and complete it with defaults; fits stay as written (see `fit_settings`).

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
    complete(completed, schema("config"))
    completed["fits"] = fits
    problems = _table_problems(completed) + _bold_problems(completed) + _idle_simulation(completed)
    for name in fits:
        problems += _fit_problems(completed, name)
    raise_problems("The configuration cannot be used", problems)
    return completed


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
    costs = [resolve_fit(config, name)["objective"] for name in config["fits"]]
    return all(cost.get("fcd_ks") or cost.get("fcd_ks_binned") for cost in costs)


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


def _needs_hemodynamics(config):
    """Say whether BOLD comes from a haemodynamic model anywhere; models that cannot be read do not count."""
    if config["synthetic"] is not None:
        return True
    for fit in config["fits"].values():
        try:
            model = read_model(fit)
        except InputError:
            continue
        if model.observation != "direct":
            return True
    return False


def _fit_problems(config, name):
    """Find what is wrong with one fit, after its protocol and the defaults are filled in."""
    place, stated = f"fits.{name}", config["fits"][name]
    try:
        read_model(stated)
    except InputError as error:
        return [f"{place}.model: {error}"]
    if stated_band(stated) is not None and stated.get("rate_limits") is not None:
        return [f"{place}: fic.rate_band and rate_limits are two places for one thing; give one of them"]
    if stated.get("objectives") and stated.get("objective"):
        return [f"{place}: objective and objectives are two ways to state the cost; give one of them"]
    protocol = stated.get("protocol")
    if protocol is not None and protocol not in protocols():
        return [f"{place}.protocol: unknown name {protocol!r}{suggestion(protocol, protocols())}"]
    try:
        fit = resolve_fit(config, name)
    except InputError:
        return []  # the haemodynamics, already listed
    return fit_checks.problems(fit, config, place) or start.problems(fit, config, name)
