"""Exchange between people: a matrix of scores, and contrasts with their intervals."""

import numpy as np

from cubnm_core.evidence.cross import OWNERS
from cubnm_core.statistics.paired import BETTER, WORSE
from workflow_scripts.report.figures.style import GREY, INK, PALETTE, WIDTH, fixed, new_figure

NAMES = {"own": "own", "others": "others'", "group": "others'\nmean"}
DATA = {"own": "own scans", "others": "others' scans"}
COLOURS = {BETTER: PALETTE[0], WORSE: PALETTE[1]}


def cross(means, contrasts, inhibition):
    """Matrices of mean scores on one colour scale, above a strip of contrasts.

    Parameters
    ----------
    means : pandas.Series
        Mean over people by (inhibition, data, parameters, connectome).
    contrasts : list of dict
        With label, difference, low, high and verdict.
    inhibition : dict of str to str
        What each kind is called.
    """
    kinds = sorted(set(means.index.get_level_values(0)), reverse=True)  # tuned before fitted
    known = set(means.index.droplevel([2, 3]))
    panels = [(kind, data) for kind in kinds for data in DATA if (kind, data) in known]
    figure = new_figure(WIDTH, 3.3 + 0.27 * len(contrasts))
    upper, lower = figure.subfigures(2, 1, height_ratios=[3.0, 0.5 + 0.27 * len(contrasts)])
    axes = upper.subplots(1, max(len(panels), 4), squeeze=False)[0]
    limits = float(means.min()), float(means.max())
    for axis, (kind, data) in zip(axes, panels, strict=False):
        image = _matrix(axis, means[kind, data], limits)
        axis.set_title(f"{DATA[data]}" + (f"\n{inhibition[kind]}" if inhibition[kind] else ""), fontsize=9)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    axes[0].set_ylabel("parameters")
    upper.colorbar(image, ax=list(axes), shrink=0.7, label="FC r")
    _forest(lower.subplots(), contrasts)
    return figure


def _matrix(axis, values, limits):
    """One matrix, parameters down and connectomes across, with its numbers."""
    hosts = [owner for owner in OWNERS if owner in values.index.get_level_values(1)]
    grid = np.array([[values.get((row, column), np.nan) for column in hosts] for row in OWNERS])
    low, high = limits
    image = axis.imshow(grid, cmap="Blues", vmin=low - 0.15 * (high - low), vmax=high)
    for (row, column), value in np.ndenumerate(grid):
        dark = value > low + 0.5 * (high - low)
        text = fixed(value) if np.isfinite(value) else "–"
        axis.annotate(
            text, (column, row), ha="center", va="center", fontsize=8, color="white" if dark else INK
        )
    axis.set_xticks(range(len(hosts)), [NAMES[owner] for owner in hosts])
    axis.set_yticks(range(len(OWNERS)), [NAMES[owner] for owner in OWNERS])
    axis.tick_params(length=0)
    axis.set_xlabel("connectome")
    return image


def _forest(axis, contrasts):
    """Mean differences with their 95 % intervals, from top to bottom."""
    for place, row in enumerate(contrasts):
        colour = COLOURS.get(row["verdict"], GREY)
        if np.isfinite(row["low"]):
            axis.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
        axis.plot(row["difference"], place, "o", color=colour)
    axis.axvline(0.0, color=INK, linewidth=0.8)
    axis.set_yticks(range(len(contrasts)), [row["label"] for row in contrasts])
    axis.set_ylim(len(contrasts) - 0.5, -0.5)
    axis.set_xlabel("difference in FC r, own minus other (mean over people, 95 % interval)")
    axis.grid(axis="x")
