"""How a batch is cut for a device: its form, its tiles, and how many of them fit at a time."""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.backends.cuda.forms import Form, choose_form, ranked_forms
from cubnm_core.backends.cuda.printer import n_sums

_CHUNK_STEPS = 2000  # neural steps of a launch: some milliseconds, so that a desktop's screen stays alive
_SHARE = 0.8  # of the free memory
_MOST_TILES = 65535  # of a launch
_MOST_SPARE = 1.25  # times as many tiles, so that simulations of a tile share their noise


@dataclass(frozen=True)
class Tile:
    """Rows of the batch that run together, in so many lanes."""

    rows: np.ndarray
    lanes: int

    @property
    def lane_rows(self):
        """A row for every lane; spare lanes repeat the last."""
        return np.pad(self.rows, (0, self.lanes - len(self.rows)), "edge")


@dataclass(frozen=True)
class Plan:
    """A batch, the form it runs in, and its tiles."""

    task: object
    precision: str
    form: Form
    tiles: list

    @property
    def real(self):
        return np.dtype(np.float32 if self.precision == "single" else np.float64)

    @property
    def chunk(self):
        """Haemodynamic steps of a launch."""
        schedule = self.task.schedule
        return min(schedule.n_steps, max(1, _CHUNK_STEPS // schedule.inner_steps))

    def tiles_that_fit(self, device):
        """Tiles that run at a time."""
        task, form, size = self.task, self.form, self.real.itemsize
        samples = self.chunk // task.schedule.state_interval + 1
        per_cell = len(task.program.arrays) + len(task.program.coefficients) + self.chunk
        per_cell += samples * len(task.program.record) + len(task.schedule.bold_steps)
        per_cell += 2 * len(task.hemodynamics.states) if task.hemodynamics else 0
        per_cell = per_cell * size + 8 * len(task.program.record)
        noise = self.chunk * task.schedule.inner_steps * len(task.program.noise) * size
        per_tile = form.plane * per_cell + noise * form.nodes * (form.lanes if form.own_noise else 1)
        slots = 1 + self.longest_delay if form.delayed else 2 * form.stepwise
        per_tile += slots * form.sent_size(n_sums(task.program)) * size
        per_tile += form.sources * form.row_length * (size + 4 * form.delayed)  # connectome, delays
        return max(1, min(len(self.tiles), _MOST_TILES, int(_SHARE * device.free_memory() / per_tile)))

    @property
    def longest_delay(self):
        task, first = self.task, [tile.rows[0] for tile in self.tiles]
        lengths = task.lengths.max(axis=(1, 2))[task.connectome[first]]
        return max(1, int(np.rint(lengths * task.steps_per_mm[first]).max()))


def plan_batch(task, precision, device, form=None):
    """Choose the form of a batch and cut it into tiles.

    Simulations of a tile share a connectome and, with delays, a velocity. They share the noise where that
    costs few spare lanes.
    """
    groups = _groups(task)
    chosen = form or choose_form(*_asked(task, groups, precision), device)
    by_seed = [part for rows in groups for part in _by_seed(task, rows)]
    spare = _n_tiles(by_seed, chosen.lanes) / _n_tiles(groups, chosen.lanes)
    shared = task.noise is not None or spare <= _MOST_SPARE
    groups = by_seed if shared and task.noise is None else groups
    tiles = [
        Tile(rows[start : start + chosen.lanes], chosen.lanes)
        for rows in groups
        for start in range(0, len(rows), chosen.lanes)
    ]
    return Plan(task, precision, replace(chosen, own_noise=not shared), tiles)


def smaller_form(task, precision, device, refused):
    """The best form that asks for fewer threads or less shared memory than each of those a device refused.

    Returns
    -------
    Form or None
        None if there is none.
    """
    sums, itemsize = n_sums(task.program), 4 if precision == "single" else 8

    def needs(form):
        return np.array([form.threads, form.shared_bytes(sums, itemsize)])

    ranked = ranked_forms(*_asked(task, _groups(task), precision), device)
    fitting = (form for form in ranked if all((needs(form) < needs(other)).any() for other in refused))
    return next(fitting, None)


def _asked(task, groups, precision):
    """What forms are ranked for."""
    schedule = task.schedule
    base = Form(
        task.nodes, 1, 1, 1, "memory",
        delayed=task.lengths is not None,
        inner_steps=schedule.inner_steps,
        state_interval=schedule.state_interval,
    )  # fmt: skip
    return base, task.program, precision, tuple(len(rows) for rows in groups)


def _groups(task):
    """Rows of the batch that may share a tile."""
    keys = task.connectome
    if task.lengths is not None:
        keys = np.stack([task.connectome, np.unique(task.steps_per_mm, return_inverse=True)[1]])
        keys = np.unique(keys, axis=1, return_inverse=True)[1].reshape(-1)
    return [np.flatnonzero(keys == key) for key in np.unique(keys)]


def _by_seed(task, rows):
    """Rows with one noise seed each."""
    parts = {}
    for row in rows:
        parts.setdefault(task.seeds[row], []).append(row)
    return [np.array(part) for part in parts.values()]


def _n_tiles(groups, lanes):
    return sum(-(-len(rows) // lanes) for rows in groups)
