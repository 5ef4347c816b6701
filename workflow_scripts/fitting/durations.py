"""How long people are simulated, and which volumes count: as many as of their scans, or as it is stated."""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.pieces import lay_out
from cubnm_core.simulation.schedule import exact
from workflow_scripts.configuration.simulation import MATCH

#: Bias of the KS distance for every unit by which the shares of overlapping windows differ, as of rWW
#: compared with itself; see benchmarks/results/duration_bias.md.
BIAS_OF_OVERLAP = 0.8
FEWEST = 10  # volumes that count, as in the preparation of scans
WORTH_TELLING = 0.02  # of this bias
UNKNOWN = "nothing says how long the scans are, which simulation.duration: match needs; state a duration in s"


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one split.

    Attributes
    ----------
    volumes : list of int
        Of every run, or part of one.
    kept : (sum of volumes,) bool array or None
        Which were not censored; None where all were not.
    """

    volumes: list
    kept: np.ndarray | None = None

    @property
    def longest(self):
        """Volumes of the longest run."""
        return max(self.volumes)


def read_runs(record, arrays):
    """Give the runs that a target was made of; None where the archive does not say.

    Parameters
    ----------
    record : dict
        Of a target.
    arrays : dict of str to array

    Returns
    -------
    Runs or None
    """
    volumes = record.get("run_volumes")
    if not volumes:
        return None
    kept = arrays.get("kept")
    return Runs(volumes, None if kept is None else np.asarray(kept, dtype=bool))


def matched_volumes(runs):
    """Volumes of a simulation, after its burn-in, that holds the runs of any split one behind the other.

    Parameters
    ----------
    runs : list of Runs or None
        Of every split.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If nobody knows how long some are.
    """
    if not runs or any(mine is None for mine in runs):
        raise InputError(UNKNOWN)
    return max(sum(mine.volumes) for mine in runs)


def duration_of(volumes, burn_in, repetition_time):
    """Seconds of a simulation, burn-in included, of so many volumes after the burn-in."""
    return float(exact(burn_in) + volumes * exact(repetition_time))


def simulated_volumes(duration, burn_in, repetition_time):
    """Volumes of a simulation after its burn-in; all in s."""
    all_of_them, before = (int(exact(seconds) / exact(repetition_time)) for seconds in (duration, burn_in))
    return all_of_them - before


def settle(targets, runs, repetition_time, settings, volumes=None):
    """Decide how long a person is simulated, and what of it is compared with which target.

    Parameters
    ----------
    targets : dict of str to Target
        By split.
    runs : dict of str to Runs or None
        By split.
    repetition_time : float
        In s.
    settings : dict
        Resolved settings of a fit.
    volumes : int, optional
        After the burn-in, where a simulation that is to match others' runs as well is longer.

    Returns
    -------
    targets : dict of str to Target
        With their layouts. A target that all of the simulation is compared with has none.
    duration : float
        In s, burn-in included.

    Raises
    ------
    InputError
        If the duration is to match runs whose length nobody knows.
    """
    simulation, share = settings["simulation"], settings["analysis"]["censored_share"]
    duration, is_matched = simulation["duration"], simulation["duration"] == MATCH
    if is_matched:
        volumes = volumes or matched_volumes([runs.get(split) for split in targets])
        duration = duration_of(volumes, simulation["burn_in"], repetition_time)
    else:
        volumes = simulated_volumes(duration, simulation["burn_in"], repetition_time)
    whole_only = "averaged_runs" in settings  # averages are compared as they are published: as a whole
    found = {}
    for split, target in targets.items():
        layout = None if whole_only else _layout(runs.get(split), volumes, is_matched, share)
        whole = layout is None or layout.is_whole(volumes)
        layout = None if whole else layout
        found[split] = target if target.layout == layout else replace(target, layout=layout)
    return found, duration


def settle_together(people, repetition_time, settings):
    """The same for people whose scans are all compared with the same simulations.

    Parameters
    ----------
    people : list of workflow_scripts.fitting.people.Person
    repetition_time : float
        Of the simulations, in s; runs sampled otherwise count by their length in s.
    settings : dict
        Resolved settings of a fit.

    Returns
    -------
    targets : list of dict of str to Target
    duration : float
        In s, burn-in included.
    """
    resampled = [
        {
            split: _resampled(mine, person.repetition_time, repetition_time)
            for split, mine in person.runs.items()
        }
        for person in people
    ]
    volumes = None
    if settings["simulation"]["duration"] == MATCH:
        volumes = matched_volumes([mine for runs in resampled for mine in runs.values()])
    settled = [
        settle(person.targets, runs, repetition_time, settings, volumes)
        for person, runs in zip(people, resampled, strict=True)
    ]
    return [targets for targets, _ in settled], settled[0][1]


def _resampled(runs, before, after):
    """Runs at another repetition time."""
    if runs is None or before == after:
        return runs
    volumes = [max(1, round(length * before / after)) for length in runs.volumes]
    if runs.kept is None:
        return Runs(volumes)
    stretches = np.split(runs.kept, np.cumsum(runs.volumes)[:-1])
    kept = [
        mine[np.arange(length) * len(mine) // length] for mine, length in zip(stretches, volumes, strict=True)
    ]
    return Runs(volumes, np.concatenate(kept))


def _layout(runs, volumes, is_matched, share):
    """Pieces of a simulation of so many volumes that are compared with the runs of one split."""
    if is_matched:
        return lay_out(runs.volumes, runs.kept, share)
    if runs is None or runs.kept is None or runs.kept.all():
        return None
    kept = np.resize(runs.kept, volumes)  # repeated, or cut off at the end
    if np.count_nonzero(kept) < FEWEST:
        raise InputError(
            f"simulations have {volumes} volumes after the burn-in, and all but {np.count_nonzero(kept)} of "
            "the first ones of the scan are censored; simulate longer (simulation.duration: match)"
        )
    return lay_out([volumes], kept, share)


def hashed_layout(layout):
    """Give a layout as what fingerprints can hold."""
    pieces = [[piece.start, piece.stop, piece.mask] for piece in layout.pieces]
    return [pieces, layout.censored_share]


def expected_bias(one, other, window):
    """Say how far the FCDs of a short and of a long series of the same dynamics are apart.

    Windows that overlap are alike, and they are the larger a part of all pairs of windows the shorter the
    series is.

    Parameters
    ----------
    one, other : float
        Lengths of run and simulation in s.
    window : float
        In s.

    Returns
    -------
    float
        Of the KS distance, nearly.
    """
    shares = [1 - max(0.0, 1 - window / max(length - window, window)) ** 2 for length in (one, other)]
    return BIAS_OF_OVERLAP * abs(shares[0] - shares[1])


def warnings(people, settings):
    """Say whose runs differ in length from simulations of a stated duration, and what follows.

    Parameters
    ----------
    people : iterable of workflow_scripts.fitting.people.Person
    settings : dict
        Resolved settings of the fit.

    Returns
    -------
    list of str
        One for all people alike.
    """
    if settings["simulation"]["duration"] == MATCH:
        return []
    simulation, window, found = settings["simulation"], settings["analysis"]["window"], {}
    for person in people:
        runs, time = person.runs.get("train"), person.repetition_time
        if runs is None or person.targets["train"].binned_fcd is None:
            continue
        volumes = simulated_volumes(simulation["duration"], simulation["burn_in"], time)
        lengths = runs.longest * time, volumes * time
        if expected_bias(*lengths, window) >= WORTH_TELLING:
            found.setdefault(lengths, []).append(person.unit.name)
    return [
        f"{len(names)} people ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''}): runs of {run:g} s "
        f"are compared with simulations of {simulated:g} s, which adds about "
        f"{expected_bias(run, simulated, window):.2f} to the distance of the FCD (fcd_ks) of a model that is "
        "right; simulation.duration: match compares equal lengths"
        for (run, simulated), names in found.items()
    ]
