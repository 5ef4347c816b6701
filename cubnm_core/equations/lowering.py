"""From a model and an integration scheme to a program: a short list of assignments per node and time step."""

import keyword
import math
from dataclasses import dataclass

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.expressions import Call, Number, Symbol
from cubnm_core.equations.model import TIME_UNITS, Assign, is_sum
from cubnm_core.errors import InputError

#: Name of the sum of a node's incoming weights, ``sum(1)``; known before a simulation starts.
IN_STRENGTH = "in_strength"


@dataclass(frozen=True)
class Pass:
    """One pass over all nodes: drift f and noise g are evaluated at the values called `reads`.

    Each of `writes` is (name, base, increment): name = base + increment, with h for the time step.
    """

    reads: str
    writes: tuple


#: Explicit schemes (Kloeden & Platen 1992, doi:10.1007/978-3-662-12616-5).
#: "x" is a state; other names are kept beside it.
SCHEMES = {
    # Ito; strong order 0.5, and 1 for additive noise
    "euler_maruyama": (Pass("x", (("x", "x", "h*f + g"),)),),
    # Stratonovich; strong order 1, order 2 without noise
    "heun": (
        Pass("x", (("predicted", "x", "h*f + g"), ("halfway", "x", "0.5*h*f + 0.5*g"))),
        Pass("predicted", (("x", "halfway", "0.5*h*f + 0.5*g"),)),
    ),
}
_UNBOUNDED = ("halfway",)  # never fed to a model's equations


@dataclass(frozen=True)
class Stage:
    """A `Pass` with a model's equations in it: coupling sums, then temporaries, then writes to arrays."""

    sums: tuple
    temporaries: tuple
    writes: tuple


@dataclass(frozen=True)
class Program:
    """A model under an integration scheme: what every backend prints.

    Attributes
    ----------
    arrays : tuple of str
        Values carried from step to step, per simulation and node; the model's states come first.
    initial : tuple of float or str
        Of each array: a number or the name of a parameter.
    coefficients : tuple of Assign
        Computed once per simulation and node from the parameters.
    stages : tuple of Stage
        Sub-expressions are recorded in the first.
    noise : tuple of str
        White-noise terms, standard normal per step and node.
    bold_input : expression
        In terms of the states after the step.
    record : tuple of str
    silent_start : bool
        Whether coupling sums of the first step are zero.
    """

    name: str
    arrays: tuple
    initial: tuple
    coefficients: tuple
    stages: tuple
    noise: tuple
    bold_input: object
    record: tuple
    silent_start: bool


def lower(model, dt, scheme="euler_maruyama"):
    """Turn a model and a time step into a `Program`.

    Parameters
    ----------
    model : Model
    dt : float
        Time step in seconds.
    scheme : str
        Key of `SCHEMES`.

    Returns
    -------
    Program

    Raises
    ------
    InputError
        For an unknown scheme.
    """
    if scheme not in SCHEMES:
        raise InputError(f"unknown integration scheme {scheme!r}; known are {', '.join(SCHEMES)}")
    equations = _without_constants(model)
    coefficients = _Coefficients(frozenset(model.parameters) | {IN_STRENGTH}, _names_in_use(model, scheme))
    step = dt / TIME_UNITS[model.time_unit]
    stages = tuple(_stage(rule, model, equations, step, coefficients) for rule in SCHEMES[scheme])
    states = model.derivatives
    helpers = [write.name for stage in stages for write in stage.writes if write.name not in states]
    return Program(
        name=model.name,
        arrays=states + tuple(helpers),
        initial=tuple(model.states[name].initial for name in states) + (0.0,) * len(helpers),
        coefficients=coefficients.assignments,
        stages=stages,
        noise=model.noise,
        bold_input=ex.canonical(ex.substitute(model.bold_input, _constants(model)), frozenset()),
        record=model.record,
        silent_start=model.silent_start,
    )


def _names_in_use(model, scheme):
    """Every name that a printed program may give to something other than a coefficient."""
    roles = {write[0] for rule in SCHEMES[scheme] for write in rule.writes}
    arrays = {_array(role, state) for role in roles for state in model.states}
    words = {*ex.FUNCTIONS, *keyword.kwlist, *(f"new_{name}" for name in arrays)}
    return arrays | words | {equation.name for equation in model.equations} | {*model.noise, *model.constants}


def _constants(model):
    return {name: Number(float(constant.value)) for name, constant in model.constants.items()}


def _without_constants(model):
    """Equations with numbers for constants and for in-strengths, ``sum(1)``, their name."""
    replacements = _constants(model)
    equations = []
    for equation in model.equations:
        value = ex.substitute(equation.value, replacements)
        if value == Call("sum", (ex.ONE,)):
            replacements[equation.name] = Symbol(IN_STRENGTH)
            continue
        equations.append(Assign(equation.name, value))
    return equations


def _stage(rule, model, equations, step, coefficients):
    view = {name: Symbol(_array(rule.reads, name)) for name in model.states}
    sums, temporaries, writes = [], [], []
    for equation in equations:
        value = ex.substitute(equation.value, view)
        if equation.name in model.states:
            writes += _writes(rule, model, equation.name, value, step, coefficients)
        elif is_sum(value):
            sums.append(Assign(equation.name, coefficients.extract(value.arguments[0])))
        else:
            temporaries.append(Assign(equation.name, coefficients.extract(value)))
    return Stage(tuple(sums), tuple(temporaries), tuple(writes))


def _array(role, state):
    return state if role == "x" else f"{role}_{state}"


def _writes(rule, model, state, derivative, step, coefficients):
    """The increment is added up before it is added to the state, which keeps single precision accurate."""
    drift, noise = _drift_and_noise(derivative, model.noise, step)
    for role, base, increment in rule.writes:
        known = {"h": Number(step), "f": drift, "g": noise}
        increment = coefficients.extract(ex.substitute(ex.parse(increment), known))
        value = ex.add(Symbol(_array(base, state)), increment)
        bounded = value if role in _UNBOUNDED else _bound(value, model.states[state])
        yield Assign(_array(role, state), bounded)


def _bound(value, state):
    if state.clip is not None:
        return Call("clip", (value, *map(Number, state.clip)))
    if state.wrap is not None:
        return Call("fmod", (value, Number(state.wrap)))
    return value


def _drift_and_noise(derivative, noise, step):
    """Separate ``drift + amplitude*noise + ...``; each noise gets its amplitude times sqrt(h)."""
    drift, kicks = ex.ZERO, ex.ZERO
    for term in ex.terms(derivative):
        pairs = ex.factors(term)
        source = next((factor for factor, _ in pairs if factor in [Symbol(name) for name in noise]), None)
        if source is None:
            drift = ex.add(drift, term)
            continue
        amplitude = ex.quotient([pair for pair in pairs if pair[0] != source])
        kicks = ex.add(kicks, ex.multiply(ex.multiply(Number(math.sqrt(step)), amplitude), source))
    return drift, kicks


class _Coefficients:
    """Collects the constant parts of expressions and names them after the parameters in them."""

    def __init__(self, parameters, taken):
        self.parameters, self.taken = parameters, set(taken)
        self.found = {}

    @property
    def assignments(self):
        return tuple(Assign(name, value) for value, name in self.found.items())

    def extract(self, expression):
        """The canonical expression with every constant part replaced by the name of a coefficient."""
        return self._replace(ex.canonical(expression, self.parameters))

    def _replace(self, expression):
        if isinstance(expression, Number):
            return expression
        if ex.is_constant(expression, self.parameters):
            return Symbol(self._name(expression))
        return ex.rebuild(expression, self._replace)

    def _name(self, expression):
        if expression not in self.found:
            own = {expression.name} if isinstance(expression, Symbol) else set()
            taken = self.taken | (self.parameters - own)
            self.found[expression] = self._free(_name_product(expression), taken)
        return self.found[expression]

    def _free(self, name, taken):
        """The name itself, or with the first number that makes it one of its own."""
        count, free = 1, name
        while free in taken:
            count += 1
            free = f"{name}_{count}"
        self.taken.add(free)
        return free


def _name_product(expression):
    """Name a coefficient: ``G_J_N`` for G*J_N, ``sigma_scaled`` for 0.3*sigma, ``minus_wIE`` for -wIE."""
    factors = [factor for factor, _ in ex.factors(expression)]
    numbers = [factor.value for factor in factors if isinstance(factor, Number)]
    others = [factor for factor in factors if not isinstance(factor, Number)]
    words = ["minus"] if sum(value < 0 for value in numbers) % 2 else []
    words += [name for factor in others for name in ex.names(factor)]
    plain = all(isinstance(factor, Symbol) for factor in others) and all(abs(n) == 1 for n in numbers)
    return "_".join(words if plain else [*words, "scaled"])
