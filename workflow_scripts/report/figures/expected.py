"""Expected costs over two parameters: colours, hatching where there are none, a line around the optimum."""

from dataclasses import dataclass

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from workflow_scripts.report.figures.brain import SEQUENTIAL
from workflow_scripts.report.figures.landscape import BEST, PEOPLE_COLUMNS, panel_limits, panels_of
from workflow_scripts.report.figures.style import GREY, LIGHT, PALETTE, legend_below

COLUMNS = 3
HATCH = "////"
NEAR = {"colors": [PALETTE[1]], "linewidths": 1.4, "linestyles": "solid"}

__all__ = ["PEOPLE_COLUMNS", "Plane", "planes"]


@dataclass(frozen=True, eq=False)
class Plane:
    """A cost over two parameters.

    Attributes
    ----------
    title : str
    parameters : (str, str)
        Horizontal and vertical.
    x, y : (n,), (m,) arrays
        Centres of the cells, rising.
    values : (n, m) array
        NaN where linear response does not hold.
    best : (people, 2) array
        Simulated optima.
    level : float
        Cost of the line; NaN for none.
    """

    title: str
    parameters: tuple
    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    best: np.ndarray
    level: float


def planes(panels, label, columns=COLUMNS):
    """A panel per plane; all share their colours.

    Parameters
    ----------
    panels : list of Plane
    label : str
        Of the colour bar, with the unit.
    columns : int
    """
    figure, axes = panels_of(len(panels), columns, 2.5 if columns == PEOPLE_COLUMNS else 3.0)
    low, high = panel_limits(np.concatenate([panel.values.ravel() for panel in panels]))
    for axis, panel in zip(axes, panels, strict=False):
        x, y = edges(panel.x), edges(panel.y)
        mesh = axis.pcolormesh(x, y, panel.values.T, cmap=SEQUENTIAL, vmin=low, vmax=high, rasterized=True)
        axis.set_facecolor(LIGHT)
        _hatch(axis, x, y, ~np.isfinite(panel.values))
        if min(panel.values.shape) > 1 and _is_crossed(panel):
            axis.contour(panel.x, panel.y, panel.values.T, levels=[panel.level], **NEAR)
        axis.scatter(*panel.best.T, **BEST)
        axis.set(xlim=x[[0, -1]], ylim=y[[0, -1]])
        axis.set(title=panel.title, xlabel=panel.parameters[0], ylabel=panel.parameters[1])
    figure.colorbar(mesh, ax=axes[: len(panels)], shrink=0.7, label=label)
    legend_below(figure, _handles(panels))
    return figure


def edges(centres):
    """Borders of cells, half way between their centres."""
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _is_crossed(panel):
    """Whether the line is anywhere in the plane."""
    known = panel.values[np.isfinite(panel.values)]
    return bool(len(known)) and known.min() < panel.level < known.max()


def _hatch(axis, x, y, flagged):
    """Hatch the flagged cells, each run of a column as one."""
    found = []
    for i, column in enumerate(flagged):
        borders = np.flatnonzero(np.diff(np.concatenate([[False], column, [False]])))
        for start, end in borders.reshape(-1, 2):
            found.append(Rectangle((x[i], y[start]), x[i + 1] - x[i], y[end] - y[start]))
    if found:
        looks = {"facecolor": "none", "edgecolor": GREY, "linewidth": 0.0, "hatch": HATCH}
        axis.add_collection(PatchCollection(found, **looks))


def _handles(panels):
    handles = [
        Line2D(
            [], [], linestyle="", label="simulated optimum", marker=BEST["marker"], markersize=5.5,
            markerfacecolor=BEST["facecolor"], markeredgecolor=BEST["edgecolor"],
        )
    ]  # fmt: skip
    if any(_is_crossed(panel) for panel in panels):
        handles.append(Line2D([], [], color=PALETTE[1], linewidth=1.4, label="one SD over noise seeds"))
    if any(not np.isfinite(panel.values).all() for panel in panels):
        looks = {"facecolor": LIGHT, "edgecolor": GREY, "linewidth": 0.0, "hatch": HATCH}
        handles.append(Patch(label="flagged", **looks))
    return handles
