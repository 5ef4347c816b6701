"""Scores and baselines: the cohort at a glance and person by person."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from workflow_scripts.report.figures.markup import link_people
from workflow_scripts.report.figures.style import (
    GREY,
    INK,
    LIGHT,
    MANY,
    WIDTH,
    colours,
    fixed,
    jitter,
    new_figure,
)

TITLES = {"fc_corr": "FC correlation (higher is better)", "fcd_ks": "FCD distance, KS (lower is better)"}
BASELINE_LABELS = {
    "sc_fc": "SC–FC",
    "diffusion_fc": "linear\ndiffusion",
    "distance_fc": "distance\nrule",
    "global_signal_fc": "global\nsignal",
    "global_signal_ks": "global\nsignal",
    "group_mean_fc": "group-\nmean FC",
    "scan_rescan_fc": "scan–\nrescan",
    "scan_rescan_ks": "scan–\nrescan",
}
BASELINE_MARKERS = {
    "sc_fc": "s",
    "diffusion_fc": "v",
    "distance_fc": "^",
    "global_signal_fc": "x",
    "global_signal_ks": "x",
    "group_mean_fc": "D",
    "scan_rescan_fc": "_",
    "scan_rescan_ks": "_",
}
PLACES = {"train": -0.2, "test": 0.2}  # of a split beside the middle of its source
OPEN_LINES = ("_", "x")  # markers without a face
NAMES_UP_TO = 40
LONGEST_NAME = 14


def cohort_strip(frame, fits):
    """Points of all people: baselines, then fits, training and held-out scans joined by thin lines."""
    return _strips(frame, fits, _draw_people_of)


def cohort_boxes(frame, fits):
    """The same as mean ± SD over people: of a few people, a quartile is the value of one of them."""
    return _strips(frame, fits, _draw_spread_of)


def _strips(frame, fits, draw):
    sources = {measure: _sources(frame, measure, fits) for measure in TITLES}
    widths = [max(2, len(names)) for names in sources.values()]
    figure = new_figure(max(WIDTH, 1.0 * sum(widths)), 4.1)
    axes = figure.subplots(1, 2, width_ratios=widths)
    for axis, (measure, title) in zip(axes, TITLES.items(), strict=True):
        shown = frame[frame["measure"] == measure]
        for position, source in enumerate(sources[measure]):
            mine = shown[shown["source"] == source]
            draw(axis, mine, position, colours(fits).get(source, GREY))
        names = [BASELINE_LABELS.get(name, _wrapped(name)) for name in sources[measure]]
        axis.set_xticks(range(len(names)), names)
        axis.set_xlim(-0.6, len(names) - 0.35)
        axis.set_title(title)
        axis.grid(axis="y")
    _draw_rescan(axes, frame)
    figure.legend(handles=_split_legend(frame), loc="outside lower center", ncols=3)
    return figure


def _sources(frame, measure, fits):
    """Baselines and fits that have values, baselines first."""
    have = set(frame.loc[frame["measure"] == measure, "source"])
    return [name for name in (*BASELINE_LABELS, *fits) if name in have]


def _wrapped(name):
    """The name of a fit in two lines at most where it is long."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}\n{name[LONGEST_NAME:]}"


def _by_split(mine):
    """Scores by split (Series by unit), those that there are, with the place they are drawn at."""
    parts = {split: mine[mine["split"] == split].set_index("key")["mean"] for split in PLACES}
    return {split: (values, PLACES[split]) for split, values in parts.items() if len(values)}


def _draw_people_of(axis, mine, position, colour):
    placed = {}
    for split, (values, offset) in _by_split(mine).items():
        x = position + offset + jitter(len(values), 0.1)
        face = colour if split == "test" else "white"
        look = {"color": face, "edgecolor": colour, "linewidth": 0.9, "alpha": 0.85}
        points = axis.scatter(x, values, s=16, zorder=3, rasterized=len(values) > MANY, **look)
        link_people(points, values.index)
        _draw_mean(axis, position + offset, values, values.max())
        placed[split] = dict(zip(values.index, zip(x, values, strict=True), strict=True))
    if len(placed) == 2:
        _join(axis, placed["train"], placed["test"])


def _draw_spread_of(axis, mine, position, colour):
    for split, (values, offset) in _by_split(mine).items():
        face, sd = colour if split == "test" else "white", values.std()
        look = {"width": 0.28, "facecolor": face, "edgecolor": colour, "alpha": 0.6}
        axis.bar(position + offset, 2 * sd, bottom=values.mean() - sd, **look)
        _draw_mean(axis, position + offset, values, values.mean() + sd)


def _draw_mean(axis, x, values, top):
    """A bar at the mean, and its number above everything that is drawn."""
    mean = values.mean()
    axis.plot([x - 0.16, x + 0.16], [mean] * 2, color=INK, linewidth=2, zorder=4)
    axis.annotate(
        fixed(mean), (x, top), (0, 5), textcoords="offset points", fontsize=7.5, ha="center", zorder=5
    )


def _draw_rescan(axes, frame):
    """A dashed line at the mean agreement of a person's own scans, across each panel."""
    for axis, source in zip(axes, ("scan_rescan_fc", "scan_rescan_ks"), strict=True):
        values = frame.loc[frame["source"] == source, "mean"]
        if len(values):
            axis.axhline(values.mean(), color=GREY, linewidth=0.9, linestyle="--", zorder=1)


def _split_legend(frame):
    names = {"train": "training scans", "test": "held-out scans"}
    entries = [
        Line2D([], [], marker="o", linestyle="", color=GREY, markerfacecolor=face, label=names[split])
        for split, face in (("train", "white"), ("test", GREY))
        if (frame["split"] == split).any()
    ]
    if frame["source"].str.startswith("scan_rescan").any():
        entries.append(Line2D([], [], color=GREY, linestyle="--", label="mean scan–rescan agreement"))
    return entries


def _join(axis, left, right):
    lines = [[left[unit], right[unit]] for unit in left if unit in right]
    axis.add_collection(LineCollection(lines, colors=LIGHT, linewidths=0.8, zorder=1))


def people_ranked(frame, fits, split):
    """Each person's score, its spread over seeds and the person's baselines; a column of panels per fit."""
    order = _order(frame, fits, split)
    figure = new_figure(max(WIDTH, 4.0 * len(fits)), 6.2)
    axes = figure.subplots(2, len(fits), squeeze=False, sharex=True, sharey="row")
    for row, measure in enumerate(TITLES):
        for axis, fit in zip(axes[row], fits, strict=True):
            shown = frame[(frame["measure"] == measure) & frame["source"].isin([fit, *BASELINE_LABELS])]
            _draw_people(axis, shown, fit, order, colours(fits)[fit], split)
            axis.set_title(f"{fit}: {TITLES[measure].split(' (')[0]}")
            axis.grid(axis="y")
    _name_people(axes[-1], order)
    figure.legend(handles=_legend(fits, split, frame), loc="outside lower center", ncols=6)
    return figure


def _order(frame, fits, split):
    """Units from the best to the worst FC correlation of the first fit with scores; the others last."""
    units = list(dict.fromkeys(frame["key"]))
    for fit in fits:
        mine = frame[(frame["source"] == fit) & (frame["split"] == split) & (frame["measure"] == "fc_corr")]
        if len(mine):
            ranked = list(mine.sort_values("mean", ascending=False)["key"])
            return ranked + [unit for unit in units if unit not in set(ranked)]
    return units


def _draw_people(axis, shown, fit, order, colour, split):
    place = {unit: k for k, unit in enumerate(order)}
    scale = 1.0 if len(order) <= NAMES_UP_TO else 0.5
    for name, marker in BASELINE_MARKERS.items():
        rows = shown[(shown["source"] == name) & (shown["split"] == split)]
        face = GREY if marker in OPEN_LINES else "white"
        axis.scatter(
            rows["key"].map(place),
            rows["mean"],
            marker=marker,
            s=scale * (70 if marker == "_" else 16),
            edgecolor=None if marker in OPEN_LINES else GREY,
            facecolor=face,
            linewidth=2 if marker == "_" else 0.9,
            zorder=2,
        )
    for part, offset in (("train", -0.13), ("test", 0.13)):
        rows = shown[(shown["source"] == fit) & (shown["split"] == part)]
        face = colour if part == split else "white"
        x, above = rows["key"].map(place) + offset, 4 if part == split else 3
        bars = np.nan_to_num(rows["sd"])
        axis.errorbar(x, rows["mean"], yerr=bars, fmt="none", ecolor=colour, elinewidth=scale, zorder=above)
        look = {"s": 22 * scale, "color": face, "edgecolor": colour, "linewidth": 0.9, "zorder": above + 0.5}
        points = axis.scatter(x, rows["mean"], rasterized=len(rows) > MANY and part != split, **look)
        link_people(points, rows["key"])


def _name_people(axes, order):
    middle, half = (len(order) - 1) / 2, max(len(order) / 2, 4.0)  # a few people stand together in the middle
    for axis in axes:
        axis.set_xlim(middle - half - 0.2, middle + half + 0.2)
        if len(order) <= NAMES_UP_TO:
            axis.set_xticks(range(len(order)), [unit.removeprefix("sub-") for unit in order], rotation=90)
        else:
            axis.set_xlabel(f"{len(order)} people, ordered by the FC correlation of the first fit")


def _legend(fits, split, frame):
    colour = colours(fits)[fits[0]]
    split_name = {"train": "training", "test": "held-out"}
    entries = [
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            color=colour,
            markerfacecolor=colour if part == split else "white",
            label=f"{split_name[part]}, mean ± SD over seeds",
        )
        for part in sorted(set(frame["split"]), reverse=True)
    ]
    baselines = {
        label.replace("-\n", "-").replace("–\n", "–").replace("\n", " "): BASELINE_MARKERS[name]
        for name, label in BASELINE_LABELS.items()
        if name in set(frame["source"])
    }
    return entries + [
        Line2D(
            [],
            [],
            marker=marker,
            linestyle="",
            color=GREY,
            markerfacecolor="white",
            markeredgewidth=1.5,
            markersize=10 if marker == "_" else 4.5,
            label=label,
        )
        for label, marker in baselines.items()
    ]
