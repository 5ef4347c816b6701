"""Where the searches of people start: at the best fit of the group, or at another fit of theirs."""

import numpy as np

from cubnm_core.fitting.search_space import Prior
from workflow_scripts.configuration.start import FROM_GROUP, GROUP
from workflow_scripts.files.job import MISSING
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
    units : list of dict
        ``unit``, ``participant_id`` and ``session_id``.

    Returns
    -------
    begin : dict of str to dict
        Unit to ``initial`` and ``prior`` of :class:`cubnm_core.fitting.run.FitProblem`; empty without a
        start.
    missing : dict of str to str
        Unit to the reason why it cannot start.
    """
    start = settings["start"]
    if start is None:
        return {}, {}
    together = start["from"] == FROM_GROUP
    best = best_fits.best_coordinates(files.start, fit if together else start["from"])
    begin, missing = {}, {}
    for ids in units:
        owner = GROUP if together else ids
        values = best.get((owner["participant_id"], owner["session_id"] or MISSING))
        if values is None:
            who = "the group" if together else "this person"
            missing[ids["unit"]] = f"{who} has no fit to start from (reason in {files.start})"
            continue
        if lacking := [name for name in space.names if name not in values]:
            missing[ids["unit"]] = f"{files.start} has no value of {lacking[0]} to start from"
            continue
        centre = np.clip(space.to_unit(values)[0], 0.0, 1.0)
        prior = Prior(centre, start["shrinkage"]) if start["shrinkage"] else None
        begin[ids["unit"]] = {"initial": centre, "prior": prior}
    return begin, missing
