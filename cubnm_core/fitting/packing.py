"""Batches of simulations: how large, sliced how; points of many searches simulated and scored together.

Nothing here changes a result: a simulation does not depend on the others of its batch.
"""

import logging

import numpy as np

from cubnm_core.fitting.averages import Averaging
from cubnm_core.measures.comparison import Comparison
from cubnm_core.measures.objective import DIVERGED, has_failed
from cubnm_core.simulation.parameters import regional

logger = logging.getLogger(__name__)

# Tiles of simulations per thread in a batch, so that no thread waits long for the last one.
TILES_PER_THREAD = 4
# Simulations per multiprocessor of a GPU: about two blocks of the widest tiles.
LANES_PER_MULTIPROCESSOR = 64
# Most memory for the results of one batch.
RESULT_BYTES = 2**30


def batch_size(backend, threads, result_bytes):
    """Number of simulations that keep a device busy.

    On the CPU that is :data:`TILES_PER_THREAD` of the widest tiles (32 simulations) per thread, on a GPU
    :data:`LANES_PER_MULTIPROCESSOR` simulations for each multiprocessor, as far as their results fit into
    :data:`RESULT_BYTES`.

    Parameters
    ----------
    backend : {"cuda", "cpu", "reference"}
    threads : int
    result_bytes : int
        Size of the results (BOLD, FC, FCD) of one simulation.

    Returns
    -------
    int
        At least 1.
    """
    if backend == "cuda":
        from cubnm_core.backends.cuda.card import current_card

        wanted = LANES_PER_MULTIPROCESSOR * current_card().multiprocessors
    else:
        from cubnm_core.backends.cpu.runtime import TILE_LANES

        lanes = {"cpu": TILE_LANES[0], "reference": 1}[backend]
        wanted = lanes * threads * TILES_PER_THREAD
    return max(1, min(wanted, RESULT_BYTES // max(1, result_bytes)))


def device_name(backend):
    """Kind of device on which the same numbers come out as the same bits.

    Parameters
    ----------
    backend : {"cuda", "cpu", "reference"}

    Returns
    -------
    str
    """
    if backend == "reference":
        return "reference"
    if backend == "cuda":
        from cubnm_core.backends.cuda.card import current_card

        return "gpu of compute capability {}.{}".format(*current_card().compute_capability)
    from cubnm_core.backends.cpu.runtime import register_bits

    return f"cpu with vectors of {register_bits()} bits"


class Packer:
    """Simulates models side by side, in as few calls as can be.

    Parameters
    ----------
    simulate_batch : callable
        See :func:`cubnm_core.fitting.run.run_fits`.
    max_simulations : int, optional
        Most simulations in one call. Halved for good when they do not fit into memory. It changes no result.
    simulate_retest : callable, optional
        Simulates what is asked for with the noise seeds of a re-test, in place of `simulate_batch`.
    """

    def __init__(self, simulate_batch, max_simulations=256, simulate_retest=None):
        self._simulate_batch, self._simulate_retest = simulate_batch, simulate_retest or simulate_batch
        self._largest = max_simulations

    @property
    def size(self):
        """Most simulations in one call."""
        return self._largest

    def simulate(self, models, owner, params, seeds, take, compare=None, simulate_batch=None):
        """Simulate B simulations, in their order.

        Parameters
        ----------
        models : sequence
            Of what has ``weights`` (N, N), and ``lengths`` (N, N) or None. Those that share a connectome
            should share the arrays.
        owner : (B,) int array
            Whose every simulation is: a place among the models.
        params : dict of str to (B,) or (B, N) array
        seeds : (B,) int array
            Of the noise.
        take : callable
            ``take(rows, run)`` takes in what came of one call: which of the B simulations they were, in
            order, and the Simulation. Where memory runs out on the way, the rows come again in smaller parts.
        compare : callable, optional
            ``compare(rows)`` gives the Comparison whose scores serve in place of FC and FCD, or None.
        simulate_batch : callable, optional
            That of the packer by default.

        Raises
        ------
        MemoryError
            If one simulation alone does not fit into memory.
        """
        simulate_batch = simulate_batch or self._simulate_batch
        start = 0
        while start < len(owner):
            rows = np.arange(start, min(start + self._largest, len(owner)))
            compared = () if compare is None else (compare(rows),)
            sliced = {name: values[rows] for name, values in params.items()}
            try:
                weights, lengths, connectome = _connectomes(models, owner[rows])
                take(rows, simulate_batch(weights, connectome, sliced, seeds[rows], lengths, *compared))
            except MemoryError:
                self._halve(len(rows))
                continue
            start += len(rows)

    def _halve(self, size):
        """Go on with fewer simulations at a time, after so many did not fit into memory."""
        if size == 1:
            raise MemoryError(
                "one simulation alone does not fit into memory; free memory, ask for more (mem_mb of the "
                "rule), or simulate fewer nodes or a shorter time"
            )
        self._largest = size // 2
        logger.warning("%d simulations do not fit into memory; going on with %d", size, self._largest)

    def score_points(self, asked):
        """Simulate and score points of search spaces under their noise seeds.

        Parameters
        ----------
        asked : list of (FitProblem, (n, d) points, noise seeds)
            Every point is simulated once with each of the seeds.

        Returns
        -------
        list of (terms, status)
            In the order of `asked`: a dict of (n,) arrays, means over the seeds, and the (n,) status:
            diverged if any seed diverged, else the highest. With an objective of averages, the terms and the
            status of the average over the seeds.
        """
        found = [None] * len(asked)
        for members in self._classes(asked):
            for index, scores in zip(members, self._one_class([asked[i] for i in members]), strict=True):
                found[index] = scores
        return found

    def _classes(self, asked):
        """Indices of what can share a call: of one shape, scored in the same place, and simulated alike."""
        classes = {}
        for index, (problem, _, seeds) in enumerate(asked):
            names = frozenset(problem.space.parameter_names)
            scored_here = problem.objective.compares_arrays, problem.objective.averaged is not None
            shape = (problem.weights.shape, names, problem.lengths is None, *scored_here)
            classes.setdefault((*shape, id(self._simulator(problem, seeds))), []).append(index)
        return list(classes.values())

    def _simulator(self, problem, seeds):
        """What simulates points with these seeds: fresh ones are those of a re-test."""
        again = problem.retest is not None and list(seeds) == list(problem.retest.noise_seeds)
        return self._simulate_retest if again else self._simulate_batch

    def _one_class(self, asked):
        problems = [problem for problem, _, _ in asked]
        owner = np.repeat(np.arange(len(asked)), [len(points) * len(seeds) for _, points, seeds in asked])
        seed = np.concatenate([np.tile(np.asarray(seeds), len(points)) for _, points, seeds in asked])
        spread = [
            problem.space.to_parameters(np.repeat(points, len(seeds), axis=0))
            for problem, points, seeds in asked
        ]
        params = {name: _concatenate([values[name] for values in spread], problems[0]) for name in spread[0]}
        parts = [{} for _ in asked]  # by first row: rows that come again replace what they gave before
        averaged = problems[0].objective.averaged is not None
        point_owner = np.repeat(np.arange(len(asked)), [len(points) for _, points, _ in asked])
        scored_owner = point_owner if averaged else owner

        def take(rows, run):
            for index in np.unique(scored_owner[rows]):
                mine = np.flatnonzero(scored_owner[rows] == index)
                scores = problems[index].objective.score(run, problems[index].target, mine)
                scores |= {name: values[mine] for name, values in getattr(run, "marks", {}).items()}
                scores["status"] = np.asarray(run.status)[mine].astype(int)
                parts[index][rows[mine[0]]] = scores

        if averaged:
            point = np.repeat(np.arange(len(point_owner)), [len(asked[index][2]) for index in point_owner])
            take = Averaging(point, [problems[index].objective.band for index in point_owner], take)
        simulate_batch = self._simulator(problems[0], asked[0][2])

        def compare(rows):
            return _comparison(problems, owner[rows])

        self.simulate(problems, owner, params, seed, take, compare, simulate_batch)
        return [
            _average(list(part.values()), 1 if averaged else len(seeds))
            for part, (_, _, seeds) in zip(parts, asked, strict=True)
        ]


def _concatenate(parts, problem):
    """Values of a parameter of all fits; for every node where it differs between nodes in any of them."""
    if any(part.ndim == 2 for part in parts):
        parts = [regional(part, len(problem.weights)) for part in parts]
    return np.concatenate(parts)


def _comparison(problems, owner):
    """What the simulations of a slice are compared with where they run; None where FC is needed here."""
    used, index = np.unique(owner, return_inverse=True)
    problems = [problems[place] for place in used]
    if problems[0].objective.compares_arrays:
        return None
    terms = {name for problem in problems for name in problem.objective.compared_terms(problem.target)}
    return Comparison([problem.target for problem in problems], index, tuple(sorted(terms)))


def _average(parts, n_seeds):
    """Put the parts of one fit together and average over seeds: terms and status of every candidate."""
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    status = whole.pop("status").reshape(-1, n_seeds)
    del whole["cost"]  # of single simulations
    terms = {name: values.reshape(-1, n_seeds).mean(axis=1) for name, values in whole.items()}
    return terms, np.where(has_failed(status).any(axis=1), DIVERGED, status.max(axis=1))


def _connectomes(models, owner):
    """Each connectome of the slice once: weights (S, N, N), lengths (S, N, N) or None, index of each (B,)."""
    position, used, place_of = {}, [], {}
    for index in np.unique(owner):
        model = models[index]
        key = id(model.weights), id(model.lengths)
        if key not in position:
            position[key] = len(used)
            used.append(model)
        place_of[index] = position[key]
    weights = np.stack([model.weights for model in used])
    lengths = None if used[0].lengths is None else np.stack([model.lengths for model in used])
    return weights, lengths, np.array([place_of[index] for index in owner])
