"""What the machine code of the default kernels asks of a card, counted without one.

``python benchmarks/kernels.py`` compiles them for sm_80 and sm_90 as CuPy does, and writes
`results/kernels.md`. Registers, spills and shared memory come from the compiler's log; issue slots and
barriers need NVIDIA's `nvdisasm` (on the PATH, or ``--nvdisasm PATH``). Nothing here is a measured time.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "cuda")]

import nvrtc  # noqa: E402

from cubnm_core.backends.cuda.driver import OPTIONS  # noqa: E402
from cubnm_core.backends.cuda.forms import Form, choose_form, estimated_clocks  # noqa: E402
from cubnm_core.backends.cuda.printer import Printer, n_sums  # noqa: E402
from cubnm_core.equations.files import load_model  # noqa: E402
from cubnm_core.equations.hemodynamics import lower_hemodynamics  # noqa: E402
from cubnm_core.equations.lowering import lower  # noqa: E402

CUPY_OPTIONS = ("-ftz=true",)  # that CuPy 14.2 adds
LANES_PER_CLOCK = 128  # threads that issue in a clock of a multiprocessor: four warps


@dataclass(frozen=True)
class Card:
    """What the choice of a form asks of a device, and its clock in Hz."""

    name: str
    architecture: int
    multiprocessors: int
    shared_memory_per_block: int
    clock: float


CARDS = (Card("A100", 80, 108, 163 * 1024, 1.41e9), Card("H200", 90, 132, 227 * 1024, 1.98e9))
#: Model, nodes, simulations of one connectome, with delays.
CASES = (
    ("rWW", 100, 1, False), ("rWW", 100, 128, False), ("rWW", 100, 512, False), ("rWW", 100, 1024, False),
    ("rWW", 100, 4096, False), ("rWW", 100, 32768, False), ("rWW", 200, 4096, False),
    ("rWW", 360, 4096, False), ("rWW", 1000, 256, False), ("rWW", 100, 32768, True),
    ("rWWEx", 100, 32768, False), ("WC", 100, 32768, False), ("JR", 100, 32768, False),
    ("Kuramoto", 100, 32768, False), ("Hopf", 100, 32768, False), ("MPR", 100, 32768, False),
)  # fmt: skip
COLUMNS = (
    "card", "model", "nodes", "batch", "delays", "form", "registers", "spills", "shared KiB", "blocks",
    "slots a step", "estimated", "barriers a step", "clocks a node-step", "limit",
)  # fmt: skip


def main():
    options = _options()
    if reason := nvrtc.missing():
        sys.exit(reason)
    rows = [count(card, case, options.nvdisasm) for card in CARDS for case in CASES]
    path = Path(options.output) / "kernels.md"
    path.write_text(page(rows, [others(card, options.nvdisasm) for card in CARDS], options.nvdisasm))
    print(path.read_text())
    return int(any(row["spills"] for row in rows))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nvdisasm", default=shutil.which("nvdisasm"), help="NVIDIA's disassembler")
    parser.add_argument("--output", default=str(HERE / "results"), help="folder of the page")
    return parser.parse_args()


# --- one kernel ---------------------------------------------------------------------------------------------


def count(card, case, nvdisasm=None):
    """What the default form of a case takes.

    Parameters
    ----------
    card : Card
    case : tuple
        As in `CASES`.
    nvdisasm : str, optional
        Without it slots and barriers are left out.

    Returns
    -------
    dict
        A row of the table; `slots a step` are instructions a warp issues, `limit` simulated seconds per
        second at a time step of 0.1 ms if issuing were all that takes time.
    """
    model, nodes, batch, delayed = case
    printer = printer_of(model)
    program, precision = printer.program, printer.precision
    base = Form(nodes, 1, 1, 1, "memory", delayed=delayed, inner_steps=10, state_interval=10)
    form = choose_form(base, program, precision, (batch,), card)
    compiled = compile_once(printer.integration(form), card.architecture)
    usage = [u for name, u in compiled.kernels.items() if name != "start"]
    shared = form.shared_bytes(n_sums(program), 4 if precision == "single" else 8)
    registers = max(u.registers for u in usage)
    row = {
        "card": card.name, "model": model, "nodes": nodes, "batch": batch, "delays": "yes" if delayed else "",
        "form": _shape(form), "registers": registers,
        "spills": sum(u.spill_stores + u.spill_loads for u in usage), "shared KiB": shared / 1024,
    }  # fmt: skip
    most = blocks_at_a_time(card, form, registers, shared)
    tiles = -(-batch // form.lanes) * (form.step_blocks if form.stepwise else 1)
    row["blocks"] = min(most, -(-tiles // card.multiprocessors))
    if nvdisasm is None:
        return row
    names = [f"step_{i}" for i in range(len(program.stages))] if form.stepwise else ["integrate"]
    listings = [listing(compiled.cubin, name, nvdisasm) for name in names]
    slots = sum(slots_of(code, labels, form, n_sums(program)) for code, labels in listings)
    row |= {"slots a step": slots, "estimated": estimated_clocks(form, program, precision)["slots"]}
    row["barriers a step"] = sum(barriers_of(code, labels, form) for code, labels in listings)
    issued = slots * form.threads * (form.step_blocks if form.stepwise else 1)
    row["clocks a node-step"] = issued / LANES_PER_CLOCK / form.plane
    row["limit"] = card.multiprocessors * card.clock / (row["clocks a node-step"] * nodes * 1e4)
    return row


@cache
def compile_once(source, architecture):
    """Machine code with the options of CuPy."""
    return nvrtc.compile(source, architecture, (*OPTIONS, *CUPY_OPTIONS))


def printer_of(model):
    """Of a model with its own precision, time step 0.1 ms."""
    loaded = load_model(model)
    balloon = lower_hemodynamics("cubnm-1.5T", 1e-3) if loaded.observation == "balloon" else None
    return Printer(lower(loaded, 1e-4), balloon, loaded.precision or "single")


def _shape(form):
    kind = "stepwise" if form.stepwise else form.weights
    return f"{kind}, {form.lanes} lanes, {form.rows}x{form.cols}" + f", split {form.split}" * (form.split > 1)


def blocks_at_a_time(card, form, registers, shared):
    """Blocks that share a multiprocessor, by registers, shared memory and threads."""
    warps = form.threads // 32
    by_registers = 65536 // (-(-registers * 32 // 256) * 256 * warps)
    return max(
        1, min(by_registers, (card.shared_memory_per_block + 1024) // (shared + 1024), 64 // warps, 32)
    )


def others(card, nvdisasm=None):
    """Registers, and clocks a node-step, of the kernels for noise and haemodynamics; model rWW.

    The noise is counted for one noise term and simulations with seeds of their own; with a common seed it is
    shared by all simulations.
    """
    printer = printer_of("rWW")
    form = Form(100, 20, 4, 4, "shared", own_noise=True, inner_steps=10, state_interval=10)
    compiled = compile_once(printer.observation(form), card.architecture)
    row = {"card": card.name}
    passes = {"draw_noise": 4, "hemodynamics": 4 * form.inner_steps}  # neural steps of a pass of the loop
    for name, steps in passes.items():
        row[f"{name}: registers"] = compiled.kernels[name].registers
        if nvdisasm:
            code, labels = listing(compiled.cubin, name, nvdisasm)
            widest = max(loops_of(code, labels), key=lambda loop: loop[1] - loop[0])
            inside = [text for at, text in code if widest[0] <= at <= widest[1]]
            row[f"{name}: clocks"] = len(inside) / steps / LANES_PER_CLOCK
    return row


# --- machine code -------------------------------------------------------------------------------------------


@cache
def listing(cubin, kernel, nvdisasm):
    """Instructions of a kernel as (address, text), and addresses of its labels."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        done = subprocess.run([nvdisasm, "-c", file.name], capture_output=True, text=True, check=True)
    text = re.split(rf"\.section\s+\.text\.{kernel}\b", done.stdout)[1].split("\n\t.section\t", 1)[0]
    code, labels, pending = [], {}, []
    for line in text.splitlines():
        if label := re.match(r"\s*(\.L\w+):", line):
            pending.append(label[1])
        elif found := re.match(r"\s+/\*([0-9a-f]{4,})\*/\s+(.*?);", line):
            address = int(found[1], 16)
            labels.update(dict.fromkeys(pending, address))
            pending = []
            code.append((address, found[2].strip()))
    return code, labels


def loops_of(code, labels):
    """Loops as (first, last) address; the empty one that ends a kernel is none."""
    ends = {}
    for address, text in code:
        target = re.search(r"\bBRA\b.*`\((\.L\w+)\)", text)
        start = labels.get(target[1], address) if target else address
        if start < address:
            ends[start] = max(address, ends.get(start, 0))
    return sorted(ends.items())


def slots_of(code, labels, form, sums):
    """Instructions that a warp issues in a step (in a stage, of a stepwise form), trips of loops counted in.

    Code of samples, which is run once in a while, counts as if it were run always: some percent too much.
    """
    whole = (code[0][0], code[-1][0])
    loops = [loop for loop in loops_of(code, labels) if loop[1] - loop[0] > 16]
    if form.stepwise:
        return _issued(whole, loops, code, form, sums)
    outer, step = _time_loops(code, loops)
    inside = _issued(step, loops, code, form, sums)
    return inside + (_length(code, outer) - _length(code, step)) / form.inner_steps


def barriers_of(code, labels, form):
    """Barriers of a block in a step (in a stage, of a stepwise form)."""
    where = (code[0][0], code[-1][0])
    if not form.stepwise:
        _, where = _time_loops(code, loops_of(code, labels))
    return _length(code, where, r"\bBAR\.")


def _time_loops(code, loops):
    """The loop over haemodynamic steps and, within it, the one over neural steps: both hold a barrier."""
    waiting = sorted((loop for loop in loops if _length(code, loop, r"\bBAR\.")), key=lambda x: x[0] - x[1])
    return waiting[0], waiting[-1]


def _length(code, loop, pattern=""):
    return sum(loop[0] <= at <= loop[1] and re.search(pattern, text) is not None for at, text in code)


def _issued(where, loops, code, form, sums):
    """Instructions issued in one pass of `where`, passes of the loops within it counted in."""
    within = [loop for loop in loops if where[0] <= loop[0] and loop[1] <= where[1] and loop != where]
    nearest = [a for a in within if not any(b[0] <= a[0] and a[1] <= b[1] and a != b for b in within)]
    total = _length(code, where) - sum(_length(code, loop) for loop in nearest)
    left = form.segment  # sources; a second loop takes what the first one leaves
    for loop in sorted(nearest, key=lambda loop: -_sources(loop, code, form, sums)):
        sources = int(_sources(loop, code, form, sums))
        innermost = not any(loop[0] <= a and b <= loop[1] and loop != (a, b) for a, b in within)
        if innermost and 1 <= sources < form.segment:
            passes, left = left // sources, left % sources
        else:
            passes = _passes(loop, innermost, sources, code, form)
        total += passes * _issued(loop, loops, code, form, sums)
    return total


def _sources(loop, code, form, sums):
    """Sources that a pass of a loop adds up."""
    return _length(code, loop, r"\b[FD]FMA\b") / (sums * form.rows * form.cols)


def _passes(loop, innermost, sources, code, form):
    """How often a loop over segments runs each time it is reached; other loops run once."""
    if not innermost or sources >= form.segment:
        return form.segments // (form.split if form.stepwise else 1)
    return form.segments // 4 if _length(code, loop, r"\b[FD]ADD\b") else 1  # partial sums, four at a time


# --- the page -----------------------------------------------------------------------------------------------


def page(rows, others, nvdisasm):
    """The table as a page for people."""
    compiler = ".".join(map(str, nvrtc.version()))
    lines = ["# Machine code of the default kernels", ""]
    lines += [
        f"`python benchmarks/kernels.py`, NVRTC {compiler}, options of CuPy; counted, **not measured**.",
        "",
    ]
    lines += _table(rows, [c for c in COLUMNS if any(c in row for row in rows)])
    lines += [
        "",
        "Beside the integration, model rWW; clocks a node-step and multiprocessor, of one noise term:",
        "",
    ]
    lines += _table(others, list(others[0]))
    if nvdisasm is None:
        lines += ["", "Without `nvdisasm`, issue slots and barriers are not counted."]
    lines += [
        "",
        "Slots are instructions that a warp issues in a time step; *estimated* is what the choice of a form "
        "counts with. Clocks are those of a multiprocessor that issues four warps a clock without a pause; "
        "*limit* is what follows in simulated seconds per second for a full card at a time step of 0.1 ms. "
        "Waiting for memory and barriers comes on top; operations in double precision take twice as long. "
        "Noise is that of one term with a seed for every simulation; a common seed costs next to nothing.",
        "",
    ]
    return "\n".join(lines)


def _table(rows, columns):
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return head + ["| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |" for row in rows]


def _cell(value):
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and value >= 10000 else str(value)


if __name__ == "__main__":
    sys.exit(main())
