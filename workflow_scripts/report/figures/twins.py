"""Synthetic twins: fitted versus true parameters."""

import numpy as np

from workflow_scripts.report.figures import style
from workflow_scripts.report.figures.style import GREY, INK, PALETTE, fixed

COLUMNS = 4  # panels in a row


def recovery(frame, rows):
    """Estimate against truth, a panel for each parameter; the identity dashed, the regression line solid.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of twins.tsv of one fit and level.
    rows : list of dict
        Of twin_recovery.tsv.
    """
    columns = min(len(rows), COLUMNS)
    lines = -(-len(rows) // columns)
    figure = style.new_figure(2.6 * columns, 2.5 * lines)
    axes = figure.subplots(lines, columns, squeeze=False)
    for axis, row in zip(axes.flat, rows, strict=False):
        mine = frame[frame["parameter"] == row["parameter"]]
        _panel(axis, mine["truth"].to_numpy(), mine["estimate"].to_numpy(), row)
    for axis in axes.flat[len(rows) :]:
        axis.set_visible(False)
    return figure


def _panel(axis, truth, estimate, row):
    low, high = min(truth.min(), estimate.min()), max(truth.max(), estimate.max())
    margin = 0.05 * (high - low) or 0.05
    ends = np.array([low - margin, high + margin])
    axis.plot(ends, ends, color=GREY, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    if np.isfinite(row["slope"]):
        inside = np.array([truth.min(), truth.max()])
        line = estimate.mean() + row["slope"] * (inside - truth.mean())
        axis.plot(inside, line, color=INK, linewidth=1.2, zorder=2)
    axis.scatter(truth, estimate, s=16, color=PALETTE[0], alpha=0.7, linewidth=0, zorder=3)
    r = f", r {fixed(row['r'])}" if np.isfinite(row["r"]) else ""
    axis.set(xlim=ends, ylim=ends, xlabel="true", ylabel="fitted", title=f"{row['parameter']}{r}")
    axis.grid()
