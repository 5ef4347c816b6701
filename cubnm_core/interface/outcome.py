"""What a sweep or a fit has found: as a table, as a simulation, as figures, on disk."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.objective import has_failed

_FIRST_FRESH = 1000  # noise seed of an evaluation


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of a search for one person.

    Attributes
    ----------
    problems : list of cubnm_core.fitting.fits.FitProblem
        One of every restart.
    results : list of cubnm_core.fitting.fits.FitResult
        In the same order.
    """

    problems: list
    results: list
    _simulate: object = field(repr=False)

    @property
    def chosen(self):
        """The restart with the lowest cost, in the re-test where there was one."""
        return min(self.results, key=lambda result: float(np.sum(result.chosen_objectives)))

    @property
    def best(self):
        """Best values of free and fixed parameters: dict of str to float."""
        return dict(self.chosen.best_params)

    @property
    def cost(self):
        """Of the best candidate, in the search."""
        return self.chosen.best_cost

    @property
    def scores(self):
        """Terms of the best candidate, in the search: dict of str to float."""
        return dict(self.chosen.best_terms)

    @property
    def at_bounds(self):
        """Free parameters whose best value lies at a bound: dict of str to "low" or "high"."""
        return dict(self.chosen.at_bounds)

    @property
    def columns(self):
        """Parameters, terms, ``cost`` and ``status`` of every candidate: dict of str to (n,) arrays."""
        parts = [
            self._columns(problem, result, generation)
            for problem, result in zip(self.problems, self.results, strict=True)
            for generation in result.history
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    @staticmethod
    def _columns(problem, result, generation):
        size = len(generation.cost)
        found = {"restart": np.full(size, problem.restart), "generation": np.full(size, generation.number)}
        free = problem.space.coordinates(generation.points)
        found |= {name: free[name] for name in problem.space.names}
        return found | generation.terms | {"cost": generation.cost, "status": generation.status}

    @property
    def table(self):
        """Every candidate as a pandas DataFrame, one row each.

        Raises
        ------
        InputError
            Where pandas is not installed; `columns` needs nothing.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise InputError("the table needs pandas: pip install pandas, or use columns") from error
        return pd.DataFrame(self.columns)

    def simulate(self, seed=_FIRST_FRESH, record=("fc", "fcd", "bold", "state_means")):
        """Simulate the best candidate again.

        Parameters
        ----------
        seed : int or (B,) array
            Noise seeds; fresh ones by default.
        record : sequence of str
            As of `cubnm_core.simulate`.

        Returns
        -------
        cubnm_core.Simulation
            B simulations.
        """
        problem, seeds = self.problems[0], np.atleast_1d(seed)
        space, point = problem.space, np.repeat(self.chosen.best_point[None], len(seeds), axis=0)
        lengths = None if problem.lengths is None else problem.lengths[None]
        which = np.zeros(len(seeds), dtype=int)
        return self._simulate(
            problem.weights[None], which, space.to_parameters(point), seeds, lengths, record=tuple(record)
        )

    def evaluate(self, scan=None, seeds=10, first_seed=_FIRST_FRESH):
        """Score the best candidate under fresh noise, on the scan of the search or on a held-out one.

        The best of many candidates is partly the luckiest: these scores are not.

        Parameters
        ----------
        scan : Target, optional
            Made as the scan of the search was; that one by default.
        seeds : int
            S, their number.
        first_seed : int

        Returns
        -------
        dict of str to (S,) arrays
            Every term, and ``cost``.
        """
        problem = self.problems[0]
        run = self.simulate(np.arange(first_seed, first_seed + seeds))
        return problem.objective.score(run, problem.target if scan is None else scan)

    def save(self, path):
        """Write every candidate (`path`.tsv) and the best one (`path`.json).

        Parameters
        ----------
        path : str or Path
            Without an ending; files that exist are replaced.

        Returns
        -------
        list of Path
        """
        columns = self.columns
        table, best = (Path(f"{path}.{ending}") for ending in ("tsv", "json"))
        table.parent.mkdir(parents=True, exist_ok=True)
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        lines = ["\t".join(columns), *("\t".join(map(repr, row)) for row in rows)]
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        chosen = self.chosen
        found = {"best": self.best, "cost": self.cost, "retest_cost": chosen.retest_cost}
        found |= {"scores": self.scores, "at_bounds": self.at_bounds, "stopped": chosen.stopped}
        found["simulations"] = sum(result.simulations for result in self.results)
        best.write_text(json.dumps(found, indent=1, default=float) + "\n", encoding="utf-8")
        return [table, best]

    def plot_landscape(self, of="cost"):
        """Draw every candidate over its parameters: one panel for each parameter, or pair of them.

        Parameters
        ----------
        of : str, optional
            ``cost`` or a term.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from cubnm_core.interface import drawings

        columns = self.columns
        if of not in columns:
            raise InputError(f"there is no {of!r} to be drawn; choose from {', '.join(columns)}")
        ran = ~has_failed(columns["status"])
        return drawings.landscape(
            {name: columns[name][ran] for name in self.problems[0].space.names},
            columns[of][ran],
            of,
            self.best,
        )

    def plot_convergence(self):
        """Draw the best cost so far by generation, a line for every restart.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from cubnm_core.interface import drawings

        return drawings.convergence(
            [[generation.cost.min() for generation in result.history] for result in self.results]
        )

    def plot_fc(self, seed=_FIRST_FRESH):
        """Draw the FC of the scan beside that of the best candidate under fresh noise.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from cubnm_core.interface import drawings

        run, target = self.simulate(seed), self.problems[0].target
        fc = run.measured(target.layout)[0][0] if target.layout is not None else run.fc[0]
        pairs = run.measurement.pair_index
        return drawings.matrices(target.fc, np.asarray(fc, float), pairs, len(self.problems[0].weights))
