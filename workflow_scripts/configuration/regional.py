"""How the configuration says that parameters differ between nodes: maps, groups and columns of values."""

from cubnm_core.fitting.heterogeneity import coefficient_name

AUTO = "auto"
SAME = "same"


def completed(free):
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


def follows_maps(fit):
    """Say whether a fit needs the table of maps."""
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
        Of a fit, as of :func:`completed`.
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


def limits(entry):
    """Give the limits (low, high) that no node may leave, or None."""
    chosen = entry["limits"]
    if chosen == SAME:
        chosen = entry.get("bounds")
    return None if chosen is None else tuple(chosen)


def bounds(entry):
    """Give the bounds of a free parameter however they are written; None if its baseline is held."""
    return entry.get("bounds") if isinstance(entry, dict) else entry


def problems(fit, known, place):
    """List what is wrong with the bounds of a fit and with its parameters that differ between nodes.

    Parameters
    ----------
    fit : dict
        Resolved settings, with ``free`` as of :func:`completed`.
    known : dict of str to cubnm_core.equations.model.Parameter
        The parameters of the model.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    found = [
        f"{place}.free.{name}: {bounds(entry)} is not [lower, upper]"
        for name, entry in fit["free"].items()
        if _falls(bounds(entry))
    ]
    for name, entry in fit["free"].items():
        if isinstance(entry, dict):
            found += [f"{place}.free.{name}: {text}" for text in _entry_problems(name, entry)]
    for section in ("free", "fixed"):
        found += [
            f"{place}.{section}.{name}: one value holds for the whole brain, it cannot differ between nodes"
            for name, entry in fit[section].items()
            if isinstance(entry, dict) and name in known and not known[name].regional
        ]
    if follows_maps(fit) and fit["maps"] is None:
        found.append(f"{place}: parameters follow maps, but maps: names no table; give its path")
    return found


def _entry_problems(name, entry):
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
