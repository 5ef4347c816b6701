"""Goodness of fit: how like its target a simulation is, term by term, and as one cost to be minimised."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cubnm_core.errors import InputError

# Which way each term enters the cost: a reward lowers it, a penalty raises it.
TERMS = {"fc_corr": -1, "fcd_ks": 1, "fc_diff": 1, "fc_normec": 1, "rate_penalty": 1}

# The value of a term for a simulation that failed: the worst it can be (those of the fit terms are cuBNM's).
WORST = {"fc_corr": -1.0, "fcd_ks": 1.0, "fc_diff": 2.0, "fc_normec": 1.0, "rate_penalty": 1.0}

TARGET_RATE = 3.0  # Hz
RATE_TOLERANCE = 1.0  # Hz
RATE_DECAY = 0.05  # 1/Hz


@dataclass(frozen=True, eq=False)
class Target:
    """The empirical FC and FCD of one split of one person's scans.

    Parameters
    ----------
    fc : (P,) array
    fcd : (K,) array, optional
        The pooled FCD values of the scans, in any order; None where no FCD could be had.

    Raises
    ------
    InputError
        If a value is not finite: a target with a NaN would fail every simulation.
    """

    fc: np.ndarray
    fcd: np.ndarray | None = None

    def __post_init__(self):
        for name in ("fc", "fcd"):
            values = getattr(self, name)
            if values is None:
                continue
            values = np.asarray(values, dtype=np.float64)
            if values.ndim != 1 or not values.size or not np.isfinite(values).all():
                raise InputError(
                    f"The {name.upper()} of a target must be a vector of finite numbers; found shape "
                    f"{values.shape}, {np.count_nonzero(~np.isfinite(values))} values not finite. "
                    "Look for nodes without signal."
                )
            object.__setattr__(self, name, values)

    @cached_property
    def sorted_fcd(self):
        """FCD values in rising order, sorted once for all simulations that are compared with them."""
        return np.sort(self.fcd)


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms: rewards (``fc_corr``) count negatively, everything else positively.

    Parameters
    ----------
    terms : dict of str to float
        Weight of each term of the cost; a term with weight 0 does not count. The weight of ``rate_penalty``
        is what cuBNM calls ``fic_penalty_scale``.

    Raises
    ------
    InputError
        For an unknown term, a weight that is negative or not finite, or no term that counts.
    """

    terms: dict = field(default_factory=lambda: {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5})

    def __post_init__(self):
        for name, weight in self.terms.items():
            if name not in TERMS:
                raise InputError(f"The objective has no term {name!r}; its terms are {', '.join(TERMS)}.")
            if not 0 <= weight < np.inf:
                raise InputError(f"The weight of {name} is {weight!r}; weights are finite and at least 0.")
        if not self.counted:
            raise InputError(f"The objective has no term that counts; choose from {', '.join(TERMS)}.")

    @property
    def counted(self):
        """Names of the terms with a weight above 0, always in one order, so that rounding is the same."""
        return [name for name in TERMS if self.terms.get(name)]

    @property
    def worst_cost(self):
        """Cost of a failed simulation: the worst value in every term; finite, so that a search goes on."""
        return self._cost(WORST)

    def score(self, run, target, rows=slice(None)):
        """Compare simulations with a target.

        Parameters
        ----------
        run : Simulation
            Used are ``fc`` (B, P), ``fcd`` (B, W), ``state_means["r_E"]`` (B, N) in Hz, and ``status`` (B,).
        target : Target
        rows : slice or int array, optional
            The simulations of the batch that this target is for; all of them by default.

        Returns
        -------
        dict of str to (B,) float64 arrays
            Every term that can be had from this run and target, whether or not it counts, and ``"cost"``. A
            failed simulation (``status`` other than 0, or FC or FCD not finite) has the worst value in every
            term and :attr:`worst_cost`. No value is ever NaN.

        Raises
        ------
        InputError
            If a term of the cost cannot be had, or FC vectors differ in length.
        """
        scores = _all_terms(run, target, rows)
        missing = [name for name in self.counted if name not in scores]
        if missing:
            raise InputError(
                f"The objective asks for {missing[0]}, which needs {_NEEDS[missing[0]]}; "
                f"what can be had here is {', '.join(scores)}."
            )
        failed = _failed(run, target, rows)
        for name, values in scores.items():
            scores[name] = np.where(failed | ~np.isfinite(values), WORST[name], values)
        return scores | {"cost": self._cost(scores)}

    def _cost(self, scores):
        return sum(TERMS[name] * self.terms[name] * scores[name] for name in self.counted)


_NEEDS = {
    "fc_corr": "FC",
    "fc_diff": "FC",
    "fc_normec": "FC",
    "fcd_ks": "an FCD of both the target and the simulation",
    "rate_penalty": "the mean firing rate r_E (Hz) among the state means of the simulation",
}


def _all_terms(run, target, rows):
    fc = np.asarray(run.fc[rows], dtype=np.float64)
    if fc.shape[1] != target.fc.size:
        raise InputError(
            f"Simulated FC has {fc.shape[1]} pairs and the target {target.fc.size}: "
            "nodes or pair masks differ between the simulation and the target."
        )
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        terms = {
            "fc_corr": correlation(fc, target.fc),
            "fc_diff": mean_difference(fc, target.fc),
            "fc_normec": normalised_distance(fc, target.fc),
        }
        if _has_fcd(run, target):
            terms["fcd_ks"] = kolmogorov_smirnov(run.fcd[rows], target.sorted_fcd)
        if "r_E" in (run.state_means or {}):
            terms["rate_penalty"] = rate_penalty(run.state_means["r_E"][rows])
    return terms


def _has_fcd(run, target):
    return target.fcd is not None and run.fcd is not None


def _failed(run, target, rows):
    failed = (np.asarray(run.status)[rows] != 0) | ~np.isfinite(run.fc[rows]).all(axis=1)
    if _has_fcd(run, target):
        failed |= ~np.isfinite(run.fcd[rows]).all(axis=1)
    return failed


def correlation(simulated, target):
    """Pearson correlation of every row of `simulated` (B, P) with `target` (P,): (B,) in -1 to 1."""
    x = simulated - simulated.mean(axis=1, keepdims=True)
    y = target - target.mean()
    norms = np.sqrt(np.sum(x**2, axis=1)) * np.sqrt(np.sum(y**2))
    return np.sum(x * y, axis=1) / norms


def mean_difference(simulated, target):
    """Absolute difference between the means of every row of `simulated` (B, P) and of `target` (P,): (B,)."""
    return np.abs(simulated.mean(axis=1) - target.mean())


def normalised_distance(simulated, target):
    """Euclidean distance over its largest possible value, ``2 * sqrt(P)`` for correlations.

    Rows of `simulated` (B, P) against `target` (P,): (B,) in 0 to 1. cuBNM 0.1.0 calls it ``fc_normec``.
    """
    return np.sqrt(np.sum((simulated - target) ** 2, axis=1)) / (2 * np.sqrt(target.size))


def kolmogorov_smirnov(simulated, sorted_target):
    """Two-sample Kolmogorov-Smirnov statistic of every row, exact, ties included.

    Parameters
    ----------
    simulated : (B, W) array
    sorted_target : (K,) array
        In rising order.

    Returns
    -------
    (B,) float64 array
        The largest distance between the two empirical distribution functions, in 0 to 1; NaN for a row that
        holds one.
    """
    values = np.sort(np.asarray(simulated, dtype=np.float64), axis=1)
    n, k = values.shape[1], sorted_target.size
    # The distance can only peak at a simulated value or just before one: between two of them the simulated
    # distribution function is flat and the target's only rises.
    up_to = np.searchsorted(sorted_target, values, side="right") / k
    before = np.searchsorted(sorted_target, values, side="left") / k
    ahead = (np.arange(1, n + 1) / n - up_to).max(axis=1)
    behind = (before - np.arange(n) / n).max(axis=1)
    return np.where(np.isnan(values[:, -1]), np.nan, np.maximum(ahead, behind))


def rate_penalty(rates):
    """How far excitatory rates have left the band of 3 ± 1 Hz that feedback inhibition aims at.

    The mean over nodes of ``1 - exp(-0.05 * (|r - 3| - 1))``, nodes inside the band counting 0 (cuBNM 0.1.0,
    without its scale). The 3 Hz are those of Deco et al. 2014 (doi:10.1523/JNEUROSCI.5068-13.2014).

    Parameters
    ----------
    rates : (B, N) array
        Mean firing rate of every node after the burn-in, in Hz.

    Returns
    -------
    (B,) float64 array
        In 0 to 1.
    """
    excess = np.abs(np.asarray(rates, dtype=np.float64) - TARGET_RATE) - RATE_TOLERANCE
    return np.mean(-np.expm1(-RATE_DECAY * np.maximum(excess, 0.0)), axis=1)
