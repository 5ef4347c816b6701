"""Protocols of two fits: the first one is written beside the fit that starts from it."""

from copy import deepcopy

from workflow_scripts.configuration.fit_settings import with_protocol
from workflow_scripts.configuration.method import EXPECTED_TERMS
from workflow_scripts.configuration.objectives import add_weights
from workflow_scripts.configuration.schemas import protocols

# What the first fit shares with the one that starts from it.
SHARED = (
    "model", "fic", "delays", "free", "fixed", "rate_limits", "noise_seed", "simulation", "hemodynamics",
    "search_steps", "strongest_weight",
)  # fmt: skip


def check(config):
    """List the fits whose protocol makes another one of a name that is taken.

    Parameters
    ----------
    config : dict
        As written.

    Returns
    -------
    list of str
    """
    return [
        f"fits.{name}.protocol: {fit['protocol']} makes a fit {first!r}, and there is one of this name; "
        f"rename it, or write start: {{from: {first}}} here to begin from it"
        for name, fit, first in _wanted(config)
        if first in config["fits"]
    ]


def steps(fits):
    """Name the fits that are only a step towards another one, because its protocol made them.

    Parameters
    ----------
    fits : dict of str to dict
        As written, those of protocols included.

    Returns
    -------
    dict of str to str
        Name of the step to that of the fit that starts from it.
    """
    found = {}
    for name, stated in fits.items():
        first = protocols().get(stated.get("protocol"), {}).get("first")
        origin = (stated.get("start") or {}).get("from")
        if first is not None and origin == f"{name}-{first['name']}":
            found[origin] = name
    return found


def with_first_fits(config):
    """Write the first fits of protocols beside the fits that start from them.

    Parameters
    ----------
    config : dict
        As written, valid. A fit that states a ``start`` itself is left as it is.

    Returns
    -------
    dict
        A copy.
    """
    completed, fits = deepcopy(dict(config)), {}
    wanted = {name: first for name, _, first in _wanted(config)}
    for name, stated in completed["fits"].items():
        fits[name] = stated
        if name in wanted:
            entry = protocols()[stated["protocol"]]["first"]
            fits[wanted[name]] = _first_fit(stated, entry["settings"])
            fits[name] = {**stated, "start": {"from": wanted[name], "flagged": entry["flagged"]}}
    return {**completed, "fits": fits}


def _wanted(config):
    """Fits that a first one is made for: name, what is written, name of the first one."""
    found = []
    for name, stated in config["fits"].items():
        first = protocols().get(stated.get("protocol"), {}).get("first")
        if first is not None and "start" not in stated:
            found.append((name, stated, f"{name}-{first['name']}"))
    return found


def _first_fit(stated, settings):
    merged = with_protocol(stated)
    shared = {name: merged[name] for name in SHARED if name in merged}
    return deepcopy({**shared, **_cost(merged), **settings})


def _cost(merged):
    """The part of a cost that linear response gives; the default where nothing is stated."""
    groups = [{group: 1.0} if isinstance(group, str) else group for group in merged.get("objectives", [])]
    weights = add_weights(groups) if groups else merged.get("objective")
    limits = {name: limit for name, limit in merged.get("constraints", {}).items() if name in EXPECTED_TERMS}
    found = {"constraints": limits} if limits else {}
    if weights is None:
        return found
    given = {name: weight for name, weight in weights.items() if name in EXPECTED_TERMS and weight}
    return {"objective": given or {"fc_corr": 1.0}, **found}
