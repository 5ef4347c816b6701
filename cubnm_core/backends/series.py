"""Series and constants of the elementary functions that the compiled backends share, for each precision."""

import math

# 2**f = 1 + f*g(f), |f| <= 1/2: g by interpolation at Chebyshev nodes; relative error 1.2e-8 and 2.8e-19
EXP2 = {
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
LOG = {"single": tuple(2 / k for k in range(1, 11, 2)), "double": tuple(2 / k for k in range(1, 23, 2))}
# Taylor series of sin(r)/r and cos(r) in r^2, |r| <= pi/2; error below 6e-8 and 2e-18
SIN = {
    p: tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(n))
    for p, n in (("single", 6), ("double", 11))
}
COS = {
    p: tuple((-1) ** k / math.factorial(2 * k) for k in range(n)) for p, n in (("single", 7), ("double", 12))
}
# pi in parts, the first with so few digits that its small multiples are exact
PI = {
    "single": (3.140625, 0.00096765358979323846),
    "double": (3.14159265346825122834, 1.21542010130123844986e-10),
}
# adding and subtracting this rounds to the nearest integer, which then stands in the lowest bits
ROUNDING_SHIFT = {"single": 1.5 * 2.0**23, "double": 1.5 * 2.0**52}
EXPONENT_LIMIT = {"single": 126.0, "double": 1022.0}
TINY = {"single": 1e-20, "double": 1e-200}


def polynomial(variable, coefficients, number=repr):
    """Source of Horner's scheme with fused multiply-adds; the lowest power comes first."""
    result = number(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = f"fma({variable}, {result}, {number(coefficient)})"
    return result
