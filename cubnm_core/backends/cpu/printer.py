"""Prints a program as the source of one Numba module: readable, and the same text every time."""

import re
from dataclasses import dataclass

from cubnm_core.backends.cpu import functions
from cubnm_core.expressions import Call, Number, Operation, Symbol

_RENAMED = {"min": "minimum", "max": "maximum", "abs": "absolute"}


@dataclass(frozen=True)
class Layout:
    """How the nodes of simulations lie in memory, and how many are handled at a time.

    Attributes
    ----------
    lanes : int
        Simulations side by side; 1 means that the nodes of a single simulation lie side by side.
    width : int
        Elements of a vector in the coupling pass.
    rows, columns : int
        The coupling pass sums `rows` targets for `columns` vectors of lanes at a time, each sum in a register of its
        own. With one lane, `rows` vectors of targets are summed at a time.
    local_width : int
        Elements of a vector in the other passes; wider ones hide latency.
    own_noise : bool
        Whether every lane has a noise of its own.
    delayed : bool
        Whether activity takes time to arrive; only with one lane.
    """

    lanes: int
    width: int
    rows: int
    columns: int
    local_width: int
    own_noise: bool
    delayed: bool = False

    @property
    def single(self):
        return self.lanes == 1

    def padded_nodes(self, nodes):
        """Nodes, with those that fill up the last block of the coupling pass."""
        block = self.rows * self.width if self.single else self.rows
        return -(-nodes // block) * block

    def size(self, nodes):
        """Elements of one array of a tile."""
        return self.padded_nodes(nodes) * self.lanes


def text(expression):
    """An expression as source, with products and sums fused."""
    if isinstance(expression, Number):
        return repr(expression.value)
    if isinstance(expression, Symbol):
        return expression.name
    if isinstance(expression, Call):
        name = _RENAMED.get(expression.function, expression.function)
        return f"{name}({', '.join(text(argument) for argument in expression.arguments)})"
    return _operation(expression)


def _operation(expression):
    left, right = expression.left, expression.right
    if expression.operator == "**":
        return _power(left, right)
    if expression.operator == "/" and isinstance(right, Number):
        return f"({text(left)} * {1 / right.value!r})"
    if expression.operator == "+":
        return _sum(left, right)
    return f"({text(left)} {expression.operator} {text(right)})"


def _sum(left, right):
    """a*b + c and c + a*b as one fused operation."""
    product, other = (right, left) if _is_product(right) else (left, right)
    if not _is_product(product):
        return f"({text(left)} + {text(right)})"
    if product.left == Number(-1.0):
        return f"({text(other)} - {text(product.right)})"
    return f"fma({text(product.left)}, {text(product.right)}, {text(other)})"


def _is_product(expression):
    return isinstance(expression, Operation) and expression.operator == "*"


def _power(base, exponent):
    """Exponents that are multiples of 1/8 need only products and square roots; others go through logarithms."""
    if isinstance(exponent, Number) and 0 < exponent.value <= 8 and (8 * exponent.value).is_integer():
        return f"power_{int(8 * exponent.value)}_eighths({text(base)})"
    return f"exp({text(exponent)} * log({text(base)}))"


def power_function(eighths):
    """Source of x**(eighths/8)."""
    lines, factors, root = [], ["x"] * (eighths // 8), "x"
    for part in (4, 2, 1):
        if eighths % (2 * part):
            lines.append(f"    root_{8 // part} = sqrt({root})")
            root = f"root_{8 // part}"
        if eighths & part:
            factors.append(root)
    return "\n".join([f"@inline\ndef power_{eighths}_eighths(x):", *lines, f"    return {' * '.join(factors)}"])


# --- passes over the nodes --------------------------------------------------------------------------------------------


def _loop(layout, body):
    """A loop over all elements of a tile; `at` is the first element of a vector, `node` its node where needed."""
    if layout.single:
        return [f"    for at in range(0, size, {layout.local_width}):", *(f"        {line}" for line in body)]
    return [
        "    for node in range(nodes):",
        f"        for at in range(node * {layout.lanes}, (node + 1) * {layout.lanes}, {layout.local_width}):",
        *(f"            {line}" for line in body),
    ]


def _assignments(assignments):
    return [f"{a.name} = {text(a.value)}" for a in assignments]


def _loads(array, names, used):
    return [f"{name} = load_wide({array}, {i} * size + at)" for i, name in enumerate(names) if name in used]


def _noise_loads(layout, noise, used):
    if layout.own_noise or layout.single:
        element = "load_wide(noise, noise_at + {} * size + at)"
    else:
        element = "broadcast_wide(noise, noise_at + {} * nodes + node)"
    return [f"{name} = {element.format(i)}" for i, name in enumerate(noise) if name in used]


def _used(assignments):
    return {name for a in assignments for name in re.findall(r"[A-Za-z_]\w*", text(a.value))}


def coefficient_names(program):
    return [a.name for a in program.coefficients]


def recorded_names(program):
    """Sub-expressions that have to be stored to be recorded; states and coupling sums are stored anyway."""
    return [t.name for t in program.stages[0].temporaries if t.name in program.record]


def is_plain(program, published):
    """Whether a coupling sum adds up a state as it is."""
    return isinstance(published.value, Symbol) and published.value.name in program.arrays


def _publish(program, index, layout):
    stage = program.stages[index]
    computed = [s for s in stage.sums if layout.delayed or not is_plain(program, s)]
    body = _loads("states", program.arrays, _used(computed))
    body += _loads("coefficients", coefficient_names(program), _used(computed))
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
    body += _loads("coefficients", coefficient_names(program), used)
    body += _noise_loads(layout, program.noise, used)
    body += _assignments(stage.temporaries)
    if records:
        body += [f"store(recorded, {i} * size + at, {name})" for i, name in enumerate(recorded_names(program))]
    body += [f"new_{line}" for line in _assignments(stage.writes)]
    body += [f"store(states, {program.arrays.index(w.name)} * size + at, new_{w.name})" for w in stage.writes]
    name = f"update_and_record_{index}" if records else f"update_{index}"
    return [
        "@plain",
        f"def {name}(nodes, size, states, sums, coefficients, noise, noise_at, recorded):",
        '    """One time step of every node."""',
        *_loop(layout, body),
    ]


def _hemodynamics(program, hemodynamics, layout, precision):
    """States are kept in double precision, derivatives evaluated in that of the simulation."""
    head = ["@plain", "def hemodynamics(nodes, size, states, balloon):"]
    if hemodynamics is None:
        return [*head, '    """Nothing: the output of this model is BOLD."""']
    narrow, widen = ("narrow", "widen") if precision == "single" else ("", "")
    inputs = [a for a in program.arrays if a in _used([_Named("z", program.bold_input)])]
    body = _loads("states", program.arrays, inputs)
    body += [f"z = {text(program.bold_input)}"]
    for i, name in enumerate(hemodynamics.states):
        body += [f"balloon_{name} = load_wide(balloon, {i} * size + at)", f"{name} = {narrow}(balloon_{name})"]
    for derivative in hemodynamics.derivatives:
        name = derivative.name
        body += [
            f"balloon_{name} = fma({hemodynamics.step!r}, {widen}({text(derivative.value)}), balloon_{name})",
            f"{name} = {narrow}(balloon_{name})",
            f"store(balloon, {hemodynamics.states.index(name)} * size + at, balloon_{name})",
        ]
    return [*head, '    """One step of the Balloon-Windkessel model."""', *_loop(layout, body)]


@dataclass(frozen=True)
class _Named:
    name: str
    value: object


# --- coupling ---------------------------------------------------------------------------------------------------------


def _couple(layout):
    """sums[target] = sum over sources, in order, of weights[source, target] * values[source]."""
    rows = range(layout.rows)
    head = [
        "@plain",
        "def couple(nodes, size, weights, values, sums, first):",
        '    """Coupling sums of every target; the order of the sources is the same in every layout."""',
    ]
    if layout.single:
        body = [f"for target in range(0, size, {layout.rows * layout.width}):"]
        body += [f"    sum_{r} = zeros(values)" for r in rows]
        body += ["    for source in range(nodes):", "        value = broadcast(values, source)"]
        body += ["        at = source * size + target"]
        body += [f"        sum_{r} = fma(load(weights, at + {r * layout.width}), value, sum_{r})" for r in rows]
        body += [f"    store(sums, first + target + {r * layout.width}, sum_{r})" for r in rows]
        return head + [f"    {line}" for line in body]
    vectors = range(layout.columns)
    group = layout.columns * layout.width
    cells = [(r, v) for r in rows for v in vectors]
    body = [f"for lane in range(0, {layout.lanes}, {group}):", f"    for target in range(0, nodes, {layout.rows}):"]
    body += [f"        sum_{r}_{v} = zeros(values)" for r, v in cells]
    body += ["        at = target * nodes", "        for source in range(nodes):"]
    body += [
        f"            value_{v} = load(values, source * {layout.lanes} + lane + {v * layout.width})" for v in vectors
    ]
    for r in rows:
        body += [f"            weight = broadcast(weights, at + {r})"]
        body += [f"            sum_{r}_{v} = fma(weight, value_{v}, sum_{r}_{v})" for v in vectors]
    body += [f"            at += {layout.rows}"]
    place = f"first + (target + {{}}) * {layout.lanes} + lane + {{}}"
    body += [f"        store(sums, {place.format(r, v * layout.width)}, sum_{r}_{v})" for r, v in cells]
    return head + [f"    {line}" for line in body]


_DELAYED = '''
@plain
def remember(nodes, size, position, published, history):
    """Keep what sources send now, twice, so that a stretch of time never wraps around."""
    ring = history.shape[2] // 2
    for s in range(history.shape[0]):
        for node in range(nodes):
            history[s, node, position] = history[s, node, position + ring] = published[s * size + node]


@plain
def couple_far(nodes, step, weights, delays, history, far):
    """far[sum, target, t]: sums over sources at least {block} steps away, for {block} steps from `step` on."""
    ring = history.shape[2] // 2
    now = (step + 1) % ring + ring
    sent, arrived, weight = history.reshape(-1), far.reshape(-1), weights.reshape(-1)
    for s in range(history.shape[0]):
        far[s] = 0.0
        for source in range(nodes):
            at = (s * nodes + source) * 2 * ring + now
            for target in range(nodes):
                pair = source * nodes + target
                place = (s * nodes + target) * {block}
                value = load_block(sent, at - delays[pair])
                store(arrived, place, fma(broadcast_block(weight, pair), value, load_block(arrived, place)))


@plain
def couple_near(nodes, size, step, near_starts, near, near_weights, history, far, sums):
    """Sums of this step: those of far sources, then near ones one by one, in order."""
    ring = history.shape[2] // 2
    for s in range(history.shape[0]):
        for target in range(nodes):
            total = far[s, target, step % {block}]
            for i in range(near_starts[target], near_starts[target + 1]):
                total += near_weights[i] * history[s, near[i, 0], (step + 1 - near[i, 1]) % ring + ring]
            sums[s * size + target] = total
'''

#: Steps whose far coupling sums are computed together.
DELAY_BLOCK = 16

# --- the module -------------------------------------------------------------------------------------------------------

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

_ADVANCE = '''
@njit(nogil=True, cache=True, error_model="numpy")
def advance(
    first_step, outer_steps, inner_steps, nodes, size, weights, states, published, sums, coefficients, balloon,
    noise, draws, stream, keys, recorded,{more_arguments}
):
    """Advance a tile; sub-expressions are recorded in the last step."""
    step = first_step
    flat_noise = noise.reshape(-1)
    per_step = flat_noise.size // noise.shape[0]
    for outer in range(outer_steps):
        for inner in range(inner_steps):
            here = step % noise.shape[0]
            if draws and here == 0:
                draw(noise, step, stream, keys)
            last = outer == outer_steps - 1 and inner == inner_steps - 1
{stages}
            step += 1
        hemodynamics(nodes, size, states, balloon)
'''


def _coupling_calls(program, index, layout):
    stage = program.stages[index]
    lines = []
    if layout.delayed:
        return [
            f"publish_{index}(nodes, size, states, coefficients, published)",
            *(["if step == 0:", "    published[:] = 0.0"] if program.silent_start else []),
            "remember(nodes, size, step % (history.shape[2] // 2), published, history)",
            f"if step % {DELAY_BLOCK} == 0:",
            "    couple_far(nodes, step, weights, delays, history, far)",
            "couple_near(nodes, size, step, near_starts, near, near_weights, history, far, sums)",
        ]
    if not all(is_plain(program, s) for s in stage.sums):
        lines += [f"publish_{index}(nodes, size, states, coefficients, published)"]
    for i, s in enumerate(stage.sums):
        source, at = ("states", program.arrays.index(s.value.name)) if is_plain(program, s) else ("published", i)
        values = f"{source}[{at} * size : {at + 1} * size]"
        lines += [f"couple(nodes, size, weights, {values}, sums, {i} * size)"]
    if program.silent_start:
        lines += ["if step == 0:", "    sums[:] = 0.0"]
    return lines


def _stage_calls(program, index, layout):
    lines = _coupling_calls(program, index, layout)
    arguments = "(nodes, size, states, sums, coefficients, flat_noise, here * per_step, recorded)"
    if index == 0:
        lines += ["if last:", f"    update_and_record_0{arguments}", "else:", f"    update_0{arguments}"]
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
    parts = [_HEADER.format(name=program.name, width=layout.width, local_width=layout.local_width, delay_block=DELAY_BLOCK)]
    parts += [functions.source(precision)]
    delayed = _DELAYED.format(block=DELAY_BLOCK).splitlines()
    passes = [delayed if layout.delayed else _couple(layout)]
    passes += [_hemodynamics(program, hemodynamics, layout, precision)]
    passes += [_update(program, 0, layout, records=True)]
    for index, stage in enumerate(program.stages):
        if layout.delayed or not all(is_plain(program, s) for s in stage.sums):
            passes.append(_publish(program, index, layout))
        passes.append(_update(program, index, layout, records=False))
    bodies = ["\n".join(lines) for lines in passes]
    powers = sorted({int(n) for body in bodies for n in re.findall(r"power_(\d+)_eighths", body)})
    parts += [power_function(eighths) for eighths in powers] + bodies
    stages = [line for index in range(len(program.stages)) for line in _stage_calls(program, index, layout)]
    more = "\n    delays, history, far, near_starts, near, near_weights," if layout.delayed else ""
    parts += [_ADVANCE.format(stages="\n".join(stages), more_arguments=more)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"
