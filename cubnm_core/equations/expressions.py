"""Arithmetic expressions: parsed (never executed), folded, split into what changes in time and what not."""

import ast
import math
from dataclasses import dataclass

from cubnm_core.errors import InputError

#: Functions an equation may call, with their number of arguments.
FUNCTIONS = {
    "exp": 1,
    "expm1": 1,  # exp(x) - 1, accurate near x = 0
    "log": 1,
    "powm1": 2,  # (1 + x)**k - 1, accurate near x = 0; k is a number
    "sqrt": 1,
    "sin": 1,
    "cos": 1,
    "tanh": 1,
    "abs": 1,
    "logistic": 1,  # 1 / (1 + exp(-x))
    "explinear": 1,  # x / (1 - exp(-x)), which is 1 at x = 0
    "min": 2,
    "max": 2,
    "fmod": 2,  # remainder with the sign of the dividend
    "clip": 3,  # clip(x, low, high); a value that is not finite becomes NaN and stays NaN
    "sum": 1,  # coupling: the weighted sum over sources, sum_k weights[k, j] * x_k
}

#: How deep brackets, powers and products may be nested, and how many terms a sum may have.
LARGEST_DEPTH, LARGEST_SUM = 60, 2000

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    operator: str
    left: object
    right: object


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple


ZERO, ONE = Number(0.0), Number(1.0)


def parse(text, where=""):
    """Parse one expression in Python's arithmetic notation.

    Parameters
    ----------
    text : str
        For example ``"w_p*J_N*S_E + 0.3"``. Powers other than 1/8, 2/8, ... 8 need a positive base.
    where : str
        File and line, for error messages.

    Raises
    ------
    InputError
        If the text is not an arithmetic expression of names, numbers and the functions in `FUNCTIONS`, or it
        is nested too deeply.
    """
    parts = parse_sum(text, where)
    if len(parts) > LARGEST_DEPTH:
        raise InputError(
            f"{where}: a sum of {len(parts)} terms; at most {LARGEST_DEPTH} may stand here: give parts of it "
            "names in the equations"
        )
    return join_sum(parts)


def parse_sum(text, where=""):
    """Parse one expression into the terms of its outermost sum, a list of (operator, expression).

    Raises
    ------
    InputError
        As :func:`parse`; also for more than `LARGEST_SUM` terms.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise InputError(f"{where}: {shorten(text)} is not an arithmetic expression ({error.msg})") from None
    except (RecursionError, MemoryError, ValueError, OverflowError):
        raise _too_large(text, where) from None
    parts = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        parts.append((_OPERATORS[type(node.op)], node.right))
        node = node.left
    parts = [("+", node), *reversed(parts)]
    if len(parts) > LARGEST_SUM:
        raise _too_large(text, where)
    return [(operator, _convert(part, where)) for operator, part in parts]


def join_sum(parts):
    """Put the terms of a sum together, from left to right."""
    (_, result), *others = parts
    for operator, part in others:
        result = Operation(operator, result, part)
    return result


def _too_large(text, where):
    return InputError(
        f"{where}: {shorten(text)} is too large: at most {LARGEST_SUM} terms, and brackets, powers, signs "
        f"and products nested at most {LARGEST_DEPTH} deep; give parts of it names in equations of their own"
    )


def shorten(text):
    """Quote a text, its middle left out where it is long."""
    text = text.strip()
    return repr(text if len(text) <= 80 else f"{text[:60]} ... {text[-15:]}")


def _convert(node, where, depth=0):
    if depth > LARGEST_DEPTH:
        raise InputError(
            f"{where}: brackets, powers, signs or products nested more than {LARGEST_DEPTH} deep; give parts "
            "of the expression names in equations of their own"
        )
    deeper = depth + 1
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        return _convert_number(node, where)
    if isinstance(node, ast.Name):
        return Symbol(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _convert(node.left, where, deeper), _convert(node.right, where, deeper)
        return Operation(_OPERATORS[type(node.op)], left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return Operation("*", Number(-1.0), _convert(node.operand, where, deeper))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
        return _convert(node.operand, where, deeper)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _convert_call(node, where, deeper)
    raise InputError(
        f"{where}: {ast.unparse(node)!r} is not allowed in an equation; use names, numbers, + - * / ** and "
        f"the functions {', '.join(FUNCTIONS)}"
    )


def _convert_number(node, where):
    try:
        value = float(node.value)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise InputError(f"{where}: a number beyond 1e308; write one that double precision can hold")
    return Number(value)


def _convert_call(node, where, depth):
    function, count = node.func.id, FUNCTIONS.get(node.func.id)
    if count is None:
        raise InputError(f"{where}: unknown function {function!r}; known are {', '.join(FUNCTIONS)}")
    if len(node.args) != count:
        raise InputError(f"{where}: {function}() takes {count} argument(s), found {len(node.args)}")
    return Call(function, tuple(_convert(argument, where, depth) for argument in node.args))


def children(expression):
    """The direct sub-expressions."""
    if isinstance(expression, Operation):
        return (expression.left, expression.right)
    return expression.arguments if isinstance(expression, Call) else ()


def walk(expression):
    """Every sub-expression, the expression itself first."""
    left = [expression]
    while left:
        found = left.pop()
        yield found
        left += reversed(children(found))


def names(expression):
    """Names of all symbols in an expression, in order of appearance, once each."""
    return tuple(dict.fromkeys(node.name for node in walk(expression) if isinstance(node, Symbol)))


def rebuild(expression, transform):
    """The same expression with `transform` applied to each direct sub-expression."""
    if isinstance(expression, Operation):
        return Operation(expression.operator, transform(expression.left), transform(expression.right))
    if isinstance(expression, Call):
        return Call(expression.function, tuple(transform(argument) for argument in expression.arguments))
    return expression


def substitute(expression, replacements):
    """Replace symbols by expressions; `replacements` maps a name to an expression."""
    if isinstance(expression, Symbol):
        return replacements.get(expression.name, expression)
    return rebuild(expression, lambda child: substitute(child, replacements))


# --- canonical form -----------------------------------------------------------------------------------------
# A sum keeps its constant part first, a product its constant factor first; "constant" means: built from
# numbers and the names in `constant`. Constant parts can then be computed once instead of at every step.


def canonical(expression, constant):
    """Rewrite an expression so that its parts that never change in time stand together.

    Parameters
    ----------
    expression : expression
    constant : frozenset of str
        Names whose values do not change during a simulation (parameters).
    """
    expression = rebuild(expression, lambda child: canonical(child, constant))
    if isinstance(expression, Operation) and expression.operator in "+-":
        return _canonical_sum(terms(expression), constant)
    if isinstance(expression, Operation) and expression.operator in "*/":
        return _canonical_product(factors(expression), constant)
    return fold(expression)


def is_constant(expression, constant):
    """Whether an expression consists of numbers and constant names only."""
    return all(name in constant for name in names(expression))


def terms(expression):
    """The terms of nested sums; subtracted ones as products with -1."""
    if isinstance(expression, Operation) and expression.operator in "+-":
        right = terms(expression.right)
        if expression.operator == "-":
            right = [multiply(Number(-1.0), term) for term in right]
        return terms(expression.left) + right
    return [expression]


def factors(expression):
    """The factors of nested products and quotients, as (expression, power) with power 1 or -1."""
    if isinstance(expression, Operation) and expression.operator in "*/":
        sign = 1 if expression.operator == "*" else -1
        return factors(expression.left) + [
            (factor, sign * power) for factor, power in factors(expression.right)
        ]
    return [(expression, 1)]


def _canonical_sum(parts, constant):
    fixed = [term for term in parts if is_constant(term, constant)]
    moving = [
        _canonical_product(factors(term), constant) for term in parts if not is_constant(term, constant)
    ]
    start = [] if not fixed else [_chain("+", [fold(term) for term in fixed])]
    start = [term for term in start if term != ZERO]
    return _chain("+", start + moving) if start + moving else ZERO


def _canonical_product(pairs, constant):
    fixed = [pair for pair in pairs if is_constant(pair[0], constant)]
    moving = [pair for pair in pairs if not is_constant(pair[0], constant)]
    factor = quotient(fixed)
    if not moving:
        return factor
    rest = quotient(moving)
    if isinstance(factor, Number) and len(moving) == 1 and moving[0][1] == 1 and _is_sum(rest):
        return _canonical_sum([multiply(factor, term) for term in terms(rest)], constant)
    return multiply(factor, rest)


def _is_sum(expression):
    return isinstance(expression, Operation) and expression.operator == "+"


def quotient(pairs):
    """The expression with these (factor, power) pairs."""
    above = [factor for factor, power in pairs if power == 1]
    below = [factor for factor, power in pairs if power == -1]
    result = _chain("*", above) if above else ONE
    return fold(Operation("/", result, _chain("*", below))) if below else result


def _chain(operator, parts):
    result = parts[0]
    for part in parts[1:]:
        result = fold(Operation(operator, result, part))
    return result


def multiply(left, right):
    """The product of two expressions, without factors of one and with numbers multiplied out."""
    return fold(Operation("*", left, right))


def add(left, right):
    """The sum of two expressions, without zeros."""
    return fold(Operation("+", left, right))


def fold(expression):
    """Evaluate what consists of numbers, and drop neutral elements, at the root of an expression."""
    if isinstance(expression, Operation):
        return _fold_operation(expression.operator, expression.left, expression.right)
    if not isinstance(expression, Call) or not expression.arguments or expression.function == "sum":
        return expression
    if not all(isinstance(argument, Number) for argument in expression.arguments):
        return expression
    return _evaluate(expression.function, *(argument.value for argument in expression.arguments))


def _fold_operation(operator, left, right):
    if isinstance(left, Number) and isinstance(right, Number):
        return _evaluate(operator, left.value, right.value)
    if operator == "/" and right == ZERO:
        raise InputError("a division by 0")
    if operator == "+" and ZERO in (left, right):
        return right if left == ZERO else left
    if operator == "*" and ZERO in (left, right):
        return ZERO
    if operator == "*" and ONE in (left, right):
        return right if left == ONE else left
    if operator == "/" and right == ONE:
        return left
    if operator == "*" and isinstance(left, Number) and _starts_with_number(right):
        return fold(Operation("*", Number(left.value * right.left.value), right.right))
    return Operation(operator, left, right)


def _evaluate(name, *values):
    """Compute a constant part.

    Raises
    ------
    InputError
        If it is no finite real number; the caller adds where.
    """
    try:
        value = EVALUATE[name](*values)
    except (ArithmeticError, ValueError):
        value = math.nan
    if isinstance(value, complex) or not math.isfinite(value):
        listed = ", ".join(f"{value:g}" for value in values)
        written = f" {name} ".join(listed.split(", ")) if name in "+-*/**" else f"{name}({listed})"
        raise InputError(f"the constant part {written} is no finite real number")
    return Number(value)


def _starts_with_number(expression):
    return (
        isinstance(expression, Operation)
        and expression.operator == "*"
        and isinstance(expression.left, Number)
    )


def _explinear(x):
    return x / -math.expm1(-x) if x else 1.0


#: Values of operators and functions for plain numbers.
EVALUATE = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "exp": math.exp,
    "expm1": math.expm1,
    "powm1": lambda x, k: math.expm1(k * math.log1p(x)),
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "abs": abs,
    "logistic": lambda x: 1.0 / (1.0 + math.exp(-x)),
    "explinear": _explinear,
    "min": min,
    "max": max,
    "fmod": math.fmod,
    "clip": lambda x, low, high: min(max(x, low), high),
}
