"""The coupling pass: prints sums over sources, for lanes of simulations, for lanes of nodes, and with delays.

In each, sums[target] adds weights[source, target] * values[source] in the order of the sources, so that the
layout changes no bit.
"""

from cubnm_core.equations.expressions import Symbol

#: Steps whose coupling sums from far sources are computed together.
DELAY_BLOCK = 16

#: Far sources that are added to a sum before it is stored again.
DELAY_SOURCES = 4


def is_plain(program, published):
    """Whether a coupling sum adds up a state as it is."""
    return isinstance(published.value, Symbol) and published.value.name in program.arrays


def needs_publishing(program, stage, layout):
    """Coupling sums whose summands have to be computed or kept before they are added up."""
    return [s for s in stage.sums if layout.delayed or not is_plain(program, s)]


def source(layout):
    """Source of the functions that the lines of `calls` call."""
    if layout.delayed:
        add = "                total = fma(broadcast_block(weights, {pair}), load_block(sent, {at}), total)"
        pairs = [f"pair + {i} * nodes" for i in range(DELAY_SOURCES)]
        accumulate = [
            add.format(pair=pair, at=f"at + {2 * i} * ring - delays[{pair}]") for i, pair in enumerate(pairs)
        ]
        return _DELAYED.format(block=DELAY_BLOCK, sources=DELAY_SOURCES, accumulate="\n".join(accumulate))
    body = _single(layout) if layout.single else _tile(layout)
    return "\n".join([_HEAD, *(f"    {line}" for line in body)])


def calls(program, index, layout):
    """Lines that compute the coupling sums of one stage."""
    stage, lines = program.stages[index], []
    if needs_publishing(program, stage, layout):
        lines += [f"publish_{index}(nodes, size, states, coefficients, published)"]
    if layout.delayed:
        lines += ["if step == 0:", "    published[:] = 0.0"] if program.silent_start else []
        return lines + _DELAYED_CALLS
    for i, s in enumerate(stage.sums):
        array, at = (
            ("states", program.arrays.index(s.value.name)) if is_plain(program, s) else ("published", i)
        )
        values = f"{array}[{at} * size : {at + 1} * size]"
        lines += [f"couple(nodes, size, weights, {values}, sums, {i} * size)"]
    return lines + (["if step == 0:", "    sums[:] = 0.0"] if program.silent_start else [])


_HEAD = '''@plain
def couple(nodes, size, weights, values, sums, first):
    """Coupling sums of every target."""'''


def _single(layout):
    rows, width = range(layout.rows), layout.width
    return [
        f"for target in range(0, size, {layout.rows * width}):",
        *(f"    sum_{r} = zeros(values)" for r in rows),
        "    for source in range(nodes):",
        "        value = broadcast(values, source)",
        "        at = source * size + target",
        *(f"        sum_{r} = fma(load(weights, at + {r * width}), value, sum_{r})" for r in rows),
        *(f"    store(sums, first + target + {r * width}, sum_{r})" for r in rows),
    ]


def _tile(layout):
    columns = range(layout.columns)
    cells = [(row, column) for row in range(layout.rows) for column in columns]
    return [
        f"for lane in range(0, {layout.lanes}, {layout.columns * layout.width}):",
        f"    for target in range(0, nodes, {layout.rows}):",
        *(f"        sum_{r}_{c} = zeros(values)" for r, c in cells),
        "        at = target * nodes",
        "        for source in range(nodes):",
        *(
            f"            value_{c} = load(values, source * {layout.lanes} + lane + {c * layout.width})"
            for c in columns
        ),
        *(line for row in range(layout.rows) for line in _tile_row(row, columns)),
        f"            at += {layout.rows}",
        *(
            f"        store(sums, first + (target + {r}) * {layout.lanes} + lane + {c * layout.width}, "
            f"sum_{r}_{c})"
            for r, c in cells
        ),
    ]


def _tile_row(row, columns):
    yield f"            weight = broadcast(weights, at + {row})"
    for c in columns:
        yield f"            sum_{row}_{c} = fma(weight, value_{c}, sum_{row}_{c})"


_DELAYED_CALLS = [
    "remember(nodes, size, step % (history.shape[2] // 2), published, history)",
    f"if step % {DELAY_BLOCK} == 0:",
    "    couple_far(nodes, step, weights, delays, history, far)",
    "couple_near(nodes, size, step, near_starts, near, near_weights, history, far, sums)",
]

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
    """far[sum, target, t]: sums over sources at least {block} steps away, for {block} steps from `step`.

    Sources are added in order, {sources} at a time.
    """
    ring = history.shape[2] // 2
    now = (step + 1) % ring + ring
    sent, arrived = history.reshape(-1), far.reshape(-1)
    for s in range(history.shape[0]):
        far[s] = 0.0
        for source in range(0, history.shape[1], {sources}):
            at = (s * history.shape[1] + source) * 2 * ring + now
            for target in range(nodes):
                pair = source * nodes + target
                place = (s * nodes + target) * {block}
                total = load_block(arrived, place)
{accumulate}
                store(arrived, place, total)


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
