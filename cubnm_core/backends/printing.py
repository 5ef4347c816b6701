"""Expressions as source text with fused multiply-adds, for the backends that are compiled."""

import re

from cubnm_core.equations.expressions import Call, Number, Operation, Symbol

_RENAMED = {"min": "minimum", "max": "maximum", "abs": "absolute"}


class Writer:
    """Writes expressions in one language.

    Parameters
    ----------
    number : callable
        Literal of a float.
    quotient : str
        Pattern of numerator and denominator.
    prefix : str
        Of all names of a model, so that they cannot be taken for words of the language.
    reserved : collection of str
        Words that the text around the expressions uses; a model's name among them gets an underscore.
    """

    def __init__(self, number=repr, quotient="({} / {})", prefix="", reserved=()):
        self.number, self.quotient = number, quotient
        self.prefix, self.reserved = prefix, frozenset(reserved)

    def name(self, name):
        """A name of the model as it is written here."""
        # A name that has the underscore already gets another one, lest two names become one.
        return f"{name}_" if name.rstrip("_") in self.reserved else self.prefix + name

    def text(self, expression):
        """An expression as source, with products and sums fused."""
        if isinstance(expression, Number):
            return self.number(expression.value)
        if isinstance(expression, Symbol):
            return self.name(expression.name)
        if isinstance(expression, Call) and expression.function == "powm1":
            return self._power_minus_one(*expression.arguments)
        if isinstance(expression, Call):
            name = _RENAMED.get(expression.function, expression.function)
            return f"{name}({', '.join(self.text(argument) for argument in expression.arguments)})"
        return self._operation(expression)

    def _operation(self, expression):
        left, right = expression.left, expression.right
        if expression.operator == "**":
            return self._power(left, right)
        if expression.operator == "/" and isinstance(right, Number):
            return f"({self.text(left)} * {self.number(1 / right.value)})"
        if expression.operator == "/":
            return self.quotient.format(self.text(left), self.text(right))
        if expression.operator == "+":
            return self._sum(left, right)
        return f"({self.text(left)} {expression.operator} {self.text(right)})"

    def _sum(self, left, right):
        """a*b + c and c + a*b as one fused operation."""
        product, other = (right, left) if _is_product(right) else (left, right)
        if not _is_product(product):
            return f"({self.text(left)} + {self.text(right)})"
        if product.left == Number(-1.0):
            return f"({self.text(other)} - {self.text(product.right)})"
        return f"fma({self.text(product.left)}, {self.text(product.right)}, {self.text(other)})"

    def _power(self, base, exponent):
        """Exponents in eighths need only products and square roots; others go through logarithms."""
        if _in_eighths(exponent):
            return f"power_{int(8 * exponent.value)}({self.text(base)})"
        return f"exp({self.text(exponent)} * log({self.text(base)}))"

    def _power_minus_one(self, base, exponent):
        if _in_eighths(exponent):
            return f"powm1_{int(8 * exponent.value)}({self.text(base)})"
        one = self.number(1.0)
        return f"(exp({self.text(exponent)} * log({one} + {self.text(base)})) - {one})"


def _is_product(expression):
    return isinstance(expression, Operation) and expression.operator == "*"


def _in_eighths(exponent):
    whole = isinstance(exponent, Number) and (8 * exponent.value).is_integer()
    return whole and 0 < exponent.value <= 8


def powers_in(source):
    """Names of the power functions that a source calls: see `power_steps`."""
    return sorted(set(re.findall(r"power_\d+|powm1_\d+", source)))


#: Square root and product for powers, and for powers minus one.
_POWERS = {"power": ("sqrt", "({} * {})"), "powm1": ("root", "product({}, {})")}


def power_steps(name):
    """Assignments and result of x**(n/8), called power_n, or of (1 + x)**(n/8) - 1, called powm1_n."""
    kind, eighths = name.split("_")
    (root, product), eighths = _POWERS[kind], int(eighths)
    steps, factors, last = [], ["x"] * (eighths // 8), "x"
    for part in (4, 2, 1):
        if eighths % (2 * part):
            steps.append((f"root_{8 // part}", f"{root}({last})"))
            last = f"root_{8 // part}"
        if eighths & part:
            factors.append(last)
    result = factors[0]
    for factor in factors[1:]:
        result = product.format(result, factor)
    return steps, result
