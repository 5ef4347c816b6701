"""Observables of simulations and held-out scans against those of the training scans of the same people."""

import numpy as np

from workflow_scripts.report.figures import style
from workflow_scripts.report.figures.markup import link_people
from workflow_scripts.report.figures.style import GREY, MARKERS, PALETTE

COLUMNS = 4  # panels in a row


def beside_scans(table, labels, fits):
    """A panel for every observable: its value in the training scan of a person on the horizontal axis.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of observables.tsv with key.
    labels : dict of str to (str, str)
        Observable to its title and what its value is.
    fits : list of str
    """
    columns = min(len(labels), COLUMNS)
    lines = -(-len(labels) // columns)
    figure = style.new_figure(max(2.6 * columns, 5.2), 2.6 * lines + 0.4)
    axes = figure.subplots(lines, columns, squeeze=False)
    for axis, (name, (title, value)) in zip(axes.flat, labels.items(), strict=False):
        _panel(axis, table[table["observable"] == name], fits)
        axis.set(title=title, xlabel=f"{value}\nin training scans")
    for axis in axes.flat[len(labels) :]:
        axis.set_visible(False)
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    return figure


def _panel(axis, rows, fits):
    scans = rows[(rows["source"] == "scan") & (rows["split"] == "train")].set_index("key")["value"]
    again = rows[(rows["source"] == "scan") & (rows["split"] == "test")].set_index("key")["value"]
    groups = [("held-out scan", again, GREY, "o")]
    for place, fit in enumerate(fits):
        mine = rows[(rows["fit"] == fit) & (rows["split"] == "train")].set_index("key")["value"]
        groups.append((fit, mine, PALETTE[place % len(PALETTE)], MARKERS[(place + 1) % len(MARKERS)]))
    shown = [scans.to_numpy()]
    for name, values, colour, marker in groups:
        values = values.dropna()
        values = values[values.index.isin(scans.index)]
        points = axis.scatter(
            scans.reindex(values.index), values, s=18, color=colour, marker=marker, alpha=0.75, label=name
        )
        link_people(points, values.index)
        shown.append(values.to_numpy())
    every = np.concatenate(shown)
    low, high = (every.min(), every.max()) if every.size else (0.0, 1.0)
    margin = 0.05 * (high - low) or 0.05
    ends = low - margin, high + margin
    axis.plot(ends, ends, color=GREY, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    axis.set(xlim=ends, ylim=ends)
    axis.grid()
