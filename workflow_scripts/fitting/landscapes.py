"""Every candidate that a search has simulated, with its cost and terms: the landscape of the cost.

One archive per batch. ``coordinates`` and ``terms`` name the columns; of every unit there are ``restart``,
``points`` (n, coordinates), ``cost``, ``values`` (n, terms; NaN for a term that the unit does not have) and
``failed``.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cubnm_core.measures.objective import has_failed
from workflow_scripts.files import job
from workflow_scripts.files.arrays import ArrayFile

PARTS = ("restart", "points", "cost", "values", "failed")


@dataclass(frozen=True, eq=False)
class Landscape:
    """Candidates of one unit over all its restarts.

    Attributes
    ----------
    coordinates : list of str
        Free coordinates of the search.
    terms : list of str
    restart : (n,) array of int
    points : (n, coordinates) array
        In the units of the parameters.
    cost : (n,) array
    values : (n, terms) array
        NaN in terms that the unit does not have.
    failed : (n,) array of bool
        Whose simulation failed, so that its cost is only a stand-in.
    """

    coordinates: list
    terms: list
    restart: np.ndarray
    points: np.ndarray
    cost: np.ndarray
    values: np.ndarray
    failed: np.ndarray


def write(path, space, people):
    """Write the candidates of a batch.

    Parameters
    ----------
    path : path
    space : cubnm_core.fitting.search_space.SearchSpace
    people : dict of str to list of (int, FitResult)
        By unit: the number of every restart that ended, and what came of it.
    """
    results = [result for found in people.values() for _, result in found]
    # Whose scans have no FCD lacks its terms.
    terms = list(dict.fromkeys(term for result in results for term in result.history[0].terms))
    arrays = {"coordinates": np.array(list(space.names), dtype=str), "terms": np.array(terms, dtype=str)}
    for unit, found in people.items():
        generations = [(restart, one) for restart, result in found for one in result.history]
        if generations:
            arrays |= {f"{unit}/{name}": array for name, array in _arrays(space, terms, generations).items()}
    job.write_npz(path, **arrays)


def _arrays(space, terms, generations):
    """Put the generations of a unit together; four bytes a number are enough for pictures."""
    points = space.coordinates(np.concatenate([one.points for _, one in generations]))
    sizes = [len(one.cost) for _, one in generations]
    values = [
        np.stack([one.terms.get(term, np.full(size, np.nan)) for term in terms], axis=1)
        for (_, one), size in zip(generations, sizes, strict=True)
    ]
    return {
        "restart": np.repeat([restart for restart, _ in generations], sizes).astype(np.int16),
        "points": np.stack([points[name] for name in space.names], axis=1).astype(np.float32),
        "cost": np.concatenate([one.cost for _, one in generations]).astype(np.float32),
        "values": np.concatenate(values).astype(np.float32),
        "failed": np.asarray(has_failed(np.concatenate([one.status for _, one in generations]))),
    }


def by_fit(paths):
    """Say which file holds which unit of which fit.

    Parameters
    ----------
    paths : iterable of path
        In a folder of the name of the fit.

    Returns
    -------
    dict of str to dict of str to Path
        Fit, then unit.
    """
    found = {}
    for path in map(Path, paths):
        with ArrayFile(path) as file:
            file.check_names()
            units = {name.split("/")[0] for name in file.names if "/" in name}
        found.setdefault(path.parent.name, {}).update(dict.fromkeys(units, path))
    return found


def read(path, unit):
    """Read the candidates of a unit.

    Returns
    -------
    Landscape
    """
    with ArrayFile(path) as file:
        named = {name: file.read(name).tolist() for name in ("coordinates", "terms")}
        return Landscape(**named, **{name: file.read(f"{unit}/{name}") for name in PARTS})
