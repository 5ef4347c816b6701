"""Packs a batch into tiles and runs them on threads."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cubnm_core.backends import reference
from cubnm_core.backends.cpu import kernels
from cubnm_core.backends.cpu.coupling import DELAY_BLOCK, DELAY_SOURCES
from cubnm_core.backends.cpu.layout import Layout
from cubnm_core.backends.cpu.printer import coefficient_names, recorded_names, recorded_place
from cubnm_core.backends.task import TileResult
from cubnm_core.noise import STREAMS, split_seed

#: Simulations side by side in a tile, widest first; fewer than the last are run one at a time.
TILE_LANES = (32, 16, 8)
_NARROWEST_FILL = 5  # from this many simulations on, a half-empty tile beats one run for each
_NOISE_ELEMENTS = 1 << 17  # of the noise kept ready, so that it stays in the cache of a core


def run(task, precision, threads, on_result):
    """Run a batch.

    Parameters
    ----------
    task : Task
    precision : "single" or "double"
    threads : int or None
        All cores this process may use by default.
    on_result : callable
        Called, from the thread that ran it, with the rows of each tile and their `TileResult`.
    """
    from threadpoolctl import threadpool_limits

    threads = threads or len(os.sched_getaffinity(0))
    tiles = plan_tiles(task, threads)
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        # the pool lets go of each tile, and of the memory it took, as soon as it has run
        waiting = [pool.submit(_run_one, _TileRun(task, tile, precision), on_result) for tile in tiles]
        for finished in waiting:
            finished.result()


def _run_one(run, on_result):
    on_result(run.tile.rows, run.run())


@dataclass(frozen=True)
class TilePlan:
    """Rows of the batch that run together, and the number of lanes of their tile."""

    rows: np.ndarray
    lanes: int


def plan_tiles(task, threads):
    """Divide a batch into tiles whose simulations share a connectome, and if they can a noise seed.

    Results do not depend on this: it is about speed alone.
    """
    if task.lengths is not None:  # delays differ between simulations as soon as velocities do
        return [TilePlan(np.array([row]), 1) for row in range(len(task.seeds))]
    tiles = []
    for index in np.unique(task.connectome):
        rows = np.flatnonzero(task.connectome == index)
        seeds = np.array([task.seeds[row] for row in rows])
        rows = rows[np.argsort(seeds, kind="stable")]
        tiles += _cut(rows, _lanes_for(len(task.seeds), threads))
    return sorted(tiles, key=lambda tile: -tile.lanes)


def _lanes_for(batch, threads):
    """The widest tile that still gives every thread something to do."""
    share = -(-batch // threads)
    return next((lanes for lanes in TILE_LANES if lanes <= share), TILE_LANES[-1])


def _cut(rows, widest):
    tiles = []
    for lanes in (lanes for lanes in TILE_LANES if lanes <= widest):
        while len(rows) >= lanes or (lanes == TILE_LANES[-1] and len(rows) >= _NARROWEST_FILL):
            tiles.append(TilePlan(rows[:lanes], lanes))
            rows = rows[lanes:]
    return tiles + [TilePlan(rows[i : i + 1], 1) for i in range(len(rows))]


# --- layouts ------------------------------------------------------------------------------------------------


#: Coupling sums kept in registers at a time, by the size of a register in bits; measured.
_SUMS_IN_REGISTERS = {512: 20, 256: 12}
#: Bits handled at a time in the other passes: several registers, to hide latency.
_LOCAL_BITS = 1024


@lru_cache
def register_bits():
    """Bits of the vector registers Numba compiles for: those of this CPU, or of ``NUMBA_CPU_FEATURES``."""
    import llvmlite.binding as llvm
    from numba import config

    features = config.CPU_FEATURES
    if features is None:
        features = llvm.get_host_cpu_features().flatten()
    return 512 if "+avx512f" in features.split(",") else 256


def choose_layout(nodes, lanes, own_noise, precision, delayed=False):
    """Block sizes for a tile: as many sums as there are registers for, with little padding of the nodes."""
    element_bits = 32 if precision == "single" else 64
    register = register_bits() // element_bits
    if lanes == 1:
        vectors = -(-nodes // register)
        rows = _fitting_block(vectors, largest=8)
        return Layout(1, register, rows, 1, register, False, delayed)
    width = min(lanes, register)
    columns = min(2, lanes // width)
    rows = _fitting_block(nodes, largest=_SUMS_IN_REGISTERS[register_bits()] // columns)
    return Layout(lanes, width, rows, columns, min(lanes, _LOCAL_BITS // element_bits), own_noise)


def _fitting_block(count, largest):
    """Block size, two thirds of the largest or more (or everything), that wastes least on the last block."""
    candidates = range(min(count, -(-2 * largest // 3)), min(count, largest) + 1)
    return min(candidates, key=lambda block: (-(-count // block) * block, -block))


# --- one tile -----------------------------------------------------------------------------------------------


class _TileRun:
    """Arrays and course of one tile."""

    def __init__(self, task, tile, precision):
        self.task, self.tile, self.precision = task, tile, precision
        self.real = np.float32 if precision == "single" else np.float64
        seeds = [task.seeds[row] for row in tile.rows]
        self.own_noise = len(set(seeds)) > 1 and task.noise is None
        delayed = task.lengths is not None
        self.layout = choose_layout(task.nodes, tile.lanes, self.own_noise, precision, delayed)
        self.seeds = seeds + seeds[:1] * (tile.lanes - len(seeds))
        self.kernel = kernels.load(task.program, task.hemodynamics, self.layout, precision)

    def run(self):
        """Run the tile from start to end.

        Returns
        -------
        TileResult
        """
        self._allocate()
        samples, done = _Samples(self), 0
        for stop in samples.steps:
            self._advance(done, stop)
            samples.take(stop)
            done = stop
        self._advance(done, self.task.schedule.n_steps)
        return samples.result()

    def _allocate(self):
        task, layout = self.task, self.layout
        self.size = layout.size(task.nodes)
        program = task.program
        n_sums = max(len(stage.sums) for stage in program.stages)
        self.states = self._spread(task.initial, program.arrays)
        self.coefficients = self._spread(task.coefficients, coefficient_names(program))
        self.balloon = self._spread(task.balloon, list(task.balloon), float)
        self.sums = np.zeros(n_sums * self.size, self.real)
        self.published = np.zeros(n_sums * self.size, self.real)
        self.recorded = np.zeros(max(1, len(recorded_names(program))) * self.size, self.real)
        self.totals = np.zeros(len(program.record) * self.size)
        weights = task.weights[task.connectome[self.tile.rows[0]]]
        self._allocate_noise()
        if self.layout.delayed:
            self.weights, self.delay_arguments = self._delayed_weights(weights, n_sums)
        else:
            self.weights, self.delay_arguments = self._packed_weights(weights), ()

    def _spread(self, values, names, kind=None):
        """(B, N) arrays by name as one flat array of a tile; padding repeats the last lane and node."""
        lanes, nodes = self.layout.lanes, self.task.nodes
        if not names:
            return np.zeros(0, kind or self.real)
        stacked = np.stack([values[name][self.tile.rows] for name in names])
        missing = ((0, 0), (0, lanes - stacked.shape[1]), (0, self.layout.padded_nodes(nodes) - nodes))
        filled = np.pad(stacked, (*missing[:2], (0, 0)), "edge")
        filled = np.pad(filled, ((0, 0), (0, 0), missing[2]), "edge")
        return np.ascontiguousarray(filled.transpose(0, 2, 1), kind or self.real).reshape(-1)

    def _packed_weights(self, weights):
        """In the order in which the coupling pass reads them."""
        layout, nodes = self.layout, self.task.nodes
        padded = np.zeros((nodes, layout.padded_nodes(nodes)), self.real)
        padded[:, :nodes] = weights
        if layout.single:
            return padded.reshape(-1)
        return np.ascontiguousarray(padded.reshape(nodes, -1, layout.rows).transpose(1, 0, 2)).reshape(-1)

    def _delayed_weights(self, weights, n_sums):
        """Weights of far sources, and the arrays that delayed coupling needs."""
        nodes, delays = self.task.nodes, self.task.delays(self.tile.rows[0])
        is_near = delays < DELAY_BLOCK
        targets, sources = np.nonzero((is_near & (weights != 0)).T)
        missing = ((0, -nodes % DELAY_SOURCES), (0, 0))
        far_weights = np.pad(np.where(is_near, 0, weights), missing)
        far_delays = np.pad(np.where(is_near, DELAY_BLOCK, delays), missing, constant_values=DELAY_BLOCK)
        return far_weights.astype(self.real).reshape(-1), (
            far_delays.astype(np.int32).reshape(-1),
            self._history(len(far_weights), int(delays.max())),
            np.zeros((n_sums, nodes, DELAY_BLOCK), self.real),
            np.searchsorted(targets, np.arange(nodes + 1)),
            np.stack([sources, delays[sources, targets]], axis=1).astype(np.int64),
            weights[sources, targets].astype(self.real),
        )

    def _history(self, sources, longest_delay):
        """What sources have sent (sum, source, twice the steps that are kept): at first initial values."""
        blocks = -(-longest_delay // DELAY_BLOCK) + 1
        ring = (blocks | 1) * DELAY_BLOCK  # odd, so that the rows of all sources do not share one cache set
        program, nodes = self.task.program, self.task.nodes
        initial, coefficients = (
            array.reshape(-1, self.size)[:, :nodes].astype(float)
            for array in (self.states, self.coefficients)
        )
        sent = np.stack(reference.evaluate_sent(program, initial, coefficients))
        if program.silent_start:
            sent[:] = 0.0
        sent = np.pad(sent, ((0, 0), (0, sources - nodes))).astype(self.real)
        return np.repeat(sent[:, :, None], 2 * ring, axis=2)

    def _allocate_noise(self):
        task, layout, terms = self.task, self.layout, len(self.task.program.noise)
        # Noise of every lane's own is read like a state, padding included; shared noise is read per node.
        nodes = self.size // layout.lanes if layout.single or self.own_noise else task.nodes
        lanes = layout.lanes if self.own_noise else 1
        keys = [split_seed(seed) for seed in (self.seeds if self.own_noise else self.seeds[:1])]
        self.keys = np.ascontiguousarray(np.array(keys, np.uint32).T)
        self.draws = task.noise is None
        if self.draws:
            steps = max(4, _NOISE_ELEMENTS // max(1, terms * nodes * lanes) // 4 * 4)
            self.noise = np.empty((steps, terms, nodes, lanes), self.real)
        else:
            self.noise = np.zeros((len(task.noise), terms, nodes, 1), self.real)
            self.noise[:, :, : task.nodes, 0] = task.noise.transpose(0, 2, 1)

    def _advance(self, first, last):
        task, schedule = self.task, self.task.schedule
        self.kernel.advance(
            first, last, schedule.inner_steps, schedule.state_interval, schedule.first_counted, task.nodes,
            self.size, self.weights, self.states, self.published, self.sums, self.coefficients, self.balloon,
            self.noise, self.draws, task.fine_steps, STREAMS[task.stream], self.keys, self.recorded,
            self.totals, *self.delay_arguments,
        )  # fmt: skip

    def view(self, array, index):
        """One array of the tile as (lanes, N)."""
        lanes, nodes = self.layout.lanes, self.task.nodes
        return (
            array[index * self.size : (index + 1) * self.size]
            .reshape(-1, lanes)[:nodes, : len(self.tile.rows)]
            .T
        )


class _Samples:
    """Collects BOLD and states of a tile while it runs."""

    def __init__(self, run):
        self.run, self.task, self.schedule = run, run.task, run.task.schedule
        self.bold_steps = set(self.schedule.bold_steps.tolist())
        interval, stop = self.schedule.state_interval, self.schedule.n_steps
        self.state_steps = set(range(interval, stop + 1, interval)) if self.task.keep_states else set()
        self.steps = sorted(self.bold_steps | self.state_steps)
        self.bold = []
        self.kept = {name: [] for name in self.task.program.record}
        self.finite = np.ones(len(run.tile.rows), bool)

    def take(self, step):
        """Sample what is due after this haemodynamic step."""
        self._check_finite()
        if step in self.bold_steps:
            with np.errstate(all="ignore"):
                self.bold.append(self._signal())
        if step in self.state_steps:
            for name, kept in self.kept.items():
                array, index = recorded_place(self.task.program, name)
                kept.append(self.run.view(getattr(self.run, array), index).copy())

    def _check_finite(self):
        for index in range(len(self.task.program.arrays)):
            self.finite &= np.isfinite(self.run.view(self.run.states, index)).all(axis=1)

    def _signal(self):
        run, task = self.run, self.task
        if task.hemodynamics is None:
            arrays = (run.view(run.states, i).astype(float) for i in range(len(task.program.arrays)))
            return reference.bold_input(task.program)(*arrays)
        states = (run.view(run.balloon, i) for i in range(len(task.hemodynamics.states)))
        return reference.bold_signal(task.hemodynamics)(*states)

    def result(self):
        """What was collected, as a `TileResult`."""
        self._check_finite()
        count, names = self.schedule.n_counted, self.task.program.record
        means = (
            {name: self.run.view(self.run.totals, i) / count for i, name in enumerate(names)} if count else {}
        )
        return TileResult(
            bold=np.stack(self.bold, axis=1),
            state_means=means,
            states={name: np.stack(v, axis=1) for name, v in self.kept.items() if v}
            if self.state_steps
            else None,
            finite=self.finite,
        )
