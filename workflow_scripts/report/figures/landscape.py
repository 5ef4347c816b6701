"""Cost landscapes: curves over one parameter, planes over two."""

from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D

from workflow_scripts.report.figures.brain import SEQUENTIAL
from workflow_scripts.report.figures.style import GREY, INK, LIGHT, PALETTE, WIDTH, new_figure

COLUMNS = 3
PEOPLE_COLUMNS = 4
TOP = (
    95  # percentile of the costs from which all have the brightest colour: failed corners would hide the rest
)
BEST = {"marker": "o", "s": 20, "facecolor": "white", "edgecolor": INK, "linewidth": 0.9, "zorder": 4}
TRUE = {"marker": "X", "s": 34, "color": PALETTE[1], "edgecolor": "white", "linewidth": 0.6, "zorder": 5}


@dataclass(frozen=True, eq=False)
class Curves:
    """A quantity over one parameter.

    Attributes
    ----------
    title, parameter : str
    x : (n,) array
    people : (people, n) array
        NaN where a person has no candidate.
    best, truth : (people,) array
        Values of the parameter; NaN where unknown.
    """

    title: str
    parameter: str
    x: np.ndarray
    people: np.ndarray
    best: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True, eq=False)
class Plane:
    """A quantity over two parameters.

    Attributes
    ----------
    title : str
    parameters : (str, str)
        Horizontal and vertical.
    edges : (array, array)
        Of the cells, horizontal and vertical.
    values : (horizontal, vertical) array
        NaN where there is no candidate.
    best, truth : (people, 2) array
        Points to mark.
    """

    title: str
    parameters: tuple
    edges: tuple
    values: np.ndarray
    best: np.ndarray
    truth: np.ndarray


def curves(panels, shows_people=True):
    """A panel per quantity: mean and standard deviation over people, and individual curves.

    Parameters
    ----------
    panels : list of Curves
    shows_people : bool
        Whether single people are drawn.
    """
    figure, axes = panels_of(len(panels), COLUMNS, 2.7)
    for axis, panel in zip(axes, panels, strict=False):
        mean, sd = _over_people(panel.people)
        axis.fill_between(panel.x, mean - sd, mean + sd, color=PALETTE[0], alpha=0.18, linewidth=0)
        if shows_people:
            axis.plot(panel.x, panel.people.T, color=GREY, linewidth=0.6, alpha=0.6, zorder=2)
            _marks(axis, panel)
        axis.plot(panel.x, mean, color=PALETTE[0], linewidth=2, zorder=3)
        axis.set(title=panel.title, xlabel=panel.parameter)
        axis.grid()
    if shows_people:
        figure.legend(handles=_handles(panels), loc="outside lower center", ncols=4)
    return figure


def _over_people(values):
    """Mean and standard deviation over people where any has a value, else NaN."""
    counts = np.isfinite(values).sum(axis=0)
    mean = np.where(counts, np.nansum(values, axis=0) / np.maximum(counts, 1), np.nan)
    square = np.nansum((values - mean) ** 2, axis=0) / np.maximum(counts - 1, 1)
    return mean, np.where(counts > 1, np.sqrt(square), 0.0)


def _marks(axis, panel):
    """Everybody's best point on the own curve, and the truth below."""
    for person, best, truth in zip(panel.people, panel.best, panel.truth, strict=True):
        known = np.isfinite(person)
        if np.isfinite(best) and known.any():
            axis.scatter(best, np.interp(best, panel.x[known], person[known]), **BEST)
        if np.isfinite(truth):
            axis.scatter(truth, 0.03, transform=axis.get_xaxis_transform(), **TRUE)


def planes(panels, label, columns=COLUMNS):
    """A panel per plane; those with the same quantity share their colours.

    Parameters
    ----------
    panels : list of Plane
    label : str or None
        Of the common colour bar; None gives every panel its own.
    columns : int
    """
    figure, axes = panels_of(len(panels), columns, 2.5 if columns == PEOPLE_COLUMNS else 3.0)
    shared = (
        None if label is None else panel_limits(np.concatenate([panel.values.ravel() for panel in panels]))
    )
    for axis, panel in zip(axes, panels, strict=False):
        low, high = panel_limits(panel.values) if shared is None else shared
        mesh = axis.pcolormesh(
            *panel.edges, panel.values.T, cmap=SEQUENTIAL, vmin=low, vmax=high, rasterized=True
        )
        axis.set_facecolor(LIGHT)
        axis.scatter(*panel.best.T, **BEST)
        axis.scatter(*panel.truth.T, **TRUE)
        axis.set(title=panel.title, xlabel=panel.parameters[0], ylabel=panel.parameters[1])
        if shared is None:
            figure.colorbar(mesh, ax=axis, shrink=0.85)
    if shared is not None:
        figure.colorbar(mesh, ax=axes[: len(panels)], shrink=0.7, label=label)
    figure.legend(handles=_handles(panels), loc="outside lower center", ncols=4)
    return figure


def panel_limits(values):
    finite = values[np.isfinite(values)]
    return (finite.min(), np.percentile(finite, TOP)) if len(finite) else (0.0, 1.0)


def panels_of(count, columns, height):
    columns = min(count, columns)
    rows = -(-count // columns)
    width = WIDTH if columns > 1 else 0.55 * WIDTH
    figure = new_figure(width, height * rows + 0.35)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat)


def _handles(panels):
    """Legend of the marks that occur."""
    looks = (("each person's best", "best", BEST), ("true values", "truth", TRUE))
    return [
        Line2D(
            [], [], linestyle="", label=name, marker=look["marker"], markersize=5.5,
            markerfacecolor=look.get("facecolor", look.get("color")), markeredgecolor=look["edgecolor"],
        )
        for name, what, look in looks
        if any(np.isfinite(getattr(panel, what)).any() for panel in panels)
    ]  # fmt: skip
