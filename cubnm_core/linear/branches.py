"""Which fixed point a network lives on: found from several starts, chosen by short noisy runs."""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.model import Assign
from cubnm_core.errors import InputError
from cubnm_core.linear.fixed_points import relax
from cubnm_core.simulation.parameters import regional
from cubnm_core.simulation.simulation import simulate

#: Where the search for a fixed point starts: the means of short noisy runs, the initial values of the states,
#: the operating point of feedback inhibition control, and high values of bounded states.
STARTS = ("noisy", "initial", "operating_point", "high")
_HIGH = 0.6  # of the range of a bounded state
_SQUARED = "squared_for_its_spread"
_NOTHING = 1e-6  # states below it count as 0
_FAR = 3.0  # SD of the states
_SAME = 1e-3  # of a node's largest state value: fixed points nearer than this are one


@dataclass(frozen=True)
class NoisyRun:
    """Short simulations that show on which branch noise keeps a network.

    Attributes
    ----------
    duration, burn_in : float
        In s; means are taken after the burn-in.
    dt : float
        In s.
    seeds : int
        Runs of every network, with noise seeds that follow one another.
    """

    duration: float = 20.0
    burn_in: float = 10.0
    dt: float = 1e-3
    seeds: int = 2


@dataclass(frozen=True)
class Branches:
    """Fixed points of B networks.

    Attributes
    ----------
    states : (k, B, N) array
        Of the first start that found one.
    found : (B,) bool array
    several : (B,) bool array
        Whether starts, or noisy runs of different seeds, end at different ones.
    distance : (B,) array
        Largest difference between the mean of the noisy runs and the fixed point, over the states' largest
        values, or three SD where these are more; NaN without noisy runs.
    spread : (k, B, N) array
        SD of the states in the noisy runs; NaN without.
    """

    states: np.ndarray
    found: np.ndarray
    several: np.ndarray
    distance: np.ndarray
    spread: np.ndarray


def default_noisy_run(model):
    """Noisy runs in keeping with the time unit of a model: those in s are about BOLD itself, and slower."""
    return NoisyRun() if model.time_unit == "ms" else NoisyRun(duration=200.0, burn_in=100.0, dt=0.01)


def find_branches(network, batch, used, starts, noisy, run):
    """Find the fixed point that every network lives on.

    Parameters
    ----------
    network : cubnm_core.linear.fixed_points.Network
    batch : cubnm_core.simulation.batch.Batch
    used : dict of (B,) or (B, N) arrays
        Values of all parameters.
    starts : sequence of str
        Of `STARTS`; the first that leads to a fixed point decides.
    noisy : NoisyRun
    run : dict
        ``backend`` and ``threads`` of the noisy runs.

    Returns
    -------
    Branches

    Raises
    ------
    InputError
        For an unknown start.
    """
    model = network.linearisation.model
    unknown = [name for name in starts if name not in STARTS]
    if unknown or not starts:
        raise InputError(f"starts: {', '.join(unknown) or 'none'}; allowed are {', '.join(STARTS)}")
    first, found, several, distance = None, np.zeros(network.size, bool), np.zeros(network.size, bool), np.nan
    means, spread = (), np.nan
    if "noisy" in starts:
        means, spread = _run_with_noise(model, batch, used, noisy, run)
    given = {"noisy": means, "initial": (_initial(model, used, batch.nodes),)}
    given["operating_point"] = (_operating_point(model, given["initial"][0]),)
    given["high"] = (_high(model, given["initial"][0]),)
    for start in (start for name in starts for start in given[name]):
        one = relax(network, start)
        if first is None:
            first = one.states.copy()
        several |= found & one.found & ~_same(first, one.states)
        new = one.found & ~found
        first[:, new] = one.states[:, new]
        found |= one.found
    if len(means):
        distance = _relative(np.mean(means, axis=0), first, _FAR * spread.max(axis=2, keepdims=True))
    everybody = np.broadcast_to(distance, found.shape)
    return Branches(first, found, several, everybody, np.broadcast_to(spread, first.shape))


def _run_with_noise(model, batch, used, noisy, run):
    """Mean states (seeds, k, B, N) of short runs, and the SD (k, B, N) over time and runs."""
    squares = {state: f"{state}_{_SQUARED}" for state in model.states}
    model = replace(
        model,
        equations=(
            *(Assign(name, ex.parse(f"{state}*{state}")) for state, name in squares.items()),
            *model.equations,
        ),
        record=(*model.states, *squares.values()),
    )
    size = len(batch.seeds)
    tiled = {name: np.concatenate([value] * noisy.seeds) for name, value in used.items()}
    found = simulate(
        model,
        batch.weights,
        tiled,
        duration=noisy.duration,
        burn_in=noisy.burn_in,
        repetition_time=noisy.duration,
        dt=noisy.dt,
        hemodynamic_dt=max(1e-3, noisy.dt),
        scheme="heun" if batch.lengths is None else "euler_maruyama",
        connectome=np.tile(batch.connectome, noisy.seeds),
        lengths=batch.lengths,
        seed=np.concatenate([np.array(batch.seeds) + each for each in range(noisy.seeds)]),
        record=("state_means",),
        **run,
    )
    moments = np.stack([found.state_means[name] for name in model.record]).astype(float)
    moments = moments.reshape(2, len(squares), noisy.seeds, size, -1).swapaxes(1, 2)
    variance = moments[1].mean(axis=0) - moments[0].mean(axis=0) ** 2
    return moments[0], np.sqrt(np.maximum(variance, 0.0))


def _initial(model, used, nodes):
    values = [used[s.initial] if isinstance(s.initial, str) else s.initial for s in model.states.values()]
    size = len(next(iter(used.values())))
    return np.stack(
        [regional(np.broadcast_to(v, (size, *np.shape(v)[1:])), nodes) for v in map(np.asarray, values)]
    ).astype(float)


def _operating_point(model, initial):
    start = initial.copy()
    for place, state in enumerate(model.states):
        start[place] = model.operating_point.get(state, start[place])
    return start


def _high(model, initial):
    start = initial.copy()
    for place, state in enumerate(model.states.values()):
        if state.clip is not None and np.isfinite(state.clip).all():
            low, high = state.clip
            start[place] = low + _HIGH * (high - low)
    return start


def _relative(one, other, smallest=_NOTHING):
    """Largest difference between states (k, B, N), over the largest value of each: (B,)."""
    scale = np.maximum(np.abs(one), np.abs(other)).max(axis=2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.abs(one - other) / np.maximum(scale, smallest)).max(axis=(0, 2))


def _same(one, other):
    return _relative(one, other) < _SAME
