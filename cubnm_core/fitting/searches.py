"""Algorithms of pymoo as searches that can be replayed, each with a random state of its own.

A search is a function of its settings, its seed and the costs it was told. That is what makes a fit
resumable: to go on, one asks and tells again what the history holds. Some algorithms of pymoo, CMA-ES among
them, draw from the global generators; every search here therefore owns its random state, which is put in
place only while it is at work.
"""

# ruff: noqa: NPY002, the global generator is what has to be put aside and back

import random
from contextlib import contextmanager

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting import catalogue, designs

# Algorithms whose population follows from others of their settings.
_OWN_POPULATION = ("brkga", "ctaea", "parallelmoead")


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


class PymooSearch:
    """Any algorithm of pymoo in the unit cube.

    The first generation is a Latin hypercube (with the initial point in place of its first one, if there is
    one), where the algorithm can be given points to start from. Local searches start from its best point.

    Parameters
    ----------
    settings : cubnm_core.fitting.optimisers.OptimizerSettings
    dimension : int
        Free parameters.
    objectives : int
    seed : int
        From 1 to 2^31 - 1.
    initial : (d,) array, optional
        Point of the unit cube to begin with.

    Attributes
    ----------
    stopped : str or None
        Why the algorithm ended by itself.

    Raises
    ------
    InputError
        If there is no such algorithm, it is for another number of objectives, or refuses its options.
    """

    def __init__(self, settings, dimension, objectives, seed, initial=None):
        from pymoo.core.problem import Problem

        found, family = catalogue.algorithm(settings.name)
        _check_objectives(found.__name__, family, objectives)
        catalogue.check_options(settings.name, settings.options or {})
        self.name, self.stopped = found.__name__, None
        self._settings = settings
        self._random = OwnRandomState(seed)
        problem = Problem(n_var=dimension, n_obj=objectives, xl=np.zeros(dimension), xu=np.ones(dimension))
        with self._random.in_place():
            try:
                self._algorithm = self._made(found, dimension, objectives, seed, initial)
                self._algorithm.setup(problem, seed=seed)
            except Exception as error:
                raise InputError(f"{self.name} refuses its options {settings.options}: {error}") from error
            self._prepare()

    def _made(self, found, dimension, objectives, seed, initial):
        """Build the algorithm of its settings."""
        taken, population = catalogue.accepted(found), self._settings.population
        stated = {}
        if "n_elites" in taken:  # shares of elites, children and mutants as in pymoo
            elites, mutants = max(1, population // 5), max(1, population // 10)
            children = population - elites - mutants
            stated |= {"n_elites": elites, "n_offsprings": children, "n_mutants": mutants}
        if "rule" in taken:  # evolution strategies: as many children as simulations, a share of them parents
            stated["n_offsprings"] = population
        elif "pop_size" in taken and catalogue.canonical(self.name) not in _OWN_POPULATION:
            stated["pop_size"] = population
        if "ref_dirs" in taken:
            stated["ref_dirs"] = directions(objectives, population)
        if "n_sample_points" in taken:
            stated["n_sample_points"] = population
        if "sigma" in taken:
            stated["sigma"] = self._settings.sigma
        if "sampling" in taken:
            stated["sampling"] = _first_generation(seed, initial)
        return found(**stated | (self._settings.options or {}))

    def _prepare(self):
        """Leave it to the rules of the fit when to stop; an algorithm may still give up by itself."""
        from pymoo.core.termination import NoTermination

        self._algorithm.termination = NoTermination()

    def ask(self):
        """Points of the next generation, (n, d); n may change from one generation to the next."""
        from pymoo.core.population import Population

        with self._random.in_place():
            asked = self._algorithm.ask()
        self._infills = asked
        self._asked = asked if isinstance(asked, Population) else Population.create(asked)
        return self._asked.get("X").astype(np.float64)

    def tell(self, costs):
        """Costs of the points asked for last, (n, objectives), all finite: CMA-ES would hang on a NaN."""
        costs = np.asarray(costs, dtype=np.float64)
        if len(costs) != len(self._asked) or not np.isfinite(costs).all():
            raise ValueError(f"A search needs {len(self._asked)} finite costs, found {costs}.")
        for individual, found in zip(self._asked, costs, strict=True):
            individual.F = found
            individual.evaluated.update("FGH")
        try:
            with self._random.in_place():
                self._algorithm.tell(infills=self._infills)
        except Exception as error:  # some divide by the spread of the costs, which may all be alike
            raise InputError(
                f"{self.name} cannot go on from costs of {costs.min():g} to {costs.max():g} "
                f"({type(error).__name__}: {error}); choose another optimizer"
            ) from error
        if not self._algorithm.has_next():
            self.stopped = self._reason()

    def _reason(self):
        return f"{self.name} ended by itself"


class CmaesSearch(PymooSearch):
    """CMA-ES in the unit cube (Hansen & Ostermeier 2001, doi:10.1162/106365601750190398).

    As in cuBNM the first generation is a Latin hypercube, whose best point CMA-ES starts from; with an
    initial point that point is the first generation, and CMA-ES starts from it.
    """

    def __init__(self, settings, dimension, objectives, seed, initial=None):
        if dimension < 2:
            raise InputError("CMA-ES needs at least two free parameters; search one with a grid.")
        self._strategy = None  # the object of the CMA-ES library, which pymoo keeps to itself
        super().__init__(settings, dimension, objectives, seed, initial)

    def _made(self, found, dimension, objectives, seed, initial):
        settings = self._settings

        def shown(strategy):
            """Called by the library in every generation; no reason to stop."""
            self._strategy = strategy
            return False

        made = found(
            x0=initial,
            pop_size=settings.population,
            sigma=settings.sigma,
            tolfun=settings.tolerance,
            termination_callback=shown,
            **(settings.options or {}),
        )
        made.n_sample_points = settings.population
        return made

    def _prepare(self):
        """Keep the stopping rules of the library, tolfun among them."""

    def _reason(self):
        conditions = sorted(self._strategy.stop(check=False)) if self._strategy is not None else []
        if "tolfun" in conditions:
            return f"costs differ by less than the tolerance of {self._settings.tolerance:g} (tolfun)"
        return "CMA-ES stopped: " + (", ".join(conditions) or "the CMA-ES library gave up")


def _first_generation(seed, initial):
    """A sampling of pymoo: a Latin hypercube, whose first point gives way to the initial one."""
    from pymoo.core.sampling import Sampling

    class FirstGeneration(Sampling):
        def _do(self, problem, n_samples, **_):
            points = designs.latin_hypercube(n_samples, problem.n_var, seed)
            if initial is not None:
                points[0] = initial
            return points

    return FirstGeneration()


def _check_objectives(name, family, objectives):
    """An algorithm for one objective cannot search for several, nor the other way round."""
    if family == "single" and objectives > 1:
        raise InputError(
            f"{name} searches for one objective, not for {objectives}; choose one of "
            f"{', '.join(catalogue.available('multiple'))}, or state one objective"
        )
    if family == "multiple" and objectives == 1:
        raise InputError(
            f"{name} searches for several objectives, and one is stated; state objectives, or choose one of "
            f"{', '.join(catalogue.available('single'))}"
        )


def directions(objectives, population):
    """Evenly spread directions of a front (Das & Dennis 1998), as many as the population has room for."""
    from pymoo.util.ref_dirs import get_reference_directions

    parts = 1
    found = following = get_reference_directions("das-dennis", objectives, n_partitions=parts)
    while len(following) <= population:
        found, parts = following, parts + 1
        following = get_reference_directions("das-dennis", objectives, n_partitions=parts)
    return found
