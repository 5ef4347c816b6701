"""Goodness of fit: how like its target a simulation is, term by term, and as one cost to be minimised."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures import comparison, distances, rates, user_terms
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from cubnm_core.measures.pieces import Layout

# Which way each term enters the cost: a reward lowers it, a penalty raises it.
TERMS = {
    "fc_corr": -1,
    "fcd_ks": 1,
    "fcd_ks_binned": 1,
    "fc_diff": 1,
    "fc_normec": 1,
    "rate_penalty": 1,
    "rate_band": 1,
    "fic_failed": 1,
}

# The value of a term for a simulation that failed: the worst it can be (those of the fit terms are cuBNM's).
WORST = {
    "fc_corr": -1.0,
    "fcd_ks": 1.0,
    "fcd_ks_binned": 1.0,
    "fc_diff": 2.0,
    "fc_normec": 1.0,
    "rate_penalty": 1.0,
    "rate_band": 1.0,
    "fic_failed": 1.0,
}

RATE_TERMS = ("rate_penalty", "rate_band", "fic_failed")
NOTHING_BUT_FCD = (
    "The scans are too short for an FCD, and the cost, or one of several objectives, weighs nothing else."
)
DIVERGED = 1  # the status of a simulation without numbers; any other has scores
FIC_FAILED = 2


def is_reward(measure):
    """Whether higher is better, for a term or ``"cost"``."""
    return TERMS.get(measure, 1) < 0


def has_failed(status):
    """Say which simulations count as failed, by their status: those that diverged.

    One whose feedback inhibition control failed is a simulation all the same. Its rates say how bad it is.

    Parameters
    ----------
    status : (B,) int array
        See :data:`cubnm_core.simulation.simulation.STATUS`.

    Returns
    -------
    (B,) bool array
    """
    return np.asarray(status) == DIVERGED


@dataclass(frozen=True, eq=False)
class Target:
    """The empirical FC and FCD of one split of one person's scans.

    Parameters
    ----------
    fc : (P,) array
    fcd : (K,) array, optional
        The pooled FCD values of the scans, in any order; None where no FCD could be had.
    fcd_cdf : (10000,) array, optional
        Distribution function of the FCD, in counts or shares, at the upper edges of 10,000 equal bins from -1
        to 1; for targets whose FCD has come in no other form.
    weighs_fcd : bool, optional
        False where the scans are too short for an FCD: costs leave its terms out.
    observables : dict of str to (K,) array, optional
        See :class:`cubnm_core.measures.observables.panel.Panel`.
    bold : tuple of (T, N) arrays, optional
        Of every run, for terms of the user's own; NaN in volumes that are censored.
    layout : cubnm_core.measures.pieces.Layout, optional
        Pieces of a simulation that are compared with it; all of the simulation as one by default.

    Raises
    ------
    InputError
        If a value is not finite: a target with a NaN would fail every simulation. If `fcd_cdf` is no
        distribution function.
    """

    fc: np.ndarray
    fcd: np.ndarray | None = None
    fcd_cdf: np.ndarray | None = None
    weighs_fcd: bool = True
    observables: dict = field(default_factory=dict)
    bold: tuple = ()
    layout: Layout | None = None

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
        if self.fcd_cdf is not None:
            object.__setattr__(self, "fcd_cdf", distances.check_cdf(self.fcd_cdf))

    @cached_property
    def sorted_fcd(self):
        """FCD values in rising order, sorted once for all simulations that are compared with them."""
        return np.sort(self.fcd)

    @cached_property
    def binned_fcd(self):
        """Distribution function of the FCD in 10,000 bins, as given or computed once; None without an FCD."""
        if self.fcd_cdf is not None or self.fcd is None:
            return self.fcd_cdf
        return distances.binned_cdf(self.fcd)


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms: rewards (``fc_corr``) count negatively, everything else positively.

    Parameters
    ----------
    terms : dict of str to float
        Weight of each term of the cost; a term with weight 0 does not count. The weight of ``rate_penalty``
        is what cuBNM calls ``fic_penalty_scale``.
    band : (low, high), optional
        Firing rates in Hz that ``rate_penalty`` and ``rate_band`` allow; without it they cannot be had.
    own : dict of str to cubnm_core.measures.user_terms.UserTerm, optional
        Terms beside the built-in ones; their weights stand in `terms`.
    constraints : dict of str to float, optional
        Largest value of a term that is allowed in a search. Candidates that break a constraint are worse than
        all that do not, and the worse the further they are from it (Deb 2000,
        doi:10.1016/S0045-7825(99)00389-8).
    groups : tuple of dict of str to float, optional
        For a search with several objectives: the weights of the terms of each. `terms` must be their sum.
    averaged : int, optional
        Averages of so many simulations are scored, in a search of all replicates of a candidate; simulations
        with rates outside `band` are left out (see :mod:`cubnm_core.fitting.averages`).

    Raises
    ------
    InputError
        For an unknown term, a weight that is negative or not finite, no term that counts, a constraint on a
        correlation, or a band that does not rise.
    """

    terms: dict = field(default_factory=lambda: {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5})
    band: tuple | None = rates.DEFAULT_BANDS["analytical"]
    own: dict = field(default_factory=dict)
    constraints: dict = field(default_factory=dict)
    groups: tuple = ()
    averaged: int | None = None

    def __post_init__(self):
        for name, weight in [item for group in (self.terms, *self.groups) for item in group.items()]:
            if name not in self.known:
                raise InputError(
                    f"The objective has no term {name!r}; its terms are {', '.join(self.known)}."
                )
            if not 0 <= weight < np.inf:
                raise InputError(f"The weight of {name} is {weight!r}; weights are finite and at least 0.")
        for name, limit in self.constraints.items():
            if name not in self.known or TERMS.get(name, 1) < 0 or not np.isfinite(limit):
                raise InputError(
                    f"{name!r} cannot be held at {limit!r} or less; a constraint is a number for one of "
                    f"{', '.join(known for known in self.known if TERMS.get(known, 1) > 0)}."
                )
        if not self.counted:
            raise InputError(f"The objective has no term that counts; choose from {', '.join(self.known)}.")
        if self.band is not None:
            rates.check_band(self.band)
        for name, term in self.own.items():
            if name in TERMS or name in OBSERVABLES or not np.isfinite(term.worst):
                raise InputError(
                    f"The term {name!r} has a name or a worst value ({term.worst!r}) that cannot be used."
                )

    @property
    def known(self):
        """Names of all terms there are, always in one order."""
        return [*TERMS, *OBSERVABLES, *self.own]

    @property
    def counted(self):
        """Names of the terms with a weight above 0, always in one order, so that rounding is the same."""
        return [name for name in self.known if self.terms.get(name)]

    @property
    def needed(self):
        """Names of the terms that count or are constrained, always in one order."""
        return [name for name in self.known if self.terms.get(name) or name in self.constraints]

    @property
    def compares_arrays(self):
        """Whether FC and FCD of every simulation are needed: for averages, or a term of the user's own."""
        return self.averaged is not None or any(name in self.needed for name in self.own)

    @property
    def recorded_arrays(self):
        """What simulations have to record for terms of the user's own, beside FC, FCD and means of states."""
        return user_terms.recorded_arrays(self.own.values())

    def compared_terms(self, target):
        """Names of the terms that compare simulations with a target, whether or not they count.

        ``fcd_ks_binned`` and observables are among them only where they are needed.
        """
        names = comparison.available(target)
        names = [name for name in names if name != "fcd_ks_binned" or name in self.needed]
        return names + [name for name in target.observables if name in self.needed]

    def of_target(self, target):
        """Give the objective that a target is held against: without the FCD where it is not weighed.

        Parameters
        ----------
        target : Target

        Returns
        -------
        Objective

        Raises
        ------
        InputError
            If nothing is left of the cost, or of one of several objectives.
        """
        if target.weighs_fcd or not set(comparison.FCD_TERMS) & {*self.needed, *self.terms}:
            return self
        if any(weighs_only_fcd(weights) for weights in self.groups or (self.terms,)):
            raise InputError(NOTHING_BUT_FCD)
        terms, *groups = (_without_fcd(weights) for weights in (self.terms, *self.groups))
        return replace(self, terms=terms, groups=tuple(groups), constraints=_without_fcd(self.constraints))

    @property
    def n_objectives(self):
        """Number of objectives of a search."""
        return len(self.groups) or 1

    @property
    def worst_cost(self):
        """Cost of a failed simulation: the worst value in every term; finite, so that a search goes on."""
        return self._cost({name: self._worst(name) for name in self.counted})

    def costs(self, terms):
        """What a search minimises: every objective, with candidates that break constraints behind all others.

        Parameters
        ----------
        terms : dict of str to (B,) arrays
            As of :meth:`score`, or means of such over noise seeds.

        Returns
        -------
        (B, objectives) float64 array
        """
        groups = self.groups or (self.terms,)
        costs = np.stack([self._cost(terms, group) for group in groups], axis=1)
        if not self.constraints:
            return costs
        broken = sum(np.maximum(terms[name] - limit, 0.0) for name, limit in self.constraints.items())
        worst_terms = {name: self._worst(name) for name in self.needed}
        worst = np.array([self._cost(worst_terms, group) for group in groups])
        return np.where(broken[:, None] > 0, worst + broken[:, None], costs)

    def score(self, run, target, rows=slice(None)):
        """Compare simulations with a target.

        Parameters
        ----------
        run : Simulation
            Used are ``status`` (B,), ``state_means`` (each (B, N); ``r_E`` in Hz), and ``fc`` (B, P) and
            ``fcd`` (B, W), or the ``scores`` that came in their place; for a target with a layout ``bold``.
        target : Target
        rows : slice or int array, optional
            The simulations of the batch that this target is for; all of them by default.

        Returns
        -------
        dict of str to (B,) float64 arrays
            Every term that can be had from this run and target, whether or not it counts
            (``fcd_ks_binned``, ``fic_failed`` and terms of the user's own only where they count), and
            ``"cost"``, their weighted sum; constraints do not enter it. A
            simulation that failed (diverged, or its FC is not finite) has the worst value in every term and
            :attr:`worst_cost`; a term that cannot be computed for a simulation counts as the worst. No value
            is ever NaN.

        Raises
        ------
        InputError
            If a term of the cost cannot be had, FC vectors differ in length, or a term of the user's own
            gives something other than one number.
        """
        if (own := self.of_target(target)) is not self:
            return own.score(run, target, rows)
        is_compared = getattr(run, "scores", None) is not None and not self.compares_arrays
        fc, fcd = (None, None) if is_compared else comparison.compared_arrays(run, target, rows)
        scores = self._built_in_terms(run, target, rows, fc, fcd)
        # a single value of the FC that is not finite makes this distance so
        failed = has_failed(np.asarray(run.status)[rows]) | ~np.isfinite(scores["fc_normec"])
        for name, term in self.own.items():
            if name in self.needed:
                places = np.arange(len(run.status))[rows]
                scores[name] = user_terms.score(name, term, run, target, (places, fc, fcd), failed)
        missing = [name for name in self.needed if name not in scores]
        if missing:
            raise InputError(
                f"The objective asks for {missing[0]}, which needs {_NEEDS.get(missing[0], _OBSERVED)}; "
                f"what can be had here is {', '.join(scores)}."
            )
        for name, values in scores.items():
            scores[name] = np.where(failed | ~np.isfinite(values), self._worst(name), values)
        return scores | {"cost": self._cost(scores)}

    def _is_comparable(self, name, observed, target):
        """Whether an observable is compared; one that does not count only if sizes agree."""
        if name not in observed or name not in target.observables:
            return False
        return name in self.needed or observed[name].shape[1] == target.observables[name].size

    def _built_in_terms(self, run, target, rows, fc, fcd):
        names = self.compared_terms(target)
        if fc is None:
            terms = {name: run.scores[name][rows] for name in names if name in run.scores}
        else:
            names = [name for name in names if fcd is not None or name not in comparison.FCD_TERMS]
            names = [name for name in names if name not in OBSERVABLES]
            terms = comparison.compare(fc, fcd, target, names)
            if target.observables:
                observed = comparison.compared_observables(run, target, rows)
                compared = [name for name in OBSERVABLES if self._is_comparable(name, observed, target)]
                terms |= comparison.compare_observables(observed, target, compared)
        if "r_E" in (run.state_means or {}) and self.band is not None:
            with np.errstate(invalid="ignore", over="ignore"):
                terms["rate_penalty"] = rates.penalty(run.state_means["r_E"][rows], self.band)
                terms["rate_band"] = rates.share_outside(run.state_means["r_E"][rows], self.band)
        if "fic_failed" in self.needed:
            terms["fic_failed"] = (np.asarray(run.status)[rows] == FIC_FAILED).astype(np.float64)
        return terms

    def _worst(self, name):
        if name in OBSERVABLES:
            return OBSERVABLES[name].worst
        return WORST[name] if name in WORST else self.own[name].worst

    def _cost(self, scores, weights=None):
        weights = self.terms if weights is None else weights
        counted = [name for name in self.known if weights.get(name)]
        return sum(TERMS.get(name, 1) * weights[name] * scores[name] for name in counted)


def weighs_only_fcd(weights):
    """Say whether the FCD is all that a cost compares with a scan, beside what it says about rates."""
    compared = {name for name, weight in weights.items() if weight} - {*RATE_TERMS}
    return bool(compared) and compared <= {*comparison.FCD_TERMS}


def _without_fcd(weights):
    return {name: value for name, value in weights.items() if name not in comparison.FCD_TERMS}


_RATES = "the mean firing rate r_E (Hz) among the state means of the simulation, and a band for it"
_OBSERVED = "this observable of both the target and the simulation"
_NEEDS = {
    "fc_corr": "FC",
    "fc_diff": "FC",
    "fc_normec": "FC",
    "fcd_ks": "an FCD of both the target and the simulation",
    "fcd_ks_binned": "an FCD, or its distribution function, of the target and an FCD of the simulation",
    "rate_penalty": _RATES,
    "rate_band": _RATES,
}
