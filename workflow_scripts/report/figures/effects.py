"""Effect sizes with their intervals: a forest plot."""

from matplotlib.lines import Line2D

from workflow_scripts.report.figures.style import GREY, INK, PALETTE, WIDTH, new_figure

ROW, MARGIN = 0.3, 1.1  # inches
SHIFT = 0.16  # of a row, between the two samples
AXES = {
    "hedges_g": "Hedges' g, adjusted (95 % interval)",
    "partial_r": "partial r (95 % interval)",
    "partial_eta_squared": "partial η²",
}


def forest(rows):
    """A line per response and tested contrast: all participants filled, the sensitivity sample hollow.

    Parameters
    ----------
    rows : pandas.DataFrame
        name, contrast, sample, effect, effect_size, effect_low, effect_high; one panel per kind of effect.
    """
    effects = list(dict.fromkeys(rows["effect"]))
    lines = [rows.loc[rows["effect"] == effect, ["name", "contrast"]].drop_duplicates() for effect in effects]
    heights = [len(found) for found in lines]
    figure = new_figure(0.75 * WIDTH, ROW * sum(heights) + MARGIN * len(effects))
    axes = figure.subplots(len(effects), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for axis, effect, found in zip(axes, effects, lines, strict=True):
        _panel(axis, rows[rows["effect"] == effect], list(found.itertuples(index=False, name=None)))
        axis.set_xlabel(AXES[effect])
    figure.legend(handles=_legend(rows), loc="outside lower center", ncols=2)
    return figure


def _panel(axis, rows, lines):
    axis.axvline(0, color=GREY, linewidth=0.9, zorder=1)
    for sample, side in (("all", -1), ("sensitivity", 1)):
        mine = rows[rows["sample"] == sample].set_index(["name", "contrast"])
        for place, line in enumerate(lines):
            if line in mine.index:
                _draw(axis, place + side * SHIFT, mine.loc[line], filled=sample == "all")
    axis.set_yticks(range(len(lines)), [f"{name}\n{contrast}" for name, contrast in lines])
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.grid(axis="x")


def _draw(axis, y, row, filled):
    colour = INK if filled else PALETTE[0]
    axis.plot([row["effect_low"], row["effect_high"]], [y, y], color=colour, linewidth=1.2, zorder=2)
    face = colour if filled else "white"
    axis.scatter(row["effect_size"], y, s=30, facecolor=face, edgecolor=colour, zorder=3)


def _legend(rows):
    everybody = Line2D([], [], color=INK, marker="o", label="all participants")
    if not (rows["sample"] == "sensitivity").any():
        return [everybody]
    name = "without poor fits and boundary hits"
    return [everybody, Line2D([], [], color=PALETTE[0], marker="o", markerfacecolor="white", label=name)]
