"""Symbolic derivatives of expressions: exact, and refused where there are none."""

from cubnm_core.equations.expressions import ONE, ZERO, Call, Number, Operation, Symbol, add, fold, multiply
from cubnm_core.errors import InputError


def differentiate(expression, name):
    """The derivative of an expression with respect to a symbol.

    Parameters
    ----------
    expression : expression
    name : str

    Returns
    -------
    expression
        May call ``explinear_slope``, which `evaluation` knows and equations of users do not.

    Raises
    ------
    InputError
        For functions with jumps or kinks: abs, min, max, fmod, clip.
    """
    if isinstance(expression, Symbol):
        return ONE if expression.name == name else ZERO
    if isinstance(expression, Operation):
        left, right = (differentiate(part, name) for part in (expression.left, expression.right))
        return _RULES[expression.operator](expression, left, right)
    if isinstance(expression, Call):
        return _differentiate_call(expression, name)
    return ZERO


def _differentiate_call(call, name):
    inner = [differentiate(argument, name) for argument in call.arguments]
    if all(slope == ZERO for slope in inner):
        return ZERO
    slope = _SLOPES.get(call.function)
    if slope is None:
        raise InputError(f"{call.function}() has no derivative everywhere; known are {', '.join(_SLOPES)}")
    if any(part != ZERO for part in inner[1:]):
        raise InputError(f"{call.function}() has a derivative for a constant second argument only")
    return multiply(slope(*call.arguments), inner[0])


def _difference(left, right):
    return add(left, multiply(Number(-1.0), right))


def _product_rule(whole, left, right):
    return add(multiply(left, whole.right), multiply(whole.left, right))


def _quotient_rule(whole, left, right):
    numerator = _difference(left, multiply(whole, right))
    return ZERO if numerator == ZERO else fold(Operation("/", numerator, whole.right))


def _power_rule(whole, base, exponent):
    lowered = fold(Operation("**", whole.left, _difference(whole.right, ONE)))
    of_base = multiply(multiply(whole.right, lowered), base)
    if exponent == ZERO:
        return of_base
    return add(of_base, multiply(multiply(whole, Call("log", (whole.left,))), exponent))


_RULES = {
    "+": lambda whole, left, right: add(left, right),
    "-": lambda whole, left, right: _difference(left, right),
    "*": _product_rule,
    "/": _quotient_rule,
    "**": _power_rule,
}


def _reciprocal(x):
    return fold(Operation("/", ONE, x))


def _logistic_slope(x):
    value = Call("logistic", (x,))
    return multiply(value, _difference(ONE, value))


def _tanh_slope(x):
    value = Call("tanh", (x,))
    return _difference(ONE, multiply(value, value))


def _powm1_slope(x, k):
    return multiply(k, fold(Operation("**", add(ONE, x), _difference(k, ONE))))


#: Derivatives of functions with respect to their first argument.
_SLOPES = {
    "exp": lambda x: Call("exp", (x,)),
    "expm1": lambda x: Call("exp", (x,)),
    "log": _reciprocal,
    "sqrt": lambda x: fold(Operation("/", Number(0.5), Call("sqrt", (x,)))),
    "sin": lambda x: Call("cos", (x,)),
    "cos": lambda x: multiply(Number(-1.0), Call("sin", (x,))),
    "tanh": _tanh_slope,
    "logistic": _logistic_slope,
    "explinear": lambda x: Call("explinear_slope", (x,)),
    "powm1": _powm1_slope,
}
