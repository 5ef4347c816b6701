"""Values of expressions for arrays."""

import numpy as np

from cubnm_core.equations.expressions import Call, Number, Symbol

# Below this the quotient in the slope of explinear loses digits, and its series has them.
_SMALL = 1e-3


def explinear(x):
    """x / (1 - exp(-x)), continued by 1 at x = 0."""
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, safe / -np.expm1(-safe))


def explinear_slope(x):
    """The derivative of `explinear`, continued by 1/2 at x = 0."""
    near = np.abs(x) < _SMALL
    safe = np.where(near, 1.0, x)
    return np.where(near, 0.5 + x / 6 - x**3 / 180, (1.0 - explinear(-safe)) / -np.expm1(-safe))


def clip(x, low, high):
    """Bound x; what is not finite becomes NaN, so that divergence is not hidden."""
    return np.where(np.isfinite(x), np.minimum(np.maximum(x, low), high), np.nan)


#: Functions of equations, and of their derivatives, for arrays.
FUNCTIONS = {
    "exp": np.exp,
    "expm1": np.expm1,
    "powm1": lambda x, k: np.expm1(k * np.log1p(x)),
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
    "fmod": np.fmod,
    "logistic": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "explinear": explinear,
    "explinear_slope": explinear_slope,
    "clip": clip,
}

_OPERATORS = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
}


def evaluate(expression, values):
    """Compute an expression.

    Parameters
    ----------
    expression : expression
        Without coupling sums.
    values : mapping of str to arrays
        That broadcast.

    Returns
    -------
    array or float
    """
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Symbol):
        return values[expression.name]
    if isinstance(expression, Call):
        return FUNCTIONS[expression.function](*(evaluate(part, values) for part in expression.arguments))
    left, right = evaluate(expression.left, values), evaluate(expression.right, values)
    return _OPERATORS[expression.operator](left, right)
