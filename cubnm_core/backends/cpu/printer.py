"""Prints a program as the source of one Numba module: readable, and the same text every time.

The equations of a model file become the functions ``update_0``, ... (one for each stage of the integration
scheme). What a coupling sum adds up is computed by ``publish_0``, ... and added up by ``couple``, which
:mod:`cubnm_core.backends.cpu.coupling` prints; ``advance`` calls them step by step. A printed step of the
model rWW lies in ``tests/backends/golden``.
"""

import keyword
import re

from cubnm_core.backends.cpu import coupling, functions
from cubnm_core.backends.cpu.coupling import DELAY_BLOCK, needs_publishing
from cubnm_core.backends.printing import Writer, power_steps, powers_in
from cubnm_core.equations.expressions import names
from cubnm_core.equations.model import Assign

# What the lines around the equations are called; names of a model give way to them.
_LOOPS = (
    "range at node nodes size states sums coefficients noise noise_at recorded published balloon totals "
    "load_wide broadcast_wide inf"
)


def power_function(name):
    """Source of a power in eighths."""
    steps, result = power_steps(name)
    lines = [f"    {target} = {value}" for target, value in steps]
    return "\n".join([f"@inline\ndef {name}(x):", *lines, f"    return {result}"])


# --- passes over the nodes ----------------------------------------------------------------------------------


def _loop(layout, body):
    """A loop over all elements of a tile; `at` is a vector's first element, `node` its node where needed."""
    if layout.single:
        return [f"    for at in range(0, size, {layout.local_width}):", *(f"        {line}" for line in body)]
    return [
        "    for node in range(nodes):",
        f"        for at in range(node * {layout.lanes}, (node + 1) * {layout.lanes}, {layout.local_width}):",
        *(f"            {line}" for line in body),
    ]


def _assignments(assignments):
    return [f"{name(a.name)} = {text(a.value)}" for a in assignments]


def _loads(array, variables, used, explained=()):
    """Lines that load what is used; those of coefficients say in a comment what they stand for."""
    lines = {key: f"{name(key)} = load_wide({array}, {i} * size + at)" for i, key in enumerate(variables)}
    notes = {a.name: f"  # {text(a.value)}" for a in explained if text(a.value) != name(a.name)}
    return [line + notes.get(key, "") for key, line in lines.items() if key in used]


def _noise_loads(layout, noise, used):
    if layout.own_noise or layout.single:
        element = "load_wide(noise, noise_at + {} * size + at)"
    else:
        element = "broadcast_wide(noise, noise_at + {} * nodes + node)"
    return [f"{name(term)} = {element.format(i)}" for i, term in enumerate(noise) if term in used]


def _used(assignments):
    return {used for a in assignments for used in names(a.value)}


def coefficient_names(program):
    return [a.name for a in program.coefficients]


def recorded_names(program):
    """Sub-expressions that have to be stored to be recorded; states and coupling sums are stored anyway."""
    return [t.name for t in program.stages[0].temporaries if t.name in program.record]


def _publish(program, index, layout):
    stage = program.stages[index]
    computed = needs_publishing(program, stage, layout)
    body = _loads("states", program.arrays, _used(computed))
    body += _loads("coefficients", coefficient_names(program), _used(computed), program.coefficients)
    body += [f"store(published, {stage.sums.index(s)} * size + at, {text(s.value)})" for s in computed]
    return [
        "@plain",
        f"def publish_{index}(nodes, size, states, coefficients, published):",
        '    """What sources send to their targets."""',
        *_loop(layout, body),
    ]


def _update(program, index, layout, records):
    stage = program.stages[index]
    used = _used(stage.temporaries + stage.writes)
    body = _loads("states", program.arrays, used)
    body += _loads("sums", [s.name for s in stage.sums], used)
    body += _loads("coefficients", coefficient_names(program), used, program.coefficients)
    body += _noise_loads(layout, program.noise, used)
    body += _assignments(stage.temporaries)
    if records:
        body += [
            f"store(recorded, {i} * size + at, {name(key)})" for i, key in enumerate(recorded_names(program))
        ]
    body += [f"new_{line}" for line in _assignments(stage.writes)]
    body += [
        f"store(states, {program.arrays.index(w.name)} * size + at, new_{name(w.name)})" for w in stage.writes
    ]
    function = f"update_and_record_{index}" if records else f"update_{index}"
    return [
        "@plain",
        f"def {function}(nodes, size, states, sums, coefficients, noise, noise_at, recorded):",
        '    """One time step of every node."""',
        *_loop(layout, body),
    ]


def _hemodynamics(program, hemodynamics, layout, precision):
    """States are kept in double precision, derivatives evaluated in that of the simulation."""
    head = ["@plain", "def hemodynamics(nodes, size, states, balloon):"]
    if hemodynamics is None:
        return [*head, '    """Nothing: the output of this model is BOLD."""']
    narrow, widen = ("narrow", "widen") if precision == "single" else ("", "")
    inputs = [a for a in program.arrays if a in _used([Assign("z", program.bold_input)])]
    body = _loads("states", program.arrays, inputs)
    body += [f"z = {text(program.bold_input)}"]
    for i, state in enumerate(hemodynamics.states):
        body += [
            f"balloon_{state} = load_wide(balloon, {i} * size + at)",
            f"{state} = {narrow}(balloon_{state})",
        ]
    for derivative in hemodynamics.derivatives:
        state, value = derivative.name, text(derivative.value)
        body += [
            f"balloon_{state} = fma({hemodynamics.step!r}, {widen}({value}), balloon_{state})",
            f"{state} = {narrow}(balloon_{state})",
            f"store(balloon, {hemodynamics.states.index(state)} * size + at, balloon_{state})",
        ]
    return [*head, '    """One step of the Balloon-Windkessel model."""', *_loop(layout, body)]


def _accumulate(program, layout, precision):
    """Running sums, in double precision, of what can be recorded."""
    widen, body = "widen" if precision == "single" else "", []
    for i, name in enumerate(program.record):
        array, at = recorded_place(program, name)
        body += [f"store(totals, {i} * size + at, load_wide(totals, {i} * size + at) + "]
        body[-1] += f"{widen}(load_wide({array}, {at} * size + at)))"
    return [
        "@plain",
        "def accumulate(nodes, size, states, sums, recorded, totals):",
        '    """Add what can be recorded to its running sums."""',
        *_loop(layout, body or ["pass"]),
    ]


def recorded_place(program, name):
    """Array of a tile that holds a recorded variable, and its index there."""
    stage = program.stages[0]
    places = {
        "states": program.arrays,
        "recorded": recorded_names(program),
        "sums": [s.name for s in stage.sums],
    }
    return next((array, names.index(name)) for array, names in places.items() if name in names)


# --- the module ---------------------------------------------------------------------------------------------

_HEADER = '''"""{name}, printed by cubnm_core; edits are overwritten."""

from numba import njit

from cubnm_core.backends.cpu.noise import draw
from cubnm_core.backends.cpu.vectors import (
    absolute,
    exponent_and_mantissa,
    flip_if_odd,
    fma,
    fnma,
    maximum,
    memory,
    minimum,
    narrow,
    power_of_two,
    sqrt,
    store,
    truncate,
    widen,
)

inf = float("inf")
load, broadcast, zeros = memory({width})
load_wide, broadcast_wide, _ = memory({local_width})
load_block, broadcast_block, _ = memory({delay_block})
inline = njit(forceinline=True, error_model="numpy")
plain = njit(error_model="numpy")
'''

_FUNCTIONS = re.findall(r"^def (\w+)", functions.source("double"), flags=re.MULTILINE)
_IMPORTED = re.findall(r"^ +(\w+),$", _HEADER, flags=re.MULTILINE)
_WRITER = Writer(reserved={*_FUNCTIONS, *_IMPORTED, *_LOOPS.split(), *keyword.kwlist})
text, name = _WRITER.text, _WRITER.name

_ADVANCE = '''
@njit(nogil=True, cache=True, error_model="numpy")
def advance(
    first, last, inner_steps, sample_steps, first_counted, nodes, size,
    weights, states, published, sums, coefficients, balloon,
    noise, draws, fine_steps, stream, keys, recorded, totals,{more_arguments}
):
    """Advance a tile by haemodynamic steps `first` to `last`; it can be recorded every `sample_steps`."""
    step = first * inner_steps
    flat_noise = noise.reshape(-1)
    per_step = flat_noise.size // noise.shape[0]
    for outer in range(first + 1, last + 1):
        samples = outer % sample_steps == 0
        for inner in range(inner_steps):
            here = step % noise.shape[0]
            if draws and here == 0:
                draw(noise, step, fine_steps, stream, keys)
            records = samples and inner == inner_steps - 1
{stages}
            step += 1
        hemodynamics(nodes, size, states, balloon)
        if samples and outer >= first_counted:
            accumulate(nodes, size, states, sums, recorded, totals)
'''


def _stage_calls(program, index, layout):
    lines = coupling.calls(program, index, layout)
    arguments = "(nodes, size, states, sums, coefficients, flat_noise, here * per_step, recorded)"
    if index == 0:
        lines += ["if records:", f"    update_and_record_0{arguments}", "else:", f"    update_0{arguments}"]
    else:
        lines += [f"update_{index}{arguments}"]
    return [f"            {line}" for line in lines]


def module(program, hemodynamics, layout, precision):
    """Source of a Numba module whose ``advance`` runs a program.

    Parameters
    ----------
    program : Program
    hemodynamics : HemodynamicProgram or None
    layout : Layout
    precision : "single" or "double"

    Returns
    -------
    str
    """
    parts = [
        _HEADER.format(
            name=program.name, width=layout.width, local_width=layout.local_width, delay_block=DELAY_BLOCK
        )
    ]
    parts += [functions.source(precision)]
    passes = [
        _hemodynamics(program, hemodynamics, layout, precision),
        _accumulate(program, layout, precision),
    ]
    passes += [_update(program, 0, layout, records=True)]
    for index, stage in enumerate(program.stages):
        if needs_publishing(program, stage, layout):
            passes.append(_publish(program, index, layout))
        passes.append(_update(program, index, layout, records=False))
    bodies = [coupling.source(layout)] + ["\n".join(lines) for lines in passes]
    parts += [power_function(name) for name in powers_in("\n".join(bodies))] + bodies
    stages = [line for index in range(len(program.stages)) for line in _stage_calls(program, index, layout)]
    more = "\n    delays, history, far, near_starts, near, near_weights," if layout.delayed else ""
    parts += [_ADVANCE.format(stages="\n".join(stages), more_arguments=more)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"
