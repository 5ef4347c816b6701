"""Effects of experiments: of every person, and of every region by its strength."""

import numpy as np

from workflow_scripts.report.figures import style
from workflow_scripts.report.figures.style import GREY, INK, PALETTE

LABEL = "mean absolute change of FC"


def people(frame):
    """Effect of every person, a column for each experiment.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``experiment`` and ``mean``, a row for every person.
    """
    names = list(dict.fromkeys(frame["experiment"]))
    figure = style.new_figure(min(style.WIDTH, 1.6 + 1.1 * len(names)), 3.0)
    axis = figure.subplots()
    for place, name in enumerate(names):
        values = frame.loc[frame["experiment"] == name, "mean"].to_numpy()
        offsets = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [0.0]
        axis.scatter(place + np.asarray(offsets), values, s=20, color=PALETTE[0], alpha=0.8, linewidth=0)
        axis.hlines(np.nanmean(values), place - 0.28, place + 0.28, color=INK, linewidth=1.6)
    axis.set_xticks(range(len(names)), names, rotation=30 if len(names) > 4 else 0)
    axis.set_ylabel(LABEL)
    axis.set_ylim(bottom=0)
    axis.grid(axis="y")
    return figure


def regions(ranked):
    """Effect of every region by its share of the connection strength, a panel for each experiment.

    Parameters
    ----------
    ranked : list of dict
        ``experiment`` and ``values``, a table of ``mean`` and ``strength`` by region.
    """
    figure = style.new_figure(min(style.WIDTH, 1.0 + 3.2 * len(ranked)), 3.0)
    axes = figure.subplots(1, len(ranked), squeeze=False, sharey=True)[0]
    for axis, entry in zip(axes, ranked, strict=True):
        values = entry["values"]
        axis.scatter(100 * values["strength"], values["mean"], s=16, color=GREY, linewidth=0)
        for name in values["mean"].nlargest(3).index:
            axis.annotate(name, (100 * values.loc[name, "strength"], values.loc[name, "mean"]), fontsize=7)
        axis.set_title(entry["experiment"])
        axis.set_xlabel("share of connection strength (%)")
        axis.grid(axis="y")
    axes[0].set_ylabel(LABEL)
    return figure
