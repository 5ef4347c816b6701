"""Whether parameters can be told apart: spread over searches and people, trade-offs, profiles of the cost.

Points are those of the unit cube of a search, so that parameters in different units compare.
"""

from dataclasses import dataclass

import numpy as np

#: Distances from the best value to the nearest and the farthest point of a profile, as shares of the range.
NEAREST, FARTHEST = 0.02, 0.5
#: Share of the candidates of a search that count as its best, and how many at least.
BEST_SHARE, FEWEST_BEST = 0.1, 10
#: Spread over searches or noise, as a share of the spread over people, from which a parameter is told
#: apart weakly, and not at all.
WEAK, LOST = 0.5, 1.0
#: Fewest observations that a correlation is computed of.
FEWEST = 4


def profile_points(best, count):
    """Lay out points along every coordinate through the best one, close together near it.

    Parameters
    ----------
    best : (d,) array
        In the unit cube.
    count : int
        Points along every coordinate, the best one included; odd. Those beyond a bound move to the bound, or
        fall away where there is one already.

    Returns
    -------
    points : (m, d) array
        The best one first.
    coordinate : (m,) int array
        Along which coordinate a point lies; -1 for the best one, which lies on all profiles.
    """
    best = np.clip(np.asarray(best, dtype=np.float64), 0.0, 1.0)
    steps = np.geomspace(NEAREST, FARTHEST, (count - 1) // 2)
    points, coordinate = [best], [-1]
    for axis, centre in enumerate(best):
        places = np.unique(np.clip(np.concatenate([centre - steps, centre + steps]), 0.0, 1.0))
        for place in places[places != centre]:
            moved = best.copy()
            moved[axis] = place
            points.append(moved)
            coordinate.append(axis)
    return np.array(points), np.array(coordinate)


@dataclass(frozen=True)
class Interval:
    """Where a profile of the cost lies less than the noise above its minimum.

    Attributes
    ----------
    low, high : float
        In the unit of the positions.
    open_low, open_high : bool
        Whether the profile ends before the cost has risen that far: the interval is wider than this.
    """

    low: float
    high: float
    open_low: bool
    open_high: bool

    @property
    def is_open(self):
        """Whether a side is open."""
        return self.open_low or self.open_high


def flat_interval(positions, cost, noise):
    """Find the interval around the minimum of a profile in which the cost rises by less than the noise.

    Between points the profile is taken to be straight.

    Parameters
    ----------
    positions : (m,) array
        Rising.
    cost : (m,) array
    noise : float
        Standard deviation of the cost of one point over noise seeds.

    Returns
    -------
    Interval
    """
    lowest = int(np.argmin(cost))
    limit = cost[lowest] + noise
    high, open_high = _crossing(positions[lowest:], cost[lowest:], limit)
    low, open_low = _crossing(positions[lowest::-1], cost[lowest::-1], limit)
    return Interval(low, high, open_low, open_high)


def _crossing(positions, cost, limit):
    """Where a profile that begins below a limit first reaches it; its end, if it does not."""
    above = np.flatnonzero(cost >= limit)
    above = above[above > 0]
    if not above.size:
        return float(positions[-1]), True
    end = above[0]
    start = end - 1
    share = (limit - cost[start]) / (cost[end] - cost[start])
    return float(positions[start] + share * (positions[end] - positions[start])), False


def verdict(ratios, share_flat=np.nan):
    """Judge a parameter in a word.

    Parameters
    ----------
    ratios : sequence of float
        Spreads over restarts, noise and the like as shares of the spread over people; NaN where unknown.
    share_flat : float, optional
        Share of the profiles that are open on both sides.

    Returns
    -------
    {"flat", "lost", "weak", "repeatable", "unknown"}
    """
    known = [ratio for ratio in ratios if not np.isnan(ratio)]
    if share_flat > 0.5:
        return "flat"
    if not known:
        return "unknown"
    worst = max(known)
    return "lost" if worst >= LOST else "weak" if worst >= WEAK else "repeatable"


def spread_over_people(values, people):
    """Standard deviation over people of their means, so that a person with several sessions counts once.

    Parameters
    ----------
    values : (n, d) array
    people : sequence of n hashable

    Returns
    -------
    (d,) array
        NaN for fewer than two people.
    """
    return _sd(person_means(values, people))


def person_means(values, people):
    """Mean values of every person, (people, d), in the order of their first appearance."""
    values, owner = np.asarray(values, dtype=np.float64), _owner(people)
    sums = np.zeros((owner.max(initial=-1) + 1, values.shape[1]))
    np.add.at(sums, owner, values)
    return sums / np.bincount(owner)[:, None]


def spread_within(values, groups):
    """Standard deviation within groups, such as the restarts of one fit, pooled over groups.

    Parameters
    ----------
    values : (n, d) array
    groups : sequence of n hashable

    Returns
    -------
    sd : (d,) array
        NaN where no group has two members.
    n_groups : int
        Groups with two members or more.
    """
    deviations, sizes = _deviations(values, groups)
    several = sizes > 1
    if not several.any():
        return np.full(np.shape(values)[1], np.nan), 0
    variances = np.zeros((len(sizes), deviations.shape[1]))
    np.add.at(variances, _owner(groups), deviations**2)
    pooled = (variances[several] / (sizes[several] - 1)[:, None]).mean(axis=0)
    return np.sqrt(pooled), int(several.sum())


def correlation_within(values, groups):
    """Correlation of parameters within groups, (d, d), and the number of groups with two members or more.

    Needs six deviations from the means of groups: with two restarts they come in mirrored pairs, so that six
    are three people.
    """
    deviations, sizes = _deviations(values, groups)
    moved = deviations[(deviations != 0).any(axis=1)]
    return correlations(moved if len(moved) >= 6 else moved[:0]), int((sizes > 1).sum())


def correlations(values):
    """Pearson correlations of the columns of (n, d) values, (d, d); NaN with fewer than four rows."""
    values = np.asarray(values, dtype=np.float64)
    size = values.shape[1]
    if len(values) < FEWEST:
        return np.full((size, size), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.atleast_2d(np.corrcoef(values, rowvar=False))


def correlation_interval(r, n, level=0.95):
    """Interval of a correlation of n observations after Fisher's transformation; NaN for fewer than four."""
    from scipy.stats import norm

    if n < FEWEST or not np.isfinite(r):
        return np.nan, np.nan
    reach = norm.ppf(0.5 + level / 2) / np.sqrt(n - 3)
    z = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
    return float(np.tanh(z - reach)), float(np.tanh(z + reach))


def mean_correlation(correlations_):
    """Mean of (n, d, d) correlations after Fisher's transformation, those that are NaN left out; (d, d)."""
    stacked = np.asarray(correlations_, dtype=np.float64)
    known = np.isfinite(stacked)
    z = np.where(known, np.arctanh(np.clip(stacked, -1 + 1e-15, 1 - 1e-15)), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.tanh(z.sum(axis=0) / known.sum(axis=0))


def best_candidates(points, cost):
    """Choose the best different candidates of a search: a tenth of them, and ten at least where there are.

    Parameters
    ----------
    points : (n, d) array
    cost : (n,) array

    Returns
    -------
    (m, d) array
        Best first.
    """
    points, cost = np.asarray(points, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    _, first = np.unique(points, axis=0, return_index=True)
    order = first[np.argsort(cost[first], kind="stable")]
    return points[order[: max(FEWEST_BEST, int(np.ceil(BEST_SHARE * len(order))))]]


def _deviations(values, groups):
    """Deviations from the means of groups (n, d), and the size of every group."""
    values, owner = np.asarray(values, dtype=np.float64), _owner(groups)
    return values - person_means(values, groups)[owner], np.bincount(owner)


def _owner(groups):
    """Number of the group of every row, in the order of their first appearance."""
    number = {}
    return np.array([number.setdefault(group, len(number)) for group in groups], dtype=int)


def _sd(values):
    return values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
