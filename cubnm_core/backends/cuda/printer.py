"""Prints a program as CUDA C: functions of the model, followed by templates that are the same for all.

The equations of a model file become the function ``update``; what a coupling sum adds up is computed by
``publish``. The sums themselves, products with the connectome, stand in the template ``sources/cells.cu``,
which ``sources/integrate.cu`` (many steps a launch) and ``sources/step.cu`` (one step a launch) call. The
functions of the model rWW lie printed in ``tests/backends/golden``.
"""

from functools import cache
from importlib.resources import files
from math import log, pi
from string import Template

from cubnm_core import noise
from cubnm_core.backends import series
from cubnm_core.backends.printing import Writer, power_steps, powers_in
from cubnm_core.equations.expressions import names


class Printer:
    """CUDA C of one program in one precision.

    Parameters
    ----------
    program : Program
    hemodynamics : HemodynamicProgram or None
    precision : "single" or "double"
    """

    def __init__(self, program, hemodynamics, precision):
        self.program, self.hemodynamics, self.precision = program, hemodynamics, precision
        self.writer = Writer(_LITERALS[precision], "divide({}, {})", "v_")

    def integration(self, form):
        """Source of the kernel that integrates in a form; see `forms.Form`."""
        template = "step" if form.stepwise else "integrate"
        return self._source(form.definitions(), self.dynamics(), ("cells", "start", template))

    def observation(self, form):
        """Source of the kernels for noise, haemodynamics and means of states."""
        parts = ("noise", "cells", "start", "observe")
        return self._source(form.definitions(), [*self.dynamics(), *self._hemodynamics()], parts)

    def _source(self, definitions, model, parts):
        counts = {
            "SINGLE": int(self.precision == "single"),
            "ARRAYS": len(self.program.arrays),
            "COEFFICIENTS": len(self.program.coefficients),
            "TERMS": len(self.program.noise),
            "SUMS": n_sums(self.program),
            "STAGES": len(self.program.stages),
            "RECORDED": max(1, len(self.program.record)),
            "SILENT_START": int(self.program.silent_start),
            "BALLOON": len(self.hemodynamics.states) if self.hemodynamics else 0,
            **definitions,
        }
        head = [f"// {self.program.name}, printed by cubnm_core"]
        head += [f"#define {name} {value}" for name, value in counts.items()]
        body = "\n\n".join(model)
        powers = [self._power(name) for name in powers_in(body)]
        templates = [part for part in parts if part != "noise"]
        sources = ["\n".join(head), functions(self.precision), "\n\n".join(powers)]
        sources += [_CELL, body]
        sources += [noise_source()] * ("noise" in parts) + [source(part) for part in templates]
        return "\n\n".join(part.strip("\n") for part in sources if part) + "\n"

    # --- the model -----------------------------------------------------------------------------------------

    def dynamics(self):
        """Functions of the model's equations, one text each."""
        stages = range(len(self.program.stages))
        parts = [_GENERIC]
        parts += [self._update(index) for index in stages] + [self._publish(index) for index in stages]
        return [*parts, self._record_arrays(), self._bold_input()]

    def _update(self, index):
        stage, program = self.program.stages[index], self.program
        assignments = stage.temporaries + stage.writes
        body = self._loads(assignments)
        body += _loads("sums", [s.name for s in stage.sums], assignments)
        body += _loads("xi", program.noise, assignments)
        body += [f"const real v_{t.name} = {self.writer.text(t.value)};" for t in stage.temporaries]
        if index == 0:
            body += self._records()
        body += [f"const real new_{w.name} = {self.writer.text(w.value)};" for w in stage.writes]
        body += [f"cell.arrays[{program.arrays.index(w.name)}] = new_{w.name};" for w in stage.writes]
        return _function(
            f"template <> {_INLINE} void update<{index}>"
            "(Cell& cell, const real* sums, const real* xi, real* sample)",
            body,
        )

    def _records(self):
        """Sub-expressions and coupling sums are recorded as they are at the start of the step."""
        stage = self.program.stages[0]
        sums = {s.name: f"sums[{i}]" for i, s in enumerate(stage.sums)}
        found = sums | {t.name: f"v_{t.name}" for t in stage.temporaries}
        stores = [
            f"sample[{i} * PLANE] = {found[name]};"
            for i, name in enumerate(self.program.record)
            if name in found
        ]
        return [f"if (sample) {{ {' '.join(stores)} }}"] if stores else []

    def _record_arrays(self):
        arrays = self.program.arrays
        places = [(i, arrays.index(name)) for i, name in enumerate(self.program.record) if name in arrays]
        body = [f"sample[{i} * PLANE] = cell.arrays[{k}];" for i, k in places]
        return _function(
            "__device__ __forceinline__ void record_arrays(const Cell& cell, real* sample)", body
        )

    def _publish(self, index):
        sums = self.program.stages[index].sums
        body = self._loads(sums) + [f"sent[{i}] = {self.writer.text(s.value)};" for i, s in enumerate(sums)]
        body += [f"sent[{i}] = 0;" for i in range(len(sums), n_sums(self.program))]
        return _function(
            f"template <> __device__ __forceinline__ void publish<{index}>(const Cell& cell, real* sent)",
            body,
        )

    def _bold_input(self):
        used = names(self.program.bold_input)
        body = [f"const real v_{n} = cell.arrays[{self.program.arrays.index(n)}];" for n in used]
        body += [f"return {self.writer.text(self.program.bold_input)};"]
        return _function(f"{_INLINE} real bold_input(const Cell& cell)", body)

    def _loads(self, assignments):
        """Values of a cell that are used; coefficients say in a comment what they stand for."""
        coefficients = [a.name for a in self.program.coefficients]
        notes = {a.name: self.writer.text(a.value) for a in self.program.coefficients}
        loads = _loads("cell.arrays", self.program.arrays, assignments)
        return loads + _loads("cell.coefficients", coefficients, assignments, notes)

    # --- haemodynamics -------------------------------------------------------------------------------------

    def _hemodynamics(self):
        """Increments are added with what earlier sums have lost (Kahan 1965, doi:10.1145/363707.363723)."""
        if self.hemodynamics is None:
            return [_NO_HEMODYNAMICS]
        states = self.hemodynamics.states
        reads = [f"real v_{name} = state[{i}];" for i, name in enumerate(states)]
        body, step = list(reads), self.writer.number(self.hemodynamics.step)
        for derivative in self.hemodynamics.derivatives:
            at = states.index(derivative.name)
            value = self.writer.text(derivative.value)
            body += [f"v_{derivative.name} = add(state[{at}], low[{at}], {step}, {value});"]
        signal = [*reads, f"return {self.writer.text(self.hemodynamics.bold)};"]
        return [
            _ADD,
            _function(f"{_INLINE} void balloon_step(real* state, real* low, real v_z)", body),
            _function(f"{_INLINE} real bold_signal(const real* state, real)", signal),
        ]

    def _power(self, name):
        steps, result = power_steps(name)
        body = [f"const real {target} = {value};" for target, value in steps] + [f"return {result};"]
        return _function(f"{_INLINE} real {name}(real x)", body)


def n_sums(program):
    """Most coupling sums of a stage; at least one, so that arrays of them have a length."""
    return max(1, *(len(stage.sums) for stage in program.stages))


def _literal(suffix):
    return lambda value: f"{value!r}{suffix}" if abs(value) != float("inf") else f"({value!r})"


_LITERALS = {"single": _literal("f"), "double": _literal("")}


def _loads(array, variables, assignments, notes=()):
    used = {name for assignment in assignments for name in names(assignment.value)}
    lines = {name: f"const real v_{name} = {array}[{i}];" for i, name in enumerate(variables)}
    notes = {name: f"  // {note}" for name, note in dict(notes).items() if note != f"v_{name}"}
    return [line + notes.get(name, "") for name, line in lines.items() if name in used]


def _function(head, body):
    return "\n".join([f"{head} {{", *(f"    {line}" for line in body), "}"])


_INLINE = "__device__ __forceinline__"

_CELL = """struct Cell {
    real arrays[ARRAYS], coefficients[COEFFICIENTS + 1];
};
#define PLANE (N * LANES)"""

_GENERIC = """template <int stage>
__device__ void update(Cell& cell, const real* sums, const real* xi, real* sample);
template <int stage> __device__ void publish(const Cell& cell, real* sent);"""

_NO_HEMODYNAMICS = """__device__ __forceinline__ void balloon_step(real*, real*, real) {}
__device__ __forceinline__ real bold_signal(const real*, real z) { return z; }"""

_ADD = """__device__ __forceinline__ real add(real& state, real& low, real step, real derivative) {
    const real increment = fma(step, derivative, low), sum = state + increment;
    low = increment - (sum - state);
    state = sum;
    return sum;
}"""


# --- templates ----------------------------------------------------------------------------------------------


@cache
def source(name):
    """Text of a template."""
    return files(__package__).joinpath("sources", f"{name}.cu").read_text()


@cache
def functions(precision):
    """Elementary functions for one precision."""
    number = _LITERALS[precision]
    return Template(source("functions")).substitute(
        limit=number(series.EXPONENT_LIMIT[precision]),
        shift=number(series.ROUNDING_SHIFT[precision]),
        exp2=series.polynomial("f", series.EXP2[precision], number),
        log_series=series.polynomial("(z * z)", series.LOG[precision], number),
        log2e=number(1 / log(2)),
        one=number(1.0),
        ln2=number(log(2)),
        tiny=number(series.TINY[precision]),
        per_pi=number(1 / pi),
        pi_high=number(series.PI[precision][0]),
        pi_low=number(series.PI[precision][1]),
        sin_series=series.polynomial("(r * r)", series.SIN[precision], number),
        cos_series=series.polynomial("(r * r)", series.COS[precision], number),
    )


@cache
def noise_source():
    """The kernel that draws noise."""
    return Template(source("noise")).substitute(
        ln2=_exact(noise.LN2),
        log_series=_rounded_polynomial(noise.LOG_SERIES),
        sin_series=_rounded_polynomial(noise.SIN_SERIES),
        cos_series=_rounded_polynomial(noise.COS_SERIES),
        two_to_minus_24=_exact(noise.TWO_TO_MINUS_24),
        half_pi_per_count=_exact(noise.HALF_PI_PER_COUNT),
        rounds=noise.ROUNDS,
        multiplier_0=noise.MULTIPLIERS[0],
        multiplier_1=noise.MULTIPLIERS[1],
        increment_0=noise.KEY_INCREMENTS[0],
        increment_1=noise.KEY_INCREMENTS[1],
    )


def _exact(value):
    return f"{float(value)!r}f"


def _rounded_polynomial(coefficients):
    """Horner's scheme in ``square``, highest power first, with one rounding for every operation."""
    result = _exact(coefficients[0])
    for coefficient in coefficients[1:]:
        result = f"({result} * square + {_exact(coefficient)})"
    return result
