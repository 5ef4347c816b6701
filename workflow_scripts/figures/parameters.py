"""Fitted parameters: scatter over people and restarts, groups, recovered against true."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from workflow_scripts.figures.style import GREY, INK, LIGHT, PALETTE, WIDTH, colours, jitter, markers, new_figure

PANEL = WIDTH / 3
COLUMNS = 3


def scatter(estimates, pairs, bounds, groups):
    """A panel per pair of parameters: the selected restart filled, the others hollow and joined to it.

    Parameters
    ----------
    estimates : pandas.DataFrame
        key, restart, selected and one column per parameter.
    pairs : list of (str, str or None)
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
        for key, rows in values.groupby("key", sort=False):
            colour, marker, _ = look[key]
            best = rows["selected"]
            axis.scatter(rows.loc[~best, "x"], rows.loc[~best, "y"], s=22, facecolor="white", edgecolor=colour, marker=marker, zorder=3)
            axis.scatter(rows.loc[best, "x"], rows.loc[best, "y"], s=34, color=colour, edgecolor="white", linewidth=0.5, marker=marker,
                         zorder=4)
        _bound_lines(axis, bounds.get(one), bounds.get(other))
        axis.set(xlabel=one, ylabel=other or "people, in order")
        axis.grid()
    handles = [*_group_handles(look), Line2D([], [], color=GREY, marker="o", markerfacecolor="white", linewidth=1, label="other restarts")]
    figure.legend(handles=handles, loc="outside lower center", ncols=6)
    return figure


def by_group(estimates, names, groups, truth):
    """Strips of the selected estimates by group with their means; a dashed line is the mean of the truth where it is known."""
    figure, axes = _panels(len(names))
    best = estimates[estimates["selected"]].assign(group=lambda rows: rows["key"].map(groups)).dropna(subset="group")
    known = truth.assign(group=truth["key"].map(groups))
    order = sorted(best["group"].unique())
    colour, marker = colours(order), markers(order)
    for axis, name in zip(axes, names, strict=False):
        for k, group in enumerate(order):
            values = best.loc[best["group"] == group, name]
            axis.scatter(k + jitter(len(values)), values, s=24, color=colour[group], marker=marker[group], alpha=0.85, zorder=3)
            axis.plot([k - 0.28, k + 0.28], [values.mean()] * 2, color=INK, linewidth=2, zorder=4)
            true = known.loc[(known["group"] == group) & (known["parameter"] == name), "truth"]
            if len(true):
                axis.plot([k - 0.34, k + 0.34], [true.mean()] * 2, color=GREY, linewidth=1.6, linestyle=(0, (3, 2)), zorder=2)
        axis.set_xticks(range(len(order)), [f"{group} (n = {(best['group'] == group).sum()})" for group in order])
        axis.set_xlim(-0.6, len(order) - 0.4)
        axis.set_title(name)
        axis.grid(axis="y")
    return figure


def recovery(truth, names, groups):
    """Estimate against truth for each parameter, with the line of equality and the correlation."""
    figure, axes = _panels(len(names))
    look = _look(truth["key"].unique(), groups)
    for axis, name in zip(axes, names, strict=False):
        rows = truth[truth["parameter"] == name]
        low, high = (function(np.r_[rows["truth"], rows["estimate"]]) for function in (np.min, np.max))
        margin = 0.06 * (high - low) or 0.1
        axis.plot([low - margin, high + margin], [low - margin, high + margin], color=GREY, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
        for key, true, estimate in zip(rows["key"], rows["truth"], rows["estimate"], strict=True):
            colour, marker, _ = look[key]
            axis.scatter(true, estimate, s=34, color=colour, marker=marker, edgecolor="white", linewidth=0.5, zorder=3)
        axis.set(xlabel=f"true {name}", ylabel=f"recovered {name}")
        axis.set_title(f"{name}: {_correlation_text(rows)}")
        axis.grid()
    if _group_handles(look):
        figure.legend(handles=_group_handles(look), loc="outside lower center", ncols=6)
    return figure


def _correlation_text(rows):
    if len(rows) < 3 or not (rows["truth"].std() > 0 and rows["estimate"].std() > 0):
        return f"n = {len(rows)}"
    return f"r = {np.corrcoef(rows['truth'], rows['estimate'])[0, 1]:.2f}, n = {len(rows)}"


def _panels(count):
    columns = min(count, COLUMNS)
    n_rows = -(-count // columns)
    figure = new_figure(PANEL * columns, 0.85 * PANEL * n_rows + 0.4)
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
    """Colour, marker and legend name of every unit: by group where there are groups, by person where they are few."""
    if len(groups):
        names = sorted(set(groups))
        colour, marker = colours(names), markers(names)
        return {key: (colour[groups[key]], marker[groups[key]], groups[key]) if key in groups else (GREY, "o", "no group") for key in keys}
    if len(keys) <= len(PALETTE):
        colour, marker = colours(keys), markers(keys)
        return {key: (colour[key], marker[key], key) for key in keys}
    return {key: (PALETTE[0], "o", "people") for key in keys}


def _group_handles(look):
    return [Line2D([], [], color=colour, marker=marker, linestyle="", label=label)
            for label, (colour, marker) in {label: (colour, marker) for colour, marker, label in look.values()}.items()]


def _join_restarts(axis, values):
    """A line from each unit's selected restart to its others, so that the spread is seen."""
    lines = []
    for _, rows in values.groupby("key"):
        best = rows.loc[rows["selected"], ["x", "y"]].to_numpy()
        lines += [[best[0], point] for point in rows.loc[~rows["selected"], ["x", "y"]].to_numpy()] if len(best) else []
    axis.add_collection(LineCollection(lines, colors=LIGHT, linewidths=1.2, zorder=1))


def _bound_lines(axis, horizontal, vertical):
    """Search bounds that lie within or just outside the drawn range."""
    for limits, bounds, line in ((axis.get_xlim(), horizontal, axis.axvline), (axis.get_ylim(), vertical, axis.axhline)):
        reach = 0.1 * (limits[1] - limits[0])
        for bound in bounds or ():
            if limits[0] - reach <= bound <= limits[1] + reach:
                line(bound, color=PALETTE[1], linewidth=1, linestyle=(0, (1, 2)), zorder=0)
