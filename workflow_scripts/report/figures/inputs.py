"""Quality control: every unit as a point, one panel per measure."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from workflow_scripts.report.figures import style
from workflow_scripts.report.figures.markup import link_people
from workflow_scripts.report.figures.style import GREY, MANY, PALETTE, jitter

PANELS = {
    "sc_similarity": ("connectome: similarity\nto the others (r)", 1.0),
    "fc_similarity": ("FC: similarity\nto the others (r)", 1.0),
    "raw_sum": ("total strength\n(before scaling)", 1.0),
    "density": ("density", 1.0),
    "missing_nodes": ("missing nodes", 1.0),
    "isolated_nodes": ("isolated nodes", 1.0),
    "shortest_run": ("shortest run (min)", 1 / 60),
    "repetition_time": ("repetition time (s)", 1.0),
    "mean_fd": ("mean framewise\ndisplacement (mm)", 1.0),
}
PER_ROW = 5
ROUNDING = 1e-4  # of the largest value
NAMED = 3  # people with a flag who are named in a panel, if they lie far from the median
FAR = 3.5  # robust standard deviations


def shown(qc):
    """Name the panels in which people differ.

    Parameters
    ----------
    qc : pandas.DataFrame

    Returns
    -------
    list of str
    """
    return [name for name in PANELS if name in qc and _differ(qc[name].dropna())]


def _differ(values):
    """Say whether numbers differ by more than rounding."""
    return len(values) > 0 and values.max() - values.min() > ROUNDING * values.abs().max()


def quality(qc, flagged):
    """A strip of points per number; people with a flag are marked, the most distant of them named.

    Parameters
    ----------
    qc : pandas.DataFrame
        One row per unit, with `key`.
    flagged : set of str
        Keys of people with a flag.
    """
    names = shown(qc)
    rows = -(-len(names) // PER_ROW)
    figure = style.new_figure(style.WIDTH, 2.3 * rows)
    axes = figure.subplots(rows, PER_ROW, squeeze=False).ravel()
    for axis in axes[len(names) :]:
        axis.remove()
    for axis, name in zip(axes, names, strict=False):
        _strip(axis, qc.dropna(subset=name), name, flagged)
    return figure


def _strip(axis, rows, name, flagged):
    """Draw one number of all people."""
    title, factor = PANELS[name]
    values, offsets = rows[name].astype(float).to_numpy() * factor, jitter(len(rows))
    marked = rows["key"].isin(flagged).to_numpy()
    usual = {"s": 16, "color": PALETTE[0], "alpha": 0.75}
    for part, look in ((~marked, usual), (marked, {"s": 26, "color": PALETTE[1], "marker": "D"})):
        crowd = part.sum() > MANY
        points = axis.scatter(offsets[part], values[part], linewidth=0, rasterized=crowd, **look)
        link_people(points, rows["key"][part])
    axis.hlines(np.median(values), -0.3, 0.3, color=GREY, linewidth=1)
    away = np.abs(values - np.median(values))
    far = marked & (away > FAR * 1.4826 * np.median(away))
    for place in [place for place in np.argsort(-away, kind="stable") if far[place]][:NAMED]:
        where = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "fontsize": 7}
        axis.annotate(rows["key"].iloc[place], (offsets[place], values[place]), **where)
    axis.set(title=title, xlim=(-0.35, 0.9), xticks=[])
    axis.title.set_fontsize(8)
    if np.all(values == np.round(values)):
        axis.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axis.grid(axis="y")
