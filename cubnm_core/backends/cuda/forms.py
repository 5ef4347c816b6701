"""How a batch is laid out for the kernels, and which of the possible forms suits it."""

from dataclasses import dataclass, replace
from functools import cache

from cubnm_core.backends.cuda.printer import n_sums
from cubnm_core.equations.expressions import Call, walk

_WARP = 32
_STEP_THREADS = 128  # of a block that advances part of a large network


@dataclass(frozen=True)
class Form:
    """One way of running simulations; results do not depend on it.

    Attributes
    ----------
    nodes : int
    lanes : int
        Simulations of a tile; they share a connectome.
    rows, cols : int
        A thread holds `rows` nodes of `cols` simulations.
    weights : {"registers", "shared", "memory"}
        Where the connectome stays while time passes.
    split : int
        Threads that share a sum; above 1 only with weights in registers, or stepwise.
    own_noise, delayed : bool
        Whether simulations of a tile differ in their noise; whether activity takes time to arrive.
    stepwise : bool
        One launch for every step, in which many blocks share a tile; else one block runs a tile for a chunk.
    inner_steps, state_interval : int
        Neural steps of a haemodynamic step, and haemodynamic steps between samples of the states.
    """

    nodes: int
    lanes: int
    rows: int
    cols: int
    weights: str
    split: int = 1
    own_noise: bool = False
    delayed: bool = False
    stepwise: bool = False
    inner_steps: int = 1
    state_interval: int = 1

    @property
    def segments(self):
        """Parts of a coupling sum, whatever the form: the order of additions depends on the nodes alone."""
        return 4 if self.nodes <= 512 else 16

    @property
    def segment(self):
        return -(-self.nodes // self.segments)

    @property
    def sources(self):
        return self.segment * self.segments

    @property
    def row_length(self):
        return -(-self.nodes // 4) * 4

    @property
    def workers(self):
        """Threads with something to do in a tile."""
        if self.weights == "registers":
            return self.nodes * self.split
        return -(-self.nodes // self.rows) * (self.lanes // self.cols)

    @property
    def threads(self):
        """Of a block."""
        return _STEP_THREADS if self.stepwise else -(-self.workers // _WARP) * _WARP

    @property
    def warps_per_scheduler(self):
        """Of a block, on the fullest of the four schedulers of a multiprocessor."""
        return -(-self.threads // (4 * _WARP))

    @property
    def step_blocks(self):
        """Blocks that share a tile when every step has a launch of its own."""
        return -(-self.workers * self.split // _STEP_THREADS)

    @property
    def loaded_ahead(self):
        """Sources whose weights a thread asks for at a time; more would spill registers."""
        large = self.rows * self.cols == 16
        if self.stepwise:
            return 4 if large else 8
        return 2 if large and self.delayed else 5

    @property
    def plane(self):
        """Cells of a tile."""
        return self.nodes * self.lanes

    def sent_size(self, sums):
        """Numbers that the sources of a tile send at a time."""
        if self.weights != "registers":
            return sums * self.sources * self.lanes
        stretch = -(-(self.segments // self.split * self.segment) // 4) * 4
        return sums * self.split * (stretch + 4 * (stretch // 4 % 4 == 0))

    def shared_bytes(self, sums, itemsize):
        """Shared memory of a block."""
        if self.stepwise:
            partial_sums = self.segments * sums * self.rows * self.cols * (_STEP_THREADS // self.split)
            return partial_sums * itemsize if self.split > 1 else 0
        numbers = 0 if self.delayed else 2 * self.sent_size(sums)
        numbers += self.sources * self.row_length if self.weights == "shared" else 0
        return numbers * itemsize

    def definitions(self):
        """Macros of the templates."""
        return {
            "N": self.nodes,
            "LANES": self.lanes,
            "ROWS": self.rows,
            "COLS": self.cols,
            "SPLIT": self.split,
            "SEGMENTS": self.segments,
            "SEGMENT": self.segment,
            "SOURCES": self.sources,
            "ROW_LENGTH": self.row_length,
            "NOISE_LANES": self.lanes if self.own_noise else 1,
            "IN_REGISTERS": int(self.weights == "registers"),
            "IN_SHARED": int(self.weights == "shared"),
            "DELAYED": int(self.delayed),
            "THREADS": self.threads,
            "UNROLL": self.loaded_ahead,
            "INNER_STEPS": self.inner_steps,
            "STATE_INTERVAL": self.state_interval,
        }


# --- the choice ---------------------------------------------------------------------------------------------
# Clock cycles are counted from the instructions of a step. The constants are those of Hopper and Ampere;
# counts of instructions follow the machine code (benchmarks/kernels.py). No time was measured yet; a wrong
# guess costs time, never correctness.

_REGISTERS = 16384  # of each of the four schedulers of a multiprocessor
_MOST_REGISTERS = 255  # of a thread
_OTHER_REGISTERS = (28, 2)  # addresses, counters and intermediate values: of a thread, and of each cell
_DOUBLE_REGISTERS = 12  # more of these in double precision
_DELAY_REGISTERS = 4  # more of each cell with delays
_MOST_THREADS = 1024
_L2_BYTES = 20  # per clock and multiprocessor
_LATENCY = 200  # clocks of a stage besides its instructions: barriers, first loads
_LOAD_LATENCY = 600 / 8  # clocks of a source whose weights come from memory, eight at a time
_LAUNCH = 7000  # clocks from one launch to the next
_CALL_SLOTS = 16  # instructions of an elementary function
_CELL_SLOTS = 28  # other instructions of a cell in a step: noise, clipping, sending
_THREAD_SLOTS = 30  # and of a thread: loop, barrier
_SHARING_SLOTS = 4  # of a segment whose sum goes from one thread to another
_MEMORY_SLOTS = (4, 6)  # addresses of a source whose weights come from memory: many steps a launch, one step

_BLOCKINGS = ((4, 4), (4, 2), (2, 2), (4, 1), (2, 1), (1, 1))
_LANES = (1, 2, 4, 8, 16, 20, 32, 40, 60, 64, 80)
_SPLITS = (1, 2, 4, 16)


def choose_form(base, program, precision, groups, device):
    """The form with the least estimated time; see `ranked_forms`."""
    return ranked_forms(base, program, precision, groups, device)[0]


def ranked_forms(base, program, precision, groups, device):
    """Forms a batch can run in, the one with the least estimated time first.

    Parameters
    ----------
    base : Form
        With the nodes, `delayed` and the steps; the rest is chosen.
    program : Program
    precision : "single" or "double"
    groups : sequence of int
        Simulations that may share a tile.
    device : device
        Its multiprocessors and shared memory count.

    Returns
    -------
    list of Form
    """
    work = _Work(program, precision)
    fitting = [form for form in _forms(base, max(groups)) if work.fits(form, device)]
    return sorted(fitting, key=lambda form: (work.clocks(form, groups, device), form.lanes))


def estimated_clocks(form, program, precision):
    """What the choice counts with: instructions of a thread in a step, registers of a thread."""
    work = _Work(program, precision)
    return {"slots": work.slots(form), "registers": work.registers(form)}


def _forms(base, largest_group):
    lanes = [n for n in _LANES if n < 2 * largest_group] or [1]
    splits = [n for n in _SPLITS if n <= base.segments]
    for n in lanes:
        for rows, cols in _BLOCKINGS:
            if n % cols == 0:
                for weights in ("shared", "memory"):
                    yield replace(base, lanes=n, rows=rows, cols=cols, weights=weights)
                for split in splits:
                    yield replace(
                        base, lanes=n, rows=rows, cols=cols, weights="memory", stepwise=True, split=split
                    )
    if not base.delayed:
        for split in splits:
            yield replace(base, lanes=1, rows=1, cols=1, weights="registers", split=split)


class _Work:
    """Instructions, registers and memory that a program needs in a form."""

    def __init__(self, program, precision):
        self.words = 1 if precision == "single" else 2
        self.sums = n_sums(program)
        self.stages = len(program.stages)
        self.held = len(program.arrays) + len(program.coefficients)
        self.update_slots = self.words * sum(_slots(stage) for stage in program.stages)

    def registers(self, form):
        """Of a thread, estimated; kept weights need some more while they are used."""
        cells = form.rows * form.cols
        numbers = cells * (self.held + 2 * self.sums)
        if form.weights == "registers":
            numbers += 1.1 * (form.segments // form.split * form.segment)
        whole, each = _OTHER_REGISTERS
        each += _DELAY_REGISTERS * form.delayed
        return self.words * (numbers + each * cells) + whole + _DOUBLE_REGISTERS * (self.words - 1)

    def fits(self, form, device):
        """Whether a block of this form can run without spilling registers."""
        allowed = min(_MOST_REGISTERS, _REGISTERS // (_WARP * form.warps_per_scheduler) // 8 * 8)
        return (
            form.threads <= _MOST_THREADS
            and self.registers(form) <= allowed
            and form.shared_bytes(self.sums, 4 * self.words) <= device.shared_memory_per_block
        )

    def clocks(self, form, groups, device):
        """Estimated clock cycles of one step of the whole batch."""
        tiles = sum(-(-size // form.lanes) for size in groups)
        multiprocessors = device.multiprocessors
        slots = self.slots(form)
        traffic = form.sources * form.row_length * 4 * self.words if form.weights == "memory" else 0
        if form.stepwise:
            blocks = tiles * form.step_blocks
            busy = -(-blocks // multiprocessors) * form.threads / (4 * _WARP) * slots
            cells = form.plane * self.held * 8 * self.words
            bytes_moved = tiles * (traffic + cells) / multiprocessors
            waiting = form.sources / form.split * _LOAD_LATENCY
            return self.stages * _LAUNCH + max(busy, waiting, bytes_moved / _L2_BYTES)
        blocks = min(self._blocks(form, device), -(-tiles // multiprocessors))
        block = max(form.warps_per_scheduler * slots, traffic / _L2_BYTES)
        alone = block + self.stages * _LATENCY  # other blocks run while one waits
        return -(-tiles // (multiprocessors * blocks)) * max(blocks * block, alone)

    def slots(self, form):
        """Instructions of a thread in one step."""
        cells, vectors = form.rows * form.cols, -(-form.cols * self.words // 4)
        if form.delayed:
            loads = 4 + form.rows * (4 + self.sums * vectors)
        elif form.weights == "registers":
            loads = self.sums / 4
        else:
            loads = -(-form.rows * self.words // 4) + self.sums * vectors
            loads += _MEMORY_SLOTS[form.stepwise] * (form.weights == "memory")
        per_source = self.words * cells * self.sums + loads
        shared = _SHARING_SLOTS * form.segments * cells * self.sums * (form.split > 1)
        coupling = self.stages * (form.sources / form.split * per_source + shared)
        others = self.stages * (cells * _CELL_SLOTS + _THREAD_SLOTS)
        return coupling + cells * self.update_slots + others

    def _blocks(self, form, device):
        """Blocks that share a multiprocessor."""
        shared = max(1024, form.shared_bytes(self.sums, 4 * self.words) + 1024)
        by_registers = _REGISTERS // (_WARP * form.warps_per_scheduler * self.registers(form))
        return max(1, min(device.shared_memory_per_block // shared, by_registers, 2048 // form.threads, 16))


@cache
def _slots(stage):
    """Instructions of one cell in one stage, its sum excluded."""
    assignments = stage.temporaries + stage.writes
    nodes = [node for a in assignments for node in walk(a.value)]
    calls = sum(isinstance(node, Call) and node.function not in ("clip", "min", "max") for node in nodes)
    return len(nodes) // 2 + _CALL_SLOTS * calls
