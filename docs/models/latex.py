"""Equations of models as LaTeX, in the part of it that GitHub and KaTeX understand."""

import re

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.expressions import Call, Number, Operation, Symbol

GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|"
    "chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
#: Functions that LaTeX does not know, as formulas of x, y and z.
DEFINITIONS = {
    "expm1": r"\operatorname{expm1}(x) = e^{x} - 1",
    "powm1": r"\operatorname{powm1}(x, y) = (1 + x)^{y} - 1",
    "logistic": r"\operatorname{logistic}(x) = \frac{1}{1 + e^{-x}}",
    "explinear": r"\operatorname{explinear}(x) = \frac{x}{1 - e^{-x}}, \quad \operatorname{explinear}(0) = 1",
    "fmod": r"\operatorname{fmod}(x, y) = x - y \operatorname{trunc}(x / y)",
    "clip": r"\operatorname{clip}(x, y, z) = \min(\max(x, y), z)",
}
_KNOWN = {"exp": r"\exp", "log": r"\ln", "sin": r"\sin", "cos": r"\cos", "tanh": r"\tanh"}
_KNOWN |= {"min": r"\min", "max": r"\max"}
_SUM, _PRODUCT, _POWER, _ATOM = range(4)  # how tightly a part holds together


def equations(model):
    """All equations of a model, one per line, for the inside of an ``aligned`` block.

    Parameters
    ----------
    model : Model

    Returns
    -------
    str
        Quantities of a node's own carry no index; those of a source k in a coupling sum carry "(k)".
    """
    return " \\\\\n".join(_equation(model, equation) for equation in model.equations)


def functions_used(values):
    """Names of the functions in some expressions that need a definition."""
    nodes = [node for value in values for node in ex.walk(value)]
    used = {node.function for node in nodes if isinstance(node, Call)}
    return [name for name in DEFINITIONS if name in used]


def symbol(name):
    """A name as LaTeX: Greek letters, indices after an underscore, digit or run of capitals.

    Returns
    -------
    str
        For example ``tau_E`` as ``\\tau_{E}``, ``wIE`` as ``w_{IE}``, ``gain`` upright.
    """
    base, _, index = name.partition("_")
    split = re.fullmatch(r"([A-Za-z])([A-Z]{2,}|\d+)", base)
    if split and not index:
        base, index = split.groups()
    return _word(base) + (f"_{{{', '.join(_word(part) for part in index.split('_'))}}}" if index else "")


def expression(value, at_source=frozenset()):
    """An expression as LaTeX.

    Parameters
    ----------
    value : expression
        Of `cubnm_core.equations.expressions`.
    at_source : set of str
        Names that belong to the source k of a coupling sum.
    """
    return _print(value, at_source)[0]


def _equation(model, equation):
    return line(
        equation.name, equation.value, equation.name in model.states, at_source=_regional_names(model)
    )


def line(name, value, is_derivative, at_source=frozenset()):
    """A line of an ``aligned`` block: a name, or its derivative, and the expression that it equals."""
    left = rf"\frac{{\mathrm{{d}} {symbol(name)}}}{{\mathrm{{d}} t}}" if is_derivative else symbol(name)
    return f"{left} &= {expression(value, at_source)}"


def _regional_names(model):
    regional = {name for name, parameter in model.parameters.items() if parameter.regional}
    return regional | set(model.states)


def _word(text):
    if GREEK.fullmatch(text):
        return f"\\{text}"
    return text if len(text) == 1 or text.isupper() or text.isdigit() else rf"\mathrm{{{text}}}"


def _print(value, regional, in_sum=False):
    """The text of an expression, and how tightly it holds together."""
    if isinstance(value, Number):
        return _number(value.value), _ATOM if value.value >= 0 else _PRODUCT
    if isinstance(value, Symbol):
        if in_sum and value.name in regional:
            return f"{symbol(value.name)}^{{(k)}}", _POWER
        return symbol(value.name), _ATOM
    if isinstance(value, Operation):
        return _operation(value, lambda part: _print(part, regional, in_sum))
    return _call(value, lambda part, inside=in_sum: _print(part, regional, inside))


def _number(value):
    text = f"{value:.10g}"
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def _operation(value, print_part):
    (left, left_strength), (right, right_strength) = print_part(value.left), print_part(value.right)
    if value.operator in "+-":
        loose = right_strength == _SUM and value.operator == "-"
        right = _bracketed(right) if loose or right.startswith("-") else right
        return f"{left} {value.operator} {right}", _SUM
    if value.operator == "*":
        return _product(value.left, (left, left_strength), (right, right_strength))
    if value.operator == "/":
        sign = "-" if _is_negated(value.left) else ""
        return f"{sign}\\frac{{{left.removeprefix(sign)}}}{{{right}}}", _PRODUCT
    base = left if left_strength == _ATOM else _bracketed(left)
    return f"{base}^{{{right}}}", _POWER


def _product(first, left, right):
    right_text = _bracketed(right[0]) if right[1] <= _SUM or right[0].startswith("-") else right[0]
    if first == Number(-1.0):
        return f"-{right_text}", _PRODUCT
    left_text = _bracketed(left[0]) if left[1] <= _SUM else left[0]
    dot = r" \cdot " if right_text[0].isdigit() else r" \, "
    return f"{left_text}{dot}{right_text}", _PRODUCT


def _is_negated(value):
    return isinstance(value, Operation) and value.operator == "*" and value.left == Number(-1.0)


def _call(value, print_part):
    if value.function == "sum":
        return _coupling(value.arguments[0], print_part), _PRODUCT
    arguments = ", ".join(print_part(argument)[0] for argument in value.arguments)
    if value.function == "sqrt":
        return rf"\sqrt{{{arguments}}}", _ATOM
    if value.function == "abs":
        return rf"\left| {arguments} \right|", _ATOM
    name = _KNOWN.get(value.function, rf"\operatorname{{{value.function}}}")
    return rf"{name}\left({arguments}\right)", _POWER


def _coupling(sent, print_part):
    if sent == ex.ONE:
        return r"\sum_k w_{kj}"
    inside, strength = print_part(sent, True)
    return rf"\sum_k w_{{kj}} \, {_bracketed(inside) if strength == _SUM else inside}"


def _bracketed(text):
    return rf"\left({text}\right)"
