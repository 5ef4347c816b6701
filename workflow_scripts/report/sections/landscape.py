"""Cost landscapes: over the grid of a grid search, or over the candidates of any other search."""

from itertools import combinations

import numpy as np

from workflow_scripts.fitting import landscapes
from workflow_scripts.report.figures import landscape as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.search_text import counted_terms
from workflow_scripts.report.section import Section
from workflow_scripts.report.selection import shown_units

BINS = 24  # along a parameter, for searches without a grid
MAX_PARAMETERS = 4  # whose pairs are drawn: those that the configuration names first
MAX_PEOPLE = 12


def section(cohort):
    """Pictures of every fit: of the cohort, and of single people."""
    return _section([_fit(cohort, fit) for fit in cohort.all_fits])


def aggregate(cohort):
    """Means over people only, of fits with enough people."""
    smallest = cohort.smallest_group
    fits = [fit for fit in cohort.all_fits if cohort.count_people(cohort.landscapes.get(fit, {})) >= smallest]
    return _section([_fit(cohort, fit, smallest) for fit in fits])


def _section(fits):
    context = {"fits": [entry for entry in fits if entry], "bins": BINS, "max_parameters": MAX_PARAMETERS}
    return Section("landscapes", "Cost landscapes", "landscape.html.j2", context)


def _fit(cohort, fit, fewest=0):
    """What the page shows of a fit; None where nothing was simulated.

    With `fewest`, no individual is shown, and no cell in which fewer people have a candidate.
    """
    files = cohort.landscapes.get(fit, {})
    units = [unit for unit in cohort.units if unit in files]
    if not units:
        return None
    found = Valleys(cohort, fit, units, files)
    return {
        "name": fit,
        "n": len(units),
        "is_grid": found.is_grid,
        "n_parameters": len(found.names),
        "n_candidates": found.candidates,
        "shows_people": not fewest,
        "pictures": found.pictures(fewest),
        "people": None if fewest else found.people_picture(shown_units(cohort, MAX_PEOPLE)),
    }


class Valleys:
    """Lowest costs of all people over one and over two parameters.

    Parameters
    ----------
    cohort : workflow_scripts.report.cohort.Cohort
    fit : str
    units : list of str
    files : dict of str to path
        Where the candidates of every unit are.
    """

    def __init__(self, cohort, fit, units, files):
        self.fit, self.units, self.files = fit, units, files
        setting = cohort.fit_settings[fit]
        self.is_grid = setting["optimizer"]["name"] == "grid"
        first = landscapes.read(files[units[0]], units[0])
        self.names = first.coordinates[:MAX_PARAMETERS]
        self.bounds = cohort.free(fit)
        self.best = _points(_best(cohort, fit), units, self.names)
        self.truth = _points(_truth(cohort, fit), units, self.names)
        self.edges = [self._edges(first, column) for column in range(len(self.names))]
        self.terms = self._shown_terms(first, setting)
        self.candidates = 0
        self.along = {(term, k): [] for term in self.terms for k in range(len(self.names))}
        self.planes = {(term, pair): [] for term in self.terms for pair in self.pairs}
        for unit in units:
            self._add(landscapes.read(files[unit], unit))

    @property
    def pairs(self):
        """Pairs of parameters, by number."""
        return list(combinations(range(len(self.names)), 2))

    def _shown_terms(self, first, setting):
        """The cost; on grids of which every cell is one candidate also its terms."""
        if not self.is_grid or len(first.coordinates) > 2:
            return ["cost"]
        return ["cost", *(term for term in counted_terms(setting) if term in first.terms)]

    def _edges(self, first, column):
        """Borders of the cells along a parameter."""
        values = first.points[:, column].astype(float)
        if not self.is_grid:
            low, high = self.bounds.get(self.names[column]) or (values.min(), values.max())
            return np.linspace(low, high, BINS + 1)
        found = np.unique(values)
        if len(found) == 1:
            return np.array([found[0] - 0.5, found[0] + 0.5])
        middle = (found[1:] + found[:-1]) / 2
        return np.concatenate([[2 * found[0] - middle[0]], middle, [2 * found[-1] - middle[-1]]])

    def _add(self, one):
        """Sort the candidates of one person into the cells; failed ones leave theirs empty."""
        good = ~one.failed
        self.candidates += len(one.cost)
        cells = [
            np.clip(np.searchsorted(edges, one.points[:, k], side="right") - 1, 0, len(edges) - 2)
            for k, edges in enumerate(self.edges)
        ]
        # Without a grid people are compared by where their valleys lie, not by how low they are.
        offset = 0.0 if self.is_grid or not good.any() else one.cost[good].min()
        for term in self.terms:
            values = one.cost - offset if term == "cost" else one.values[:, one.terms.index(term)]
            for k, edges in enumerate(self.edges):
                self.along[term, k].append(_lowest(values[good], (cells[k][good],), (len(edges) - 1,)))
            for i, j in self.pairs:
                shape = len(self.edges[i]) - 1, len(self.edges[j]) - 1
                places = cells[i][good], cells[j][good]
                self.planes[term, (i, j)].append(_lowest(values[good], places, shape))

    def label(self, term):
        """Heading of a term."""
        if term != "cost":
            return term
        return "cost" if self.is_grid else "cost above the person's minimum"

    def pictures(self, fewest=0):
        """Curves over every parameter, planes over every pair: list of (picture, kind)."""
        drawn = []
        shown = self.terms if len(self.names) == 1 else ["cost"]
        panels = [self._curves(term, k, fewest) for term in shown for k in range(len(self.names))]
        alt = f"Lowest cost over every parameter, fit {self.fit}, mean over people"
        drawn.append((picture(figures.curves, panels, not fewest, alt=alt), "curves"))
        if self.pairs:
            alt = f"Cost over pairs of parameters, fit {self.fit}, over people"
            label = None if len(self.terms) > 1 else self.label("cost")
            drawn.append((picture(figures.planes, self._cohort_planes(fewest), label, alt=alt), "planes"))
        return drawn

    def _curves(self, term, k, fewest):
        label = self.label(term) if len(self.names) == 1 else f"lowest {self.label(term)}"
        people = _of_enough(np.array(self.along[term, k]), fewest)
        marked = self.best[:, k], self.truth[:, k]
        return figures.Curves(label, self.names[k], _centres(self.edges[k]), people, *marked)

    def _plane(self, title, pair, values, marked):
        """A plane with the best and the true points of some people."""
        pair = list(pair)
        names, edges = ([whole[k] for k in pair] for whole in (self.names, self.edges))
        points = self.best[marked][:, pair], self.truth[marked][:, pair]
        return figures.Plane(title, names, edges, values, *points)

    def _cohort_planes(self, fewest=0):
        """Mean over people on a grid, else median over those with a candidate in the cell."""
        over = np.nanmean if self.is_grid else np.nanmedian
        marked = slice(0) if fewest else slice(None)
        return [
            self._plane(
                self.label(term), pair, _over_known(over, _of_enough(np.array(values), fewest)), marked
            )
            for (term, pair), values in self.planes.items()
        ]

    def people_picture(self, shown):
        """A plane of each shown person over the first two parameters; None for one parameter."""
        if not self.pairs:
            return None
        pair = self.pairs[0]
        panels = [
            self._plane(unit, pair, self.planes["cost", pair][place], [place])
            for place, unit in enumerate(self.units)
            if unit in shown
        ]
        if not panels:
            return None
        first, second = (self.names[k] for k in pair)
        alt = f"Cost over {first} and {second} of single people, fit {self.fit}"
        return picture(figures.planes, panels, self.label("cost"), figures.PEOPLE_COLUMNS, alt=alt)


def _lowest(values, places, shape):
    """Lowest value in every cell, NaN in cells without any."""
    found = np.full(shape, np.inf)
    np.minimum.at(found, places, values)
    return np.where(np.isfinite(found), found, np.nan)


def _of_enough(values, fewest):
    """Values of people, without those of cells in which fewer people have any."""
    return np.where(np.isfinite(values).sum(axis=0) >= fewest, values, np.nan)


def _over_known(function, values):
    """Mean or median over people in cells that any of them has."""
    known = np.isfinite(values).any(axis=0)
    found = np.full(values.shape[1:], np.nan)
    found[known] = function(values[:, known], axis=0)
    return found


def _centres(edges):
    return (edges[1:] + edges[:-1]) / 2


def _best(cohort, fit):
    """Best values of the free coordinates: dict of (unit, name) to float."""
    rows = cohort.successful
    rows = rows[(rows["fit"] == fit) & rows["selected"]]
    names = [column for column in rows if column.startswith("param_")]
    return {
        (row["key"], name.removeprefix("param_")): row[name]
        for row in rows.to_dict("records")
        for name in names
    }


def _truth(cohort, fit):
    rows = cohort.of_fit("recovery", fit)
    return {(row.key, row.parameter): row.truth for row in rows.itertuples()}


def _points(known, units, names):
    """Values as (units, names) array, NaN where unknown."""
    return np.array([[known.get((unit, name), np.nan) for name in names] for unit in units], dtype=float)
