"""Elementary functions of vectors, printed for one precision: polynomials of as many terms as it needs."""

import math

from cubnm_core.backends import series

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
        limit=series.EXPONENT_LIMIT[precision],
        shift=series.ROUNDING_SHIFT[precision],
        exp2=series.polynomial("f", series.EXP2[precision]),
        log_series=series.polynomial("(z * z)", series.LOG[precision]),
        log2e=1 / math.log(2),
        two_log2e=2 / math.log(2),
        ln2=math.log(2),
        tiny=series.TINY[precision],
        per_pi=1 / math.pi,
        pi_high=series.PI[precision][0],
        pi_low=series.PI[precision][1],
        sin_series=series.polynomial("(r * r)", series.SIN[precision]),
        cos_series=series.polynomial("(r * r)", series.COS[precision]),
    )
