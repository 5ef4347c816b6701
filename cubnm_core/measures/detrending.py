"""Slow drifts of a scanner, taken out of a scan before anything is computed from it."""

import numpy as np

from cubnm_core.errors import InputError

ORDERS = {"none": None, "constant": 0, "linear": 1, "quadratic": 2}


def detrend(bold, trend, kept=None):
    """Subtract from every node the polynomial in time that fits it best.

    Parameters
    ----------
    bold : (T, N) array
        NaN where volumes were removed or a node has no signal.
    trend : {"none", "constant", "linear", "quadratic"}
    kept : (T,) bool array, optional
        Volumes that the polynomial is fitted to; all by default.

    Returns
    -------
    (T, N) float64 array

    Raises
    ------
    InputError
        For an unknown trend, or fewer volumes than it has coefficients.
    """
    if trend not in ORDERS:
        raise InputError(f"the trend is {trend!r}; allowed are {', '.join(ORDERS)}")
    series = np.asarray(bold, dtype=np.float64)
    order = ORDERS[trend]
    if order is None:
        return series
    used = np.ones(len(series), dtype=bool) if kept is None else np.asarray(kept, dtype=bool)
    if np.count_nonzero(used) <= order + 1:
        raise InputError(f"{np.count_nonzero(used)} volumes are too few for a {trend} trend")
    basis = np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, len(series)), order)
    inverse = np.linalg.pinv(basis[used])
    return series - basis @ (inverse @ series[used])
