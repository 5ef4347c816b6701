"""From the settings of a fit to the space it searches: node table and table of maps make values per node."""

from pathlib import Path

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting.heterogeneity import (
    Grouped,
    MapScaled,
    automatic_range,
    coefficient_name,
    group_name,
    hemisphere_pairs,
)
from cubnm_core.fitting.search_space import SearchSpace
from workflow_scripts.atlases import alignment
from workflow_scripts.configuration import optimizer, parameters
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.readers import delimited


def search_space(settings, nodes):
    """Build the space of a fit.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit.
    nodes : list of dict
        Rows of the node table.

    Returns
    -------
    cubnm_core.fitting.search_space.SearchSpace

    Raises
    ------
    InputError
        If a map, a column or a partner in the other hemisphere is missing, or values cannot be used.
    """
    table = None
    if settings["maps"] is not None:
        table = MapTable(**settings["maps"], labels=[node["label"] for node in nodes])
    free, fixed, rules = {}, {}, {}
    for name, entry in settings["free"].items():
        if not isinstance(entry, dict):
            free[name] = tuple(entry)
        elif "groups" in entry:
            rules[name] = Grouped(groups(entry["groups"], nodes))
            free |= {group_name(name, group): tuple(entry["bounds"]) for group in rules[name].names}
        else:
            rules[name] = MapScaled({key: table.map(key) for key in entry["maps"]}, parameters.limits(entry))
            _add_coordinates(name, entry, rules[name].maps, free, fixed)
    for name, entry in settings["fixed"].items():
        fixed[name] = table.values(entry["column"]) if isinstance(entry, dict) else entry
    space = SearchSpace(free, fixed, rules)
    _check_search(settings, space)
    return space


def _add_coordinates(name, entry, maps, free, fixed):
    """Add the baseline and the coefficients of a parameter that follows maps to what is free or fixed."""
    if "bounds" in entry:
        free[name] = tuple(entry["bounds"])
    else:
        fixed[name] = entry["value"]
    for key, chosen in entry["maps"].items():
        coordinate = coefficient_name(name, key)
        if chosen == parameters.AUTO:
            free[coordinate] = automatic_range(maps[key])
        elif isinstance(chosen, (int, float)):
            fixed[coordinate] = chosen
        else:
            free[coordinate] = tuple(chosen)


def _check_search(settings, space):
    """Check grid and initial point of coordinates that follow from tables; others went by the settings."""
    stated, search = parameters.stated_bounds(settings), settings["optimizer"]
    if stated is not None and None not in stated.values():
        return
    problems = optimizer.check_shape(search, space.names)
    problems += optimizer.check_initial(search["initial"], space.free)
    if problems:
        raise InputError(problems[0])


def groups(name, nodes):
    """Give the group of every node.

    Parameters
    ----------
    name : str
        ``node``, ``hemisphere_symmetric``, or a column of the node table.
    nodes : list of dict

    Returns
    -------
    list of str
    """
    labels = [node["label"] for node in nodes]
    if name == "node":
        return labels
    if name == "hemisphere_symmetric":
        try:
            return hemisphere_pairs(labels, [node["hemisphere"] for node in nodes])
        except InputError as error:
            raise InputError(
                f"{error} Group nodes by a column of your own in the node table instead."
            ) from None
    filled = [column for column in nodes[0] if any(node[column] is not None for node in nodes)]
    if name not in filled:
        raise InputError(
            f"the node table has no column {name!r} to group nodes by"
            f"{suggestion(name, ['node', 'hemisphere_symmetric', *filled])}"
        )
    empty = [node["label"] for node in nodes if node[name] is None]
    if empty:
        raise InputError(f"column {name!r} of the node table is empty for {', '.join(empty)}; fill it")
    return [str(node[name]) for node in nodes]


class MapTable:
    """The table of maps, in the order of the node table.

    Parameters
    ----------
    path : str or Path
        TSV with a first column ``label`` and one column of numbers per map. Rows of other nodes are not used.
    normalise : {"minmax", "zscore", "none"}
    labels : list of str
        Of the node table.

    Raises
    ------
    InputError
        If the table cannot be read, or a node has no row.
    """

    def __init__(self, path, normalise, labels):
        self.path, self.normalise, self.labels = path, normalise, labels
        if not Path(path).is_file():
            raise InputError(f"table of maps {path}: there is no such file; correct maps.path")
        matrix = delimited.read_table(path)
        if matrix.row_labels is None or matrix.column_labels is None:
            raise InputError(
                f"{path}: a table of maps has a first column with the labels of nodes, and a header that "
                "names every map"
            )
        row = {"path": str(path), "assume_order": None}
        places, _ = alignment.order(matrix.row_labels, len(matrix.values), labels, row)
        self._columns = dict(zip(matrix.column_labels, matrix.values[places].T, strict=True))

    @property
    def columns(self):
        """All maps as they stand, dict of str to (N,) float64; NaN where a node has no value."""
        return dict(self._columns)

    def values(self, name):
        """Give a column as it stands, (N,) float64.

        Raises
        ------
        InputError
            If there is no such column, or a node has no value in it.
        """
        if name not in self._columns:
            raise InputError(f"{self.path}: no column {name!r}{suggestion(name, self._columns)}")
        values = self._columns[name]
        empty = [label for label, value in zip(self.labels, values, strict=True) if not np.isfinite(value)]
        if empty:
            raise InputError(
                f"{self.path}, column {name}: no value for {', '.join(empty)}; fill it, or take these nodes "
                "out of the node table"
            )
        return values

    def map(self, name):
        """Give a column normalised over the nodes, (N,) float64.

        Raises
        ------
        InputError
            Also if all its values are equal, so that it cannot be normalised.
        """
        values = self.values(name)
        if self.normalise == "none":
            return values
        if np.ptp(values) == 0:
            raise InputError(f"{self.path}, column {name}: all values are {values[0]:g}; that is no map")
        if self.normalise == "zscore":
            return (values - values.mean()) / values.std()
        return (values - values.min()) / np.ptp(values)
