"""Averages of simulations that are scored in place of single ones: FC averaged, FCD pooled.

That is how Kong et al. 2021 (doi:10.1038/s41467-021-26704-y) and Zhang et al. 2024
(doi:10.1073/pnas.2318641121) score: noise that differs between runs cancels before the comparison, not after.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures import rates
from cubnm_core.measures.objective import DIVERGED, FIC_FAILED, has_failed


@dataclass(frozen=True, eq=False)
class Run:
    """One simulation, or an average of several, in the form that an objective scores.

    Attributes
    ----------
    status : (1,) int array
    fc : (1, P) array
    fcd : (1, K) array or None
        Of an average the values of all its simulations, whose distribution function is the mean of theirs.
    state_means : dict of str to (1, N) array
    """

    status: np.ndarray
    fc: np.ndarray
    fcd: np.ndarray | None
    state_means: dict


def sets(count, size):
    """Part simulations into averages of one size.

    Parameters
    ----------
    count, size : int
        Fewer than `size` are one average; what is left over joins the others.

    Returns
    -------
    (count,) int array
        The average that every simulation belongs to, from 0.

    Raises
    ------
    InputError
        For a size below 1.
    """
    if size < 1:
        raise InputError(f"An average is of at least one simulation, not of {size}.")
    parts = np.array_split(np.arange(count), max(1, count // size))
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def average(runs, band=None):
    """Average simulations.

    Parameters
    ----------
    runs : list of Run
    band : (low, high), optional
        Mean firing rates ``r_E`` in Hz. A simulation with a node outside is left out, and so is one that
        diverged.

    Returns
    -------
    Run
        FC and FCD are NaN, and it has failed, where no simulation is left; state means are then those of all.
    """
    kept = [run for run in runs if _counts(run, band)]
    means = {
        name: np.mean([run.state_means[name] for run in kept or runs], axis=0) for name in runs[0].state_means
    }
    if not kept:
        diverged = any(has_failed(run.status).any() for run in runs)
        status = np.array([DIVERGED if diverged else FIC_FAILED])
        missing = None if runs[0].fcd is None else np.full_like(runs[0].fcd, np.nan)
        return Run(status, np.full_like(runs[0].fc, np.nan), missing, means)
    fcd = None if kept[0].fcd is None else np.concatenate([run.fcd for run in kept], axis=1)
    fc = np.mean([run.fc for run in kept], axis=0, dtype=np.float64)
    return Run(np.min([run.status for run in kept], axis=0), fc, fcd, means)


def _counts(run, band):
    """Whether a simulation enters its average."""
    if has_failed(run.status).any() or not np.isfinite(run.fc).all():
        return False
    if band is None or "r_E" not in run.state_means:
        return True
    return not rates.violations(run.state_means["r_E"], band).any()


class Averaging:
    """Takes in simulations as they come, and hands every average on as soon as its last simulation is there.

    Parameters
    ----------
    owner : (B,) int array
        The average that every simulation belongs to, from 0.
    bands : sequence of (low, high) or None
        Of every average; see :func:`average`.
    take : callable
        ``take(rows, run)`` takes in what came of one average, as if it were one simulation: its number as a
        (1,) array, and the Run.
    """

    def __init__(self, owner, bands, take):
        self._owner, self._bands, self._take = owner, bands, take
        self._sizes, self._waiting, self._done = np.bincount(owner), {}, set()

    def __call__(self, rows, run):
        """Take in the simulations of one call, as a packer gives them."""
        for place, row in enumerate(rows):
            number = int(self._owner[row])
            if number in self._done:  # comes again because memory ran out later in its call
                continue
            mine = self._waiting.setdefault(number, {})
            mine[row] = _single(run, place)
            if len(mine) == self._sizes[number]:
                found = average([mine[each] for each in sorted(mine)], self._bands[number])
                self._take(np.array([number]), found)
                self._done.add(number)
                del self._waiting[number]


def _single(run, place):
    """One simulation of a batch, in memory of its own, so that the others need not stay."""
    own = slice(place, place + 1)
    return Run(
        status=np.array(run.status[own]),
        fc=np.array(run.fc[own]),
        fcd=None if run.fcd is None else np.array(run.fcd[own]),
        state_means={name: np.array(values[own]) for name, values in (run.state_means or {}).items()},
    )
