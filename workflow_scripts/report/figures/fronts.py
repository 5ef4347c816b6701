"""Pareto fronts of fits with several objectives, and the selected candidates."""

from itertools import combinations

from workflow_scripts.report.figures.style import INK, PALETTE, WIDTH, new_figure

PANELS = 3  # pairs of objectives with a panel of their own


def fronts(rows, names):
    """One panel per pair of objectives: the front of every person, the candidate that was chosen filled.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of the table of fronts, of one fit: key, selected, objective_1, ...
    names : list of str
        Of the objectives.
    """
    pairs = list(combinations(range(len(names)), 2))[:PANELS]
    figure = new_figure(WIDTH if len(pairs) > 1 else 0.6 * WIDTH, 3.6)
    for axis, (first, second) in zip(figure.subplots(1, len(pairs), squeeze=False)[0], pairs, strict=True):
        columns = [f"objective_{first + 1}", f"objective_{second + 1}"]
        _draw(axis, rows, columns, joined=len(names) == 2)
        axis.set(xlabel=names[first], ylabel=names[second])
        axis.grid()
    return figure


def _draw(axis, rows, columns, joined):
    """Candidates of every person; with two objectives a line leads along the front."""
    for _, part in rows.groupby("key"):
        found = part.sort_values(columns)
        if joined:
            axis.plot(*found[columns].to_numpy().T, color=PALETTE[5], linewidth=0.8, alpha=0.7)
        axis.scatter(*found[columns].to_numpy().T, s=8, color=PALETTE[5], alpha=0.7)
    chosen = rows[rows["selected"]]
    axis.scatter(
        *chosen[columns].to_numpy().T, s=26, color=PALETTE[1], edgecolors=INK, linewidths=0.6, zorder=3
    )
