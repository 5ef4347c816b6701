"""Stable fixed points of networks without noise, found by following their relaxation.

Pseudo-transient continuation (Kelley & Keyes 1998, doi:10.1137/S0036142996304796): implicit Euler steps that
grow as the network changes less, so that the first follow the relaxation and the last are Newton's. It ends
at the fixed point that the start relaxes to, not at an unstable one nearby.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.equations.evaluation import evaluate
from cubnm_core.equations.small_systems import solve_small
from cubnm_core.linear.linearisation import Linearisation

_STEPS = 200
_AIM = 0.2  # relative change of the states in a step
_SHRINK, _GROW = 0.3, 8.0  # how far the length of a step may change
_TINY = 1e-200
_NEWTON = 1e4  # first steps: from this length on a step is Newton's
_LONGEST = 1e12
_CLOSE = 1e-10  # relative change of the states at which a network rests


@dataclass(frozen=True)
class Network:
    """B networks of one model with given parameters.

    Attributes
    ----------
    linearisation : Linearisation
    params : dict of str to (B, N) arrays
        Of all parameters.
    weights : (S, N, N) array
        ``weights[source, target]``.
    connectome : (B,) int array
        Which of the S each network has.
    """

    linearisation: Linearisation
    params: dict
    weights: np.ndarray
    connectome: np.ndarray

    def __post_init__(self):
        model = self.linearisation.model
        known = {name: constant.value for name, constant in model.constants.items()} | self.params
        shape = (len(self.connectome), self.weights.shape[1])
        for name, sent in self.linearisation.fixed_sums:
            known[name] = self.received(np.broadcast_to(evaluate(sent, known), shape), slice(None))
        object.__setattr__(self, "_known", known)

    @property
    def size(self):
        return len(self.connectome)

    def received(self, sent, rows):
        """Sums over sources of what they send, (B, N); each by itself, so that no row depends on others."""
        pairs = zip(sent, self.connectome[rows], strict=True)
        return np.stack([values @ self.weights[index] for values, index in pairs])

    def fastest(self, slopes):
        """Upper bounds of the rates at which networks move, (B,), in 1 per time unit of the model."""
        within = np.abs(slopes.by_states).sum(axis=1).max(axis=(0, 2))
        strength = np.abs(self.weights).sum(axis=1).max(axis=1)[self.connectome]
        sent = np.abs(slopes.sent_by_states).sum(axis=1, keepdims=True).max(axis=3)
        received = np.abs(slopes.by_sums).max(axis=3).swapaxes(0, 1)
        return within + strength * (sent * received).sum(axis=0).max(axis=0) + np.finfo(float).tiny

    def values(self, states, rows=slice(None)):
        """Values of all that the equations name, with the sums over sources that these states send.

        Parameters
        ----------
        states : (k, B, N) array
            Of the networks `rows`.
        rows : slice or int array, optional

        Returns
        -------
        dict of str to (B, N) arrays
        """
        model = self.linearisation.model
        known = {name: value[rows] if np.ndim(value) == 2 else value for name, value in self._known.items()}
        known |= dict(zip(model.states, states, strict=True))
        sent = self.linearisation.sent(known)
        return known | {name: self.received(sent[name], rows) for name in self.linearisation.sums}


@dataclass(frozen=True)
class FixedPoints:
    """Where B networks rest.

    Attributes
    ----------
    states : (k, B, N) array
        The last values tried, where nothing was found.
    found : (B,) bool array
        Whether the network rests there, within the bounds of its states.
    """

    states: np.ndarray
    found: np.ndarray


def relax(network, start):
    """Follow networks without noise until they rest.

    Parameters
    ----------
    network : Network
    start : (k, B, N) array
        Values of the states.

    Returns
    -------
    FixedPoints
    """
    model = network.linearisation.model
    states = _bound(model, np.array(start, float))
    found, rows = np.zeros(network.size, bool), np.arange(network.size)
    first = step = None
    scale = np.abs(states).max(axis=2, keepdims=True)  # of each state so far
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            slopes = network.linearisation.slopes(network.values(states[:, rows], rows))
            if step is None:
                first = step = 1 / network.fastest(slopes)
            change = _implicit_step(network, slopes, rows, step)
            states[:, rows] = _bound(model, states[:, rows] + change)
            scale[:, rows] = np.maximum(scale[:, rows], np.abs(states[:, rows]).max(axis=2, keepdims=True))
            relative = (np.abs(change) / (scale[:, rows] + _TINY)).max(axis=(0, 2))
            alive = np.isfinite(change).all(axis=(0, 2))
            done = alive & (relative <= _CLOSE) & (step > _NEWTON * first)
            found[rows[done]] = True
            step = np.minimum(step * np.clip(_AIM / relative, _SHRINK, _GROW), _LONGEST * first)
            keep = alive & ~done
            rows, step, first = rows[keep], step[keep], first[keep]
            if not len(rows):
                break
    return FixedPoints(states, found & _strictly_inside(model, states))


def _implicit_step(network, slopes, rows, step):
    """Change of the states in an implicit Euler step, linearised: the states of a node are eliminated."""
    states = len(slopes.drift)
    matrix = np.eye(states)[:, :, None, None] / step[:, None] - slopes.by_states
    local = solve_small(matrix, np.concatenate([slopes.drift[:, None], slopes.by_sums], axis=1))
    alone, by_sums = local[:, 0], local[:, 1:]
    if not by_sums.shape[1]:
        return alone
    sent = np.einsum("skbn,kbn->sbn", slopes.sent_by_states, alone)
    passed = np.einsum("skbn,ktbn->stbn", slopes.sent_by_states, by_sums)
    received = np.empty_like(sent)
    for place, index in enumerate(network.connectome[rows]):
        weights = network.weights[index]
        received[:, place] = solve_coupled(weights, passed[:, :, place], sent[:, place])
    return alone + np.einsum("ksbn,sbn->kbn", by_sums, received)


def solve_coupled(weights, passed, sent):
    """Coupling sums u = weights' (sent + passed u) of one network.

    Parameters
    ----------
    weights : (N, N) array
    passed : (S, S, N) array
        What a node sends by what it receives.
    sent : (S, N) array

    Returns
    -------
    (S, N) array
    """
    sums, nodes = sent.shape
    matrix = -(weights.T[None, :, None, :] * passed[:, None])  # (s, target, t, source)
    matrix = matrix.reshape(sums * nodes, sums * nodes)
    matrix[np.diag_indices(sums * nodes)] += 1.0
    return np.linalg.solve(matrix, (sent @ weights).ravel()).reshape(sums, nodes)


def _bound(model, states):
    for values, state in zip(states, model.states.values(), strict=True):
        if state.clip is not None:
            np.clip(values, *state.clip, out=values)
    return states


def _strictly_inside(model, states):
    """Whether no state is held by a bound: there it does not rest, it is stopped."""
    inside = np.ones(states.shape[1], bool)
    for values, state in zip(states, model.states.values(), strict=True):
        if state.clip is not None:
            low, high = state.clip
            inside &= ((values > low) & (values < high)).all(axis=1)
    return inside
