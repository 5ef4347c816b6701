"""Where the searches of people start: at the best fit of the group, or at another fit of theirs."""

import numpy as np

from cubnm_core.fitting.search_space import Prior
from workflow_scripts.cohort.units import Unit
from workflow_scripts.configuration.start import FROM_GROUP, GROUP
from workflow_scripts.fitting import best_fits


def read_starting_points(files, fit, settings, space, units):
    """Give what the start of a fit adds to the problem of every person.

    Parameters
    ----------
    files : object
        Input of rule fit, with the table of the fit that people start from under ``start``.
    fit : str
        Name of the fit setting.
    settings : dict
        Resolved settings of the fit.
    space : cubnm_core.fitting.search_space.SearchSpace
    units : list of workflow_scripts.cohort.units.Unit

    Returns
    -------
    begin : dict of str to dict
        By name of the unit, ``initial`` and ``prior`` of :class:`cubnm_core.fitting.run.FitProblem`; empty
        without a start.
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
    return begin, missing
