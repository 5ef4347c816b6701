"""Feedback inhibition control (FIC): inhibitory weights that hold every region near a low firing rate.

Deco et al. 2014, doi:10.1523/JNEUROSCI.5068-13.2014; analytical solution: Demirtas et al. 2019,
doi:10.1016/j.neuron.2019.01.017; plasticity: Vogels et al. 2011, doi:10.1126/science.1211095, with an
integral rule.
"""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.equations import expressions as ex
from cubnm_core.equations import rest_points
from cubnm_core.equations.model import TIME_UNITS, Assign, Parameter, State
from cubnm_core.errors import InputError
from cubnm_core.measures.rates import DEFAULT_BANDS, check_band

# Plasticity: the learning rate falls exponentially; weights are averaged over the last part of the warm-up.
_LEARNING_RATE = 0.1  # nA / (Hz s), at the start
_DECAYS = 5.0  # time constants of the learning rate in one warm-up
AVERAGED_SHARE = 0.4

# The numerical method of cuBNM 0.1.0
CURRENT, _THRESHOLD, _GAIN = "I_E", "b_E", "a_E"  # the current is to lie this far below b_E/a_E, give or take
_BELOW_THRESHOLD, _TOLERANCE = 0.026, 0.005  # nA
FIRST_STEP, _SMALLEST_STEP, _STEP_DECREASE = 0.02, 0.001, 0.001  # nA, of the weights
SAMPLED = (1.0, 10.0)  # s


@dataclass(frozen=True)
class Inhibition:
    """Settings of feedback inhibition control.

    Attributes
    ----------
    method : str
        ``"analytical"`` (the solution at rest, cuBNM's default), ``"plasticity"``, or ``"numerical"``
        (cuBNM's adjustment in trials of ten seconds).
    target : float
        Excitatory rate in Hz that plasticity aims at.
    warm_up : float
        Length of the plastic warm-up in s; it lies before the simulation and has a noise stream of its own.
        It is run twice, with the noise and with its mirror image, whose errors in the weights largely cancel.
    trials : int
        How often the numerical method may adjust the weights.
    rate_band : (low, high)
        Mean rates in Hz outside which FIC has failed; by default that of the method in `rates.DEFAULT_BANDS`.
    """

    method: str
    target: float = 3.0
    warm_up: float = 50.0
    trials: int = 5
    rate_band: tuple | None = None


_KEYS = {
    "analytical": ("method", "rate_band"),
    "plasticity": ("method", "target", "warm_up", "rate_band"),
    "numerical": ("method", "trials", "rate_band"),
}
METHODS = tuple(_KEYS)


def settings(fic):
    """Read the `fic` argument of `simulate`.

    Parameters
    ----------
    fic : None, str or mapping
        A method, or a mapping with ``method`` and other attributes of `Inhibition`.

    Returns
    -------
    Inhibition or None

    Raises
    ------
    InputError
        For unknown methods and keys, and values out of range.
    """
    if fic is None:
        return None
    given = {"method": fic} if isinstance(fic, str) else dict(fic)
    method = given.get("method")
    if method not in METHODS:
        raise InputError(f"fic: unknown method {method!r}; allowed are None, {', '.join(METHODS)}")
    for key in given:
        if key not in _KEYS[method]:
            raise InputError(f"fic: {method} has no setting {key!r}; allowed are {', '.join(_KEYS[method])}")
    found = Inhibition(**given)
    if not (found.target > 0 and found.warm_up > 0):
        raise InputError(f"fic: target ({found.target} Hz) and warm_up ({found.warm_up} s) must be above 0")
    if found.trials < 1:
        raise InputError(f"fic: trials ({found.trials}) must be 1 or more")
    return replace(found, rate_band=check_band(found.rate_band or DEFAULT_BANDS[method]))


def plastic_model(model, inhibition):
    """The model with its inhibitory weight as a slow variable: d weight/dt = eta (rate - target).

    Parameters
    ----------
    model : Model
        Needs an ``[inhibition]`` table.
    inhibition : Inhibition

    Returns
    -------
    Model
        Starts from the parameter ``start_weight``; its noise is multiplied by the parameter ``mirror``;
        records the weight only.

    """
    weight, rate = model.inhibition["weight"], model.inhibition["rate"]
    seconds = TIME_UNITS[model.time_unit]
    decay = seconds * _DECAYS / inhibition.warm_up
    rules = (
        Assign(weight, ex.parse(f"{seconds!r}*eta*({rate} - {inhibition.target!r})")),
        Assign("eta", ex.parse(f"-{decay!r}*eta")),
    )
    states = {
        weight: State(initial="start_weight", clip=(0.0, np.inf), unit=model.unit(weight)),
        "eta": State(initial=_LEARNING_RATE, unit=f"{model.unit(weight)}/(Hz s)"),
    }
    parameters = {name: parameter for name, parameter in model.parameters.items() if name != weight}
    mirrored = {name: ex.parse(f"mirror*{name}") for name in model.noise}
    equations = tuple(Assign(e.name, ex.substitute(e.value, mirrored)) for e in model.equations)
    return replace(
        model,
        equations=equations + rules,
        states={**model.states, **states},
        parameters={**parameters, "start_weight": Parameter(), "mirror": Parameter(default=1.0)},
        record=(weight,),
        observation="direct",
    )


def analytical(model, weights, values):
    """Inhibitory weights that hold every region at the model's operating point, noise left out.

    What the operating point does not state, the other states and the weight, follows from the model's own
    equations.

    Parameters
    ----------
    model : Model
        Needs an ``[inhibition]`` table.
    weights : (N, N) array
        ``weights[source, target]``.
    values : dict of str to (B, N) arrays
        Of all parameters.

    Returns
    -------
    weight : (B, N) array
        The parameter's default in all regions of a simulation where one has no solution.
    found : (B,) bool array
        False where a weight would be negative or there is no rest point.

    Raises
    ------
    InputError
        If an equation has no derivative; it names the line.
    """
    name = model.inhibition["weight"]
    start = start_weight(model)
    held = {key: value for key, value in model.operating_point.items() if key in model.states}
    conditions = {key: value for key, value in model.operating_point.items() if key not in model.states}
    values = {**values, name: np.full_like(values[name], start)}
    rest, solved = rest_points.solve(model, values, weights, held=held, conditions=conditions, free=(name,))
    found = (solved & (rest[name] >= 0)).all(axis=1)
    return np.where(found[:, None], rest[name], start), found


def start_weight(model):
    """The weight where there is no rest point, and where the search for one starts."""
    default = model.parameters[model.inhibition["weight"]].default
    return default if isinstance(default, float) else 1.0


def check_numerical(model):
    """Refuse models that lack what the numerical method looks at.

    Raises
    ------
    InputError
    """
    missing = [name for name in (_THRESHOLD, _GAIN) if name not in model.constants]
    missing += [CURRENT] if CURRENT not in model.record else []
    if missing:
        raise InputError(
            f"fic: the numerical method is that of the reduced Wong-Wang model; {model.name} has no "
            f"{', '.join(missing)}; choose plasticity or analytical"
        )


def _excess(model, current):
    """Mean excitatory current beyond its target, in nA."""
    threshold = model.constants[_THRESHOLD].value / model.constants[_GAIN].value
    return current - threshold + _BELOW_THRESHOLD


def is_off(model, current):
    """Nodes whose mean excitatory current (B, N) in nA is not where the numerical method wants it."""
    return np.abs(_excess(model, current)) > _TOLERANCE


def adjust(model, current, weight, step):
    """One adjustment of the numerical method, as in cuBNM 0.1.0.

    Parameters
    ----------
    model : Model
    current, weight, step : (B, N) arrays
        Mean excitatory current, inhibitory weight, and how far it moves, in nA.

    Returns
    -------
    weight, step : (B, N) arrays
        The step shrinks where a weight was too large.
    """
    off, low = is_off(model, current), _excess(model, current) < 0
    moved = np.where(low, weight - step, weight + step)
    shrunk = np.maximum(step - _STEP_DECREASE, _SMALLEST_STEP)
    return np.where(off, moved, weight), np.where(off & low, shrunk, step)
