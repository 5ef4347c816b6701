"""Candidates of a search scored by linear response, those where it does not hold by simulation."""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.objective import DIVERGED
from cubnm_core.simulation.schedule import exact

#: Raised when a change of the code alters expected scores; part of the fingerprints of fits that use them.
VERSION = 1
#: Why linear response does not hold, see :class:`cubnm_core.linear.response.LinearResponse`.
FLAGS = ("no_fixed_point", "unstable", "several", "off_branch", "nonlinear", "fic_failed")
#: What histories hold of every candidate beside its terms: whether its scores are those of a simulation, how
#: fast deviations from its fixed point grow (1/s), and the flags.
SIMULATED, GROWTH, FLAG_MARKS = "simulated", "growth", tuple(f"flag_{name}" for name in FLAGS)
MARKS = (SIMULATED, GROWTH, *FLAG_MARKS)


@dataclass(frozen=True, eq=False)
class Scored:
    """B candidates, in the form that an objective scores.

    Attributes
    ----------
    status : (B,) int array
    scores : dict of str to (B,) arrays
        Expected ones, or those of one simulation.
    state_means : dict of str to (B, N) arrays
        At the fixed point, or of the simulation.
    marks : dict of str to (B,) arrays
        See :data:`MARKS`.
    """

    status: np.ndarray
    scores: dict
    state_means: dict
    marks: dict


class Expectations:
    """What a search calls in place of a simulator, see :func:`cubnm_core.fitting.run.run_fits`.

    Parameters
    ----------
    respond : callable
        ``respond(weights, params, duration=, connectome=, seed=, lengths=, comparison=)`` gives a
        LinearResponse of scans of `duration` s, burn-in included.
    duration, burn_in, repetition_time : float
        Of simulations, in s. Targets with a layout are compared with as many volumes as count in it.
    simulate_batch : callable or None
        Simulates the candidates that linear response flags; None gives them the worst of every score.
    """

    def __init__(self, respond, duration, burn_in, repetition_time, simulate_batch=None):
        self._respond, self._simulate_batch = respond, simulate_batch
        self._duration, self._burn_in, self._repetition_time = duration, burn_in, repetition_time

    def __call__(self, weights, connectome, params, seed, lengths, comparison):
        """Score B candidates; arguments are those of a simulator."""
        terms = tuple(name for name in comparison.terms if name in FC_TERMS)
        batch = _Batch(weights, connectome, params, seed, lengths, replace(comparison, terms=terms))
        found = None
        for duration, rows in self._by_duration(comparison):
            part = batch.of(rows)
            response = self._respond(
                part.weights,
                part.params,
                duration=duration,
                connectome=part.connectome,
                seed=part.seed,
                lengths=part.lengths,
                comparison=part.comparison,
            )
            found = _put(found, len(seed), rows, _expected(response))
        flagged = np.flatnonzero(np.any([found.marks[name] for name in FLAG_MARKS], axis=0))
        if self._simulate_batch is not None and len(flagged):
            part = batch.of(flagged)
            run = self._simulate_batch(
                part.weights, part.connectome, part.params, part.seed, part.lengths, part.comparison
            )
            _put(found, len(seed), flagged, _simulated(run, found, flagged))
        return found

    def _by_duration(self, comparison):
        """Seconds of the scans that candidates are compared with, and the rows of each."""
        lengths = np.array([self._duration_of(target.layout) for target in comparison.targets])
        lengths = lengths[comparison.index]
        return [(float(length), np.flatnonzero(lengths == length)) for length in np.unique(lengths)]

    def _duration_of(self, layout):
        if layout is None:
            return self._duration
        volumes = int(sum(piece.mask.sum() for piece in layout.pieces))
        return float(exact(self._burn_in) + volumes * exact(self._repetition_time))


@dataclass(frozen=True, eq=False)
class _Batch:
    """Arguments of a simulator."""

    weights: np.ndarray
    connectome: np.ndarray
    params: dict
    seed: np.ndarray
    lengths: np.ndarray | None
    comparison: Comparison

    def of(self, rows):
        """Some of the candidates."""
        return replace(
            self,
            connectome=self.connectome[rows],
            params={name: values[rows] for name, values in self.params.items()},
            seed=np.asarray(self.seed)[rows],
            comparison=replace(self.comparison, index=np.asarray(self.comparison.index)[rows]),
        )


def _expected(response):
    """Expected scores; those that are flagged have none."""
    flagged = response.flagged
    return Scored(
        status=np.where(flagged, DIVERGED, 0),
        scores={name: np.where(flagged, np.nan, values) for name, values in response.expected.items()},
        state_means=response.state_means,
        marks={
            SIMULATED: np.zeros(len(flagged)),
            GROWTH: response.growth,
            **{f"flag_{name}": response.flags[name].astype(float) for name in FLAGS},
        },
    )


def _simulated(run, expected, rows):
    """What came of simulations, beside the marks that made them necessary."""
    marks = {name: values[rows] for name, values in expected.marks.items()}
    return Scored(
        status=np.asarray(run.status),
        scores={name: run.scores[name] for name in expected.scores},
        state_means={name: run.state_means[name] for name in expected.state_means},
        marks=marks | {SIMULATED: np.ones(len(rows))},
    )


def _put(whole, size, rows, part):
    """Put some candidates into their places among all; `whole` is None before the first."""
    if whole is None:
        whole = Scored(
            status=np.zeros(size, int),
            scores={name: np.full(size, np.nan) for name in part.scores},
            state_means={name: np.full((size, v.shape[1]), np.nan) for name, v in part.state_means.items()},
            marks={name: np.full(size, np.nan) for name in part.marks},
        )
    whole.status[rows] = part.status
    for kind in ("scores", "state_means", "marks"):
        for name, values in getattr(part, kind).items():
            getattr(whole, kind)[name][rows] = values
    return whole
