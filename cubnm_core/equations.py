"""Models as data, and their lowering to a program: a short list of assignments per node and time step."""

import math
import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cubnm_core import expressions as ex
from cubnm_core.errors import InputError
from cubnm_core.expressions import Call, Number, Symbol

MODELS_FOLDER = Path(__file__).parent / "models"

#: Length of a model's time unit in seconds.
TIME_UNITS = {"ms": 1e-3, "s": 1.0}

_DERIVATIVE = re.compile(r"d(\w+)\s*/\s*dt")


@dataclass(frozen=True)
class State:
    """A variable with a differential equation; `clip` bounds it, `wrap` keeps it within ± a period."""

    initial: float | str = 0.0
    clip: tuple | None = None
    wrap: float | None = None
    unit: str = "1"
    description: str = ""


@dataclass(frozen=True)
class Parameter:
    """A number that may differ between simulations and, unless `regional` is false, between nodes."""

    default: float | None = None
    bounds: tuple = (-math.inf, math.inf)
    unit: str = "1"
    regional: bool = True
    description: str = ""


@dataclass(frozen=True)
class Constant:
    value: float
    unit: str = "1"
    description: str = ""


@dataclass(frozen=True)
class Assign:
    """``name = value``, or the derivative of a state where `name` is one."""

    name: str
    value: object


@dataclass(frozen=True)
class Model:
    """A neural mass model as data: what a model file holds.

    Attributes
    ----------
    equations : tuple of Assign
        Sub-expressions and derivatives, in the order they are computed.
    noise : tuple of str
        Names of independent white-noise terms; each may enter derivatives linearly.
    bold_input : expression
        What drives the haemodynamic model.
    record : tuple of str
        Sub-expressions and states that can be recorded.
    inhibition : dict
        ``weight``, ``rate`` and ``target`` of feedback inhibition control, or empty.
    """

    name: str
    title: str
    citation: str
    doi: str
    time_unit: str
    equations: tuple
    text: str
    states: dict
    parameters: dict
    constants: dict
    noise: tuple
    bold_input: object
    record: tuple
    units: dict = field(default_factory=dict)
    inhibition: dict = field(default_factory=dict)

    @property
    def derivatives(self):
        """Names of states in the order of their equations."""
        return tuple(equation.name for equation in self.equations if equation.name in self.states)

    def unit(self, name):
        """Unit of a state, parameter, constant or recorded sub-expression."""
        for table in (self.states, self.parameters, self.constants):
            if name in table:
                return table[name].unit
        return self.units.get(name, "1")


@lru_cache
def load_model(source):
    """Read a model.

    Parameters
    ----------
    source : str or Path
        Name of a model that comes with the package, or path of a model file (TOML).

    Raises
    ------
    InputError
        If there is no such model, or the file has errors; the message points at the line.
    """
    path = Path(source)
    if path.suffix != ".toml":
        path = MODELS_FOLDER / f"{source}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in MODELS_FOLDER.glob("*.toml")))
        raise InputError(f"no model {str(source)!r}; known models are {known}, or give the path of a .toml file")
    text = path.read_text(encoding="utf-8")
    try:
        return model_from_tables(tomllib.loads(text), where=path.name)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None


def model_from_tables(tables, where):
    """Build and check a `Model` from the tables of a model file.

    Raises
    ------
    InputError
        For unknown keys and names, unused parameters, states without an equation, misuse of sum() or noise.
    """
    from cubnm_core.model_checks import check_model, check_tables

    tables = {"noise": [], "parameters": {}, "constants": {}, "units": {}, "inhibition": {}, "doi": "", **tables}
    check_tables(tables, where)
    model = Model(
        name=tables["name"],
        title=tables["title"],
        citation=tables["citation"],
        doi=tables["doi"],
        time_unit=tables["time_unit"],
        equations=_parse_equations(tables["equations"], where),
        text=tables["equations"].strip(),
        states={name: State(**_tuples(entry)) for name, entry in tables["states"].items()},
        parameters={name: Parameter(**_tuples(entry)) for name, entry in tables["parameters"].items()},
        constants={name: Constant(**entry) for name, entry in tables["constants"].items()},
        noise=tuple(tables["noise"]),
        bold_input=ex.parse(tables["bold_input"], f"{where}, bold_input"),
        record=tuple(tables["record"]),
        units=tables["units"],
        inhibition=tables["inhibition"],
    )
    check_model(model, where)
    return model


def _tuples(entry):
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def _parse_equations(text, where):
    equations = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        place = f"{where}, equations line {number} ({line!r})"
        left, equals, right = line.partition("=")
        if not equals:
            raise InputError(f"{place}: expected 'name = expression' or 'dname/dt = expression'")
        name = _DERIVATIVE.fullmatch(left.strip())
        name = name.group(1) if name else left.strip()
        if not name.isidentifier():
            raise InputError(f"{place}: {left.strip()!r} is not a name")
        equations.append(Assign(name, ex.parse(right, place)))
    return tuple(equations)


# --- lowering ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """One pass over all nodes: coupling sums first, then temporaries, then new values of the state arrays."""

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
    coefficients : tuple of Assign
        Computed once per simulation and node from the parameters.
    stages : tuple of Stage
    noise : tuple of str
        White-noise terms, standard normal per step and node.
    bold_input : expression
        In terms of the states after the step.
    record : tuple of str
    """

    name: str
    step: float
    arrays: tuple
    initial: tuple
    coefficients: tuple
    stages: tuple
    noise: tuple
    bold_input: object
    record: tuple


def lower(model, dt, scheme="euler_maruyama"):
    """Turn a model and a time step into a `Program`.

    Parameters
    ----------
    model : Model
    dt : float
        Time step in seconds.
    scheme : str
        ``"euler_maruyama"`` (Kloeden & Platen 1992, strong order 0.5; 1.0 for additive noise).

    Returns
    -------
    Program
    """
    step = dt / TIME_UNITS[model.time_unit]
    constants = {name: Number(float(constant.value)) for name, constant in model.constants.items()}
    equations = [Assign(e.name, ex.substitute(e.value, constants)) for e in model.equations]
    coefficients = _Coefficients(frozenset(model.parameters))
    sums, temporaries, derivatives = _split(equations, model)
    stage = Stage(
        sums=tuple(Assign(e.name, coefficients.extract(e.value)) for e in sums),
        temporaries=tuple(Assign(e.name, coefficients.extract(e.value)) for e in temporaries),
        writes=tuple(
            Assign(e.name, _euler_maruyama(e, model, step, coefficients)) for e in derivatives
        ),
    )
    return Program(
        name=model.name,
        step=step,
        arrays=model.derivatives,
        initial=tuple(model.states[name].initial for name in model.derivatives),
        coefficients=coefficients.assignments,
        stages=(stage,),
        noise=model.noise,
        bold_input=ex.canonical(ex.substitute(model.bold_input, constants), frozenset()),
        record=model.record,
    )


def _split(equations, model):
    """Coupling sums (``u = sum(...)``), other sub-expressions, and derivatives."""
    sums = [Assign(e.name, e.value.arguments[0]) for e in equations if is_sum(e.value)]
    derivatives = [e for e in equations if e.name in model.states]
    temporaries = [e for e in equations if e.name not in model.states and not is_sum(e.value)]
    return sums, temporaries, derivatives


def is_sum(expression):
    """Whether an expression is a coupling sum."""
    return isinstance(expression, Call) and expression.function == "sum"


def _euler_maruyama(equation, model, step, coefficients):
    """x + (h*drift + sqrt(h)*diffusion*noise): the increment is added up first, which keeps single precision accurate."""
    drift, diffusion = _drift_and_diffusion(equation.value, model.noise)
    increment = ex.multiply(Number(step), drift)
    for noise, amplitude in diffusion.items():
        kick = ex.multiply(ex.multiply(Number(math.sqrt(step)), amplitude), Symbol(noise))
        increment = ex.add(increment, kick)
    return _bounded(ex.add(Symbol(equation.name), coefficients.extract(increment)), model.states[equation.name])


def _bounded(value, state):
    if state.clip is not None:
        return Call("clip", (value, *map(Number, state.clip)))
    if state.wrap is not None:
        return Call("fmod", (value, Number(state.wrap)))
    return value


def _drift_and_diffusion(expression, noise):
    """Separate ``drift + amplitude*noise + ...``."""
    drift, diffusion = ex.ZERO, {}
    for term in ex._terms(expression):
        factors = ex._factors(term)
        random = [factor.name for factor, _ in factors if isinstance(factor, Symbol) and factor.name in noise]
        if not random:
            drift = ex.add(drift, term)
            continue
        amplitude = ex._quotient([pair for pair in factors if pair[0] != Symbol(random[0])])
        diffusion[random[0]] = ex.add(diffusion.get(random[0], ex.ZERO), amplitude)
    return drift, diffusion


class _Coefficients:
    """Collects the constant parts of expressions and gives them names."""

    def __init__(self, parameters):
        self.parameters = parameters
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
            plain = isinstance(expression, Symbol)
            self.found[expression] = f"coefficient_{expression.name}" if plain else f"coefficient_{len(self.found)}"
        return self.found[expression]
