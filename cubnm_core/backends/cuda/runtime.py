"""Runs a batch on a device: forms tiles, fills memory, lets time pass in chunks, observes."""

import logging

import numpy as np

from cubnm_core.backends.cuda.connectivity import Connectivity
from cubnm_core.backends.cuda.driver import OPTIONS
from cubnm_core.backends.cuda.plan import plan_batch, smaller_form
from cubnm_core.backends.cuda.printer import Printer, n_sums
from cubnm_core.backends.task import TileResult
from cubnm_core.noise import STREAMS, scale_of_sum, split_seed

logger = logging.getLogger(__name__)

_THREADS = 256  # of a block of the kernels that treat cells one by one
_MOST_BLOCKS = 65535  # of a launch, along its second and third axis
_PLAIN_SHARED_MEMORY = 48 * 1024  # bytes a block gets without being allowed more


def run(task, precision, threads, on_result, device=None, form=None):
    """Run a batch.

    Parameters
    ----------
    task : Task
    precision : "single" or "double"
    threads : int or None
        Taken for the sake of one interface.
    on_result : callable
        Called with the rows of each tile and their `TileResult`.
    device : device, optional
        By default the one this process holds; see `devices.current`.
    form : Form, optional
        For tests; by default the one `forms.choose_form` finds best.

    Raises
    ------
    MemoryError
        If not even one tile fits into the free memory.

    Notes
    -----
    If the device refuses the form that was chosen, the next one that asks for less is taken, with a warning.
    """
    if device is None:
        from cubnm_core.backends.cuda.card import current_card

        device = current_card()
    plan, refused = plan_batch(task, precision, device, form), []
    while True:
        try:
            return _run_plan(plan, device, on_result)
        except Exception as error:
            if form or not device.refuses(error):
                raise
            refused.append(plan.form)
            smaller = smaller_form(task, precision, device, refused)
            if smaller is None:
                raise
            logger.warning("%s refuses kernels of %s (%s); going on with %s",
                           device.name, plan.form, error, smaller)  # fmt: skip
            plan = plan_batch(task, precision, device, smaller)


def _run_plan(plan, device, on_result):
    waiting, size = plan.tiles, plan.tiles_that_fit(device)
    while waiting:
        try:
            results = _Slice(plan, waiting[:size], device).run()
        except MemoryError:
            if size == 1:
                raise
            size = max(1, min(size, len(waiting)) // 2)
            logger.warning("The memory of %s is full; going on with %d tiles at a time", device.name, size)
            continue
        for tile, result in zip(waiting[:size], results, strict=True):
            on_result(tile.rows, result)
        waiting = waiting[size:]


def integration_kernels(module, program, form, shared):
    """The kernels that integrate in a form, each allowed the shared memory it asks for.

    Parameters
    ----------
    module : compiled source of `Printer.integration`
    program : Program
    form : Form
    shared : int
        Bytes of a block.

    Returns
    -------
    list of kernels
        One for every stage if the form is stepwise, else one.
    """
    names = [f"step_{i}" for i in range(len(program.stages))] if form.stepwise else ["integrate"]
    kernels = [module.get_function(name) for name in names]
    if shared > _PLAIN_SHARED_MEMORY:
        for kernel in kernels:
            kernel.max_dynamic_shared_size_bytes = shared
    return kernels


# --- one slice ----------------------------------------------------------------------------------------------


class _Slice:
    """Tiles that are on the device at the same time."""

    def __init__(self, plan, tiles, device):
        self.plan, self.tiles, self.device = plan, tiles, device
        self.task, self.form, self.real = plan.task, plan.form, plan.real
        self.schedule, self.program = plan.task.schedule, plan.task.program
        self.sums = n_sums(self.program)
        printer = Printer(self.program, self.task.hemodynamics, plan.precision)
        self.shared = self.form.shared_bytes(self.sums, self.real.itemsize)
        integration = device.compile(printer.integration(self.form), OPTIONS)
        self.kernels = integration_kernels(integration, self.program, self.form, self.shared)
        self.observation = device.compile(printer.observation(self.form), OPTIONS)

    def run(self):
        """Run all tiles from start to end.

        Returns
        -------
        list of TileResult
        """
        self._allocate()
        return self._results(self._advance())

    def _advance(self):
        """Let time pass; gives the samples of all chunks where they are wanted."""
        kept = []
        for first in range(0, self.schedule.n_steps, self.plan.chunk):
            count = min(self.plan.chunk, self.schedule.n_steps - first)
            self._draw_noise(first, count)
            self._integrate(first, count)
            kept += self._observe(first, count)
        return kept

    # --- memory --------------------------------------------------------------------------------------------

    def _allocate(self):
        task, form, device = self.task, self.form, self.device
        tiles, chunk, record = len(self.tiles), self.plan.chunk, max(1, len(self.program.record))
        rows = np.concatenate([tile.lane_rows for tile in self.tiles])
        first_rows = [tile.rows[0] for tile in self.tiles]
        used, connectome = np.unique(task.connectome[first_rows], return_inverse=True)
        self.weights = device.to_device(self._padded(task.weights[used], 0).astype(self.real))
        self.connectome = device.to_device(connectome.astype(np.int32))
        self.coefficients = device.to_device(self._spread(task.coefficients, self.program.coefficients, rows))
        self.arrays = device.to_device(self._spread(task.initial, self.program.arrays, rows))
        self.inputs = device.empty((chunk, tiles, form.plane), self.real)
        samples = chunk // self.schedule.state_interval + 1
        self.samples = device.empty((samples, tiles, record, form.plane), self.real)
        self.totals = device.zeros((tiles, record, form.plane), np.float64)
        self.finite = device.to_device(np.ones(tiles * form.lanes, np.int32))
        volumes = len(self.schedule.bold_steps)
        self.bold = device.zeros((tiles * form.lanes, max(1, volumes), form.nodes), self.real)
        self.bold_steps = device.to_device(np.append(self.schedule.bold_steps, -1).astype(np.int32))
        n_balloon = len(task.hemodynamics.states) if task.hemodynamics else 0
        self.balloon = device.zeros((max(1, 2 * n_balloon), tiles * form.plane), self.real)
        for name, start in self._regional(rows).items():
            self.balloon[2 * task.hemodynamics.states.index(name)] = device.to_device(start)
        self._allocate_noise()
        self._allocate_delays(first_rows)
        self._allocate_sent()

    def _regional(self, rows):
        """Haemodynamic states that do not start at zero, cell by cell: constants that differ in space."""
        names = [name for name, values in self.task.balloon.items() if values.any()]
        return {name: self._spread(self.task.balloon, [name], rows).reshape(-1) for name in names}

    def _padded(self, matrices, value):
        """(S, N, N) with rows of the length and number that the kernels read."""
        missing = (self.form.sources - self.form.nodes, self.form.row_length - self.form.nodes)
        return np.pad(matrices, ((0, 0), (0, missing[0]), (0, missing[1])), constant_values=value)

    def _spread(self, values, variables, rows):
        """(B, N) arrays by name as [tile][variable][node][lane]."""
        names = [getattr(variable, "name", variable) for variable in variables]
        if not names:
            return np.zeros((1, 1), self.real)
        stacked = np.stack(
            [np.broadcast_to(values[name], (len(self.task.seeds), self.form.nodes))[rows] for name in names]
        )
        stacked = stacked.reshape(len(names), len(self.tiles), self.form.lanes, self.form.nodes)
        return np.ascontiguousarray(stacked.transpose(1, 0, 3, 2), self.real)

    def _allocate_noise(self):
        lanes, given = (self.form.lanes if self.form.own_noise else 1), self.task.noise is not None
        seeds = [tuple(self.task.seeds[row] for row in tile.lane_rows[:lanes]) for tile in self.tiles]
        groups = {(0,): 0} if given else {seed: i for i, seed in enumerate(dict.fromkeys(seeds))}
        self.noise_groups = len(groups)
        self.noise_group = self.device.to_device(
            np.array([0 if given else groups[seed] for seed in seeds], np.int32)
        )
        keys = [] if given else [split_seed(seed) for group in groups for seed in group]
        self.keys = self.device.to_device(np.array(keys or [(0, 0)], np.uint32))
        steps, terms = self.plan.chunk * self.schedule.inner_steps, len(self.program.noise)
        size = self.noise_groups * steps * terms * self.form.nodes * lanes
        self.noise = self.device.empty((max(1, size),), self.real)

    def _allocate_delays(self, first_rows):
        if not self.form.delayed:
            self.delays = self.delay_table = self.device.zeros((1,), np.int32)
            self.ring_length = 1
            return
        keys = [(self.task.connectome[row], self.task.steps_per_mm[row]) for row in first_rows]
        examples = dict(zip(keys, first_rows, strict=True))
        tables = {key: i for i, key in enumerate(examples)}
        delays = np.stack([self.task.delays(row) for row in examples.values()])
        self.ring_length = int(delays.max()) + 1
        self.delays = self.device.to_device(self._padded(delays, 1).astype(np.int32))
        self.delay_table = self.device.to_device(np.array([tables[key] for key in keys], np.int32))

    def _allocate_sent(self):
        """What sources have sent: a ring with delays, two alternating halves for launches of single steps."""
        slots = self.ring_length if self.form.delayed else 2 if self.form.stepwise else 0
        size = self.form.sent_size(self.sums)
        tiles = len(self.tiles)
        shape = (tiles, slots, size) if self.form.delayed else (max(1, slots), tiles, size)
        self.sent = self.device.zeros(shape if slots else (1,), self.real)
        if not slots or self.program.silent_start:
            return
        first = self.sent if self.form.delayed else self.sent[0]
        blocks = -(-self.form.plane // _THREADS)
        arguments = (self.coefficients, self.arrays, first, np.int32(slots if self.form.delayed else 1))
        self.observation.get_function("start")((blocks, tiles), (_THREADS,), arguments)

    # --- the course of a simulation ------------------------------------------------------------------------

    def _draw_noise(self, first, count):
        terms, inner = len(self.program.noise), self.schedule.inner_steps
        if not terms:
            return
        steps = slice(first * inner, (first + count) * inner)
        if self.task.noise is not None:
            given = np.ascontiguousarray(self.task.noise[steps].transpose(0, 2, 1), self.real)
            self.noise = self.device.to_device(given.reshape(-1))
            return
        places = terms * self.form.nodes * (self.form.lanes if self.form.own_noise else 1)
        blocks = min(_MOST_BLOCKS, -(-count * inner // 4) + 1), min(_MOST_BLOCKS, self.noise_groups)
        self.observation.get_function("draw_noise")(
            (-(-places // _THREADS), *blocks),
            (_THREADS,),
            (
                self.noise,
                self.keys,
                *map(np.int32, (self.noise_groups, first * inner, count * inner, self.task.fine_steps)),
                scale_of_sum(self.task.fine_steps),
                np.int32(STREAMS[self.task.stream]),
            ),
        )

    def _integrate(self, first, count):
        if self.form.stepwise:
            return self._step(first, count)
        self.kernels[0](
            (len(self.tiles),),
            (self.form.threads,),
            (
                self.weights, self.connectome, self.coefficients, self.arrays, self.noise, self.noise_group,
                self.inputs, self.samples, self.delays, self.delay_table, self.sent,
                *map(np.int32, (self.ring_length, first, count)),
            ),
            shared_mem=self.shared,
        )  # fmt: skip

    def _step(self, first, count):
        """One launch for every stage of every step."""
        inner, interval = self.schedule.inner_steps, self.schedule.state_interval
        grid = (self.form.step_blocks, len(self.tiles))
        stages = self.kernels
        model = (self.weights, self.connectome, self.coefficients, self.arrays, self.noise, self.noise_group)
        for here in range(count * inner):
            outer, step = here // inner, first * inner + here
            ends = here % inner == inner - 1
            records = ends and (first + outer + 1) % interval == 0
            sample = self.samples[(first + outer + 1) // interval - first // interval - 1 if records else 0]
            delays = (
                self.delays,
                self.delay_table,
                *map(np.int32, (self.ring_length, step % self.ring_length)),
            )
            for stage, kernel in enumerate(stages):
                feeds = np.int32(ends and stage == len(stages) - 1)
                noise = (np.int32(count * inner), np.int32(here))
                observed = (self.inputs[outer], feeds, sample, np.int32(records))
                sent = self._halves(step * len(stages) + stage)
                kernel(
                    grid, (self.form.threads,), (*model, *noise, *observed, *delays, *sent),
                    shared_mem=self.shared,
                )  # fmt: skip

    def _halves(self, number):
        """What is read and what is written by launch `number`."""
        if self.form.delayed:
            return self.sent, self.sent
        return self.sent[number % 2], self.sent[(number + 1) % 2]

    def _observe(self, first, count):
        """Haemodynamics and means of a chunk; gives its samples where they are wanted."""
        tiles, schedule = len(self.tiles), self.schedule
        cells = tiles * self.form.plane
        volume = int(np.searchsorted(schedule.bold_steps, first, side="right"))
        self.observation.get_function("hemodynamics")(
            (-(-cells // _THREADS),), (_THREADS,),
            (self.inputs, self.balloon, self.bold, self.bold_steps, self.finite,
             *map(np.int32, (len(schedule.bold_steps), volume, first, count, tiles))),
        )  # fmt: skip
        start = first // schedule.state_interval
        n_samples = (first + count) // schedule.state_interval - start
        counted = max(0, schedule.first_counted // schedule.state_interval - 1 - start)
        self.observation.get_function("accumulate")(
            (-(-cells * self.samples.shape[2] // _THREADS),), (_THREADS,),
            (self.samples, self.arrays, self.totals, self.finite,
             *map(np.int32, (counted, n_samples, tiles))),
        )  # fmt: skip
        return [self.device.to_host(self.samples[:n_samples])] if self.task.keep_states and n_samples else []

    # --- results -------------------------------------------------------------------------------------------

    def _results(self, kept):
        task, form, schedule = self.task, self.form, self.schedule
        finite = self.device.to_host(self.finite).reshape(-1, form.lanes).astype(bool)
        totals = self.device.to_host(self.totals).reshape(len(self.tiles), -1, form.nodes, form.lanes)
        means = totals.transpose(0, 1, 3, 2) / max(1, schedule.n_counted)
        states = np.concatenate(kept).reshape(-1, *totals.shape) if kept else None
        names = task.program.record if schedule.n_counted else ()
        self.inputs = self.samples = self.noise = None  # their memory goes to FC and FCD
        lane_rows = np.concatenate([tile.lane_rows for tile in self.tiles])
        observed = Connectivity(self.device, self.plan, self.bold, lane_rows).computed()
        wanted = task.request is None or task.request.wants_bold
        bold = self.device.to_host(self.bold) if wanted and len(schedule.bold_steps) else None
        results = []
        for i, tile in enumerate(self.tiles):
            size = len(tile.rows)
            rows = slice(i * form.lanes, i * form.lanes + size)
            results.append(
                TileResult(
                    bold=None if bold is None else bold[rows],
                    state_means={name: means[i, k, :size] for k, name in enumerate(names)},
                    states=None
                    if states is None
                    else {
                        name: states[:, i, k, :, :size].transpose(2, 0, 1)
                        for k, name in enumerate(task.program.record)
                    },
                    finite=finite[i, :size],
                    **_split({name: values[rows] for name, values in observed.items()}),
                )
            )
        return results


def _split(observed):
    """FC, FCD and, by term, scores as a `TileResult` holds them."""
    arrays = {name: observed.pop(name, None) for name in ("fc", "fcd")}
    return {**arrays, "scores": observed or None}
