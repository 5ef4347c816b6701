"""Scores beside baselines: the cohort at a glance and person by person."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from workflow_scripts.figures.style import GREY, INK, LIGHT, WIDTH, colours, fixed, jitter, new_figure

TITLES = {"fc_corr": "FC correlation (higher is better)", "fcd_ks": "FCD distance, KS (lower is better)"}
BASELINE_LABELS = {
    "sc_fc": "SC–FC",
    "group_mean_fc": "group-mean FC",
    "scan_rescan_fc": "scan–rescan",
    "scan_rescan_ks": "scan–rescan",
}
BASELINE_MARKERS = {"sc_fc": "s", "group_mean_fc": "D", "scan_rescan_fc": "_", "scan_rescan_ks": "_"}
NAMES_UP_TO = 40


def cohort_strip(frame, fits, split):
    """Strips of all people: baselines, then each fit on training and held-out scans, joined by thin lines."""
    strips = {measure: _strips(frame, measure, fits, split) for measure in TITLES}
    widths = [max(2, len(strip)) for strip in strips.values()]
    longest = max(len(name) for name in [*fits, *BASELINE_LABELS.values()])
    figure = new_figure(max(WIDTH, (0.085 * longest + 0.1) * sum(widths)), 3.9)
    axes = figure.subplots(1, 2, width_ratios=widths)
    for axis, (measure, title) in zip(axes, TITLES.items(), strict=True):
        _draw_strips(axis, frame[frame["measure"] == measure], strips[measure], colours(fits))
        axis.set_title(title)
        axis.grid(axis="y")
    return figure


def _strips(frame, measure, fits, split):
    """(source, split, label) of every strip that has values, baselines first."""
    shown = frame[frame["measure"] == measure]
    candidates = [(name, split, label) for name, label in BASELINE_LABELS.items()]
    for fit in fits:
        candidates += [(fit, "train", f"{fit}\ntraining"), (fit, "test", f"{fit}\nheld-out")]
    have = set(zip(shown["source"], shown["split"], strict=True))
    return [strip for strip in candidates if strip[:2] in have]


def _draw_strips(axis, shown, strips, colour):
    previous = None
    for position, (source, split, _) in enumerate(strips):
        values = shown[(shown["source"] == source) & (shown["split"] == split)].set_index("key")["mean"]
        x = position + jitter(len(values))
        face = colour.get(source, GREY)
        filled = split == "test" or source not in colour
        if previous is not None and previous[0] == source:
            _join(axis, previous[1], dict(zip(values.index, zip(x, values, strict=True), strict=True)))
        axis.scatter(
            x,
            values,
            s=18,
            color=face if filled else "white",
            edgecolor=face,
            linewidth=0.9,
            alpha=0.85,
            zorder=3,
        )
        axis.plot([position - 0.27, position + 0.27], [values.mean()] * 2, color=INK, linewidth=2, zorder=4)
        axis.annotate(
            fixed(values.mean()), (position + 0.29, values.mean()), fontsize=8, va="center", zorder=5
        )
        previous = (source, dict(zip(values.index, zip(x, values, strict=True), strict=True)))
    axis.set_xticks(range(len(strips)), [label for *_, label in strips])
    axis.set_xlim(-0.6, len(strips) - 0.2)


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
        rows = shown[shown["source"] == name]
        axis.scatter(
            rows["key"].map(place),
            rows["mean"],
            marker=marker,
            s=scale * (70 if marker == "_" else 16),
            color=GREY,
            facecolor=GREY if marker == "_" else "white",
            linewidth=2 if marker == "_" else 0.9,
            zorder=2,
        )
    for part, offset in (("train", -0.13), ("test", 0.13)):
        rows = shown[(shown["source"] == fit) & (shown["split"] == part)]
        face = colour if part == split else "white"
        axis.errorbar(
            rows["key"].map(place) + offset,
            rows["mean"],
            yerr=np.nan_to_num(rows["sd"]),
            fmt="o",
            color=colour,
            markerfacecolor=face,
            markersize=4.5 * scale**0.5,
            elinewidth=scale,
            markeredgewidth=0.9,
            zorder=4 if part == split else 3,
        )


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
    sizes = {"s": 4.5, "D": 4.5, "_": 10}
    baselines = {
        label: BASELINE_MARKERS[name]
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
            markersize=sizes[marker],
            label=label,
        )
        for label, marker in baselines.items()
    ]
