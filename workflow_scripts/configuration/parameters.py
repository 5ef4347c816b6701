"""Entries ``model``, ``free`` and ``fixed`` of a fit: one value for the brain, maps, groups or columns."""

import math

from cubnm_core.fitting.heterogeneity import coefficient_name
from workflow_scripts.configuration import hemodynamics
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.schemas import fit_schema

AUTO = "auto"
SAME = "same"


def read_model(fit):
    """Read the model of a fit, stated or not."""
    from cubnm_core.equations.files import load_model

    return load_model(fit.get("model", fit_schema()["properties"]["model"]["default"]))


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


def complete_free(free):
    """Write the entries of ``free`` out: a list of maps becomes a mapping from their names to ``auto``.

    Parameters
    ----------
    free : dict
        Of a fit; ``[low, high]``, or a mapping with ``bounds`` or ``value`` and ``maps`` or ``groups``.

    Returns
    -------
    dict
    """
    return {
        name: {**entry, "maps": dict.fromkeys(entry["maps"], AUTO)}
        if isinstance(entry, dict) and isinstance(entry.get("maps"), list)
        else entry
        for name, entry in free.items()
    }


def needs_maps(fit):
    """Say whether a fit needs the table of maps, for parameters or for haemodynamic constants."""
    return follows_maps(fit) or bool(hemodynamics.columns(fit["simulation"]["hemodynamics"]))


def follows_maps(fit):
    """Say whether parameters of a fit follow the table of maps."""
    free = any("maps" in entry for entry in fit["free"].values() if isinstance(entry, dict))
    return free or any(isinstance(entry, dict) for entry in fit["fixed"].values())


def free_coordinates(fit):
    """Name the free coordinates of a fit, in their order.

    Returns
    -------
    list of str, or None
        None if there are groups, which only the node table knows.
    """
    names = []
    for name, entry in fit["free"].items():
        if isinstance(entry, dict) and "groups" in entry:
            return None
        if not isinstance(entry, dict) or "bounds" in entry:
            names.append(name)
        if isinstance(entry, dict):
            ranges = entry.get("maps", {})
            names += [coefficient_name(name, key) for key, value in ranges.items() if not _is_number(value)]
    return names


def coordinate_bounds(free, known):
    """Give the bounds of free coordinates by the names that a table of fits has for them.

    Parameters
    ----------
    free : dict
        Of a fit, as of :func:`complete_free`.
    known : iterable of str
        Names of coordinates, free or not.

    Returns
    -------
    dict of str to list
        Free ones only; None where the range of a coefficient followed from its map.
    """
    found = {}
    for coordinate in known:
        name, _, rest = coordinate.replace("[", ".", 1).partition(".")
        entry = free.get(name)
        chosen = entry["maps"].get(rest) if rest and "maps" in (entry or ()) else bounds(entry or {})
        if chosen == AUTO:
            found[coordinate] = None
        elif isinstance(chosen, (list, tuple)):
            found[coordinate] = chosen
    return found


def stated_bounds(fit):
    """Give the bounds of the free coordinates of a fit, as far as they need no table.

    Returns
    -------
    dict of str to list, or None
        In the order of :func:`free_coordinates`, which is None if there are groups; None as the bounds of a
        coefficient whose range follows from its map.
    """
    names = free_coordinates(fit)
    return None if names is None else coordinate_bounds(fit["free"], names)


def limits(entry):
    """Give the limits (low, high) that no node may leave, or None."""
    chosen = entry["limits"]
    if chosen == SAME:
        chosen = entry.get("bounds")
    return None if chosen is None else tuple(chosen)


def bounds(entry):
    """Give the bounds of a free parameter however they are written; None if its baseline is held."""
    return entry.get("bounds") if isinstance(entry, dict) else entry


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


def check(fit, model, place):
    """List what is wrong with the free and fixed parameters of a fit.

    Parameters
    ----------
    fit : dict
        Resolved settings.
    model : cubnm_core.equations.model.Model
        As of :func:`simulated_model`.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    known = model.parameters
    found = [f"{place}: {name!r} is both free and fixed" for name in fit["free"] if name in fit["fixed"]]
    found += [
        f"{place}: {name!r} is no parameter of {fit['model']}{_remedy(name, known)}"
        for name in [*fit["free"], *fit["fixed"]]
        if name not in known
    ]
    found += [
        f"{place}: {name} has no default value; list it under free or fixed"
        for name, parameter in known.items()
        if parameter.default is None and name not in fit["free"] and name not in fit["fixed"]
    ]
    return found + _check_regional(fit, known, place)


def _remedy(name, known):
    """Say what to do about the name of a parameter that the model does not have."""
    if name == "v":
        return "; the velocity of conduction delays needs delays: true"
    return suggestion(name, known)


def _check_regional(fit, known, place):
    """List what is wrong with bounds, and with parameters that differ between nodes."""
    found = [
        f"{place}.free.{name}: {bounds(entry)} is not [lower, upper]"
        for name, entry in fit["free"].items()
        if _falls(bounds(entry))
    ]
    for name, entry in fit["free"].items():
        if isinstance(entry, dict):
            found += [f"{place}.free.{name}: {text}" for text in _check_entry(name, entry)]
    for section in ("free", "fixed"):
        found += [
            f"{place}.{section}.{name}: one value holds for the whole brain, it cannot differ between nodes"
            for name, entry in fit[section].items()
            if isinstance(entry, dict) and name in known and not known[name].regional
        ]
    if needs_maps(fit) and fit["maps"] is None:
        what = "parameters" if follows_maps(fit) else "haemodynamic constants"
        found.append(f"{place}: {what} follow maps, but maps: names no table; give its path")
    return found


def _check_entry(name, entry):
    """Find what contradicts itself in the entry of one parameter."""
    if ("maps" in entry) == ("groups" in entry):
        return [
            f"give maps or groups, one of the two; for one value of the whole brain write {name}: [low, high]"
        ]
    if "groups" in entry:
        return [] if "bounds" in entry and "value" not in entry else ["groups need bounds, and no value"]
    found = []
    if ("bounds" in entry) == ("value" in entry):
        found.append("give bounds or a value for the baseline, one of the two")
    if "value" in entry and entry["limits"] == SAME:
        found.append(
            "limits: same means the bounds of the baseline, which has none; give [low, high] or null"
        )
    if _falls(limits(entry)) and "bounds" in entry and entry["limits"] != SAME:
        found.append(f"limits: {entry['limits']} is not [lower, upper]")
    return found + [
        f"maps.{key}: {value} is not [lower, upper]" for key, value in entry["maps"].items() if _falls(value)
    ]


def _falls(pair):
    return isinstance(pair, (list, tuple)) and pair[0] >= pair[1]


def _is_number(value):
    return isinstance(value, (int, float))
