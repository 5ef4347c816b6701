"""Two ways of predicting the same people: paired differences, how sure they are, and how many tests."""

from dataclasses import dataclass

import numpy as np

#: With fewer people no p value of a two-sided sign-flip test can fall below 0.05 (2 / 2^5 > 0.05), and a
#: bootstrap of so few differences promises more than it keeps: then only the mean difference is given.
FEWEST = 6
RESAMPLES = 9999


@dataclass(frozen=True)
class PairedComparison:
    """One way of predicting against another: `difference` is the first less the second.

    Attributes
    ----------
    n_people : int
    mean, other_mean, difference : float
    low, high : float
        95 % interval of the mean difference; NaN with fewer than :data:`FEWEST` people.
    p : float
        Two-sided; NaN likewise.
    effect_size : float
        Mean difference in standard deviations of the differences (Cohen's d_z); NaN likewise, and where all
        differences are the same.
    n_better : int
        People whom the first predicts better; a tie is not.
    """

    n_people: int
    mean: float
    other_mean: float
    difference: float
    low: float
    high: float
    p: float
    effect_size: float
    n_better: int


def compare_paired(one, other, higher_is_better, seed=0):
    """Compare two scores of the same people.

    Parameters
    ----------
    one, other : (M,) arrays
        One value per person; who lacks either is left out.
    higher_is_better : bool
    seed : int
        Of the resampling.

    Returns
    -------
    PairedComparison or None
        None where nobody has both.
    """
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    both = np.isfinite(one) & np.isfinite(other)
    if not both.any():
        return None
    one, other = one[both], other[both]
    difference = one - other
    low = high = p = effect_size = np.nan
    if len(difference) >= FEWEST:
        low, high = bootstrap_interval(difference, seed)
        p = sign_flip_p(difference, seed)
        if _varies(difference):
            effect_size = float(difference.mean() / difference.std(ddof=1))
    n_better = int(np.count_nonzero(difference > 0 if higher_is_better else difference < 0))
    means = float(one.mean()), float(other.mean()), float(difference.mean())
    return PairedComparison(len(difference), *means, low, high, p, effect_size, n_better)


def bootstrap_interval(difference, seed=0, level=0.95):
    """Interval of the mean of paired differences: bootstrap over people, bias-corrected and accelerated.

    Efron 1987 (doi:10.1080/01621459.1987.10478410), as scipy has it.

    Parameters
    ----------
    difference : (M,) array
    seed : int
    level : float

    Returns
    -------
    low, high : float
        Both the mean where all differences are the same.
    """
    from scipy.stats import bootstrap

    if not _varies(difference):
        return float(difference.mean()), float(difference.mean())
    found = bootstrap(
        (difference,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    return tuple(float(limit) for limit in found.confidence_interval)


def _varies(difference):
    """Whether people's differences differ by more than rounding."""
    return np.ptp(difference) > 1e-12 * np.abs(difference).max()


def sign_flip_p(difference, seed=0):
    """Two-sided p of a mean difference of 0, by flipping the signs of people's differences.

    All sign patterns are tried up to 13 people, beyond that 9,999 random ones. Equal chances of both signs
    are assumed under the null hypothesis, no distribution.

    Parameters
    ----------
    difference : (M,) array
    seed : int

    Returns
    -------
    float
    """
    from scipy.stats import permutation_test

    found = permutation_test(
        (difference,),
        np.mean,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def holm(p):
    """Correct p values of one family of tests (Holm 1979, https://www.jstor.org/stable/4615733).

    Parameters
    ----------
    p : (M,) array
        NaN where there was no test, which counts for nothing.

    Returns
    -------
    (M,) float64 array
    """
    p = np.asarray(p, dtype=np.float64)
    corrected, tested = np.full(p.shape, np.nan), np.flatnonzero(np.isfinite(p))
    rising = tested[np.argsort(p[tested], kind="stable")]
    # The smallest stands for as many tests as there are, the next for one less; none falls below one before.
    multiplied = p[rising] * np.arange(len(rising), 0, -1)
    corrected[rising] = np.minimum(np.maximum.accumulate(multiplied), 1.0)
    return corrected


def people_needed(effect_size, power=0.8, level=0.05):
    """People with whom a paired difference of this size would probably be found.

    Normal approximation with Guenther's correction for small samples (1981, The American Statistician 35,
    243); two-sided, one test alone.

    Parameters
    ----------
    effect_size : float
        Mean difference in standard deviations of the differences.
    power : float
        Probability of finding it.
    level : float

    Returns
    -------
    int or None
        None without an effect.
    """
    from scipy.special import ndtri

    if not np.isfinite(effect_size) or effect_size == 0:
        return None
    found, missed = ndtri(1 - level / 2), ndtri(power)
    return int(np.ceil(((found + missed) / effect_size) ** 2 + found**2 / 2))
