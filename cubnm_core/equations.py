"""Models as data: what a model file holds, parsed and checked."""

import math
import re
import tomllib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from cubnm_core import expressions as ex
from cubnm_core.errors import InputError
from cubnm_core.expressions import Call

MODELS_FOLDER = Path(__file__).parent / "models"

#: Length of a model's time unit in seconds.
TIME_UNITS = {"ms": 1e-3, "s": 1.0}

_DERIVATIVE = re.compile(r"d(\w+)\s*/\s*dt")


@dataclass(frozen=True)
class State:
    """A variable with a differential equation.

    `initial` is a number or the name of a parameter; `clip` bounds the variable, `wrap` keeps it within ± a
    period.
    """

    initial: float | str = 0.0
    clip: tuple | None = None
    wrap: float | None = None
    unit: str = "1"
    description: str = ""


@dataclass(frozen=True)
class Parameter:
    """A number that may differ between simulations and, unless `regional` is false, between nodes.

    Without a `default` it has to be given; ``"uniform"`` draws it within its bounds from the noise seed.
    """

    default: float | str | None = None
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
    """``name = value``, or the derivative of a state of that name; `place` is its line in a model file."""

    name: str
    value: object
    place: str = field(default="", compare=False)


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
        What drives the haemodynamic model, or is BOLD itself if `observation` is ``"direct"``.
    record : tuple of str
        Sub-expressions and states that can be recorded.
    inhibition : dict
        ``weight``, ``rate`` and ``target`` of feedback inhibition control, or empty.
    observation : str
        ``"balloon"``, or ``"direct"`` if `bold_input` is BOLD.
    precision : str
        What the cpu backend uses by default.
    silent_start : bool
        Whether sources have sent nothing, instead of their initial values, before the first step.
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
    observation: str = "balloon"
    precision: str = "single"
    silent_start: bool = False

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
        raise InputError(
            f"no model {str(source)!r}; known models are {known}, or give the path of a .toml file"
        )
    return _model_from_text(path.read_text(encoding="utf-8"), path.name)


@lru_cache
def _model_from_text(text, where):
    try:
        return model_from_tables(tomllib.loads(text), where)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not valid TOML: {error}") from None


#: What a model file may leave out.
DEFAULTS = {
    "doi": "",
    "noise": [],
    "parameters": {},
    "constants": {},
    "units": {},
    "inhibition": {},
    "observation": "balloon",
    "precision": "single",
    "silent_start": False,
}


def model_from_tables(tables, where):
    """Build and check a `Model` from the tables of a model file.

    Raises
    ------
    InputError
        For unknown keys and names, unused parameters, states without an equation, misuse of sum() or noise.
    """
    from cubnm_core.model_checks import check_model, check_tables

    tables = {**DEFAULTS, **tables}
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
        observation=tables["observation"],
        precision=tables["precision"],
        silent_start=tables["silent_start"],
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
        equations.append(Assign(name, ex.parse(right, place), place))
    return tuple(equations)


def with_velocity(model):
    """Give a model the velocity of its conduction delays as a parameter.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Model
        With the global parameter ``v`` in m/s, which has no default.

    Raises
    ------
    InputError
        If the model uses the name itself.
    """
    if any("v" in table for table in (model.states, model.parameters, model.constants, model.units)):
        raise InputError(
            f"{model.name}: 'v' is the velocity of conduction delays; give the model's own v another name"
        )
    velocity = Parameter(bounds=(0.5, 50.0), unit="m/s", regional=False, description="conduction velocity")
    return replace(model, parameters={**model.parameters, "v": velocity})


def is_sum(expression):
    """Whether an expression is a coupling sum."""
    return isinstance(expression, Call) and expression.function == "sum"
