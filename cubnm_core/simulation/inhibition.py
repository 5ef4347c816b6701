"""Feedback inhibition control (FIC): inhibitory weights that hold every region near a low firing rate.

Deco et al. 2014, doi:10.1523/JNEUROSCI.5068-13.2014; analytical solution: Demirtas et al. 2019,
doi:10.1016/j.neuron.2019.01.017; plasticity: Vogels et al. 2011, doi:10.1126/science.1211095, with an
integral rule.
"""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.model import Assign, Parameter, State
from cubnm_core.errors import InputError
from cubnm_core.measures.rates import DEFAULT_BANDS, check_band

# Steady state of an isolated rWW region at r_E = 3.08 Hz, the operating point that cuBNM uses.
S_E_REST = 0.1647572075  # 1
I_E_REST = 0.3773805650  # nA
_CURRENT_RANGE = (0.0, 2.0)  # nA, holds the inhibitory current at rest

# Plasticity: the learning rate falls exponentially; weights are averaged over the last part of the warm-up.
_LEARNING_RATE = 0.1  # nA / (Hz s), at the start
_DECAYS = 5.0  # time constants of the learning rate in one warm-up
AVERAGED_SHARE = 0.4

# The numerical method of cuBNM 0.1.0
CURRENT = "I_E"  # balanced so that it lies this far below the threshold b_E/a_E, give or take
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
        Needs an ``[inhibition]`` table; its time unit is ms.
    inhibition : Inhibition

    Returns
    -------
    Model
        Starts from the parameter ``start_weight``; its noise is multiplied by the parameter ``mirror``;
        records the weight only.

    """
    weight, rate = model.inhibition["weight"], model.inhibition["rate"]
    per_ms = 1e-3
    decay = per_ms * _DECAYS / inhibition.warm_up
    rules = (
        Assign(weight, ex.parse(f"{per_ms!r}*eta*({rate} - {inhibition.target!r})")),
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


def analytical(model, weights, G, w_p, J_N, solve=None):
    """Inhibitory weights that balance the mean-field excitatory current at rest.

    Parameters
    ----------
    model : Model
        rWW; its constants are used.
    weights : (N, N) array
        ``weights[source, target]``.
    G : (B,) array
    w_p, J_N : (B, N) arrays
        J_N in nA.
    solve : callable, optional
        A backend's own `inhibitory_rest`.

    Returns
    -------
    wIE : (B, N) array
        In nA; 1 in every node where no solution exists.
    found : (B,) bool array
        False where an inhibitory weight would be negative, or the inhibitory current has no solution.

    Raises
    ------
    InputError
        For a model other than rWW, whose steady state is not known in closed form.
    """
    if model.name != "rWW":
        raise InputError(f"analytical FIC is known for rWW only, not for {model.name}; set fic to null")
    value = {name: constant.value for name, constant in model.constants.items()}
    S_I, solved = (solve or inhibitory_rest)(
        drive=value["W_I"] * value["I0"],
        S_E=S_E_REST,
        w_II=value["w_II"],
        gain=value["gamma_I"] * value["tau_I"],
        transfer=(value["a_I"], value["b_I"], value["d_I"]),
        bracket=_CURRENT_RANGE,
        J_N=J_N,
    )
    G = np.asarray(G, float)[:, None]
    long_range = G * J_N * S_E_REST * np.asarray(weights, float).sum(axis=0)
    current = value["W_E"] * value["I0"] + w_p * J_N * S_E_REST + long_range - I_E_REST
    wIE = current / S_I
    found = (solved & (wIE >= 0)).all(axis=1)
    return np.where(found[:, None], wIE, 1.0), found


def inhibitory_rest(drive, S_E, w_II, gain, transfer, bracket, J_N):
    """Steady state of the inhibitory gating while the excitatory gating rests.

    Parameters
    ----------
    drive : float
        Background current in nA.
    S_E : float
        Excitatory gating at rest.
    w_II : float
        Weight with which the population inhibits itself, in nA.
    gain : float
        Gating per Hz.
    transfer : (a, b, d)
        Of the transfer function.
    bracket : (low, high)
        Currents in nA between which the solution is sought.
    J_N : (B, N) array
        In nA.

    Returns
    -------
    S_I : (B, N) array
    solved : (B, N) bool array
    """
    from scipy.optimize.elementwise import find_root

    a, b, d = transfer
    distinct, index = np.unique(J_N, return_inverse=True)

    def gating(current):
        from cubnm_core.backends.reference import explinear

        return gain * explinear(d * (a * current - b)) / d

    root = find_root(lambda x, J_N: drive + J_N * S_E - w_II * gating(x) - x, bracket, args=(distinct,))
    S_I = gating(root.x)
    return S_I[index].reshape(J_N.shape), root.success[index].reshape(J_N.shape)


def _excess(model, current):
    """Mean excitatory current beyond its target, in nA."""
    threshold = model.constants["b_E"].value / model.constants["a_E"].value
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
