"""Cost over the course of the searches."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from workflow_scripts.report.figures.style import GREY, INK, PALETTE, WIDTH, new_figure

COLUMNS = 4
DASHES = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)), "-.")


def all_restarts(rows):
    """Every restart as a thin line, with median and interquartile range; right: how far apart restarts ended.

    Parameters
    ----------
    rows : pandas.DataFrame
        Convergence of one fit: unit, restart, simulations_so_far, best_cost.
    """
    repeated = rows["restart"].nunique() > 1
    figure = new_figure(WIDTH if repeated else 0.7 * WIDTH, 3.4)
    axis, *ends = figure.subplots(1, 1 + repeated, width_ratios=[2, 1][: 1 + repeated], squeeze=False)[0]
    curves = [
        part[["simulations_so_far", "best_cost"]].to_numpy() for _, part in rows.groupby(["key", "restart"])
    ]
    axis.add_collection(
        LineCollection(curves, colors=PALETTE[5], linewidths=0.7, alpha=np.clip(20 / len(curves), 0.2, 0.6))
    )
    axis.scatter(*np.transpose([curve[-1] for curve in curves]), s=5, color=PALETTE[5], alpha=0.7)
    quartiles = _aligned(rows).quantile([0.25, 0.5, 0.75], axis=1).T
    axis.fill_between(
        quartiles.index, quartiles[0.25], quartiles[0.75], color=PALETTE[0], alpha=0.25, linewidth=0, zorder=3
    )
    axis.plot(quartiles.index, quartiles[0.5], color=PALETTE[0], linewidth=2, zorder=4)
    axis.autoscale_view()
    axis.set(title=f"Best cost so far, {len(curves)} searches", xlabel="simulations", ylabel="cost")
    axis.grid(axis="y")
    if repeated:
        _agreement(ends[0], rows)
    return figure


def _aligned(rows):
    """Best cost by simulations (rows) and search (columns); one that stopped early keeps its last value."""
    wide = rows.pivot_table(index="simulations_so_far", columns=["key", "restart"], values="best_cost")
    return wide.sort_index().ffill()


def _agreement(axis, rows):
    """Sorted distance of every restart's end from the best restart of the same unit."""
    last = rows.sort_values("simulations_so_far").groupby(["key", "restart"])["best_cost"].last()
    behind = last - last.groupby("key").transform("min")
    others = np.sort(behind[behind > 0])
    axis.set_title("Distance from the best restart")
    if not len(others):
        axis.set_axis_off()
        axis.text(
            0.5,
            0.5,
            "all restarts ended alike",
            ha="center",
            va="center",
            color=GREY,
            transform=axis.transAxes,
        )
        return
    axis.scatter(others, (np.arange(len(others)) + 1) / len(others), s=14, color=PALETTE[1])
    axis.set(xlabel="cost above the unit's best", ylabel="proportion of other restarts", ylim=(0, 1.05))
    axis.set_xlim(left=0)
    axis.grid()


def by_person(rows, units):
    """A panel for each unit: best cost so far (thick) and median of the generation (thin) by restart."""
    columns = min(len(units), COLUMNS)
    n_rows = -(-len(units) // columns)
    figure = new_figure(max(0.5 * WIDTH, WIDTH * columns / COLUMNS), 1.75 * n_rows + 0.5)
    axes = figure.subplots(n_rows, columns, squeeze=False, sharex=True, sharey=True)
    restarts = sorted(rows["restart"].unique())
    for axis, unit in zip(axes.flat, units, strict=False):
        _draw_unit(axis, rows[rows["key"] == unit], restarts)
        axis.set_title(unit, fontsize=8.5)
    for axis in axes.flat[len(units) :]:
        axis.set_visible(False)
    # The worst cost given to failures would flatten everything else.
    seen = rows.loc[rows["key"].isin(units), "best_cost"]
    low, high = seen.min(), rows.loc[rows["key"].isin(units), "median_cost"].quantile(0.9)
    axes.flat[0].set_ylim(low - 0.05 * (high - low), max(high, seen.quantile(0.98)) + 1e-9)
    figure.supxlabel("simulations", fontsize=9)
    figure.supylabel("cost", fontsize=9)
    figure.legend(handles=_legend(restarts), loc="outside upper right", ncols=6)
    return figure


def one_person(rows):
    """Best cost so far (thick) and median of the generation (thin) of every restart of one person.

    Parameters
    ----------
    rows : pandas.DataFrame
        Convergence of one unit in one fit.
    """
    figure = new_figure(0.6 * WIDTH, 2.7)
    axis = figure.subplots()
    restarts = sorted(rows["restart"].unique())
    _draw_unit(axis, rows, restarts)
    low, high = rows["best_cost"].min(), max(rows["median_cost"].quantile(0.9), rows["best_cost"].max())
    axis.set_ylim(low - 0.05 * (high - low) - 1e-9, high + 1e-9)
    axis.set(xlabel="simulations", ylabel="cost")
    figure.legend(handles=_legend(restarts), loc="outside right upper")
    return figure


def _draw_unit(axis, rows, restarts):
    """Both lines of every restart, with a dot where the search ended."""
    for restart, part in rows.groupby("restart"):
        k = restarts.index(restart)
        colour, dash = PALETTE[k % len(PALETTE)], DASHES[k % len(DASHES)]
        simulations, best = part["simulations_so_far"], part["best_cost"]
        axis.plot(simulations, part["median_cost"], color=colour, linewidth=0.7, alpha=0.55)
        axis.plot(simulations, best, color=colour, linestyle=dash, linewidth=1.6)
        axis.plot(simulations.iloc[-1], best.iloc[-1], color=colour, marker="o", markersize=3)
    axis.grid(axis="y")


def _legend(restarts):
    entries = [
        Line2D(
            [],
            [],
            color=PALETTE[k % len(PALETTE)],
            linestyle=DASHES[k % len(DASHES)],
            linewidth=1.6,
            label=f"restart {restart}",
        )
        for k, restart in enumerate(restarts)
    ]
    return [*entries, Line2D([], [], color=INK, linewidth=0.7, alpha=0.6, label="median of the generation")]
