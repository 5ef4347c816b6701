"""Planes of expected costs over pairs of parameters: which fits have them, and how many candidates."""

import math

from workflow_scripts.configuration import method
from workflow_scripts.configuration.objectives import weights

MAX_PARAMETERS = 3  # those the configuration names first, as in the landscapes of the search
#: Candidates a person times nodes up to which `auto` computes: three pairs of 16 x 16 on 100 nodes.
CHEAP = 3 * 16**2 * 100
ALWAYS, AUTO, NEVER = "always", "auto", "never"


def expected_part(settings):
    """Weights of the terms of a cost that linear response gives."""
    stated = weights(settings)
    return {name: stated[name] for name in method.EXPECTED_TERMS if stated.get(name)}


def left_out(settings):
    """Name the terms of a cost that linear response does not give."""
    given = expected_part(settings)
    return [name for name, weight in weights(settings).items() if weight and name not in given]


def linear_settings(settings):
    """Give the settings of a fit as linear response can have them: without what only simulations give."""
    kept = {name: value for name, value in settings.items() if name != "averaged_runs"}
    return kept | {
        "method": method.LINEAR,
        "flagged": "worst",
        "objective": expected_part(settings),
        "objectives": [],
        "constraints": {},
        "terms": {},
        "retest": None,
        "replicates": 1,
        "start": None,
    }


def why_not(settings, stated, size):
    """Say why a fit has no landscapes by linear response; None if it has.

    Parameters
    ----------
    settings : dict
        Resolved settings of the fit.
    stated : dict
        Section ``evaluation.landscapes``.
    size : int
        Number of nodes.

    Returns
    -------
    str or None
    """
    from cubnm_core import load_model

    if not any(name.startswith("fc_") for name in expected_part(settings)):
        return f"the cost has no term of FC that linear response gives ({', '.join(method.EXPECTED_TERMS)})"
    place = "fits.fit"
    if found := method.check(linear_settings(settings), load_model(settings["model"]), place):
        return found[0].removeprefix(f"{place}.method: ").removeprefix(f"{place}: ").partition(";")[0]
    if len(settings["free"]) < 2:
        return "there is one free parameter, and so no pair"
    if stated["compute"] == AUTO and settings["fic"] and settings["fic"]["method"] != "analytical":
        return (
            "feedback inhibition control simulates every candidate here; state "
            "evaluation.landscapes.compute: always"
        )
    candidates = count_candidates(settings, stated["points"])
    if stated["compute"] == AUTO and (candidates - 1) * size > CHEAP:
        return (
            f"{candidates - 1} candidates a person on {size} nodes take long; state "
            "evaluation.landscapes.compute: always"
        )
    return None


def count_candidates(settings, points):
    """Candidates of one person: the best one, and so many points along each side of every plane."""
    names = min(len(settings["free"]), MAX_PARAMETERS)
    return 1 + math.comb(names, 2) * points**2
