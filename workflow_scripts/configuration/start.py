"""Where the search of a person starts, from the group or from another fit, and what draws it there."""

from cubnm_core.fitting.catalogue import canonical
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.method import LINEAR, SIMULATE

FROM_GROUP = "group"
#: The group as a unit beside those of people.
GROUP = {"unit": "group", "participant_id": "group", "session_id": ""}


def resolve_start(start, stated_search, optimizer):
    """Complete the entry ``start`` of a fit.

    Parameters
    ----------
    start : dict or None
        With the defaults of the schema.
    stated_search : dict
        What the user wrote of the search of the group.
    optimizer : dict
        The search of the people, which that of the group follows where nothing else is stated.

    Returns
    -------
    dict or None
        ``connectome`` and ``optimizer`` are those of the group, None where people start from another fit.
    """
    if start is None:
        return None
    if not start["flagged"]:  # came later; what was computed before it existed is to stand
        start = {key: value for key, value in start.items() if key != "flagged"}
    if start["from"] != FROM_GROUP:
        return {**start, "connectome": None, "optimizer": None}
    search = {**optimizer, **stated_search}
    search["name"] = canonical(search["name"])
    if search["name"] == "grid":
        search["restarts"] = 1
    return {**start, "optimizer": search}


def group_settings(settings):
    """Give the settings of the fit of the group: those of a person, but for the search.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit that starts from the group.

    Returns
    -------
    dict
    """
    return {**settings, "optimizer": settings["start"]["optimizer"], "start": None}


def starts_from_group(settings):
    """Say whether a fit starts from the group."""
    return settings["start"] is not None and settings["start"]["from"] == FROM_GROUP


def fold_settings(settings):
    """Give the settings of the fit of a group of training people, whose parameters others are scored with.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit; those of its group where it starts from one. A fit that starts from
        another one does so here too: the group of the fold is fitted in the same steps as a person.

    Returns
    -------
    dict
    """
    return group_settings(settings) if starts_from_group(settings) else settings


def check(fit, fits, name):
    """List what is wrong with where a fit starts that is right otherwise.

    Parameters
    ----------
    fit : dict
        As returned by :func:`workflow_scripts.configuration.fit_settings.resolve_fit`.
    fits : dict
        All entries of ``fits``, as they were written.
    name : str
        Of the fit.

    Returns
    -------
    list of str
    """
    start, place = fit["start"], f"fits.{name}.start"
    if start is None:
        return []
    if fit["optimizer"]["name"] == "grid" and not start["shrinkage"]:
        return [
            f"{place}: a grid visits the same points wherever it starts; choose another optimizer, or "
            "leave start out"
        ]
    if found := _check_flagged(fit, fits, place):
        return found
    if start["from"] != FROM_GROUP:
        return _check_origin(fit, fits, name, place)
    if FROM_GROUP in fits:
        return [f"{place}.from: group is the average of all people here; give the fit 'group' another name"]
    return []


def flagged_restarts(fit):
    """Say how many restarts of a fit begin at points that linear response flagged in the fit before it."""
    return 0 if fit["start"] is None else fit["start"].get("flagged", 0)


def _check_flagged(fit, fits, place):
    """List what is wrong with restarts from flagged points."""
    count, origin = flagged_restarts(fit), fit["start"]["from"]
    if not count:
        return []
    if count >= fit["optimizer"]["restarts"]:
        return [
            f"{place}.flagged: {count} restarts begin at flagged points, and the search has "
            f"{fit['optimizer']['restarts']}; give it more (optimizer.restarts), so that one begins at the "
            "best parameters"
        ]
    before = fits.get(origin, {})
    if origin in fits and before.get("method") == LINEAR and before.get("flagged", SIMULATE) == SIMULATE:
        return []
    return [
        f"{place}.flagged: the fit {origin!r} has no simulated flagged points; start from a fit with "
        "method: linear and flagged: simulate, or leave it out"
    ]


def _check_origin(fit, fits, name, place):
    """List what is wrong with a start from another fit."""
    origin = fit["start"]["from"]
    if origin not in fits:
        return [f"{place}.from: there is no fit {origin!r}{suggestion(origin, [FROM_GROUP, *fits])}"]
    way = [name]
    while origin in fits and origin not in way:
        way.append(origin)
        origin = (fits[origin].get("start") or {}).get("from")
    if origin in way:
        return [f"{place}.from: fits start from each other in a circle ({' <- '.join([*way, origin])})"]
    found = [
        f"{place}.{key}: belongs to the group, and this fit starts from another; leave it out"
        for key in ("connectome", "optimizer")
        if key in fits[name]["start"]
    ]
    other = fits[fit["start"]["from"]]
    known = {*other["free"], *other.get("fixed", {})}
    return found + [
        f"{place}.from: the fit {fit['start']['from']!r} has no value of {parameter}, which is free here"
        for parameter in fit["free"]
        if parameter not in known
    ]


def check_distances(config, rows, nodes):
    """List the fits that want a consensus, which needs to know how far apart nodes are.

    Parameters
    ----------
    config : dict
        The completed configuration.
    rows : list of dict
        Of the manifest.
    nodes : list of dict
        Of the node table.

    Returns
    -------
    list of str
    """
    placed = all(node.get(axis) is not None for node in nodes for axis in "xyz")
    if placed or any(row["kind"] == "length" for row in rows):
        return []
    return [
        f"fits.{name}.start.connectome: a consensus needs the lengths of connections; add rows of kind "
        f"length to {config['manifest']}, or coordinates x, y and z (mm) to {config['nodes']}"
        for name, fit in config["fits"].items()
        if (fit.get("start") or {}).get("connectome") == "consensus"
    ]
