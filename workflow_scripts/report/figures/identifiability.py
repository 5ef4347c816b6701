"""Spread over searches relative to people, and cost profiles."""

import numpy as np

from workflow_scripts.report.figures import style
from workflow_scripts.report.figures.style import GREY, INK, LIGHT, PALETTE

PANEL, COLUMNS = style.WIDTH / 3, 3
ROW = 0.28  # inches of a parameter
LARGEST = 3.0  # ratio beyond which points lie at the edge
KINDS = {
    "ratio_restarts": ("over restarts", "o"),
    "ratio_retest": ("over noise seeds (re-test)", "s"),
    "ratio_width": ("half width of the profile", "D"),
}
DASHED = (0, (3, 2))


def ratios(found, limits):
    """A row per parameter: its spreads as shares of that over people; dashed: the limits of verdicts."""
    figure = style.new_figure(0.75 * style.WIDTH, ROW * len(found) + 1.0)
    axis = figure.subplots()
    rows = np.arange(len(found))[::-1]
    for offset, ((column, (label, marker)), colour) in enumerate(zip(KINDS.items(), PALETTE, strict=False)):
        values = found[column].clip(upper=LARGEST)
        if values.notna().any():
            y = rows + 0.2 * (1 - offset)
            axis.scatter(values, y, s=30, color=colour, marker=marker, label=label, zorder=3)
    for limit in limits:
        axis.axvline(limit, color=GREY, linewidth=1, linestyle=DASHED, zorder=1)
    axis.set_yticks(rows, list(found["parameter"]))
    axis.set(xlim=(0, LARGEST * 1.03), ylim=(-0.6, len(found) - 0.4), xlabel="fraction of the SD over people")
    axis.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def profiles(points, names, as_median):
    """A panel per parameter: rise of the cost above the lowest point, in units of its noise.

    Parameters
    ----------
    points : pandas.DataFrame
        Rows of the table of profiles of one fit.
    names : list of str
    as_median : bool
        Draw the median over people, by the distance from the best value, in place of a curve per person.
    """
    n_rows = -(-len(names) // COLUMNS)
    columns = min(len(names), COLUMNS)
    figure = style.new_figure(max(PANEL * columns, 1.3 * PANEL), 0.8 * PANEL * n_rows + 0.2)
    axes = figure.subplots(n_rows, columns, squeeze=False)
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for axis, name in zip(axes.flat, names, strict=False):
        mine = points[points["parameter"] == name]
        if as_median:
            _median(axis, mine, name)
        else:
            _curves(axis, mine, name)
        axis.axhline(1.0, color=PALETTE[1], linewidth=1, linestyle=DASHED, zorder=1)
        axis.set(ylim=(-0.2, 6.0), ylabel="cost increase / noise SD")
        axis.grid()
    return figure


def risen(rows):
    """Rise of the cost of one profile above its lowest point, in units of its noise."""
    return (rows["cost"] - rows["cost"].min()) / rows["noise_sd"]


def _curves(axis, points, name):
    """One curve per person, its best value marked."""
    for _, rows in points.groupby("key", sort=False):
        rise = risen(rows)
        axis.plot(rows["value"], rise, color=GREY, linewidth=0.9, marker=".", markersize=3, zorder=2)
        best = rows["is_best"].to_numpy(dtype=bool)
        axis.scatter(rows["value"][best], rise[best], s=18, color=PALETTE[0], zorder=3)
    axis.set(xlabel=name)


def _median(axis, points, name):
    """Median and quartiles over people, by the distance from the best value."""
    shifted = []
    for _, rows in points.groupby("key", sort=False):
        best = rows.loc[rows["is_best"].astype(bool), "position"].iloc[0]
        shifted.append(rows.assign(distance=(rows["position"] - best).round(2), rise=risen(rows)))
    wide = {name: [] for name in ("distance", "rise")}
    for rows in shifted:
        for column, values in wide.items():
            values.extend(rows[column])
    distance, rise = (np.array(wide[column]) for column in ("distance", "rise"))
    places = [place for place in np.unique(distance) if (distance == place).sum() >= len(shifted) / 2]
    quartiles = np.array([np.quantile(rise[distance == place], (0.25, 0.5, 0.75)) for place in places]).T
    axis.fill_between(places, quartiles[0], quartiles[2], color=LIGHT, zorder=1)
    axis.plot(places, quartiles[1], color=INK, marker=".", zorder=2)
    axis.set(xlabel=f"{name}, distance from the best (fraction of the range)")
