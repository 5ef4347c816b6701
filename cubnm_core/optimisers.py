"""Searches that can be replayed: ask for points in the unit cube, tell their costs, ask again.

A search is a function of its settings, its seed and the costs it was told. That is what makes a fit
resumable: to go on, one asks and tells again what the history holds. pymoo's CMA-ES draws from NumPy's global
generator; every search here therefore owns its random state, which is put in place only while it is at work.
"""

# ruff: noqa: NPY002, the global generator is what has to be put aside and back

import random
import zlib
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError

OPTIMISERS = ("cmaes", "grid")


@dataclass(frozen=True)
class OptimizerSettings:
    """How the unit cube is searched.

    Parameters
    ----------
    name : {"cmaes", "grid"}
    population : int
        Simulations per generation. A grid larger than this is computed in several generations.
    generations : int
        Most generations of a CMA-ES; the Latin hypercube it starts from is the first of them.
    sigma : float
        First step size of CMA-ES, as a fraction of the range of every parameter.
    tolerance : float
        CMA-ES stops when its recent best costs differ by less (``tolfun``).
    shape : dict of str to int, optional
        Points along every free parameter of a grid, both bounds included.
    seed : int
        Every fit and restart derives its own from it.

    Raises
    ------
    InputError
        For a value that is not allowed.
    """

    name: str = "cmaes"
    population: int = 16
    generations: int = 20
    sigma: float = 0.5
    tolerance: float = 5e-3
    shape: dict | None = None
    seed: int = 1

    def __post_init__(self):
        allowed = {
            "name": (self.name in OPTIMISERS, f"one of {', '.join(OPTIMISERS)}"),
            "population": (self.population >= 4, "at least 4"),
            "generations": (self.generations >= 1, "at least 1"),
            "sigma": (0 < self.sigma <= 1, "above 0 and at most 1"),
            "tolerance": (self.tolerance >= 0, "at least 0"),
            "seed": (self.seed >= 0, "at least 0"),
        }
        for name, (fine, rule) in allowed.items():
            if not fine:
                raise InputError(f"{name} of the optimiser is {getattr(self, name)!r}; it must be {rule}.")


def make_search(settings, names, key, restart):
    """Start the search of one fit.

    Parameters
    ----------
    settings : OptimizerSettings
    names : list of str
        The free parameters.
    key : str
        Of the fit; with `restart` and the seed of the settings it decides the random numbers.
    restart : int

    Returns
    -------
    CmaesSearch or GridSearch
    """
    if settings.name == "grid":
        return GridSearch(settings, names)
    return CmaesSearch(settings, len(names), derived_seed(settings.seed, restart, key))


def derived_seed(seed, restart, key):
    """Seed of one restart of one fit: any `seed`, 0 included, gives another whole number from 1 to 2^31 - 1.

    Never 0, which the CMA-ES library would replace by the time of day.
    """
    words = np.random.SeedSequence([seed, restart, zlib.crc32(key.encode())]).generate_state(1)
    return 1 + int(words[0]) % (2**31 - 1)


class OwnRandomState:
    """The state of the global generators of NumPy and Python, as one search sees them."""

    def __init__(self, seed):
        self._numpy = np.random.RandomState(seed).get_state()
        self._python = random.Random(seed).getstate()

    @contextmanager
    def in_place(self):
        """Put this state in place; afterwards keep where it got to, and give everybody else theirs back."""
        others = np.random.get_state(), random.getstate()
        np.random.set_state(self._numpy)
        random.setstate(self._python)
        try:
            yield
        finally:
            self._numpy, self._python = np.random.get_state(), random.getstate()
            np.random.set_state(others[0])
            random.setstate(others[1])


class CmaesSearch:
    """CMA-ES in the unit cube (Hansen & Ostermeier 2001, doi:10.1162/106365601750190398), run by pymoo.

    As in cuBNM the first generation is a Latin hypercube, whose best point CMA-ES starts from.

    Parameters
    ----------
    settings : OptimizerSettings
    dimension : int
        Free parameters, at least 2.
    seed : int
        From 1 to 2^31 - 1.

    Attributes
    ----------
    stopped : str or None
        Why the search ended.
    """

    def __init__(self, settings, dimension, seed):
        from pymoo.algorithms.soo.nonconvex.cmaes import CMAES
        from pymoo.core.problem import Problem

        if dimension < 2:
            raise InputError("CMA-ES needs at least two free parameters; search one with a grid.")
        self.settings = settings
        self.stopped = None
        self._generation = 0
        self._random = OwnRandomState(seed)
        self._problem = Problem(n_var=dimension, n_obj=1, xl=np.zeros(dimension), xu=np.ones(dimension))
        with self._random.in_place():
            self._algorithm = CMAES(
                pop_size=settings.population, sigma=settings.sigma, tolfun=settings.tolerance
            )
            self._algorithm.n_sample_points = settings.population
            self._algorithm.setup(self._problem, seed=seed)

    def ask(self):
        """Points of the next generation, (n, d); n may change from one generation to the next."""
        with self._random.in_place():
            self._asked = self._algorithm.ask()
        return self._asked.get("X").astype(np.float64)

    def tell(self, cost):
        """Costs of the points asked for last, (n,), all finite: CMA-ES would hang on a NaN."""
        from pymoo.core.evaluator import Evaluator
        from pymoo.problems.static import StaticProblem

        cost = _checked_cost(cost, len(self._asked))
        strategy = self._strategy()
        with self._random.in_place():
            Evaluator().eval(StaticProblem(self._problem, F=cost[:, None]), self._asked)
            self._algorithm.tell(infills=self._asked)
        self._generation += 1
        if not self._algorithm.has_next():
            self.stopped = self._reason(strategy)
        elif self._generation >= self.settings.generations:
            self.stopped = f"all {self.settings.generations} generations done"

    def _strategy(self):
        """The library's CMA-ES object; None during the Latin hypercube. It lives inside pymoo's generator."""
        generator = self._algorithm.es
        return None if generator is None else generator.gi_frame.f_locals["es"]

    def _reason(self, strategy):
        conditions = sorted(strategy.stop(check=False)) or ["the CMA-ES library gave up"]
        if "tolfun" in conditions:
            return f"costs differ by less than the tolerance of {self.settings.tolerance:g} (tolfun)"
        return "CMA-ES stopped: " + ", ".join(conditions)


class GridSearch:
    """Every combination of equally spaced values, the first parameter slowest.

    Parameters
    ----------
    settings : OptimizerSettings
        Its ``shape`` must name every free parameter.
    names : list of str

    Raises
    ------
    InputError
        If the shape does not fit the free parameters.
    """

    def __init__(self, settings, names):
        shape = settings.shape or {}
        if set(shape) != set(names):
            raise InputError(
                f"The shape of the grid names {', '.join(shape) or 'nothing'}; give the number of points for "
                f"exactly the free parameters {', '.join(names)}."
            )
        if min(shape.values()) < 1:
            raise InputError(f"The shape of the grid is {shape}; every parameter needs at least one point.")
        axes = [_axis(shape[name]) for name in names]
        self._points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(names))
        self._population = settings.population
        self._done = 0
        self.stopped = None

    def ask(self):
        """Points of the next generation, (n, d)."""
        return self._points[self._done : self._done + self._population].copy()

    def tell(self, cost):
        """Costs of the points asked for last, (n,)."""
        self._done += len(_checked_cost(cost, len(self.ask())))
        if self._done == len(self._points):
            self.stopped = f"all {len(self._points)} points of the grid done"


def _axis(n_points):
    """Equally spaced values from 0 to 1; a single one lies in the middle."""
    return np.linspace(0, 1, n_points) if n_points > 1 else np.array([0.5])


def _checked_cost(cost, n_asked):
    cost = np.asarray(cost, dtype=np.float64)
    if cost.shape != (n_asked,) or not np.isfinite(cost).all():
        raise ValueError(f"A search needs {n_asked} finite costs, found {cost}.")
    return cost
