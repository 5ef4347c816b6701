"""Figures of sweeps and fits, with matplotlib."""

from itertools import combinations

import numpy as np

from cubnm_core.errors import InputError

_WIDTH, _HEIGHT = 4.2, 3.4  # inches of a panel
_COLUMNS = 3


def landscape(params, values, name, best):
    """A panel for one parameter, or for every pair of several.

    Parameters
    ----------
    params : dict of str to (n,) arrays
    values : (n,) array
    name : str
        Of the values.
    best : dict of str to float

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = list(params)
    if len(names) == 1:
        figure, (axis,) = _panels(1)
        order = np.argsort(params[names[0]])
        axis.plot(params[names[0]][order], values[order], "o-", markersize=4, linewidth=1)
        axis.axvline(best[names[0]], color="0.5", linestyle="--", linewidth=1, label="best")
        axis.set(xlabel=names[0], ylabel=name)
        axis.legend(frameon=False)
        return figure
    pairs = list(combinations(names, 2))
    figure, axes = _panels(len(pairs))
    order = np.argsort(-values)  # the best on top
    for axis, (one, other) in zip(axes, pairs, strict=True):
        drawn = axis.scatter(
            params[one][order], params[other][order], c=values[order], s=22, cmap="viridis_r"
        )
        axis.plot(best[one], best[other], "*", markersize=14, color="crimson", markeredgecolor="white")
        axis.set(xlabel=one, ylabel=other)
    figure.colorbar(drawn, ax=axes, label=name)
    return figure


def convergence(costs):
    """Best cost so far by generation.

    Parameters
    ----------
    costs : list of list of float
        Lowest cost of every generation of every restart.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = _panels(1)
    for restart, values in enumerate(costs):
        best = np.minimum.accumulate(values)
        axis.plot(np.arange(1, len(best) + 1), best, "o-", markersize=3, label=f"restart {restart}")
    axis.set(xlabel="generation", ylabel="best cost so far")
    axis.legend(frameon=False)
    return figure


def matrices(empirical, simulated, pairs, nodes):
    """FC of a scan and of a simulation on one scale, and one against the other.

    Parameters
    ----------
    empirical, simulated : (P,) arrays
    pairs : tuple of (P,) int arrays
    nodes : int

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _panels(3)
    limit = float(np.nanmax(np.abs([empirical, simulated])))
    for axis, values, title in zip(axes, (empirical, simulated), ("scan", "simulation"), strict=False):
        matrix = np.full((nodes, nodes), np.nan)
        matrix[pairs] = matrix[pairs[::-1]] = values
        drawn = axis.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set(title=title, xlabel="node", ylabel="node")
        for each in (axis.xaxis, axis.yaxis):
            each.get_major_locator().set_params(integer=True)
    figure.colorbar(drawn, ax=axes[:2], label="FC (r)")
    axes[2].plot(empirical, simulated, ".", markersize=2, color="0.3")
    axes[2].set(xlabel="FC of the scan (r)", ylabel="FC of the simulation (r)")
    axes[2].set_title(f"r = {np.corrcoef(empirical, simulated)[0, 1]:.2f}")
    return figure


def _panels(count):
    """A figure and so many axes in rows; drawn without a window."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("figures need matplotlib: pip install matplotlib") from error
    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    figure = Figure(figsize=(_WIDTH * columns, _HEIGHT * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[count:]:
        axis.set_visible(False)
    return figure, axes[:count]
