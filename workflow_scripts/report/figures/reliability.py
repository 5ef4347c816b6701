"""Intraclass correlations: a forest of parameters, read-outs by quartiles, distributions of edges."""

import numpy as np

from workflow_scripts.report.figures import style
from workflow_scripts.report.figures.style import GREY, INK, PALETTE

ROW = 0.27  # inches of one line of the forest
LOWEST = -0.6  # intervals that reach further down are cut off there
BINS = np.linspace(-1.0, 1.0, 41)
COLOURS = {"empirical": GREY, "simulated": PALETTE[0]}


def agreement(parameters, states, edges):
    """Forest of parameters and read-outs on the left, edges of the FC on the right.

    Parameters
    ----------
    parameters : pandas.DataFrame
        variable, icc, low and high.
    states : list of dict
        variable, lower, median and upper: quartiles over nodes.
    edges : dict of str to (P,) array
        ICC(2,1) of every edge by source.
    """
    lines = len(parameters) + len(states)
    figure = style.new_figure(style.WIDTH, max(3.2, ROW * lines + 1.2))
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _forest(left, parameters, states)
    _distributions(right, edges)
    return figure


def _forest(axis, parameters, states):
    total = len(parameters) + len(states)
    places = np.arange(total)[::-1]
    for y, row in zip(places, parameters.to_dict("records"), strict=False):
        axis.plot([max(row["low"], LOWEST), row["high"]], [y, y], color=INK, linewidth=1.4, zorder=2)
        axis.scatter(row["icc"], y, s=34, color=PALETTE[0], zorder=3)
    for y, row in zip(places[len(parameters) :], states, strict=True):
        axis.plot([row["lower"], row["upper"]], [y, y], color=PALETTE[2], linewidth=5, alpha=0.5, zorder=2)
        axis.scatter(row["median"], y, s=26, color=PALETTE[2], marker="D", zorder=3)
    names = [*parameters["variable"], *(f"{row['variable']} (regions)" for row in states)]
    axis.set_yticks(places, names)
    axis.axvline(0.0, color=GREY, linewidth=0.9, zorder=1)
    axis.set(xlim=(LOWEST, 1.02), ylim=(-0.7, total - 0.3), xlabel="ICC(2,1)", title="Parameters and regions")
    axis.grid(axis="x")


def _distributions(axis, edges):
    for source, icc in edges.items():
        icc = icc[np.isfinite(icc)]
        share = np.histogram(icc.clip(-1.0, 1.0), BINS)[0] / len(icc)
        axis.stairs(share, BINS, color=COLOURS[source], linewidth=1.5, label=source)
        axis.axvline(np.median(icc), color=COLOURS[source], linewidth=1, linestyle=(0, (3, 2)))
    axis.set(xlim=(-1.0, 1.0), xlabel="ICC(2,1)", ylabel="proportion of edges", title="FC edges")
    axis.grid(axis="x")
    if edges:
        axis.legend(loc="upper left")
