"""The executable specification: NumPy in double precision, written for reading. Every other backend is tested against it."""

from functools import lru_cache

import numpy as np

from cubnm_core import noise
from cubnm_core.backends.task import TileResult
from cubnm_core.expressions import Call, Number, Symbol


def text(expression):
    """An expression as NumPy source."""
    if isinstance(expression, Number):
        return repr(expression.value)
    if isinstance(expression, Symbol):
        return expression.name
    if isinstance(expression, Call):
        return f"{expression.function}({', '.join(text(argument) for argument in expression.arguments)})"
    return f"({text(expression.left)} {expression.operator} {text(expression.right)})"


def explinear(x):
    """x / (1 - exp(-x)), continued by 1 at x = 0."""
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, safe / -np.expm1(-safe))


def clip(x, low, high):
    """Bound x; what is not finite becomes NaN, so that divergence is not hidden."""
    return np.where(np.isfinite(x), np.minimum(np.maximum(x, low), high), np.nan)


_NAMESPACE = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
    "fmod": np.fmod,
    "logistic": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "explinear": explinear,
    "clip": clip,
}


def function(name, arguments, assignments, results):
    """Compile a function of arrays from assignments."""
    lines = [f"def {name}({', '.join(arguments)}):"]
    lines += [f"    {target} = {text(value)}" for target, value in assignments]
    lines += [f"    return {', '.join(results)},"]
    namespace = dict(_NAMESPACE)
    exec("\n".join(lines), namespace)  # printed by us from checked expressions, never from text of a file
    return namespace[name]


@lru_cache
def _compile_stage(program, index):
    stage = program.stages[index]
    coefficients = [coefficient.name for coefficient in program.coefficients]
    published = function(
        "published", program.arrays + tuple(coefficients), [(s.name, s.value) for s in stage.sums],
        [s.name for s in stage.sums],
    )
    assignments = [(t.name, t.value) for t in stage.temporaries]
    assignments += [(f"new_{w.name}", w.value) for w in stage.writes]
    arguments = [*program.arrays, *coefficients, *(s.name for s in stage.sums), *program.noise]
    recorded = [t.name for t in stage.temporaries if t.name in program.record]
    advance = function("advance", arguments, assignments, [f"new_{w.name}" for w in stage.writes] + recorded)
    return published, advance, recorded


def evaluate(assignments, values):
    """Values of coefficients from those of parameters; both dicts of arrays that broadcast."""
    return {
        a.name: function("value", list(values), [("result", a.value)], ["result"])(**values)[0] for a in assignments
    }


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
    shape = (len(rows), task.nodes)
    state = {name: np.full(shape, value) for name, value in zip(program.arrays, program.initial, strict=True)}
    coefficients = {name: values[rows] for name, values in task.coefficients.items()}
    balloon = _Balloon(task.hemodynamics, shape)
    bold_input = function("bold_input", program.arrays, [("z", program.bold_input)], ["z"])
    samples = _Samples(program.record, schedule)
    bold, finite, bold_steps = [], np.ones(len(rows), bool), set(schedule.bold_steps.tolist())
    for outer in range(1, schedule.n_steps + 1):
        for inner in range(schedule.inner_steps):
            xi = _noise(task, rows, (outer - 1) * schedule.inner_steps + inner)
            recorded = _advance(program, state, coefficients, weights, xi)
        balloon.advance(*bold_input(**state))
        finite &= np.isfinite(sum(state.values())).all(axis=1)
        if outer in samples.steps:
            samples.add({**recorded, **state})
        if outer in bold_steps:
            bold.append(balloon.bold())
    return TileResult(
        bold=np.stack(bold, axis=1),
        state_means=samples.means(),
        states=samples.stacked() if task.keep_states else None,
        finite=finite,
    )


def _advance(program, state, coefficients, weights, xi):
    """One neural step, in place; returns the recorded sub-expressions."""
    recorded = {}
    for index, stage in enumerate(program.stages):
        published, advance, names = _compile_stage(program, index)
        values = published(**state, **coefficients)
        coupling = {s.name: value @ weights for s, value in zip(stage.sums, values, strict=True)}
        results = advance(**state, **coefficients, **coupling, **xi)
        written = [write.name for write in stage.writes]
        state.update(zip(written, results, strict=False))
        recorded |= dict(zip(names, results[len(written) :], strict=True)) | coupling
    return recorded


def _noise(task, rows, step):
    names = task.program.noise
    if task.noise is not None:
        return {name: task.noise[step, :, term] for term, name in enumerate(names)}
    seeds = [task.seeds[row] for row in rows]
    drawn = {seed: noise.normals(seed, step, 1, len(names), task.nodes)[0] for seed in set(seeds)}
    return {name: np.stack([drawn[seed][term] for seed in seeds]).astype(float) for term, name in enumerate(names)}


class _Balloon:
    """Haemodynamic states of a tile."""

    def __init__(self, program, shape):
        self.program = program
        self.state = {name: np.full(shape, value) for name, value in zip(program.states, program.initial, strict=True)}
        arguments = [*program.states, "z"]
        self.derivatives = {
            d.name: function("derivative", arguments, [("result", d.value)], ["result"]) for d in program.derivatives
        }
        self.signal = function("bold", program.states, [("result", program.bold)], ["result"])

    def advance(self, z):
        for name, derivative in self.derivatives.items():
            self.state[name] = self.state[name] + self.program.step * derivative(**self.state, z=z)[0]

    def bold(self):
        return self.signal(**self.state)[0]


class _Samples:
    """State samples of a tile."""

    def __init__(self, names, schedule):
        self.names, self.first = names, schedule.first_mean_sample
        self.steps = set(schedule.state_steps.tolist())
        self.kept = {name: [] for name in names}

    def add(self, values):
        for name in self.names:
            self.kept[name].append(values[name])

    def stacked(self):
        return {name: np.stack(values, axis=1) for name, values in self.kept.items()} if self.steps else {}

    def means(self):
        return {name: np.mean(values[self.first :], axis=0) for name, values in self.kept.items()} if self.steps else {}
