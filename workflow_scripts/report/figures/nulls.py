"""Own and null models of every person, and their differences over the cohort."""

import numpy as np

from workflow_scripts.report.figures import style
from workflow_scripts.report.figures.markup import link_people
from workflow_scripts.report.figures.style import GREY, INK, LIGHT, PALETTE

TITLES = {"fc_corr": "FC r", "fcd_ks": "FCD KS"}
ROW = 0.3  # inches of one line of the forest


def people(frame, comparisons, measures):
    """Scores of every unit: the own model and its null models, a panel for each comparison and measure.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of nulls.tsv of one fit and split, with the unit as ``key``.
    comparisons : list of (null, refitted, title)
    measures : list of str
    """
    columns = len(comparisons)
    width = min(style.WIDTH, 1.5 + 2.9 * columns)
    figure = style.new_figure(width, 2.5 * len(measures) + 0.4)
    axes = figure.subplots(len(measures), columns, squeeze=False, sharey="row")
    for row, measure in zip(axes, measures, strict=True):
        shown = frame[frame["measure"] == measure]
        own = shown[shown["null"] == "own"].set_index("key")["mean"].sort_values()
        for axis, (null, refitted, title) in zip(row, comparisons, strict=True):
            mine = shown[(shown["null"] == null) & (shown["refitted"] == refitted)]
            _panel(axis, own[own.index.isin(mine["key"])], mine)
            axis.set_title(title if measure == measures[0] else "")
        row[0].set_ylabel(TITLES[measure])
    for axis in axes[-1]:
        axis.set_xlabel("units, ordered by own score")
    axes[0, 0].legend(loc="best")
    return figure


def _panel(axis, own, nulls):
    place = dict(zip(own.index, range(len(own)), strict=True))
    known = nulls[nulls["key"].isin(own.index)]
    x = known["key"].map(place)
    axis.scatter(x, known["mean"], s=9, color=GREY, alpha=0.6, linewidth=0, label="null models")
    means = known.groupby("key")["mean"].mean().reindex(own.index)
    axis.scatter(range(len(own)), means, s=30, marker="_", color=INK, label="mean of null models", zorder=2)
    points = axis.scatter(range(len(own)), own, s=20, color=PALETTE[0], label="own", zorder=3)
    link_people(points, own.index)
    axis.set_xticks([])
    axis.grid(axis="y")


def forest(rows, measure):
    """Mean difference of own and null models with its interval, a line for each comparison.

    Parameters
    ----------
    rows : list of dict
        label, refitted, difference, low and high.
    measure : str
    """
    figure = style.new_figure(0.72 * style.WIDTH, ROW * len(rows) + 1.0)
    axis = figure.subplots()
    for y, row in zip(np.arange(len(rows))[::-1], rows, strict=True):
        colour = PALETTE[0] if row["refitted"] else GREY
        axis.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=1.6)
        face = colour if row["refitted"] else "white"
        axis.scatter(row["difference"], y, s=34, color=face, edgecolor=colour, zorder=3)
    axis.axvline(0.0, color=LIGHT, linewidth=1.4, zorder=0)
    axis.set_yticks(np.arange(len(rows))[::-1], [row["label"] for row in rows])
    axis.set(ylim=(-0.7, len(rows) - 0.3), xlabel=f"{TITLES[measure]}, own minus null")
    axis.grid(axis="x")
    return figure
