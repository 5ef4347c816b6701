"""Optimism: scores from the search to the held-out scan."""

import numpy as np

from workflow_scripts.report.figures.style import WIDTH, colours, fixed, legend_below, markers, new_figure

STEPS = {
    "search": "search\n(noise of the search)",
    "train": "training scan\n(fresh noise)",
    "test": "held-out scan\n(fresh noise)",
}
TITLES = {"fc_corr": "FC correlation ↑", "fcd_ks": "FCD distance ↓", "cost": "cost ↓"}


def optimism(frame, fits):
    """Means over people of every fit at the three steps, with their SD: one panel for each measure.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per person, ``fit`` and ``measure``: ``search``, ``train``, ``test``.
    fits : list of str

    Returns
    -------
    matplotlib.figure.Figure
    """
    measures = [measure for measure in TITLES if (frame["measure"] == measure).any()]
    steps = [step for step in STEPS if frame[step].notna().any()]
    figure = new_figure(WIDTH, 3.4)
    axes = figure.subplots(1, len(measures), squeeze=False)[0]
    for axis, measure in zip(axes, measures, strict=True):
        for number, fit in enumerate(fits):
            mine = frame[(frame["measure"] == measure) & (frame["fit"] == fit)]
            _draw(
                axis,
                mine[steps],
                0.09 * (number - (len(fits) - 1) / 2),
                colours(fits)[fit],
                markers(fits)[fit],
            )
        axis.set_xticks(range(len(steps)), [STEPS[step] for step in steps])
        axis.set_xlim(-0.4, len(steps) - 0.5)
        axis.set_title(TITLES[measure])
        axis.grid(axis="y")
    if len(fits) > 1:
        handles = [
            axes[0].plot([], [], color=colours(fits)[fit], marker=markers(fits)[fit], label=fit)[0]
            for fit in fits
        ]
        legend_below(figure, handles)
    return figure


def _draw(axis, values, offset, colour, marker):
    """One line: means with their SD, and by how much each step changes the score."""
    if values.empty:
        return
    x = np.arange(values.shape[1]) + offset
    mean, sd = values.mean().to_numpy(), np.nan_to_num(values.std().to_numpy())
    axis.errorbar(x, mean, yerr=sd, color=colour, marker=marker, capsize=2, elinewidth=0.8, zorder=3)
    for place, change in enumerate(np.diff(mean)):
        if offset <= 0 and np.isfinite(change):
            middle = (x[place] + x[place + 1]) / 2, (mean[place] + mean[place + 1]) / 2
            text = fixed(change) if change < 0 else f"+{fixed(change)}"
            axis.annotate(
                text, middle, (0, 6), textcoords="offset points", ha="center", fontsize=8, color=colour
            )
