"""Where the searches of people start: at the best fit of the group, or at another fit of theirs."""

import numpy as np

from cubnm_core.fitting.expectations import FLAG_MARKS
from cubnm_core.fitting.search_space import Prior
from workflow_scripts.cohort.units import FitKey, Unit
from workflow_scripts.configuration.start import FROM_GROUP, GROUP, flagged_restarts
from workflow_scripts.fitting import best_fits, landscapes

#: Shares of the range of a parameter that starting points lie apart, at least in one.
APART = 0.1


def read_starting_points(files, fit, settings, space, units):
    """Give what the start of a fit adds to the problem of every person.

    Parameters
    ----------
    files : object
        Input of rule fit, with the table of the fit that people start from under ``start``, and its
        landscape under ``candidates`` where restarts begin at flagged points.
    fit : str
        Name of the fit setting.
    settings : dict
        Resolved settings of the fit.
    space : cubnm_core.fitting.search_space.SearchSpace
    units : list of workflow_scripts.cohort.units.Unit

    Returns
    -------
    begin : dict of str to dict
        By name of the unit, ``initial`` and ``prior`` of :class:`cubnm_core.fitting.run.FitProblem`, and by
        FitKey what a single restart has in their place; empty without a start.
    missing : dict of str to str
        By name of the unit, the reason why it cannot start.
    """
    start = settings["start"]
    if start is None:
        return {}, {}
    together = start["from"] == FROM_GROUP
    best = best_fits.best_coordinates(files.start, fit if together else start["from"])
    begin, missing = {}, {}
    for unit in units:
        values = best.get(Unit.from_record(GROUP).key if together else unit.key)
        if values is None:
            who = "the group" if together else "this person"
            missing[unit.name] = f"{who} has no fit to start from (reason in {files.start})"
            continue
        if lacking := [name for name in space.names if name not in values]:
            missing[unit.name] = f"{files.start} has no value of {lacking[0]} to start from"
            continue
        centre = np.clip(space.to_unit(values)[0], 0.0, 1.0)
        prior = Prior(centre, start["shrinkage"]) if start["shrinkage"] else None
        begin[unit.name] = {"initial": centre, "prior": prior}
        begin |= _flagged_starts(files, settings, space, unit, values)
    return begin, missing


def _flagged_starts(files, settings, space, unit, values):
    """Give the restarts of a unit that begin at flagged points their initial points, by FitKey."""
    count = flagged_restarts(settings)
    if not count or not getattr(files, "candidates", None):  # null models begin where their people ended
        return {}
    first = settings["optimizer"]["restarts"] - count
    points = best_flagged(landscapes.read(files.candidates, unit.name), space, values, count)
    return {FitKey(unit.name, first + place): {"initial": point} for place, point in enumerate(points)}


def best_flagged(landscape, space, best, count):
    """Choose among the candidates that linear response flagged and simulations scored.

    Parameters
    ----------
    landscape : workflow_scripts.fitting.landscapes.Landscape
        Of a fit by linear response.
    space : cubnm_core.fitting.search_space.SearchSpace
        Of the fit that starts there.
    best : dict of str to float
        Best parameters of the fit by linear response.
    count : int

    Returns
    -------
    list of (d,) arrays
        In the unit cube, best first, at most so many; each at least :data:`APART` from the others and from
        the best parameters.
    """
    names = [name for name in FLAG_MARKS if name in landscape.terms]
    marks = landscape.values[:, [landscape.terms.index(name) for name in names]]
    usable = (marks > 0).any(axis=1) & ~landscape.failed
    kept = [np.clip(space.to_unit(best)[0], 0.0, 1.0)]
    for row in np.argsort(landscape.cost, kind="stable"):
        if not usable[row] or len(kept) > count:
            continue
        moved = dict(zip(landscape.coordinates, landscape.points[row].tolist(), strict=True))
        point = np.clip(space.to_unit({**best, **moved})[0], 0.0, 1.0)
        if all(np.abs(point - other).max() >= APART for other in kept):
            kept.append(point)
    return kept[1:]
