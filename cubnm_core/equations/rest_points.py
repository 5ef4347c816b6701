"""Rest points of a model without noise, from its own equations and their symbolic derivatives."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.derivatives import differentiate
from cubnm_core.equations.evaluation import evaluate
from cubnm_core.equations.model import is_sum
from cubnm_core.equations.small_systems import solve_small
from cubnm_core.errors import InputError

_ITERATIONS = 60  # of Newton's method
_ROUNDS = 100  # of the sums over sources
_CLOSE = 1e-12  # relative change at which both end
# Newton's method starts from the initial values of the states, then from these shares of their ranges.
_STARTS = (0.01, 0.1, 0.3, 0.6)


@dataclass(frozen=True)
class Flow:
    """The noise-free equations of a model, with their derivatives by what is sought.

    Attributes
    ----------
    model : Model
    moving : tuple of str
        What is differentiated by: states, parameters, coupling sums, noise terms.
    sums : tuple of (str, expression)
        Coupling sums and what each source sends.
    steps : tuple of (str, expression, dict of str to expression)
        Every equation, without noise that does not move, and its partial derivatives by the names in it
        that move.
    """

    model: object
    moving: tuple
    sums: tuple
    steps: tuple

    def linearise(self, values):
        """Values and slopes of all equations.

        Parameters
        ----------
        values : dict of str to arrays
            Of states, parameters, constants and coupling sums; broadcast to one another.

        Returns
        -------
        found : dict of str to arrays
            Of sub-expressions by their names, and of derivatives as ``"dname/dt"``.
        slopes : dict of str to dict of str to arrays
            The derivative of each by each name in `moving` it depends on, sums held constant.
        """
        found = dict(values)
        slopes = {name: {name: 1.0} for name in self.moving}
        for name, value, partials in self.steps:
            found[name] = evaluate(value, found)
            slopes[name] = self._chain(partials, found, slopes)
        return found, slopes

    @staticmethod
    def _chain(partials, found, slopes):
        total = {}
        for inner, partial in partials.items():
            factor = evaluate(partial, found)
            for name, slope in slopes[inner].items():
                total[name] = total.get(name, 0.0) + factor * slope
        return total


def derivative(state):
    """The name of the derivative of a state among the values of a `Flow`."""
    return f"d{state}/dt"


def make_flow(model, moving):
    """Differentiate the equations of a model.

    Parameters
    ----------
    model : Model
    moving : tuple of str
        States, parameters, coupling sums and noise terms; other noise is left out.

    Returns
    -------
    Flow

    Raises
    ------
    InputError
        If an equation has no derivative by what moves; it names the line.
    """
    silence = {name: ex.ZERO for name in model.noise if name not in moving}
    sums, steps, depends = [], [], set(moving)
    for equation in model.equations:
        if is_sum(equation.value):
            sums.append((equation.name, equation.value.arguments[0]))
            continue
        name = derivative(equation.name) if equation.name in model.states else equation.name
        value = _fold_all(ex.substitute(equation.value, silence))
        partials = _partials(equation, value, depends)
        if partials and name == equation.name:
            depends.add(name)
        steps.append((name, value, partials))
    return Flow(model, tuple(moving), tuple(sums), tuple(steps))


def _fold_all(expression):
    return ex.fold(ex.rebuild(expression, _fold_all))


def _partials(equation, value, depends):
    try:
        found = {name: differentiate(value, name) for name in ex.names(value) if name in depends}
    except InputError as error:
        raise InputError(f"{equation.place or equation.name}: {error}") from None
    return {name: partial for name, partial in found.items() if partial != ex.ZERO}


def solve(model, values, weights, *, held, conditions, free=()):
    """Find where nothing moves, while some quantities are held.

    Every node is solved by Newton's method with the sums over sources held; these are then computed anew,
    until they stay.

    Parameters
    ----------
    model : Model
    values : dict of str to (B, N) arrays
        Of all parameters; those in `free` are where the search starts.
    weights : (N, N) array
        ``weights[source, target]``.
    held : dict of str to float
        States that have a given value. Where there are `conditions`, these stand in place of their equations.
    conditions : dict of str to float
        Sub-expressions that are to have a given value.
    free : tuple of str
        Parameters that are found together with the states.

    Returns
    -------
    found : dict of str to (B, N) arrays
        States and free parameters.
    solved : (B, N) bool array
        Whether there is a solution within the bounds of the states; no other value is to be used.

    Raises
    ------
    InputError
        If an equation cannot be differentiated.
    """
    states = tuple(name for name in model.states if name not in held)
    moving = states if conditions else tuple(model.states)
    system = _System(make_flow(model, (*states, *free)), (*map(derivative, moving), *conditions), conditions)
    shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
    known = {name: constant.value for name, constant in model.constants.items()} | values
    known = {name: np.broadcast_to(value, shape) for name, value in known.items()}
    known |= {name: np.full(shape, value) for name, value in held.items()}
    best, solved = None, np.zeros(shape, bool)
    with np.errstate(all="ignore"):
        for start in _starts(model, states, free, known, shape):
            found, works = _settle(system, known, start, weights)
            best = found if best is None else {k: np.where(solved, best[k], found[k]) for k in found}
            solved |= works
            if solved.all():
                break
    return best, solved


@dataclass(frozen=True)
class _System:
    """What has to vanish: derivatives of states, and what is to have a value."""

    flow: Flow
    equations: tuple
    targets: dict

    def residuals(self, values):
        """Residuals (..., equation) and their derivatives (..., equation, unknown)."""
        found, slopes = self.flow.linearise(values)
        shape = np.shape(values[self.flow.moving[0]])
        missing = [found[name] - self.targets.get(name, 0.0) for name in self.equations]
        rows = [[slopes[name].get(other, 0.0) for other in self.flow.moving] for name in self.equations]
        stack = [np.broadcast_to(entry, shape) for row in rows for entry in row]
        size = len(self.equations)
        matrix = np.stack(stack, axis=-1).reshape(*shape, size, size)
        return np.stack([np.broadcast_to(entry, shape) for entry in missing], axis=-1), matrix


def _starts(model, states, free, known, shape):
    """Values that Newton's method starts from, one after the other."""
    first = {name: known[name] for name in free}
    for state in states:
        initial = model.states[state].initial
        first[state] = np.broadcast_to(known[initial] if isinstance(initial, str) else initial, shape)
    yield first
    for share in _STARTS:
        bounds = {name: model.states[name].clip or (0.0, 1.0) for name in states}
        bounds = {name: (low, high) for name, (low, high) in bounds.items() if np.isfinite([low, high]).all()}
        yield {**first, **{name: np.full(shape, a + share * (b - a)) for name, (a, b) in bounds.items()}}


def _settle(system, known, start, weights):
    """Solve the nodes and the sums over sources in turn; a simulation whose sums stay is left alone."""
    flow, found = system.flow, {name: np.array(value) for name, value in start.items()}
    sums = _sums(flow, {**known, **found}, weights)
    solved = np.zeros(np.shape(found[flow.moving[0]]), bool)
    rows = np.arange(len(solved))
    for _ in range(_ROUNDS):
        here = {name: value[rows] for name, value in known.items()}
        before = {name: value[rows] for name, value in sums.items()}
        part, works = _newton(system, {**here, **before}, {name: found[name][rows] for name in found})
        renewed = _sums(flow, {**here, **part}, weights)
        changed = np.zeros(works.shape, bool)
        for name, value in renewed.items():
            changed |= ~(np.abs(value - before[name]) <= _CLOSE * (np.abs(value) + _CLOSE))
            sums[name][rows] = value
        for name, value in part.items():
            found[name][rows] = value
        solved[rows] = works & ~changed
        rows = rows[(changed & works).any(axis=1)]
        if not len(rows):
            break
    return found, solved & _within_bounds(flow.model, found)


def _sums(flow, values, weights):
    """Sums over sources; simulation by simulation, so that none depends on how many there are."""
    shape = np.shape(values[flow.moving[0]])
    sent = {name: np.broadcast_to(evaluate(each, values), shape) for name, each in flow.sums}
    return {name: np.stack([row @ weights for row in each]) for name, each in sent.items()}


def _newton(system, known, start):
    """Newton's method for every node on its own; nodes that are done are left alone."""
    moving = system.flow.moving
    shape = np.shape(start[moving[0]])
    known = {name: np.broadcast_to(value, shape).ravel() for name, value in known.items()}
    x = np.stack([np.broadcast_to(start[name], shape).ravel() for name in moving])
    at_work, solved = np.arange(x.shape[1]), np.zeros(x.shape[1], bool)
    for _ in range(_ITERATIONS):
        some = {name: value[at_work] for name, value in known.items()}
        residual, matrix = system.residuals({**some, **dict(zip(moving, x[:, at_work], strict=True))})
        step = solve_small(matrix.transpose(1, 2, 0), residual.T[:, None])[:, 0]
        x[:, at_work] -= step
        finite = np.isfinite(step).all(axis=0)
        small = finite & (np.abs(step) <= _CLOSE * (np.abs(x[:, at_work]) + _CLOSE)).all(axis=0)
        solved[at_work[small]] = True
        at_work = at_work[finite & ~small]
        if not len(at_work):
            break
    return {name: values.reshape(shape) for name, values in zip(moving, x, strict=True)}, solved.reshape(
        shape
    )


def _within_bounds(model, found):
    inside = True
    for name, state in model.states.items():
        if name in found and state.clip is not None:
            low, high = state.clip
            inside = inside & (found[name] >= low) & (found[name] <= high)
    return inside
