"""The coarsest time step that gives the scores of a fine one: paired over noise seeds, on one Brownian path.

Simulations of one seed lie on the same path whatever their step (see ``noise_step`` of
:func:`cubnm_core.simulation.simulation.simulate`), so that their scores differ by the step, not by the noise.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.comparison import Comparison, available
from cubnm_core.simulation.simulation import STATUS, simulate

#: Scores that are looked at, as far as a target has them.
TERMS = ("fc_corr", "fc_diff", "fc_normec", "fcd_ks")
#: Share of the SD over noise seeds that a step may move a score by.
LARGEST_SHIFT = 1 / 3
#: Standard errors that are added to a bias: the end of a one-sided 95 % interval.
ERRORS = 1.64
#: Fewest noise seeds from which an SD is estimated.
FEWEST_SEEDS = 3
#: Share of the points, those with the largest SD over seeds, that are looked at by themselves.
VARIABLE_SHARE = 0.25

_DIVERGED = next(code for code, name in STATUS.items() if name == "diverged")


@dataclass(frozen=True)
class Shift:
    """How far a step moves one score, in units of the score's SD over noise seeds.

    Attributes
    ----------
    dt : float
        In s.
    score : str
    points : str
        ``"all"``, or ``"variable"`` for those whose score varies most between seeds, as it does near an
        instability.
    bias : float
        Mean over points.
    error : float
        Its standard error, over seeds.
    spread : float
        Root mean square over points of their own bias, what sampling explains subtracted.
    difference, seed_sd : float
        Mean difference and root mean square SD over seeds in the units of the score.
    """

    dt: float
    score: str
    points: str
    bias: float
    error: float
    spread: float
    difference: float
    seed_sd: float

    @property
    def size(self):
        """What has to be small: the end of the interval of the bias, or the biases of single points."""
        return max(abs(self.bias) + ERRORS * self.error, self.spread)

    @property
    def is_small(self):
        """Whether the score is shown to be that of the fine step."""
        return self.size < LARGEST_SHIFT

    def __str__(self):
        where = "" if self.points == "all" else " where it varies most"
        return (
            f"{self.score}{where}: bias {self.bias:+.2f} (SE {self.error:.2f}), of single points "
            f"{self.spread:.2f}, in SD over seeds"
        )


@dataclass(frozen=True)
class Choice:
    """The step that was chosen.

    Attributes
    ----------
    dt : float
        In s.
    reasons : dict of float to str
        Why each coarser step was taken, or was not.
    shifts : tuple of Shift
        Of all coarser steps.
    """

    dt: float
    reasons: dict
    shifts: tuple


def choose_step(run, steps):
    """Choose the coarsest step whose scores are those of the finest.

    A step is taken where ``|bias| + 1.64 SE`` stays below a third of the SD over noise seeds for every score,
    over all points and over those where the score varies most, and the bias of single points does too.

    Parameters
    ----------
    run : callable
        ``run(dt)`` gives a dict of (points, seeds) arrays by score, NaN where a simulation diverged; as
        :func:`score_step` does.
    steps : sequence of float
        In s; the finest is what the others are compared with.

    Returns
    -------
    Choice
    """
    finest, *coarser = sorted(steps)
    fine, shifts, reasons, chosen = run(finest), [], {}, finest
    for dt in coarser:
        found, reasons[dt] = judge(fine, run(dt), dt)
        shifts += found
        if all(shift.is_small for shift in found) and found:
            chosen = dt
    return Choice(chosen, reasons, tuple(shifts))


def judge(fine, coarse, dt):
    """Say how far a step moves scores, and whether that is little.

    Parameters
    ----------
    fine, coarse : dict of str to (points, seeds) arrays
        Scores by name, at the finest step and at this one.
    dt : float
        In s.

    Returns
    -------
    list of Shift
        Empty where the step makes simulations diverge.
    str
        The reason in words.

    Raises
    ------
    InputError
        For fewer than three seeds, or if no point has a score at the finest step.
    """
    n_seeds = next(iter(fine.values())).shape[1]
    if n_seeds < FEWEST_SEEDS:
        raise InputError(f"{n_seeds} noise seeds give no SD; simulate {FEWEST_SEEDS} or more")
    shifts = []
    for score, values in fine.items():
        usable = np.isfinite(values).all(axis=1)
        if not usable.any():
            raise InputError(f"{score}: no point has a score under every seed at the finest step")
        lost = int((~np.isfinite(coarse[score][usable])).any(axis=1).sum())
        if lost:
            return [], f"refused: simulations of {lost} of {usable.sum()} points diverge or have no {score}"
        shifts += _shifts(values[usable], coarse[score][usable], dt, score)
    large = [shift for shift in shifts if not shift.is_small]
    if large:
        worst = max(large, key=lambda shift: shift.size)
        return shifts, f"refused: {worst}"
    return shifts, "taken: every score stays within a third of its SD over seeds"


def _shifts(fine, coarse, dt, score):
    """Shifts of one score over all points, and over those where it varies most."""
    varying = np.argsort(fine.std(axis=1, ddof=1))[-max(1, round(VARIABLE_SHARE * len(fine))) :]
    groups = {"all": np.arange(len(fine)), "variable": varying}
    return [_shift(fine[rows], coarse[rows], dt, score, name) for name, rows in groups.items()]


def _shift(fine, coarse, dt, score, points):
    differences, sd = coarse - fine, fine.std(axis=1, ddof=1)
    # A score that is the same under all seeds may not move at all.
    smallest = np.finfo(np.float32).eps * np.maximum(np.abs(fine).max(axis=1), np.finfo(float).tiny)
    relative = differences / np.maximum(sd, smallest)[:, None]
    n_seeds = relative.shape[1]
    own, own_error = relative.mean(axis=1), relative.std(axis=1, ddof=1) / np.sqrt(n_seeds)
    by_seed = relative.mean(axis=0)  # points share their noise: they are no independent samples
    return Shift(
        dt=dt,
        score=score,
        points=points,
        bias=float(own.mean()),
        error=float(by_seed.std(ddof=1) / np.sqrt(n_seeds)),
        spread=float(np.sqrt(max(0.0, (own**2 - own_error**2).mean()))),
        difference=float(differences.mean()),
        seed_sd=float(np.sqrt((sd**2).mean())),
    )


def score_step(model, weights, points, target, *, dt, noise_step, seeds, terms=TERMS, states=(), **keywords):
    """Scores of points at one step, under noise seeds that they share.

    Parameters
    ----------
    model, weights, keywords
        As of :func:`cubnm_core.simulation.simulation.simulate`.
    points : dict of str to (P,) or (P, N) arrays
        Values of parameters.
    target : cubnm_core.measures.objective.Target
        What simulations are compared with.
    dt, noise_step : float
        The step, and the one whose normals are summed, in s.
    seeds : (S,) sequence of int
    terms : tuple of str
        Of those that compare a simulation with the target; what the target does not allow is left out.
    states : tuple of str
        Recorded states, such as firing rates, whose means over time and nodes are scores too.

    Returns
    -------
    dict of str to (P, S) arrays
        NaN where a simulation diverged.
    """
    count, n_points = len(seeds), len(next(iter(points.values())))
    terms = tuple(name for name in available(target) if name in terms)
    run = simulate(
        model,
        weights,
        {name: np.repeat(values, count, axis=0) for name, values in points.items()},
        dt=dt,
        noise_step=noise_step,
        seed=np.tile(np.asarray(seeds), n_points),
        record=("state_means",),
        comparison=Comparison([target], np.zeros(count * n_points, int), terms),
        **keywords,
    )
    means = {f"mean {name}": run.state_means[name].mean(axis=1) for name in states}
    diverged = run.status == _DIVERGED
    return {
        name: np.where(diverged, np.nan, values).reshape(n_points, count)
        for name, values in {**run.scores, **means}.items()
    }
