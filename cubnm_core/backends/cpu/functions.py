"""Elementary functions of vectors, printed for one precision: polynomials of as many terms as it needs."""

import math

# 2**f = 1 + f*g(f), |f| <= 1/2: g by interpolation at Chebyshev nodes; relative error 1.2e-8 and 2.8e-19
_EXP2 = {
    "single": (0.693147188, 0.2402265076, 0.05550357114, 0.009618082557, 0.001339086336, 0.0001545316295),
    "double": (
        0.693147180559945309,
        0.240226506959100712,
        0.055504108664821627,
        0.00961812910762847949,
        0.00133335581464064707,
        0.000154035303933707334,
        0.0000152527338415567726,
        1.32154868087055628e-6,
        1.01780570877339411e-7,
        7.05489730415549928e-9,
        4.45581790833606449e-10,
        2.57293241773623042e-11,
    ),
}
# log(m) = 2 z (1 + z^2/3 + z^4/5 + ...), z = (m - 1)/(m + 1), |z| <= 0.172
_LOG = {"single": tuple(2 / k for k in range(1, 11, 2)), "double": tuple(2 / k for k in range(1, 23, 2))}
# Taylor series of sin(r)/r and cos(r) in r^2, |r| <= pi/2; error below 6e-8 and 2e-18
_SIN = {
    p: tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(n))
    for p, n in (("single", 6), ("double", 11))
}
_COS = {
    p: tuple((-1) ** k / math.factorial(2 * k) for k in range(n)) for p, n in (("single", 7), ("double", 12))
}
# pi in parts, the first with so few digits that its small multiples are exact
_PI = {
    "single": (3.140625, 0.00096765358979323846),
    "double": (3.14159265346825122834, 1.21542010130123844986e-10),
}
# adding and subtracting this rounds to the nearest integer, which then stands in the lowest bits
_ROUNDING_SHIFT = {"single": 1.5 * 2.0**23, "double": 1.5 * 2.0**52}
_EXPONENT_LIMIT = {"single": 126.0, "double": 1022.0}
_TINY = {"single": 1e-20, "double": 1e-200}

_SOURCE = '''
@inline
def two_to_the(t):
    """2**t as a power of two s and a remainder p: 2**t = s*(1 + p), exact in p near t = 0."""
    t = minimum(maximum(t, -{limit}), {limit})
    shifted = t + {shift}
    f = t - (shifted - {shift})
    return power_of_two(shifted), f * {exp2}


@inline
def exp(x):
    s, p = two_to_the(x * {log2e})
    return fma(s, p, s)


@inline
def expm1(x):
    """exp(x) - 1, accurate around x = 0."""
    s, p = two_to_the(x * {log2e})
    return fma(s, p, s - 1.0)


@inline
def root(x):
    """sqrt(1 + x) - 1, accurate around x = 0."""
    return x / (1.0 + sqrt(1.0 + x))


@inline
def product(x, y):
    """(1 + x)*(1 + y) - 1."""
    return fma(x, y, x + y)


@inline
def explinear(x):
    """x / (1 - exp(-x)), accurate around x = 0 and never 0/0."""
    x = x + {tiny}
    s, p = two_to_the(x * -{log2e})
    return x / fnma(s, p, 1.0 - s)


@inline
def logistic(x):
    s, p = two_to_the(x * -{log2e})
    return 1.0 / (1.0 + fma(s, p, s))


@inline
def tanh(x):
    s, p = two_to_the(x * {two_log2e})
    e = fma(s, p, s - 1.0)
    return e / (e + 2.0)


@inline
def log(x):
    """Natural logarithm of normal numbers above zero; NaN below."""
    e, m = exponent_and_mantissa(x)
    z = (m - 1.0) / (m + 1.0)
    return fma(e, {ln2}, z * {log_series}) + 0.0 * sqrt(x)


@inline
def turns(x):
    """The nearest multiple of pi (its number in the lowest bits of the first result), and x beyond it."""
    shifted = x * {per_pi} + {shift}
    k = shifted - {shift}
    return shifted, fnma(k, {pi_low}, fnma(k, {pi_high}, x))


@inline
def sin(x):
    shifted, r = turns(x)
    return flip_if_odd(r * {sin_series}, shifted)


@inline
def cos(x):
    shifted, r = turns(x)
    return flip_if_odd({cos_series}, shifted)


@inline
def clip(x, low, high):
    """Bound x; infinity becomes NaN first, so that divergence is not hidden."""
    return minimum(maximum(fma(x, 0.0, x), low), high)


@inline
def fmod(x, y):
    return fnma(truncate(x / y), y, x)
'''


def source(precision):
    """Source of the elementary functions for one precision."""
    return _SOURCE.format(
        limit=_EXPONENT_LIMIT[precision],
        shift=_ROUNDING_SHIFT[precision],
        exp2=polynomial("f", _EXP2[precision]),
        log_series=polynomial("(z * z)", _LOG[precision]),
        log2e=1 / math.log(2),
        two_log2e=2 / math.log(2),
        ln2=math.log(2),
        tiny=_TINY[precision],
        per_pi=1 / math.pi,
        pi_high=_PI[precision][0],
        pi_low=_PI[precision][1],
        sin_series=polynomial("(r * r)", _SIN[precision]),
        cos_series=polynomial("(r * r)", _COS[precision]),
    )


def polynomial(variable, coefficients):
    """Horner's scheme with fused multiply-adds; the lowest power comes first."""
    result = repr(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = f"fma({variable}, {result}, {coefficient!r})"
    return result
