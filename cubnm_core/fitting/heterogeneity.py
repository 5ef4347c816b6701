"""Parameters that differ between nodes: scaled by maps of the brain, or shared within groups of nodes.

A rule turns the values of a few coordinates into one value per node, for a whole batch at once.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError

# Words of a label that say on which side a node lies.
SIDES = {"L": ("l", "lh", "left"), "R": ("r", "rh", "right")}


@dataclass(frozen=True, eq=False)
class MapScaled:
    """A parameter scaled by maps: ``P_i = P * (1 + sum_k c_k * M_ki)``.

    The coordinates are the baseline ``P``, named as the parameter, and one coefficient ``c_k`` for every map,
    named ``<parameter>.<map>``. The form is that of Demirtas et al. 2019 (doi:10.1016/j.neuron.2019.01.017).

    Parameters
    ----------
    maps : dict of str to (N,) array
    limits : (low, high), optional
        See :func:`rescale_into`; without them the values may go anywhere.

    Raises
    ------
    InputError
        If there is no map, maps differ in length, hold values that are not finite, or limits do not rise.
    """

    maps: dict
    limits: tuple | None = None

    def __post_init__(self):
        if not self.maps:
            raise InputError("A parameter is scaled by maps, but none is given.")
        arrays = {name: np.asarray(values, dtype=np.float64) for name, values in self.maps.items()}
        sizes = {values.shape for values in arrays.values()}
        if len(sizes) > 1 or any(len(size) != 1 for size in sizes):
            raise InputError(f"Maps are vectors with one value for every node; found shapes {sorted(sizes)}.")
        for name, values in arrays.items():
            bad = np.flatnonzero(~np.isfinite(values))
            if bad.size:
                raise InputError(
                    f"Map {name} has {bad.size} values that are not finite, the first at node {bad[0]}; fill "
                    "them or leave these nodes out."
                )
        if self.limits is not None and not -np.inf < self.limits[0] < self.limits[1] < np.inf:
            raise InputError(f"Limits are two finite numbers, the lower one first; found {self.limits!r}.")
        object.__setattr__(self, "maps", arrays)

    @property
    def n_nodes(self):
        """Number of nodes of the maps."""
        return len(next(iter(self.maps.values())))

    def coordinates(self, parameter):
        """Names of the coordinates that give the values of a parameter: the baseline first."""
        return [parameter, *(coefficient_name(parameter, name) for name in self.maps)]

    def values(self, parameter, coordinates):
        """Values of all nodes.

        Parameters
        ----------
        parameter : str
        coordinates : dict of str to (B,) array
            At least those of :meth:`coordinates`.

        Returns
        -------
        (B, N) float64 array
        """
        factor = 1.0
        for name, brain_map in self.maps.items():
            factor = factor + coordinates[coefficient_name(parameter, name)][:, None] * brain_map
        values = coordinates[parameter][:, None] * factor
        return values if self.limits is None else rescale_into(values, *self.limits)


@dataclass(frozen=True, eq=False)
class Grouped:
    """A parameter with one value for every group of nodes; the coordinates are ``<parameter>[<group>]``.

    Parameters
    ----------
    groups : (N,) sequence of str
        Name of the group of every node.
    """

    groups: tuple

    def __post_init__(self):
        object.__setattr__(self, "groups", tuple(map(str, self.groups)))

    @property
    def n_nodes(self):
        """Number of nodes."""
        return len(self.groups)

    @property
    def names(self):
        """Names of the groups, in the order in which they first occur."""
        return list(dict.fromkeys(self.groups))

    def coordinates(self, parameter):
        """Names of the coordinates that give the values of a parameter."""
        return [group_name(parameter, group) for group in self.names]

    def values(self, parameter, coordinates):
        """Values of all nodes, (B, N) float64; arguments as of :meth:`MapScaled.values`."""
        columns = np.stack([coordinates[name] for name in self.coordinates(parameter)], axis=1)
        place = {group: index for index, group in enumerate(self.names)}
        return columns[:, [place[group] for group in self.groups]]


def coefficient_name(parameter, brain_map):
    """Name the coordinate of the coefficient of a map."""
    return f"{parameter}.{brain_map}"


def group_name(parameter, group):
    """Name the coordinate of the value of a group."""
    return f"{parameter}[{group}]"


def rescale_into(values, low, high):
    """Bring the nodes of every simulation between two limits, by the rule of cuBNM 0.1.0.

    Where any node lies outside, the whole pattern is stretched or squeezed linearly, so that its ends come to
    lie at their nearest allowed values and the order of the nodes is kept. A pattern that lies outside as a
    whole becomes constant.

    Parameters
    ----------
    values : (B, N) array
    low, high : float

    Returns
    -------
    (B, N) float64 array
    """
    values = np.asarray(values, dtype=np.float64)
    least, most = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    bottom, top = np.clip(least, low, high), np.clip(most, low, high)
    span = np.where(most > least, most - least, 1.0)
    share = (values - least) / span
    rescaled = (1 - share) * bottom + share * top  # exact at both limits
    return np.where((least < low) | (most > high), rescaled, values)


def automatic_range(brain_map):
    """Range of the coefficient of a map, by the rule of cuBNM 0.1.0.

    For a map with both signs the widest range, to one decimal, in which ``1 + c * M_i`` is negative for no
    node; for any other map 0 to 1.

    Parameters
    ----------
    brain_map : (N,) array

    Returns
    -------
    (low, high) : tuple of float

    Raises
    ------
    InputError
        If nothing is left of the range, because the values of the map are large.
    """
    least, most = float(np.min(brain_map)), float(np.max(brain_map))
    if not least < 0 < most:
        return 0.0, 1.0
    low, high = math.ceil(-10 / most) / 10 + 0.0, math.floor(-10 / least) / 10
    if not low < high:
        raise InputError(
            f"A map with values from {least:g} to {most:g} leaves no automatic range for its coefficient; "
            "normalise the map, or state the range."
        )
    return low, high


def hemisphere_pairs(labels, hemispheres):
    """Group every node with its partner in the other hemisphere, by label.

    Partners have labels that differ only in the word for the side: L, LH or Left against R, RH or Right,
    between blanks, hyphens, dots and underscores, in any case. Midline nodes are groups of their own.

    Parameters
    ----------
    labels : (N,) sequence of str
    hemispheres : (N,) sequence of "L", "R" or "B"

    Returns
    -------
    list of str
        The group of every node: its label without the word for the side.

    Raises
    ------
    InputError
        Naming every node whose label has no word for its side, or that does not have exactly one partner.
    """
    groups = [
        label if side == "B" else _without_side(label, side)
        for label, side in zip(labels, hemispheres, strict=True)
    ]
    silent = [label for label, group in zip(labels, groups, strict=True) if group is None]
    if silent:
        raise InputError(
            f"The hemispheres cannot be paired: {_listed(silent)} "
            "do not name their side (L, LH, Left, R, RH, Right) as a word of the label."
        )
    # A node and its midline namesake are not a pair, nor are two nodes of one side.
    sides = Counter((group, side) for group, side in zip(groups, hemispheres, strict=True))
    alone = [
        label
        for label, group, side in zip(labels, groups, hemispheres, strict=True)
        if side != "B" and not (sides[group, "L"] == sides[group, "R"] == 1 and not sides[group, "B"])
    ]
    if alone:
        raise InputError(
            f"The hemispheres cannot be paired: {_listed(alone)} have no partner of the same name in the "
            "other hemisphere, or more than one. Not all parcellations are symmetric; Schaefer's is not."
        )
    return groups


def _without_side(label, side):
    """Take the first word for a side out of a label; None if there is none."""
    words = re.split(r"([\s_.\-]+)", label)
    for place in range(0, len(words), 2):
        if words[place].lower() in SIDES[side]:
            rest = (
                words[:place] + words[place + 2 :] if place + 2 < len(words) else words[: max(place - 1, 0)]
            )
            return "".join(rest)
    return None


def _listed(labels, shown=8):
    more = f" and {len(labels) - shown} more" if len(labels) > shown else ""
    return ", ".join(labels[:shown]) + more
