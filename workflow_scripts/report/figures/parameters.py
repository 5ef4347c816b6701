"""Fitted parameters: scatter over people and restarts, groups, recovered versus true."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from workflow_scripts.report.figures import style
from workflow_scripts.report.figures.markup import link_people
from workflow_scripts.report.figures.style import GREY, INK, LIGHT, PALETTE, fixed, jitter

PANEL = style.WIDTH / 3
COLUMNS = 3
NAMES_UP_TO = 30
FILLED = {"s": 34, "edgecolor": "white", "linewidth": 0.5, "zorder": 4}
HOLLOW = {"s": 22, "facecolor": "white", "zorder": 3}
DASHED, DOTTED = (0, (3, 2)), (0, (1, 2))


def scatter(estimates, pairs, bounds, groups):
    """A panel per pair of parameters: the selected restart filled, the others hollow and joined to it.

    Parameters
    ----------
    estimates : pandas.DataFrame
        key, restart, selected and one column per parameter.
    pairs : list of (str, str or None)
        None: the people in their order.
    bounds : dict of str to (low, high)
        Search bounds, drawn as dotted lines where they are near.
    groups : pandas.Series
        Group by key, may be empty.
    """
    figure, axes = _panels(len(pairs))
    look = _look(estimates["key"].unique(), groups)
    for axis, (one, other) in zip(axes, pairs, strict=False):
        values = estimates.assign(x=estimates[one], y=_second(estimates, other))
        _join_restarts(axis, values)
        for (colour, marker, _), rows in values.groupby(values["key"].map(look), sort=False):
            best, rest = rows[rows["selected"]], rows[~rows["selected"]]
            axis.scatter(rest["x"], rest["y"], edgecolor=colour, marker=marker, **HOLLOW)
            points = axis.scatter(best["x"], best["y"], color=colour, marker=marker, **FILLED)
            link_people(points, best["key"])
        _bound_lines(axis, bounds.get(one), bounds.get(other))
        if other is None and len(look) <= NAMES_UP_TO:
            axis.set_yticks(range(len(look)), list(look))
        axis.set(xlabel=one, ylabel=other or "people")
        axis.grid()
    rest = [] if estimates["selected"].all() else [_rest_handle()]
    style.legend_below(figure, [*_handles(look), *rest])
    return figure


def _rest_handle():
    return Line2D(
        [], [], color=GREY, marker="o", markerfacecolor="white", linewidth=1, label="other restarts"
    )


def by_group(estimates, names, groups, truth):
    """Strips of one estimate a person by group with their means; dashed: means of the truth, if known."""
    figure, axes = _panels(len(names))
    best = estimates.assign(group=estimates["key"].map(groups)).dropna(subset="group")
    known = truth.assign(group=truth["key"].map(groups))
    order = sorted(best["group"].unique())
    for axis, name in zip(axes, names, strict=False):
        _group_strips(axis, best, known[known["parameter"] == name], name, order)
        axis.set_title(name)
        axis.grid(axis="y")
    return figure


def _group_strips(axis, best, known, name, order):
    colour, marker = style.colours(order), style.markers(order)
    for k, group in enumerate(order):
        mine = best[best["group"] == group]
        values = mine[name]
        x = k + jitter(len(values))
        points = axis.scatter(
            x, values, s=24, color=colour[group], marker=marker[group], alpha=0.85, zorder=3
        )
        link_people(points, mine["key"])
        axis.plot([k - 0.28, k + 0.28], [values.mean()] * 2, color=INK, linewidth=2, zorder=4)
        true = known.loc[known["group"] == group, "truth"]
        if len(true):
            axis.plot([k - 0.34, k + 0.34], [true.mean()] * 2, color=GREY, linewidth=1.6, linestyle=DASHED)
    counts = best["group"].value_counts()
    axis.set_xticks(range(len(order)), [f"{group} (n = {counts[group]})" for group in order])
    axis.set_xlim(-0.6, len(order) - 0.4)


def recovery(truth, names, groups):
    """Estimate against truth for each parameter, with the line of equality and the correlation."""
    figure, axes = _panels(len(names))
    look = _look(truth["key"].unique(), groups)
    for axis, name in zip(axes, names, strict=False):
        rows = truth[truth["parameter"] == name]
        values = rows[["truth", "estimate"]].to_numpy()
        margin = 0.06 * np.ptp(values) or 0.1
        ends = [values.min() - margin, values.max() + margin]
        axis.plot(ends, ends, color=GREY, linewidth=0.9, linestyle=DASHED, zorder=1)
        for (colour, marker, _), part in rows.groupby(rows["key"].map(look), sort=False):
            points = axis.scatter(part["truth"], part["estimate"], color=colour, marker=marker, **FILLED)
            link_people(points, part["key"])
        axis.set(
            xlabel=f"true {name}", ylabel=f"recovered {name}", title=f"{name}: {_correlation_text(rows)}"
        )
        axis.grid()
    style.legend_below(figure, _handles(look))
    return figure


def _correlation_text(rows):
    if len(rows) < 4 or not (rows["truth"].std() > 0 and rows["estimate"].std() > 0):
        return f"n = {len(rows)}"
    return f"r = {fixed(np.corrcoef(rows['truth'], rows['estimate'])[0, 1])}, n = {len(rows)}"


def _panels(count):
    columns = min(count, COLUMNS)
    n_rows = -(-count // columns)
    size = 1.25 * PANEL if count == 1 else PANEL
    figure = style.new_figure(size * columns, 0.85 * size * n_rows + 0.4)
    axes = figure.subplots(n_rows, columns, squeeze=False)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat)


def _second(estimates, other):
    if other is not None:
        return estimates[other]
    order = {key: k for k, key in enumerate(estimates["key"].unique())}
    return estimates["key"].map(order)


def _look(keys, groups):
    """Colour, marker and legend name of every unit: by group where there are any, else by person if few."""
    if len(groups):
        labels = {key: groups.get(key, "no group") for key in keys}
    elif len(keys) <= len(PALETTE):
        labels = {key: key for key in keys}
    else:
        labels = dict.fromkeys(keys, "people")
    names = sorted(set(labels.values()))
    colour, marker = style.colours(names), style.markers(names)
    return {key: (colour[label], marker[label], label) for key, label in labels.items()}


def _handles(look):
    """One legend entry for each look that occurs."""
    return [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=label)
        for colour, marker, label in sorted(set(look.values()), key=lambda entry: entry[2])
    ]


def _join_restarts(axis, values):
    """A line from each unit's selected restart to its others, so that the spread is seen."""
    lines = []
    for _, rows in values.groupby("key"):
        best = rows.loc[rows["selected"], ["x", "y"]].to_numpy()
        rest = rows.loc[~rows["selected"], ["x", "y"]].to_numpy()
        lines += [[start, end] for start in best for end in rest]
    axis.add_collection(LineCollection(lines, colors=LIGHT, linewidths=1.2, zorder=1))


def _bound_lines(axis, horizontal, vertical):
    """Search bounds that lie within or just outside the drawn range."""
    sides = ((axis.get_xlim(), horizontal, axis.axvline), (axis.get_ylim(), vertical, axis.axhline))
    for (low, high), bounds, line in sides:
        reach = 0.1 * (high - low)
        for bound in bounds or ():
            if low - reach <= bound <= high + reach:
                line(bound, color=PALETTE[1], linewidth=1, linestyle=DOTTED, zorder=0)
