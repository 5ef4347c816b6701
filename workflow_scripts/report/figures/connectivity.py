"""Functional connectivity and its dynamics, empirical and simulated."""

from itertools import pairwise

import numpy as np

from workflow_scripts.report.figures.style import (
    DIVERGING,
    GREY,
    INK,
    LIGHT,
    SEQUENTIAL,
    colours,
    fixed,
    new_figure,
)

FCD_BINS = np.linspace(-0.4, 1.0, 71)
PANEL = 2.55  # inches
SIDE = 160  # rows of a matrix that a panel can show; larger ones are averaged in blocks


def person(empirical, simulated, pair_index, hemispheres, split, fits):
    """FC matrices above, FCD matrices below them; then the entries against each other and FCD distributions.

    Parameters
    ----------
    empirical : dict
        `fc` (P,) and, where it exists, `fcd` (K,) or its distribution function `fcd_cdf` (10000,); `windows`
        where the FCD is that of one run, whose matrix can be drawn.
    simulated : dict of str to dict
        The same for each fit.
    pair_index : tuple of (P,) int arrays
    hemispheres : (N,) array or None
    split : str
        What to call the empirical data.
    fits : list of str
        All fits, so that a fit has one colour on the whole page.
    """
    has_fcd = not {"fcd", "fcd_cdf"}.isdisjoint(empirical) and all("fcd" in run for run in simulated.values())
    n_columns = len(simulated) + 2
    named = {f"empirical, {split}": empirical, **simulated}
    has_windows = any("windows" in run for run in named.values())
    n_rows = 2 + has_windows
    figure = new_figure(PANEL * n_columns, n_rows * PANEL + 0.2)
    grid = figure.add_gridspec(n_rows, n_columns)
    colour = colours(fits)
    _matrices(figure, grid, named, pair_index, hemispheres)
    if has_windows:
        _dynamics(figure, grid, named)
    for k, (fit, run) in enumerate(simulated.items()):
        _scatter(figure.add_subplot(grid[-1, k]), empirical["fc"], run["fc"], fit, colour[fit])
    if has_fcd:
        _fcd_density(figure.add_subplot(grid[-1, -2]), empirical, simulated, colour, split)
        _fcd_cumulative(figure.add_subplot(grid[-1, -1]), empirical, simulated, colour)
    return figure


def _matrices(figure, grid, named, pair_index, hemispheres):
    """FC matrices of everything that is compared, on one scale."""
    limit = _colour_limit(named.values())
    for k, (name, run) in enumerate(named.items()):
        image = _matrix(figure.add_subplot(grid[0, k]), run["fc"], pair_index, hemispheres, limit, name)
    _colour_bar(figure, figure.add_subplot(grid[0, -1]), image, "FC (Pearson r)")


def _dynamics(figure, grid, named):
    """FCD matrices on one scale, where there is one matrix to draw."""
    shown = {k: run for k, run in enumerate(named.values()) if "windows" in run}
    values = np.concatenate([run["fcd"] for run in shown.values()])
    low, high = np.quantile(values[np.isfinite(values)], [0.01, 0.99])
    for k, run in shown.items():
        axis = figure.add_subplot(grid[1, k])
        matrix = np.ones((run["windows"], run["windows"]))
        below = np.tril_indices(run["windows"], -1)
        matrix[below] = matrix.T[below] = run["fcd"]
        look = {"cmap": SEQUENTIAL, "vmin": low, "vmax": high, "interpolation": "none"}
        image = axis.imshow(block_means(matrix), **look)
        axis.set(xticks=[], yticks=[], xlabel=f"{run['windows']} windows")
        axis.set_title("FCD", fontsize=9)
        axis.spines[:].set_visible(False)
    _colour_bar(figure, figure.add_subplot(grid[1, -1]), image, "FCD (Pearson r)")


def block_means(matrix, side=SIDE):
    """Average a square matrix in blocks, so that no side is longer than a panel shows.

    Parameters
    ----------
    matrix : (N, N) array
        May hold NaN, which enters no mean; a block of nothing else is NaN.
    side : int

    Returns
    -------
    (M, M) array
        With M <= side; the matrix itself where it is small enough.
    """
    if len(matrix) <= side:
        return matrix
    edges = np.linspace(0, len(matrix), side + 1).astype(int)[:-1]
    known = np.isfinite(matrix)
    total = np.add.reduceat(np.add.reduceat(np.where(known, matrix, 0.0), edges, 0), edges, 1)
    count = np.add.reduceat(np.add.reduceat(known.astype(int), edges, 0), edges, 1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _colour_bar(figure, axis, image, label):
    """The scale of the matrices in a panel of its own, so that all rows keep the same columns."""
    axis.set_axis_off()
    figure.colorbar(image, cax=axis.inset_axes([0.0, 0.1, 0.07, 0.8]), label=label)


def _colour_limit(runs):
    """One colour scale for all matrices of a person: 99 % of the entries lie within it."""
    return max(0.1, np.ceil(10 * max(np.quantile(np.abs(run["fc"]), 0.99) for run in runs)) / 10)


def _matrix(axis, fc, pair_index, hemispheres, limit, title):
    n_nodes = int(pair_index[0].max()) + 1
    matrix = np.full((n_nodes, n_nodes), np.nan)
    matrix[pair_index] = fc
    matrix.T[pair_index] = fc
    axis.set_facecolor(LIGHT)
    # In the places of the regions, so that ticks and borders fit matrices that were averaged as well.
    look = {"cmap": DIVERGING, "vmin": -limit, "vmax": limit, "interpolation": "none"}
    image = axis.imshow(block_means(matrix), extent=(-0.5, n_nodes - 0.5, n_nodes - 0.5, -0.5), **look)
    axis.set_title(title, fontsize=9)
    _hemisphere_ticks(axis, hemispheres, n_nodes)
    axis.spines[:].set_visible(False)
    return image


def _hemisphere_ticks(axis, hemispheres, n_nodes):
    """Name the hemispheres where the nodes are sorted by them; else only the number of nodes."""
    axis.set_xticks([])
    axis.set_yticks([])
    borders = [] if hemispheres is None else list(np.flatnonzero(hemispheres[1:] != hemispheres[:-1]) + 1)
    if hemispheres is None or len(borders) > 2:
        axis.set_xlabel(f"{n_nodes} regions")
        return
    edges = [0, *borders, n_nodes]
    centres = [(low + high - 1) / 2 for low, high in pairwise(edges)]
    names = [str(hemispheres[low]) for low in edges[:-1]]
    axis.set_xticks(centres, names)
    axis.set_yticks(centres, names)
    axis.tick_params(length=0)
    for border in borders:
        axis.axhline(border - 0.5, color=INK, linewidth=0.5)
        axis.axvline(border - 0.5, color=INK, linewidth=0.5)


def _scatter(axis, empirical, simulated, fit, colour):
    size = np.clip(8000 / len(empirical), 2.5, 16.0)
    axis.scatter(empirical, simulated, s=size, color=colour, alpha=0.3, linewidth=0, rasterized=True)
    finite = np.isfinite(empirical) & np.isfinite(simulated)
    slope, intercept = np.polyfit(empirical[finite], simulated[finite], 1)
    ends = np.array([empirical[finite].min(), empirical[finite].max()])
    axis.plot(ends, slope * ends + intercept, color=INK, linewidth=1.2)
    low, high = min(ends[0], simulated[finite].min()), max(ends[1], simulated[finite].max())
    axis.plot([low, high], [low, high], color=GREY, linewidth=0.8, linestyle=(0, (3, 2)))
    axis.set(xlabel="empirical FC", ylabel="simulated FC")
    axis.set_title(f"{fit}: r = {fixed(np.corrcoef(empirical[finite], simulated[finite])[0, 1])}", fontsize=9)
    axis.grid()


def _fcd_density(axis, empirical, simulated, colour, split):
    density = _density(empirical)
    axis.stairs(density, FCD_BINS, fill=True, color=LIGHT)
    axis.stairs(density, FCD_BINS, color=INK, linewidth=1, label=f"empirical, {split}")
    for fit, run in simulated.items():
        axis.stairs(_density(run), FCD_BINS, color=colour[fit], linewidth=1.5, label=fit)
    axis.set_title("FCD values", fontsize=9)
    axis.set(xlabel="FCD", ylabel="density")
    axis.set_ylim(top=axis.get_ylim()[1] * 1.3)
    axis.legend(loc="upper left", fontsize=7)


def _fcd_cumulative(axis, empirical, simulated, colour):
    edges = FCD_BINS[1:]
    axis.plot(edges, _cumulative(empirical), color=INK, linewidth=1.2)
    for fit, run in simulated.items():
        ours, theirs = _cumulative(run), _cumulative(empirical)
        widest = int(np.abs(ours - theirs).argmax())
        axis.plot(edges, ours, color=colour[fit], linewidth=1.5)
        axis.plot(
            [edges[widest]] * 2,
            [ours[widest], theirs[widest]],
            color=colour[fit],
            linewidth=1,
            marker="_",
            markersize=5,
        )
    axis.set_title("FCD cumulative, KS", fontsize=9)
    axis.set(xlabel="FCD", ylabel="cumulative proportion", ylim=(0, 1.02))
    axis.grid()


def _density(found):
    """Density of FCD values in the bins; the outermost hold what lies beyond them."""
    shares = np.diff(np.concatenate([[0.0], _cumulative(found)[:-1], [1.0]]))
    return shares / np.diff(FCD_BINS)


def _cumulative(found):
    """Share of FCD values up to the upper edge of every bin."""
    if "fcd" in found:
        return np.searchsorted(np.sort(found["fcd"]), FCD_BINS[1:], side="right") / len(found["fcd"])
    upper_edges = np.linspace(-1.0, 1.0, len(found["fcd_cdf"]) + 1)[1:]
    return np.interp(FCD_BINS[1:], upper_edges, found["fcd_cdf"])
