"""The executable specification: NumPy in double precision, for reading; others are tested against it.

Each stage of a program becomes two Python functions, ``sent`` (what the coupling sums add up) and
``advance`` (the equations); `_advance` multiplies the first by the connectome and hands the sums to the
second. The functions of the model rWW lie printed in ``tests/backends/golden``.
"""

from functools import lru_cache

import numpy as np

from cubnm_core import noise
from cubnm_core.backends.task import TileResult
from cubnm_core.equations.evaluation import FUNCTIONS
from cubnm_core.equations.expressions import Call, Number, Symbol


def text(expression):
    """An expression as NumPy source."""
    if isinstance(expression, Number):
        return repr(expression.value)
    if isinstance(expression, Symbol):
        return expression.name
    if isinstance(expression, Call):
        return f"{expression.function}({', '.join(text(argument) for argument in expression.arguments)})"
    return f"({text(expression.left)} {expression.operator} {text(expression.right)})"


_NAMESPACE = {"inf": np.inf, **FUNCTIONS}


def function_source(name, arguments, assignments, results):
    """Print a function of arrays from assignments."""
    lines = [f"def {name}({', '.join(arguments)}):"]
    lines += [f"    {target} = {text(value)}" for target, value in assignments]
    lines += [f"    return ({''.join(f'{result}, ' for result in results)})"]
    return "\n".join(lines)


def _compile(name, source):
    """Turn a printed function into a callable."""
    namespace = dict(_NAMESPACE)
    exec(source, namespace)  # printed by us from checked expressions, never from text of a file
    return namespace[name]


def evaluate_sent(program, arrays, coefficients):
    """What each coupling sum of the first stage adds up, from lists of arrays and of coefficients."""
    compiled, _, _ = _compile_stage(program, 0)
    return np.broadcast_arrays(*compiled(*arrays, *coefficients))


def sources(program, index):
    """Print the two functions of one stage of a program: ``sent`` and ``advance``."""
    stage = program.stages[index]
    known = [*program.arrays, *(coefficient.name for coefficient in program.coefficients)]
    sums = [s.name for s in stage.sums]
    sent = function_source("sent", known, [(s.name, s.value) for s in stage.sums], sums)
    assignments = [(t.name, t.value) for t in stage.temporaries]
    assignments += [(f"new_{w.name}", w.value) for w in stage.writes]
    results = [*(f"new_{w.name}" for w in stage.writes), *_recorded(program, index)]
    return sent, function_source("advance", [*known, *sums, *program.noise], assignments, results)


def _recorded(program, index):
    """Sub-expressions that are recorded: those of the first stage."""
    temporaries = [t.name for t in program.stages[index].temporaries]
    return [name for name in temporaries if name in program.record and index == 0]


@lru_cache
def _compile_stage(program, index):
    sent, advance = sources(program, index)
    return _compile("sent", sent), _compile("advance", advance), _recorded(program, index)


def evaluate(assignments, values):
    """Values of coefficients from those of parameters; both dicts of arrays that broadcast."""
    return {a.name: _single("value", list(values), a.value)(**values) for a in assignments}


def run(task, precision, threads, on_result):
    """Run a batch, one connectome at a time; always in double precision and on one thread.

    Parameters
    ----------
    task : Task
    precision, threads
        Taken for the sake of one interface.
    on_result : callable
        Called with the rows of the batch and their `TileResult`.
    """
    for index in np.unique(task.connectome):
        rows = np.flatnonzero(task.connectome == index)
        on_result(rows, _run_rows(task, task.weights[index], rows))


@np.errstate(all="ignore")
def _run_rows(task, weights, rows):
    program, schedule = task.program, task.schedule
    state = {name: task.initial[name][rows] for name in program.arrays}
    coefficients = {name: values[rows] for name, values in task.coefficients.items()}
    observed = (_Balloon if task.hemodynamics else _Direct)(task, rows)
    samples = _Samples(program.record, schedule, task.keep_states)
    coupling = (_Coupling if task.lengths is None else _DelayedCoupling)(task, weights, rows)
    bold, finite, bold_steps = [], np.ones(len(rows), bool), set(schedule.bold_steps.tolist())
    for outer in range(1, schedule.n_steps + 1):
        for inner in range(schedule.inner_steps):
            step = (outer - 1) * schedule.inner_steps + inner
            recorded = _advance(program, state, coefficients, coupling, _noise(task, rows, step), step)
        observed.advance(state)
        finite &= np.isfinite(sum(state.values())).all(axis=1)
        if outer % schedule.state_interval == 0:
            samples.add(outer, {**recorded, **state})
        if outer in bold_steps:
            bold.append(observed.bold())
    return TileResult(
        bold=np.stack(bold, axis=1),
        state_means=samples.means(),
        states=samples.stacked() if task.keep_states else None,
        finite=finite,
    )


def _advance(program, state, coefficients, coupling, xi, step):
    """One neural step, in place; returns the recorded sub-expressions, as they were at its start."""
    recorded = {}
    for index, stage in enumerate(program.stages):
        sent, advance, names = _compile_stage(program, index)
        values = np.broadcast_arrays(*sent(**state, **coefficients)) if stage.sums else []
        sums = dict(zip((s.name for s in stage.sums), coupling(values, step), strict=True))
        results = advance(**state, **coefficients, **sums, **xi)
        written = [write.name for write in stage.writes]
        state.update(zip(written, results, strict=False))
        recorded = {**sums, **dict(zip(names, results[len(written) :], strict=True)), **recorded}
    return recorded


class _Coupling:
    """Sums over sources of what they send now."""

    def __init__(self, task, weights, rows):
        self.weights, self.silent_start = weights, task.program.silent_start

    def __call__(self, values, step):
        share = 0.0 if self.silent_start and step == 0 else 1.0
        return [share * value @ self.weights for value in values]


class _DelayedCoupling:
    """Sums over sources of what arrives from them now; before the start they sent their initial values."""

    def __init__(self, task, weights, rows):
        self.weights, self.silent_start = weights, task.program.silent_start
        self.sources = np.arange(task.nodes)[:, None]
        self.delays = [task.delays(row) for row in rows]
        self.sent = None

    def __call__(self, values, step):
        values = np.stack(values) * (0.0 if self.silent_start and step == 0 else 1.0)
        if self.sent is None:
            longest = max(delays.max() for delays in self.delays)
            self.sent = np.repeat(values[None], longest, axis=0)  # (time, sum, lane, source)
        self.sent[step % len(self.sent)] = values
        sums = np.empty_like(values)
        for lane, delays in enumerate(self.delays):
            when = (step + 1 - delays) % len(self.sent)
            sums[:, lane] = np.einsum("kjs,kj->sj", self.sent[when, :, lane, self.sources], self.weights)
        return sums


def _noise(task, rows, step):
    names = task.program.noise
    if task.noise is not None:
        return {name: task.noise[step, :, term] for term, name in enumerate(names)}
    seeds = [task.seeds[row] for row in rows]
    shape = 1, len(names), task.nodes
    drawn = {
        seed: noise.summed_normals(seed, step, *shape, task.fine_steps, task.stream)[0] for seed in set(seeds)
    }
    return {
        name: np.stack([drawn[seed][term] for seed in seeds]).astype(float) for term, name in enumerate(names)
    }


@lru_cache
def bold_input(program):
    """Function of a program's arrays that gives what drives BOLD."""
    return _single("bold_input", program.arrays, program.bold_input)


@lru_cache
def bold_signal(hemodynamics):
    """Function of the haemodynamic states that gives BOLD in percent."""
    return _single("bold_signal", hemodynamics.states, hemodynamics.bold)


def _single(name, arguments, expression):
    """Function with one result."""
    compiled = _compile(name, function_source(name, arguments, [("result", expression)], ["result"]))
    return lambda *arrays, **named: compiled(*arrays, **named)[0]


class _Direct:
    """A model whose output is BOLD."""

    def __init__(self, task, rows):
        self.bold_input = bold_input(task.program)

    def advance(self, state):
        self.z = self.bold_input(**state)

    def bold(self):
        return self.z


class _Balloon:
    """Haemodynamic states of some simulations."""

    def __init__(self, task, rows):
        self.program, self.bold_input = task.hemodynamics, bold_input(task.program)
        names = self.program.states
        self.state = {name: task.balloon[name][rows] for name in names}
        self.derivatives = {
            d.name: _single("derivative", [*names, "z"], d.value) for d in self.program.derivatives
        }

    def advance(self, state):
        z = self.bold_input(**state)
        for name, derivative in self.derivatives.items():
            self.state[name] = self.state[name] + self.program.step * derivative(**self.state, z=z)

    def bold(self):
        return bold_signal(self.program)(**self.state)


class _Samples:
    """State samples of some simulations, and their running sums after the burn-in."""

    def __init__(self, names, schedule, keep):
        self.names, self.schedule, self.keep = names, schedule, keep
        self.kept = {name: [] for name in names}
        self.totals = dict.fromkeys(names, 0.0)

    def add(self, step, values):
        for name in self.names:
            if self.keep:
                self.kept[name].append(values[name])
            if step >= self.schedule.first_counted:
                self.totals[name] = self.totals[name] + values[name]

    def stacked(self):
        return {name: np.stack(values, axis=1) for name, values in self.kept.items() if values}

    def means(self):
        count = self.schedule.n_counted
        return {name: total / count for name, total in self.totals.items()} if count else {}
