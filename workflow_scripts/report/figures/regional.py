"""Regional read-outs by network and hemisphere."""

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
BOX = {
    "boxprops": {"facecolor": "none", "edgecolor": GREY, "linewidth": 0.9},
    "medianprops": {"color": INK, "linewidth": 1.6},
    "whiskerprops": {"color": GREY, "linewidth": 0.9},
    "capprops": {"color": GREY, "linewidth": 0.9},
}


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
    for (network, hemisphere), part in rows.groupby(["network", "hemisphere"], sort=False):
        centre = networks.index(network) + SIDE.get(hemisphere, 0.0)
        look = {"marker": _marker(hemisphere), "color": colour[network], "alpha": 0.8}
        axis.scatter(centre + jitter(len(part), 0.09), part["mean"], s=11, linewidth=0, zorder=3, **look)
        axis.boxplot(
            part["mean"],
            positions=[centre],
            widths=0.34,
            showfliers=False,
            patch_artist=True,
            zorder=4,
            **BOX,
        )
    slanted = len(networks) > 2
    axis.set_xticks(
        range(len(networks)), networks, rotation=40 if slanted else 0, ha="right" if slanted else "center"
    )
    axis.set_xlim(-0.6, len(networks) - 0.4)
    axis.grid(axis="y")


def _marker(hemisphere):
    return {"L": MARKERS[0], "R": MARKERS[2]}.get(hemisphere, MARKERS[3])


def _legend(regions):
    names = {"L": "left hemisphere", "R": "right hemisphere", "B": "midline"}
    shown = [side for side in names if side in set(regions["hemisphere"])]
    return [
        Line2D([], [], color=GREY, marker=_marker(side), linestyle="", markersize=4.5, label=names[side])
        for side in shown
    ]
