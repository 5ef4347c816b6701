"""Two levels: where the search of a person starts, and what draws it towards the fit of the group."""

import numpy as np

from cubnm_core.catalogue import canonical
from cubnm_core.search_space import Prior
from workflow_scripts import fit_checks

#: The group as a unit beside those of people.
GROUP = {"unit": "group", "participant_id": "group", "session_id": ""}


def resolved(start, stated_search, optimizer):
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
    """
    if start is None:
        return None
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


def problems(fit, config, place):
    """List what is wrong with the two levels of a fit that is right otherwise.

    Parameters
    ----------
    fit : dict
        As returned by :func:`workflow_scripts.settings.fit_settings`.
    config : dict
        The completed configuration.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    start = fit["start"]
    if start is None:
        return []
    if fit["optimizer"]["name"] == "grid" and not start["shrinkage"]:
        return [
            f"{place}.start: a grid visits the same points wherever it starts; choose another optimizer, or "
            "leave start out"
        ]
    found = fit_checks.problems(group_settings(fit), config, f"{place}.start")
    return list(dict.fromkeys(found))


def distance_problems(config, rows, nodes):
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


def of_people(files, fit, settings, space):
    """Give what a two-level fit adds to the problem of every person.

    Parameters
    ----------
    files : object
        Input of rule fit, with the table of the fit of the group under ``start``.
    fit : str
        Name of the fit setting.
    settings : dict
        Resolved settings of the fit.
    space : cubnm_core.search_space.SearchSpace

    Returns
    -------
    keywords : dict
        ``initial`` and ``prior`` of :class:`cubnm_core.fitting.FitProblem`; empty without a start.
    missing : str or None
        Why nobody can start, where the group has no fit.
    """
    if settings["start"] is None:
        return {}, None
    from workflow_scripts import fitted, job

    best = fitted.best_coordinates(files.start, fit).get((GROUP["participant_id"], job.MISSING))
    if best is None:
        return {}, (
            f"the group has no fit to start from (reason in {files.start}); correct that, or leave start out"
        )
    centre = np.clip(space.to_unit(best)[0], 0.0, 1.0)
    weight = settings["start"]["shrinkage"]
    return {"initial": centre, "prior": Prior(centre, weight) if weight else None}, None
