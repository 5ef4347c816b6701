"""Sweeps and fits of one person in one call."""

import os
from dataclasses import dataclass, field

import numpy as np

from cubnm_core.equations.files import load_model
from cubnm_core.equations.model import Model
from cubnm_core.errors import InputError
from cubnm_core.fitting.fits import FitProblem, Retest
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.packing import batch_size
from cubnm_core.fitting.run import MemoryStore, run_fits
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.interface.outcome import Outcome
from cubnm_core.interface.scans import MEASURED, choose_objective, matched_duration, read_scan
from cubnm_core.simulation.assembly import chosen_backend
from cubnm_core.simulation.checks import check_weights, warn_of_scale
from cubnm_core.simulation.simulation import simulate

_STATES = 80  # bytes a node that a search keeps of one simulation
_SHARED = ("hemispheres", "interhemispheric", *MEASURED)  # between scan and simulations


def fit(
    model,
    weights,
    scan,
    free,
    *,
    repetition_time,
    fixed=None,
    regional=None,
    cost=None,
    band=None,
    optimizer="cmaes",
    population=16,
    generations=20,
    restarts=1,
    retest=None,
    noise_seed=0,
    replicates=1,
    seed=1,
    **simulation,
):
    """Fit a model to the scan of one person.

    Parameters
    ----------
    model : str, Path or Model
    weights : (N, N) array
        Connectome, scaled: see `cubnm_core.connectome`.
    scan : (T, N) array, list of such, or Target
        BOLD of one run or several, or what it was made into. Simulations last as long as they do, unless
        `duration` is given.
    free : dict of str to (low, high)
        Parameters that are fitted, and their bounds.
    repetition_time : float
        Of scan and simulations, in s.
    fixed : dict of str to float or (N,) array, optional
        Other parameters than by default; (N,) gives every region its own value.
    regional : dict of str to MapScaled or Grouped, optional
        Parameters that follow maps or networks: see :mod:`cubnm_core.fitting.heterogeneity`.
    cost : dict of str to float or Objective, optional
        Weights of terms (:data:`cubnm_core.measures.objective.TERMS`). By default 1 for ``fc_corr``, 1 for
        ``fcd_ks`` if scans are long enough, and 0.5 for ``rate_penalty`` under feedback inhibition control.
    band : (low, high), optional
        Firing rates in Hz that ``rate_penalty`` allows; 2 to 4 by default.
    optimizer : str or OptimizerSettings
        ``cmaes``, ``random``, ``sobol``, or any algorithm of pymoo; settings win over the next two.
    population, generations : int
        Candidates of a generation, and most generations.
    restarts : int
        Independent searches.
    retest : pair of int, optional
        So many of the best candidates of every restart are compared anew under so many fresh noise seeds.
    noise_seed, replicates : int
        First noise seed of the search, and how many every candidate is averaged over.
    seed : int
        Of the search itself.
    simulation
        Any other keyword of `cubnm_core.simulate`: `fic`, `hemodynamics`, `dt`, `band_pass`, ...

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        For whatever cannot be simulated, compared or searched.
    """
    settings = optimizer
    if not isinstance(settings, OptimizerSettings):
        settings = OptimizerSettings(optimizer, population=population, generations=generations, seed=seed)
    problem = _Problem.build(model, weights, scan, repetition_time, cost, band, simulation)
    space = SearchSpace(dict(free), dict(fixed or {}), dict(regional or {}))
    retest = None if retest is None else Retest(*retest, first_seed=noise_seed + replicates)
    return problem.search(space, settings, range(restarts), noise_seed, replicates, retest)


def grid(
    model,
    weights,
    scan,
    free,
    *,
    repetition_time,
    fixed=None,
    regional=None,
    cost=None,
    band=None,
    noise_seed=0,
    replicates=1,
    **simulation,
):
    """Simulate a model on a grid of parameters, and compare every point with the scan of one person.

    Parameters
    ----------
    free : dict of str to (low, high, points)
        Parameters, their bounds, and how many values each takes, both bounds included.

    Returns
    -------
    Outcome
        Its `best` is the best point of the grid.

    Notes
    -----
    Everything else is as in `cubnm_core.fit`.
    """
    wrong = [name for name, values in free.items() if len(values) != 3]
    if wrong:
        raise InputError(f"free[{wrong[0]!r}] is {free[wrong[0]]!r}; a grid needs (low, high, points)")
    shape = {name: int(points) for name, (_, _, points) in free.items()}
    settings = OptimizerSettings("grid", population=64, shape=shape)
    problem = _Problem.build(model, weights, scan, repetition_time, cost, band, simulation)
    bounds = {name: (low, high) for name, (low, high, _) in free.items()}
    space = SearchSpace(bounds, dict(fixed or {}), dict(regional or {}))
    return problem.search(space, settings, range(1), noise_seed, replicates, None)


@dataclass(frozen=True, eq=False)
class _Problem:
    """One person, and how that person is simulated."""

    model: Model
    weights: np.ndarray
    lengths: np.ndarray | None
    target: object
    objective: object
    keywords: dict = field(repr=False)

    @classmethod
    def build(cls, model, weights, scan, repetition_time, cost, band, simulation):
        taken = {"record", "comparison", "seed", "connectome"} & simulation.keys()
        if taken:
            raise InputError(f"{sorted(taken)[0]}: a search decides on it itself; leave it out")
        (weights,) = check_weights(weights)
        warn_of_scale(weights, stacklevel=4)
        shared = {name: simulation[name] for name in _SHARED if name in simulation}
        read = read_scan(scan, repetition_time, **shared)
        if read.nodes not in (None, len(weights)):
            raise InputError(f"the scan has {read.nodes} nodes and the connectome {len(weights)}")
        keywords = {"burn_in": 30.0, "repetition_time": repetition_time} | simulation
        lengths = keywords.pop("lengths", None)
        if keywords.get("duration") is None:
            keywords["duration"] = matched_duration(read, keywords["burn_in"], repetition_time)
        objective = choose_objective(cost, read.target, keywords.get("fic"), band)
        model = model if isinstance(model, Model) else load_model(model)
        return cls(model, weights, None if lengths is None else np.asarray(lengths, float), read.target,
                   objective, keywords)  # fmt: skip

    def search(self, space, settings, restarts, noise_seed, replicates, retest):
        """Search with every restart, all of them side by side."""
        problems = [
            FitProblem(
                key=f"restart-{restart}", weights=self.weights, lengths=self.lengths, target=self.target,
                space=space, objective=self.objective, optimizer=settings, noise_seed=noise_seed,
                restart=restart, replicates=replicates, retest=retest,
            )
            for restart in restarts
        ]  # fmt: skip
        threads = self.keywords.get("threads") or len(os.sched_getaffinity(0))
        size = batch_size(
            chosen_backend(self.keywords.get("backend", "auto")), threads, _STATES * len(self.weights)
        )
        results = run_fits(problems, self.simulate, MemoryStore(), max_simulations=size)
        return Outcome(problems, results, self.simulate)

    def simulate(self, weights, connectome, params, seed, lengths, comparison=None, record=None):
        """Simulate a batch as `run_fits` asks for it."""
        if record is None:
            record = ("state_means",) if comparison is not None else ("fc", "fcd", "bold", "state_means")
        return simulate(
            self.model,
            weights,
            params,
            connectome=connectome,
            lengths=lengths,
            seed=seed,
            record=record,
            comparison=comparison,
            **self.keywords,
        )
