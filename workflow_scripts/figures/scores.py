"""Scores beside baselines: the cohort at a glance and person by person."""

import numpy as np
from matplotlib.lines import Line2D

from workflow_scripts.figures.style import GREY, INK, LIGHT, WIDTH, colours, jitter, new_figure

TITLES = {"fc_corr": "FC correlation (higher is better)", "fcd_ks": "FCD distance, KS (lower is better)"}
BASELINE_LABELS = {"sc_fc": "SC–FC", "group_mean_fc": "group-mean FC", "scan_rescan_fc": "scan–rescan", "scan_rescan_ks": "scan–rescan"}
BASELINE_MARKERS = {"sc_fc": "s", "group_mean_fc": "D", "scan_rescan_fc": "_", "scan_rescan_ks": "_"}
NAMES_UP_TO = 40


def cohort_strip(frame, fits, split):
    """Strips of all people: baselines, then each fit on training and held-out scans, a thin line joining a person's two."""
    strips = {measure: _strips(frame, measure, fits, split) for measure in TITLES}
    widths = [max(2, len(strip)) for strip in strips.values()]
    figure = new_figure(max(WIDTH, 0.95 * sum(widths)), 3.9)
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
        axis.scatter(x, values, s=18, color=face if filled else "white", edgecolor=face, linewidth=0.9, alpha=0.85, zorder=3)
        axis.plot([position - 0.27, position + 0.27], [values.mean()] * 2, color=INK, linewidth=2, zorder=4)
        axis.annotate(f"{values.mean():.2f}", (position + 0.29, values.mean()), fontsize=8, va="center", zorder=5)
        previous = (source, dict(zip(values.index, zip(x, values, strict=True), strict=True)))
    axis.set_xticks(range(len(strips)), [label for *_, label in strips])
    axis.set_xlim(-0.6, len(strips) - 0.2)


def _join(axis, left, right):
    for unit in left.keys() & right.keys():
        axis.plot(*zip(left[unit], right[unit], strict=True), color=LIGHT, linewidth=0.8, zorder=1)


def people_ranked(frame, fits, split):
    """Each person's score with its spread over seeds, beside that person's own baselines; one row per measure, one column per fit."""
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
    """Units from the best to the worst FC correlation of the first fit that has scores; units it lacks come last."""
    units = list(dict.fromkeys(frame["key"]))
    for fit in fits:
        mine = frame[(frame["source"] == fit) & (frame["split"] == split) & (frame["measure"] == "fc_corr")]
        if len(mine):
            ranked = list(mine.sort_values("mean", ascending=False)["key"])
            return ranked + [unit for unit in units if unit not in set(ranked)]
    return units


def _draw_people(axis, shown, fit, order, colour, split):
    place = {unit: k for k, unit in enumerate(order)}
    for name, marker in BASELINE_MARKERS.items():
        rows = shown[shown["source"] == name]
        axis.scatter(rows["key"].map(place), rows["mean"], marker=marker, s=70 if marker == "_" else 16, color=GREY,
                     facecolor=GREY if marker == "_" else "white", linewidth=2 if marker == "_" else 0.9, zorder=2)
    for part, offset in (("train", -0.13), ("test", 0.13)):
        rows = shown[(shown["source"] == fit) & (shown["split"] == part)]
        face = colour if part == split else "white"
        axis.errorbar(rows["key"].map(place) + offset, rows["mean"], yerr=np.nan_to_num(rows["sd"]), fmt="o", color=colour,
                      markerfacecolor=face, markersize=4.5, elinewidth=1, markeredgewidth=0.9, zorder=4 if part == split else 3)


def _name_people(axes, order):
    for axis in axes:
        if len(order) <= NAMES_UP_TO:
            axis.set_xticks(range(len(order)), [unit.removeprefix("sub-") for unit in order], rotation=90)
        else:
            axis.set_xlabel(f"{len(order)} people, ordered by the FC correlation of the first fit")


def _legend(fits, split, frame):
    colour = colours(fits)[fits[0]]
    split_name = {"train": "training", "test": "held-out"}
    entries = [Line2D([], [], marker="o", linestyle="", color=colour, markerfacecolor=colour if part == split else "white",
                      label=f"{split_name[part]}, mean ± SD over seeds") for part in sorted(set(frame["split"]), reverse=True)]
    sizes = {"s": 4.5, "D": 4.5, "_": 10}
    baselines = {label: BASELINE_MARKERS[name] for name, label in BASELINE_LABELS.items() if name in set(frame["source"])}
    return entries + [Line2D([], [], marker=marker, linestyle="", color=GREY, markerfacecolor="white", markeredgewidth=1.5,
                             markersize=sizes[marker], label=label) for label, marker in baselines.items()]
