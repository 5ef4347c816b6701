"""Regional read-outs by network and hemisphere."""

from matplotlib.cbook import boxplot_stats
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D

from workflow_scripts.report.figures.style import (
    GREY,
    INK,
    MARKERS,
    PALETTE,
    WIDTH,
    colours,
    jitter,
    new_figure,
)

COLUMNS = 4
SIDE = {"L": -0.2, "R": 0.2}
WIDE, CAP = 0.34, 0.17  # of a box, and of the caps of its whiskers
THIN, THICK = 0.9, 1.6  # points of the lines of a box, and of its median


def network_boxes(regions):
    """A panel per variable: one point per region on the box of its network, hemispheres side by side.

    Parameters
    ----------
    regions : pandas.DataFrame
        variable, label, hemisphere, unit, network, mean.
    """
    variables = list(dict.fromkeys(regions["variable"]))
    networks = list(dict.fromkeys(regions["network"]))
    n_rows = -(-len(variables) // COLUMNS)
    figure = new_figure(WIDTH, 2.5 * n_rows + 0.3)
    axes = figure.subplots(n_rows, COLUMNS, squeeze=False)
    for axis, variable in zip(axes.flat, variables, strict=False):
        _draw(axis, regions[regions["variable"] == variable], networks)
        unit = regions.loc[regions["variable"] == variable, "unit"].iloc[0]
        axis.set_title(f"{variable} ({unit})" if unit not in ("", "1") else variable)
    for axis in axes.flat[len(variables) :]:
        axis.set_visible(False)
    figure.legend(handles=_legend(regions), loc="outside lower center", ncols=6)
    return figure


def _draw(axis, rows, networks):
    """Draw one variable; whiskers reach to the last region within 1.5 times the height of the box."""
    colour = colours(networks) if len(networks) <= len(PALETTE) else dict.fromkeys(networks, PALETTE[0])
    boxes = []
    for (network, hemisphere), part in rows.groupby(["network", "hemisphere"], sort=False):
        centre = networks.index(network) + SIDE.get(hemisphere, 0.0)
        look = {"marker": _marker(hemisphere), "color": colour[network], "alpha": 0.8}
        axis.scatter(centre + jitter(len(part), 0.09), part["mean"], s=11, linewidth=0, zorder=3, **look)
        boxes.append((centre, boxplot_stats(part["mean"])[0]))
    _draw_boxes(axis, boxes)
    slanted = len(networks) > 2
    axis.set_xticks(
        range(len(networks)), networks, rotation=40 if slanted else 0, ha="right" if slanted else "center"
    )
    axis.set_xlim(-0.6, len(networks) - 0.4)
    axis.grid(axis="y")


def _draw_boxes(axis, boxes):
    """Draw all boxes of a panel as three collections: Axes.boxplot makes six artists a box, and is slow.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    boxes : list of (float, dict)
        Place on the x axis, and what :func:`matplotlib.cbook.boxplot_stats` says.
    """
    half, cap = WIDE / 2, CAP / 2
    frames, lines, medians = [], [], []
    for x, box in boxes:
        low, high = box["q1"], box["q3"]
        frames.append([(x - half, low), (x + half, low), (x + half, high), (x - half, high)])
        for start, end in ((low, box["whislo"]), (high, box["whishi"])):
            lines += [[(x, start), (x, end)], [(x - cap, end), (x + cap, end)]]
        medians.append([(x - half, box["med"]), (x + half, box["med"])])
    look = {"linewidths": THIN, "zorder": 4}
    axis.add_collection(PolyCollection(frames, facecolors="none", edgecolors=GREY, joinstyle="miter", **look))
    axis.add_collection(LineCollection(lines, colors=GREY, capstyle="projecting", **look))
    look = {"linewidths": THICK, "zorder": 4.1}
    axis.add_collection(LineCollection(medians, colors=INK, capstyle="projecting", **look))


def _marker(hemisphere):
    return {"L": MARKERS[0], "R": MARKERS[2]}.get(hemisphere, MARKERS[3])


def _legend(regions):
    names = {"L": "left hemisphere", "R": "right hemisphere", "B": "midline"}
    shown = [side for side in names if side in set(regions["hemisphere"])]
    return [
        Line2D([], [], color=GREY, marker=_marker(side), linestyle="", markersize=4.5, label=names[side])
        for side in shown
    ]
