"""How a fit is searched: the settings, the search they stand for, and when it stops."""

import zlib
from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting import catalogue, designs
from cubnm_core.measures.objective import has_failed

# Generations of nothing but failures after which a search is given up.
HOPELESS = 5


@dataclass(frozen=True)
class OptimizerSettings:
    """How the unit cube is searched.

    Parameters
    ----------
    name : str
        ``grid``, ``random``, ``sobol``, or an algorithm of pymoo (``cmaes``, ``de``, ``pso``, ``ga``,
        ``nsga2``, ...; see :func:`cubnm_core.fitting.catalogue.available`).
    population : int
        Candidates per generation. A grid larger than this is computed in several generations.
    generations : int
        Most generations, the first (a Latin hypercube, or an initial point) included. A random or Sobol
        design has ``population * generations`` points.
    sigma : float
        First step size of CMA-ES, as a fraction of the range of every parameter.
    tolerance : float
        CMA-ES stops when its recent best costs differ by less (``tolfun``); with `patience`, the smallest
        improvement that counts.
    patience : int, optional
        A search stops when so many generations together have improved the best cost by `tolerance` or less.
    shape : dict of str to int, optional
        Points along every free parameter of a grid, both bounds included.
    options : dict, optional
        Further options of the algorithm, by the names pymoo gives them.
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
    patience: int | None = None
    shape: dict | None = None
    options: dict | None = None
    seed: int = 1

    def __post_init__(self):
        allowed = {
            "population": (self.population >= 4, "at least 4"),
            "generations": (self.generations >= 1, "at least 1"),
            "sigma": (0 < self.sigma <= 1, "above 0 and at most 1"),
            "tolerance": (self.tolerance >= 0, "at least 0"),
            "patience": (self.patience is None or self.patience >= 1, "at least 1, or None"),
            "seed": (self.seed >= 0, "at least 0"),
        }
        for name, (fine, rule) in allowed.items():
            if not fine:
                raise InputError(f"{name} of the optimiser is {getattr(self, name)!r}; it must be {rule}.")

    @property
    def is_design(self):
        """Whether all points are known before anything is simulated."""
        return self.name in designs.DESIGNS

    @property
    def most_generations(self):
        """Generations after which the search has ended at the latest."""
        if self.name == "grid":
            points = int(np.prod(list((self.shape or {"": 1}).values())))
            return -(-points // self.population)
        return self.generations


def make_search(settings, names, key, restart, objectives=1, initial=None):
    """Start the search of one fit.

    Parameters
    ----------
    settings : OptimizerSettings
    names : list of str
        The free parameters.
    key : str
        Of the fit; with `restart` and the seed of the settings it decides the random numbers.
    restart : int
    objectives : int, optional
        Number of costs of every point.
    initial : (d,) array, optional
        Point of the unit cube to begin with. A grid has no use for it; a random or Sobol design takes it as
        its first point.

    Returns
    -------
    object
        With ``ask()``, ``tell(costs (n, objectives))`` and ``stopped``, the reason why it ended by itself.

    Raises
    ------
    InputError
        For an optimiser that does not exist or does not suit the fit.
    """
    seed = derive_seed(settings.seed, restart, key)
    if settings.is_design:
        return _design(settings, names, seed, initial)
    from cubnm_core.fitting.searches import CmaesSearch, PymooSearch

    kind = CmaesSearch if catalogue.canonical(settings.name) in ("cmaes", "bipopcmaes") else PymooSearch
    return kind(settings, len(names), objectives, seed, initial)


def _design(settings, names, seed, initial):
    """Lay out a design and make a search of it."""
    if settings.name == "grid":
        return designs.DesignSearch(designs.grid(settings.shape or {}, names), settings.population, "grid")
    draw = {"random": designs.random, "sobol": designs.sobol}[settings.name]
    points = draw(settings.population * settings.generations, len(names), seed)
    if initial is not None:
        points[0] = initial
    return designs.DesignSearch(points, settings.population, f"{settings.name} design")


def derive_seed(seed, restart, key):
    """Seed of one restart of one fit: any `seed`, 0 included, gives another whole number from 1 to 2^31 - 1.

    Never 0, which the CMA-ES library would replace by the time of day.
    """
    words = np.random.SeedSequence([seed, restart, zlib.crc32(key.encode())]).generate_state(1)
    return 1 + int(words[0]) % (2**31 - 1)


def reason_to_stop(settings, history):
    """Say why a search should end after these generations, by the rules that hold for every algorithm.

    Parameters
    ----------
    settings : OptimizerSettings
    history : list of cubnm_core.fitting.run.Generation
        At least one.

    Returns
    -------
    str or None
        None to go on. A design is never stopped early: its points were chosen to cover the whole space.
    """
    if settings.is_design:
        return None
    best = np.minimum.accumulate([generation.cost.min() for generation in history])
    if len(history) >= settings.generations:
        return f"all {settings.generations} generations done"
    if len(history) >= HOPELESS and all(has_failed(generation.status).all() for generation in history):
        return f"every simulation of the first {len(history)} generations failed"
    patience = settings.patience
    if patience and len(best) > patience and best[-1 - patience] - best[-1] <= settings.tolerance:
        return f"no improvement of more than {settings.tolerance:g} in {patience} generations"
    return None
