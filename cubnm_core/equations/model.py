"""Models as data: what a model file holds."""

import math
from dataclasses import dataclass, field, replace

from cubnm_core.equations.expressions import Call
from cubnm_core.errors import InputError

#: Length of a model's time unit in seconds.
TIME_UNITS = {"ms": 1e-3, "s": 1.0}


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
    operating_point : dict of str to float
        Where analytical feedback inhibition control holds a region: values of states, and of one
        sub-expression; empty without ``inhibition``.
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
    operating_point: dict = field(default_factory=dict)

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
