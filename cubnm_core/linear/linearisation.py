"""A model's equations and their exact slopes, for every node of a batch of networks.

Axes: k states, S coupling sums, m noise terms, then (B, N) networks and nodes.
"""

from dataclasses import dataclass, fields

import numpy as np

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.derivatives import differentiate
from cubnm_core.equations.evaluation import evaluate
from cubnm_core.equations.model import is_sum
from cubnm_core.equations.rest_points import Flow, derivative, make_flow
from cubnm_core.errors import InputError


@dataclass(frozen=True)
class Slopes:
    """How the network changes with its states and with what reaches it.

    Attributes
    ----------
    drift : (k, B, N) array
        Derivatives of the states in the model's time unit, noise left out.
    by_states : (k, k, B, N) array
        Of the drift.
    by_sums : (k, S, B, N) array
        Of the drift.
    sent_by_states : (S, k, B, N) array
    """

    drift: np.ndarray
    by_states: np.ndarray
    by_sums: np.ndarray
    sent_by_states: np.ndarray


@dataclass(frozen=True)
class Linearisation:
    """The symbolic derivatives of a model.

    Attributes
    ----------
    model : Model
    sums : tuple of str
        Coupling sums that vary with the states.
    fixed_sums : tuple of (str, expression)
        The others, such as in-strengths, with what each source sends.
    """

    model: object
    sums: tuple
    fixed_sums: tuple
    _flow: Flow
    _sent: tuple
    _sent_slopes: tuple
    _noise: Flow
    _observed: tuple

    def sent(self, values):
        """What every node sends to the sums that vary: dict of str to arrays."""
        return {name: evaluate(sent, values) for name, sent in zip(self.sums, self._sent, strict=True)}

    def slopes(self, values):
        """Evaluate drift and slopes.

        Parameters
        ----------
        values : dict of str to (B, N) arrays
            Of states, parameters, constants and coupling sums.

        Returns
        -------
        Slopes
        """
        shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
        found, slopes = self._flow.linearise(values)
        rows = [derivative(state) for state in self.model.states]
        return Slopes(
            drift=_stack([found[row] for row in rows], shape),
            by_states=_stack2([[slopes[row].get(s, 0.0) for s in self.model.states] for row in rows], shape),
            by_sums=_stack2([[slopes[row].get(s, 0.0) for s in self.sums] for row in rows], shape),
            sent_by_states=_stack2([[evaluate(e, values) for e in row] for row in self._sent_slopes], shape),
        )

    def mean_slopes(self, values, spread):
        """Slopes averaged over fluctuations of the states of every node: statistical linearisation.

        Points of the unscented transform (Julier & Uhlmann 2004, doi:10.1109/JPROC.2003.823141), without
        covariances between states.

        Parameters
        ----------
        values : dict of str to (B, N) arrays
        spread : (k, B, N) array
            SD of the states.

        Returns
        -------
        Slopes
        """
        size = len(self.model.states)
        points = [
            self.slopes(values | {state: values[state] + sign * np.sqrt(size) * sd})
            for state, sd in zip(self.model.states, spread, strict=True)
            for sign in (1, -1)
        ]
        return Slopes(*(np.mean([getattr(p, f.name) for p in points], axis=0) for f in fields(Slopes)))

    def noise(self, values):
        """Amplitudes of the noise terms in every derivative, (k, m, B, N)."""
        shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
        _, slopes = self._noise.linearise({**values, **dict.fromkeys(self.model.noise, 0.0)})
        rows = [derivative(state) for state in self.model.states]
        return _stack2([[slopes[row].get(each, 0.0) for each in self.model.noise] for row in rows], shape)

    def observed(self, values):
        """What is observed, (B, N), and its slopes by the states, (k, B, N)."""
        shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
        value = np.broadcast_to(evaluate(self.model.bold_input, values), shape)
        return value, _stack([evaluate(slope, values) for slope in self._observed], shape)

    def recorded(self, values):
        """Values of what the model records, dict of str to (B, N) arrays."""
        shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
        found, _ = self._flow.linearise(values)
        return {name: np.broadcast_to(found[name], shape) for name in self.model.record}


def linearise(model):
    """Differentiate a model by its states, its coupling sums and its noise.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Linearisation

    Raises
    ------
    InputError
        If an equation has no derivative everywhere; it names the line.
    """
    states = tuple(model.states)
    sent = {
        equation.name: equation.value.arguments[0] for equation in model.equations if is_sum(equation.value)
    }
    varying = tuple(name for name, value in sent.items() if set(ex.names(value)) & set(states))
    return Linearisation(
        model=model,
        sums=varying,
        fixed_sums=tuple((name, value) for name, value in sent.items() if name not in varying),
        _flow=make_flow(model, (*states, *varying)),
        _sent=tuple(sent[name] for name in varying),
        _sent_slopes=tuple(tuple(differentiate(sent[name], state) for state in states) for name in varying),
        _noise=make_flow(model, model.noise),
        _observed=tuple(_observed_slope(model, state) for state in states),
    )


def _observed_slope(model, state):
    try:
        return differentiate(model.bold_input, state)
    except InputError as error:
        raise InputError(f"{model.name}: bold_input: {error}") from None


def _stack(entries, shape):
    return np.array([np.broadcast_to(entry, shape) for entry in entries], float).reshape(len(entries), *shape)


def _stack2(rows, shape):
    columns = len(rows[0]) if rows else 0
    return np.array([_stack(row, shape) for row in rows], float).reshape(len(rows), columns, *shape)
