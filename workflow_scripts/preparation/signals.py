"""Is there a signal in a scan? Volumes without one, parcels that stand still, numbers that are none."""

import numpy as np

from cubnm_core.measures.distances import correlation

LARGEST = 1e15  # of a value: no scanner and no unit makes more, and squares of more overflow in time
SMALLEST = 1e-100  # of the largest value of a parcel: squares of less are 0
CONSTANT = 1e-10  # of the largest value: a difference below is rounding
FROZEN_VOLUMES = 5  # that are the same in all parcels, one after the other: no scan stands still for so long
FROZEN_STRETCH = 15  # volumes through which one parcel keeps a value
FEWEST_VOLUMES = 10  # of which a correlation says anything at all
ONE_SIGNAL = 1 - 1e-6  # correlation of parcels that hold the same signal
SHOWN = 5  # stretches and parcels that a message names
CENSORED = (
    "if they were censored, say so in the manifest (censoring: zeroed, or a row of kind mask with its "
    "run_id); otherwise give the scan again, or the part before as a file of its own"
)


def problems(counted, numbers):
    """Say why a scan as a whole means nothing.

    Parameters
    ----------
    counted : (V, N) array
        Volumes that count; NaN where there is no number.
    numbers : (V,) int array
        Their places in the file, from 0.

    Returns
    -------
    list of str
        Each with what was found and the remedy; empty for a scan with a signal.
    """
    if len(counted) < FEWEST_VOLUMES:
        return [
            f"{len(counted)} volumes are left, and {FEWEST_VOLUMES} are the fewest of which a correlation "
            "says anything; give a longer scan, or delete its row"
        ]
    if too_large := _overflow(counted, numbers):
        return [too_large]
    present = np.isfinite(counted).any(axis=0)
    if not present.any():
        return ["it holds no number at all; write the scan again"]
    inside = counted[:, present]
    found = [
        f"{_stretches(wrong, numbers)} {what}; {CENSORED}"
        for what, wrong in (
            ("hold no number in any parcel", ~np.isfinite(inside).any(axis=1)),
            ("are 0 in all parcels", np.isfinite(inside).any(axis=1) & ~np.nan_to_num(inside).any(axis=1)),
            ("repeat the volume before in all parcels", _repeated(inside)),
        )
        if wrong.any()
    ]
    return found or _one_signal(inside)


def still(counted):
    """Say which parcels have no signal: they keep a value for the whole scan, or for a long stretch of it.

    Parameters
    ----------
    counted : (V, N) array

    Returns
    -------
    flat, frozen : (N,) bool arrays
        For the whole scan, and for a stretch only; neither for parcels with missing values.
    """
    usable = np.isfinite(counted).all(axis=0)
    values = np.where(usable, counted, 0.0)
    size = np.abs(values).max(axis=0, initial=0.0)
    flat = usable & ((size < SMALLEST) | (np.ptp(values, axis=0) <= CONSTANT * size))
    same = np.abs(np.diff(values, axis=0)) <= CONSTANT * size
    longest = np.array([_longest(column) for column in same.T], dtype=int)
    return flat, usable & ~flat & (longest + 1 >= FROZEN_STRETCH)


def _overflow(counted, numbers):
    """Name the first value that is no measurement: infinite, or larger than any unit makes it."""
    wrong = np.isinf(counted) | (np.abs(np.nan_to_num(counted)) > LARGEST)
    if not wrong.any():
        return None
    volume, parcel = np.argwhere(wrong)[0]
    return (
        f"{np.count_nonzero(wrong)} values are too large to be measured, the first in volume "
        f"{numbers[volume]} (counted from 0) is {counted[volume, parcel]:g}: they have overflowed; write the "
        "scan again"
    )


def _repeated(inside):
    """Mark the volumes of stretches through which every parcel keeps its value, their first one left out."""
    values = np.nan_to_num(inside)
    same = (np.abs(np.diff(values, axis=0)) <= CONSTANT * np.abs(values).max(axis=0)).all(axis=1)
    same &= values[1:].any(axis=1)  # zeros are told as such
    marked = np.zeros(len(inside), dtype=bool)
    for first, stop in _runs(same):
        marked[first + 1 : stop + 1] = stop - first + 1 >= FROZEN_VOLUMES
    return marked


def _one_signal(inside):
    """Say so if all parcels that vary hold the same signal, whatever its sign and size."""
    varying = inside[:, np.isfinite(inside).all(axis=0)]
    varying = varying[:, np.ptp(varying, axis=0) > 0]
    if varying.shape[1] < 2:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = correlation(varying.T[1:], varying[:, 0])
    if not (np.abs(alike) > ONE_SIGNAL).all():
        return []
    return [
        f"all {varying.shape[1]} parcels hold the same signal, so every correlation is 1; extract the "
        "signals of the parcels again"
    ]


def _stretches(marked, numbers):
    """Say how many volumes are marked, and where."""
    listed = [(numbers[first], numbers[stop - 1]) for first, stop in _runs(marked)]
    places = ", ".join(f"{first} to {last}" if first < last else f"{first}" for first, last in listed[:SHOWN])
    more = ", ..." if len(listed) > SHOWN else ""
    return (
        f"{np.count_nonzero(marked)} of {len(marked)} volumes, from volume {listed[0][0]} on (counted from "
        f"0; {places}{more}),"
    )


def _runs(marked):
    """List the stretches of a mask: first place, and the one after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _longest(marked):
    return max((stop - first for first, stop in _runs(marked)), default=0)
