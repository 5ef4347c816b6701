"""Agreement of the sessions of people: intraclass correlations with intervals, limits of agreement.

Everything is computed for many quantities at once, such as all edges of the FC.
"""

from dataclasses import dataclass

import numpy as np

#: Fewest people for whom an intraclass correlation is given.
FEWEST_PEOPLE = 3
#: Share of the people with several sessions who must have a session, for it to count.
COMMON = 0.5
_BLOCK = 1 << 22  # values that are centred at a time, so that memory stays bounded


@dataclass(frozen=True, eq=False)
class Agreement:
    """What the sessions of people say about Q quantities; NaN where there are too few people.

    Attributes
    ----------
    single : (Q,) array
        ICC(2,1): how much of the variance of one session of one person is between people.
    single_interval : (2, Q) array
        Its confidence interval.
    average : (Q,) array
        ICC(2,k): the same for the mean over the k sessions of a person.
    average_interval : (2, Q) array
        An end is NaN where there is none, as with few people who do not agree at all.
    sd_people : (Q,) array
        Standard deviation over people of their means over sessions.
    sd_within : (Q,) array
        Standard deviation over the sessions of a person, pooled over people.
    """

    single: np.ndarray
    single_interval: np.ndarray
    average: np.ndarray
    average_interval: np.ndarray
    sd_people: np.ndarray
    sd_within: np.ndarray


def agreement(values, level=0.95):
    """Intraclass correlations of a two-way random-effects model, for absolute agreement.

    ICC(2,1) and ICC(2,k) in the notation of Shrout and Fleiss (1979, doi:10.1037/0033-2909.86.2.420);
    ICC(A,1) and ICC(A,k), with intervals, of McGraw and Wong (1996, doi:10.1037/1082-989X.1.1.30).

    Parameters
    ----------
    values : (n, k, Q) array
        Of n people in k sessions; finite.
    level : float, optional
        Of the confidence intervals.

    Returns
    -------
    Agreement
        NaN for fewer than three people or two sessions, and for a quantity that does not vary.
    """
    values = np.asarray(values)
    n, k = values.shape[:2]
    if n < FEWEST_PEOPLE or k < 2:
        unknown = np.full(values.shape[2], np.nan)
        pair = np.stack([unknown, unknown])
        return Agreement(unknown, pair, unknown, pair, unknown, unknown)
    sums = _Sums.of(values)
    people, sessions, error = sums.mean_squares()
    single = sums.icc()
    with np.errstate(invalid="ignore", divide="ignore"):
        average = (people - error) / (people + (sessions - error) / n)
        interval = _interval(n, k, people, sessions, error, single, level)
        # Below -1 / (k - 1) the ICC of single sessions stands for none of their mean.
        averaged = np.where((k - 1) * interval > -1, k * interval / (1 + (k - 1) * interval), np.nan)
    within = (sessions * (k - 1) + error * (n - 1) * (k - 1)) / (n * (k - 1))
    return Agreement(single, interval, average, averaged, np.sqrt(people / k), np.sqrt(within))


def _interval(n, k, people, sessions, error, icc, level):
    """Confidence interval of ICC(2,1), (2, Q), with Satterthwaite's degrees of freedom."""
    from scipy.stats import f

    tail = 0.5 + level / 2
    ratio = sessions / error
    a = k * icc * ratio
    b = n * (1 + (k - 1) * icc) - k * icc
    df = (n - 1) * (k - 1) * (a + b) ** 2 / ((n - 1) * a**2 + b**2)
    upper, lower = f.ppf(tail, n - 1, df), f.ppf(tail, df, n - 1)
    rest = k * sessions + (k * n - k - n) * error
    low = n * (people - upper * error) / (upper * rest + n * people)
    high = n * (lower * people - error) / (rest + n * lower * people)
    return np.stack([low, high])


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over people that the mean squares follow from; those of one person can be taken out again.

    Attributes
    ----------
    n, k : int
    sessions : (k, Q) array
        Over people, of the values of every session.
    squares : (Q,) array
        Of all values.
    people : (Q,) array
        Of the squared sums of every person over sessions, divided by k.
    """

    n: int
    k: int
    sessions: np.ndarray
    squares: np.ndarray
    people: np.ndarray

    @classmethod
    def of(cls, values):
        """Sums of (n, k, Q) values; computed in blocks of quantities, about their means."""
        n, k, size = values.shape
        width = max(1, _BLOCK // (n * k))
        parts = [cls._of_block(centre(values[:, :, at : at + width])) for at in range(0, max(size, 1), width)]
        sessions, squares, people = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
        return cls(n, k, sessions, squares, people)

    @staticmethod
    def _of_block(values):
        return (
            values.sum(axis=0),
            (values**2).sum(axis=(0, 1)),
            (values.sum(axis=1) ** 2).sum(axis=0) / values.shape[1],
        )

    def without(self, person):
        """Sums without the (k, Q) centred values of one person."""
        return _Sums(
            self.n - 1,
            self.k,
            self.sessions - person,
            self.squares - (person**2).sum(axis=0),
            self.people - person.sum(axis=0) ** 2 / self.k,
        )

    def mean_squares(self):
        """Mean squares between people, between sessions, and of the error, each (Q,)."""
        total = self.sessions.sum(axis=0) ** 2 / (self.n * self.k)
        between = (self.sessions**2).sum(axis=0) / self.n
        people = (self.people - total) / (self.n - 1)
        sessions = (between - total) / (self.k - 1)
        error = (self.squares - self.people - between + total) / ((self.n - 1) * (self.k - 1))
        # Rounding may leave less than nothing where sessions agree to the last digit.
        return np.maximum(people, 0.0), np.maximum(sessions, 0.0), np.maximum(error, 0.0)

    def icc(self):
        """ICC(2,1) of every quantity."""
        people, sessions, error = self.mean_squares()
        with np.errstate(invalid="ignore", divide="ignore"):
            return (people - error) / (people + (self.k - 1) * error + self.k * (sessions - error) / self.n)


def centre(values):
    """Values (n, k, Q) about the mean of every quantity, so that squares lose no digits."""
    values = np.asarray(values, dtype=np.float64)
    return values - values.mean(axis=(0, 1))


def mean_agreement(values, other=None, level=0.95):
    """Mean ICC(2,1) over many quantities, or its difference between two sources, with its interval.

    The interval is Student's, with the standard error of the jackknife over people (Miller 1974,
    doi:10.1093/biomet/61.1.1): edges of an FC are no independent observations, people are.

    Parameters
    ----------
    values : (n, k, Q) array
        Such as all edges of the simulated FC.
    other : (n, k, Q) array, optional
        Of the same people and sessions; its mean is subtracted.
    level : float, optional

    Returns
    -------
    mean, low, high : float
        NaN for fewer than four people, of whom the jackknife would leave too few.
    """
    from scipy.stats import t

    n, k = values.shape[:2]
    if n <= FEWEST_PEOPLE or k < 2:
        return (np.nan,) * 3
    whole, left_out = _jackknife(values)
    if other is not None:
        subtracted, without = _jackknife(other)
        whole, left_out = whole - subtracted, left_out - without
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    reach = t.ppf(0.5 + level / 2, n - 1) * error
    return float(whole), float(whole - reach), float(whole + reach)


def _jackknife(values):
    """Mean ICC(2,1) of all people, and without each of them, (n,)."""
    values = np.asarray(values)
    mean = values.mean(axis=(0, 1), dtype=np.float64)
    sums = _Sums.of(values)
    kept = np.isfinite(sums.icc())  # the same quantities throughout
    people = (sums.without(person - mean).icc()[kept] for person in values)
    return sums.icc()[kept].mean(), np.array([icc.mean() for icc in people])


def limits_of_agreement(values):
    """Mean difference of two sessions, and the limits within which 95 % of the differences lie.

    Bland and Altman (1986, doi:10.1016/S0140-6736(86)90837-8).

    Parameters
    ----------
    values : (n, k, Q) array

    Returns
    -------
    bias, low, high : (Q,) arrays
        Second session minus first; NaN unless there are two sessions and three people.
    """
    n, k, size = values.shape
    if k != 2 or n < FEWEST_PEOPLE:
        return (np.full(size, np.nan),) * 3
    difference = values[:, 1].astype(np.float64) - values[:, 0]
    bias, reach = difference.mean(axis=0), 1.96 * difference.std(axis=0, ddof=1)
    return bias, bias - reach, bias + reach


def common_sessions(present):
    """Choose sessions and people so that everybody chosen has every session chosen.

    A session counts if at least half of the people with two sessions or more have it: a session that few
    came to would else leave out everybody else.

    Parameters
    ----------
    present : (n, s) bool array
        Who has which session.

    Returns
    -------
    people : (n,) bool array
    sessions : (s,) bool array
        Nobody and none, if fewer than two sessions are common.
    """
    present = np.asarray(present, dtype=bool)
    several = present[present.sum(axis=1) >= 2]
    sessions = several.mean(axis=0) >= COMMON if len(several) else np.zeros(present.shape[1], dtype=bool)
    if sessions.sum() < 2:
        return np.zeros(len(present), dtype=bool), np.zeros(present.shape[1], dtype=bool)
    return present[:, sessions].all(axis=1), sessions
