"""Linear and mixed models for many responses at once: tests of a term, effect sizes, false discovery rate.

Four hundred regions times ten read-outs are one matrix of responses with one design: what would be thousands
of single models is a few matrix products. Numbers equal those of statsmodels and pingouin for every response.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.statistics import mixed

HEDGES, PARTIAL_R, PARTIAL_ETA = "hedges_g", "partial_r", "partial_eta_squared"
VANISHING = 1e-12  # residual spread, as a share of the values, below which a response does not vary


@dataclass(frozen=True, eq=False)
class TermTest:
    """The test of a term for M responses; every attribute but the first two is an (M,) array.

    Attributes
    ----------
    effect : {"hedges_g", "partial_r", "partial_eta_squared"}
    df_term : int
        Columns of the design that were tested.
    estimate, se, low, high
        Coefficient, its standard error and confidence interval; NaN for several columns.
    statistic, df, p
        t, or F for several columns; residual degrees of freedom; two-sided p.
    effect_size, effect_low, effect_high
        With a confidence interval; none for several columns.
    """

    effect: str
    df_term: int
    estimate: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    p: np.ndarray
    effect_size: np.ndarray
    effect_low: np.ndarray
    effect_high: np.ndarray


def term_test(design, columns, responses, two_levels=False, clusters=None, level=0.95):
    """Test a term of a linear model, or of one with a random intercept.

    Parameters
    ----------
    design : (n, k) array
        Of full rank, with the intercept.
    columns : sequence of int
        Those of the term. One column is tested by t, several together by F.
    responses : (n, M) array
        Finite; one that does not vary beyond the design gives NaN.
    two_levels : bool
        Whether the column tells two levels apart: the effect size is then Hedges' g (the difference in units
        of the residual standard deviation, doi:10.3102/10769986006002107), otherwise the partial correlation.
    clusters : (n,) sequence, optional
        Whose members share a random intercept. The degrees of freedom of a column that is constant within
        clusters are counted between clusters.
    level : float
        Of the confidence intervals.

    Returns
    -------
    TermTest
    """
    fitted = _fit(design, list(columns), responses, clusters)
    df = np.full(responses.shape[1], float(degrees_of_freedom(design, columns, clusters)))
    if len(columns) > 1:
        return _joint(fitted, df)
    return _single(fitted, df, two_levels, level)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """Coefficients of q columns (M, q), their unscaled covariance (M, q, q), and variances (M,).

    `residual` is the variance within clusters, `total` that within and between them.
    """

    coefficients: np.ndarray
    unscaled: np.ndarray
    residual: np.ndarray
    total: np.ndarray


def _fit(design, columns, responses, clusters):
    count = responses.shape[1]
    ratios = np.zeros(count) if clusters is None else mixed.variance_ratio(design, responses, clusters)
    coefficients = np.empty((count, len(columns)))
    unscaled, residual = np.empty((count, len(columns), len(columns))), np.empty(count)
    for ratio in np.unique(ratios):
        mine = ratios == ratio
        x, y = design, responses[:, mine]
        if ratio:
            x, y = mixed.whiten(x, clusters, ratio), mixed.whiten(y, clusters, ratio)
        coefficients[mine], unscaled[mine], residual[mine] = _least_squares(x, y, columns)
    return _Fitted(coefficients, unscaled, residual, residual * (1.0 + ratios))


def _least_squares(design, responses, columns):
    """Coefficients, their unscaled covariance, and the residual variance; NaN where there is none."""
    basis, triangle = np.linalg.qr(design)
    inverse = np.linalg.inv(triangle)
    projected = basis.T @ responses
    residuals = responses - basis @ projected
    variance = (residuals**2).sum(axis=0) / (len(design) - design.shape[1])
    smallest = (VANISHING * np.abs(responses).max(axis=0)) ** 2
    variance = np.where(variance > smallest, variance, np.nan)
    covariance = (inverse @ inverse.T)[np.ix_(columns, columns)]
    return (inverse @ projected)[columns].T, covariance, variance


def degrees_of_freedom(design, columns, clusters=None):
    """Residual degrees of freedom of some columns.

    Parameters
    ----------
    design : (n, k) array
    columns : sequence of int
    clusters : (n,) sequence, optional

    Returns
    -------
    int
        ``n - k``; with clusters, for columns that are constant within all of them, the number of clusters
        less that of such columns.
    """
    n, k = design.shape
    if clusters is None:
        return n - k
    place = np.unique(np.asarray(clusters), return_inverse=True)[1]
    first = np.unique(place, return_index=True)[1]
    between = np.isclose(design, design[first][place]).all(axis=0)
    if not between[list(columns)].all():
        return n - k
    return max(len(first) - int(between.sum()), 1)


def _single(fitted, df, two_levels, level):
    """Test one column by t."""
    from scipy import stats

    estimate, unscaled = fitted.coefficients[:, 0], fitted.unscaled[:, 0, 0]
    se = np.sqrt(unscaled * fitted.residual)
    statistic = estimate / se
    reach = stats.t.ppf(0.5 + level / 2, df) * se
    if two_levels:
        effect, size = HEDGES, hedges_g(estimate, se, np.sqrt(fitted.total), df, level)
    else:
        effect, size = PARTIAL_R, partial_r(statistic, df, level)
    p = 2 * stats.t.sf(np.abs(statistic), df)
    return TermTest(effect, 1, estimate, se, estimate - reach, estimate + reach, statistic, df, p, *size)


def _joint(fitted, df):
    """Test several columns together by F."""
    from scipy import stats

    count, columns = fitted.coefficients.shape
    solved = np.linalg.solve(fitted.unscaled, fitted.coefficients[..., None])[..., 0]
    statistic = (fitted.coefficients * solved).sum(axis=1) / (columns * fitted.residual)
    none = np.full(count, np.nan)
    size = statistic * columns / (statistic * columns + df)
    p = stats.f.sf(statistic, columns, df)
    return TermTest(PARTIAL_ETA, columns, none, none, none, none, statistic, df, p, size, none, none)


def hedges_g(difference, se, sd, df, level=0.95):
    """Standardised mean difference, corrected for small samples (Hedges 1981, doi:10.3102/10769986006002107).

    Parameters
    ----------
    difference, se : (M,) array
        Adjusted difference of two levels, and its standard error.
    sd : (M,) array
        Standard deviation within levels.
    df : (M,) array
        Its degrees of freedom.
    level : float

    Returns
    -------
    g, low, high : (M,) float64 array
        The interval is that of the noncentral t distribution (Cumming & Finch 2001,
        doi:10.1177/0013164401614002), so that it leaves out zero where the t test rejects it.
    """
    from scipy.special import nctdtrinc

    unit = (1.0 - 3.0 / (4.0 * df - 1.0)) * se / sd
    statistic = difference / se
    low, high = (nctdtrinc(df, 0.5 + side * level / 2, statistic) for side in (1, -1))
    return unit * statistic, unit * low, unit * high


def partial_r(statistic, df, level=0.95):
    """Correlation of a column with a response, both adjusted for all other columns.

    Parameters
    ----------
    statistic : (M,) array
        t.
    df : (M,) array
        Residual degrees of freedom.
    level : float

    Returns
    -------
    r, low, high : (M,) float64 array
        The interval is that of Fisher's z; NaN with less than two degrees of freedom.
    """
    from scipy import stats

    r = statistic / np.sqrt(statistic**2 + df)
    se = 1.0 / np.sqrt(np.where(df > 1, df - 1.0, np.nan))
    reach = stats.norm.ppf(0.5 + level / 2) * se
    return r, np.tanh(np.arctanh(r) - reach), np.tanh(np.arctanh(r) + reach)


def false_discovery_rate(p):
    """Adjust p values for the false discovery rate, as Benjamini & Hochberg 1995.

    Parameters
    ----------
    p : (M,) array
        NaN does not count, and stays.

    Returns
    -------
    (M,) float64 array
        doi:10.1111/j.2517-6161.1995.tb02031.x
    """
    from scipy.stats import false_discovery_control

    adjusted, known = np.full(len(p), np.nan), np.isfinite(p)
    if known.any():
        adjusted[known] = false_discovery_control(np.asarray(p)[known])
    return adjusted
