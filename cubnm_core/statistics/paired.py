"""The paired test: two scores of the same people, their difference, its interval, p and the verdict.

One test serves every comparison between scores of the same people. The signs of people's differences are
flipped, and the 95 % interval holds every mean difference that flipping signs does not reject, so that it
excludes 0 exactly where p does not exceed .05. ``benchmarks/paired_tests.py`` compares it with t and
bootstrap intervals.
"""

from dataclasses import dataclass

import numpy as np

LEVEL = 0.05
#: With fewer people no p value of a two-sided sign-flip test can be as low as :data:`LEVEL` (2 / 2^5 > 0.05).
FEWEST = 6
DRAWS = 9999  # subsets of people, where there are more
VERDICTS = BETTER, WORSE, UNSURE, TOO_FEW = ("better", "worse", "not distinguishable", "too few people")
_AT_ONCE = 2**21  # people of the random subsets that are held in memory at once


@dataclass(frozen=True)
class PairedComparison:
    """One score against another: `difference` is the first less the second.

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
        People whose first score is better; a tie is not.
    verdict : str
        One of :data:`VERDICTS`, on the first, from this test alone.
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
    verdict: str


def compare_paired(one, other, higher_is_better, seed=0):
    """Compare two scores of the same people.

    Parameters
    ----------
    one, other : (M,) arrays
        One value per person; people who lack either are excluded.
    higher_is_better : bool
    seed : int
        Of the drawn subsets of people, where there are too many to try all.

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
    mean, n = float(difference.mean()), len(difference)
    low = high = p = effect_size = np.nan
    if n >= FEWEST:
        low, high, p = sign_flip_test(difference, seed)
        if np.ptp(difference) > 1e-12 * np.abs(difference).max():  # more than rounding
            effect_size = float(mean / difference.std(ddof=1))
    n_better = int(np.count_nonzero(difference > 0 if higher_is_better else difference < 0))
    found = verdict(mean, p, higher_is_better)
    means = float(one.mean()), float(other.mean()), mean
    return PairedComparison(n, *means, low, high, p, effect_size, n_better, found)


def verdict(difference, p, higher_is_better):
    """Judge a difference by its p value.

    Parameters
    ----------
    difference, p : float
        p is corrected where several comparisons answer one question; NaN with too few people.
    higher_is_better : bool

    Returns
    -------
    str
        One of :data:`VERDICTS`.
    """
    if np.isnan(p):
        return TOO_FEW
    if p > LEVEL:
        return UNSURE
    return BETTER if (difference > 0) == higher_is_better else WORSE


def sign_flip_test(difference, seed=0):
    """Test a mean difference by flipping signs, and invert the test for an interval.

    Under the null hypothesis people's differences are as likely to lie above as below the true mean,
    independently and by the same amounts; no distribution is assumed. Flipping the signs of some people
    raises the mean exactly if the mean of these people is below 0, so both results follow from the means of
    all subsets of people (Hartigan 1969, Journal of the American Statistical Association 64, 1303). All
    subsets are taken for up to 13 people, 9,999 random ones beyond.

    Parameters
    ----------
    difference : (M,) array
    seed : int

    Returns
    -------
    low, high : float
        95 % interval; infinite with fewer than :data:`FEWEST` people.
    p : float
        Two-sided.
    """
    difference = np.asarray(difference, dtype=np.float64)
    means = np.sort(_subset_means(difference, seed))
    means[np.abs(means) <= 1e-12 * np.abs(difference).max()] = 0.0  # rounding decides no tie
    patterns = len(means) + 1  # with the one that flips nobody
    tail = 1 + min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    p = float(min(1.0, 2 * tail / patterns))
    edge = int(LEVEL / 2 * patterns)  # rank of the limits, from either end
    return (float(means[edge - 1]), float(means[-edge]), p) if edge else (-np.inf, np.inf, p)


def _subset_means(difference, seed):
    """Mean difference of every subset of people that is not empty, or of random ones."""
    n = len(difference)
    if 2**n - 1 <= DRAWS:
        parts = [np.arange(1, 2**n)[:, None] >> np.arange(n) & 1]
    else:
        generator, rows = np.random.default_rng(seed), max(1, _AT_ONCE // n)
        sizes = [min(rows, DRAWS - start) for start in range(0, DRAWS, rows)]
        parts = (_random_subsets(generator, size, n) for size in sizes)
    means = []
    for chosen in parts:
        chosen = chosen[chosen.any(axis=1)].astype(np.float64)
        means.append(chosen @ difference / chosen.sum(axis=1))
    return np.concatenate(means)


def _random_subsets(generator, size, n):
    """Draw subsets of n people: (size, n) of 0 and 1."""
    drawn = generator.integers(0, 256, (size, -(-n // 8)), dtype=np.uint8)
    return np.unpackbits(drawn, axis=1, count=n)


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
