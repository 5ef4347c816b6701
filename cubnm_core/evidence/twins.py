"""Synthetic twins: people whose true parameters are known, made like a cohort's, to see what a fit recovers.

A twin has the connectome of a real person and parameters like those of the cohort. It is simulated with the
model that is fitted to it, so what is not recovered here cannot be recovered from real scans; what is
recovered may still be lost there, because no model is as true for a brain as for its twin.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError

COHORT, OWN, RANGE = SOURCES = ("cohort", "own", "range")
RECOVERED = 0.7  # correlation with the truth from which a parameter counts as recovered
FEWEST = 10  # twins below which nothing is said
BOOTSTRAPS = 2000


def draw_parameters(points, people, source, seed, numbers):
    """Draw the parameters of twins.

    Parameters
    ----------
    points : (n, d) array
        Fitted points of the people of a cohort in the unit cube of the search.
    people : (m,) int array
        Whose connectome each twin has: row of `points`.
    source : {"cohort", "own", "range"}
        ``own`` gives a twin the parameters of the person whose connectome it has, ``range`` draws them evenly
        between the bounds. ``cohort`` draws from the distribution over people: a smoothed bootstrap with the
        covariance of the sample (Silverman 1986, section 6.4.1), reflected at the bounds.
    seed : int
    numbers : (m,) int array
        Of the twins: one of the same number is the same, however many there are.

    Returns
    -------
    (m, d) float64 array

    Raises
    ------
    InputError
        If there is no such source.
    """
    points = np.atleast_2d(np.asarray(points, dtype=np.float64))
    if source == OWN:
        return points[people].copy()
    generators = [np.random.default_rng([seed, int(number)]) for number in numbers]
    if source == RANGE:
        return np.stack([generator.random(points.shape[1]) for generator in generators])
    if source != COHORT:
        raise InputError(f"parameters of twins come from {', '.join(SOURCES)}; found {source!r}")
    return np.stack([_smooth(points, generator) for generator in generators])


def _smooth(points, generator):
    """One draw of the smoothed bootstrap; with one person alone it is that person's point."""
    n, d = points.shape
    centre = points.mean(axis=0)
    bandwidth = (4 / ((d + 2) * n)) ** (1 / (d + 4))
    chosen = points[generator.integers(n)] - centre
    # A random mixture of the deviations has the covariance of the sample, also where d exceeds n.
    noise = generator.standard_normal(n) @ (points - centre) / np.sqrt(max(n - 1, 1))
    drawn = centre + (chosen + bandwidth * noise) / np.sqrt(1 + bandwidth**2)
    folded = np.abs(drawn) % 2
    return np.where(folded > 1, 2 - folded, folded)


@dataclass(frozen=True)
class Recovery:
    """How well a parameter comes back; intervals are 95 % bootstrap intervals over twins.

    Attributes
    ----------
    n : int
        Twins.
    r, r_low, r_high : float
        Correlation of estimate and truth over twins; for values per node the mean over nodes.
    slope, slope_low, slope_high : float
        Of the estimate on the truth: 1 is right, less is pulled towards the mean.
    bias, rmse : float
        Mean error, and root mean squared error, over twins (and nodes).
    spread : float
        Standard deviation of the truth over twins (root of the mean variance of the nodes).
    verdict : {"identifiable", "not identifiable", "undecided", "not judged"}
    """

    n: int
    r: float
    r_low: float
    r_high: float
    slope: float
    slope_low: float
    slope_high: float
    bias: float
    rmse: float
    spread: float
    verdict: str


def recovery(truth, estimate, seed=0):
    """Compare what was recovered with the truth.

    Parameters
    ----------
    truth, estimate : (m,) or (m, N) array
        Of m twins; regional parameters have values for N nodes.
    seed : int, optional
        Of the bootstrap.

    Returns
    -------
    Recovery
        Identifiable if the interval of `r` lies above :data:`RECOVERED`, not identifiable if it lies below.
        NaN, and not judged, with fewer than :data:`FEWEST` twins or a truth that does not vary.
    """
    truth, estimate = (np.asarray(values, dtype=np.float64) for values in (truth, estimate))
    truth, estimate = (values.reshape(len(values), -1) for values in (truth, estimate))
    error = estimate - truth
    m = len(truth)
    spread = float(np.sqrt(truth.var(axis=0, ddof=1).mean())) if m > 1 else np.nan
    size = np.abs(truth).max(initial=0.0)
    if m < FEWEST or not spread > 1e-9 * size:
        nothing = [np.nan] * 6
        mistakes = (float(error.mean()), float(np.sqrt((error**2).mean()))) if m else (np.nan, np.nan)
        return Recovery(m, *nothing, *mistakes, spread, "not judged")
    r, slope = _agreement(truth, estimate)
    again = np.random.default_rng(seed).integers(m, size=(BOOTSTRAPS, m))
    found = np.array([_agreement(truth[rows], estimate[rows]) for rows in again])
    (r_low, slope_low), (r_high, slope_high) = np.nanpercentile(found, [2.5, 97.5], axis=0)
    verdict = "undecided"
    if r_low > RECOVERED:
        verdict = "identifiable"
    elif r_high < RECOVERED:
        verdict = "not identifiable"
    limits = r, r_low, r_high, slope, slope_low, slope_high
    rmse = float(np.sqrt((error**2).mean()))
    return Recovery(m, *map(float, limits), float(error.mean()), rmse, spread, verdict)


def _agreement(truth, estimate):
    """Mean over nodes of correlation and slope; an estimate that never varies has the correlation 0."""
    x, y = truth - truth.mean(axis=0), estimate - estimate.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (x * y).sum(axis=0) / (x**2).sum(axis=0)
        r = slope * np.sqrt((x**2).sum(axis=0) / (y**2).sum(axis=0))
    r = np.where((y**2).sum(axis=0) > 0, r, 0.0)
    known = np.isfinite(slope)
    return (r[known].mean(), slope[known].mean()) if known.any() else (np.nan, np.nan)
