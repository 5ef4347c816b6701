"""Power spectra of BOLD."""

import numpy as np

from cubnm_core.errors import InputError

SEGMENT = 100.0  # s: frequencies are a hundredth of a Hz apart


def power_spectrum(scan):
    """Share of the power at every frequency but 0, averaged over nodes: (F,), with a sum of 1.

    Welch's method (Welch 1967, doi:10.1109/TAU.1967.1161901) with segments of 100 s that overlap by half.

    Raises
    ------
    InputError
        If the scan is shorter than a segment.
    """
    from scipy.signal import welch

    length = _segment(scan.repetition_time)
    if len(scan.bold) < length:
        raise InputError(
            f"{len(scan.bold)} volumes are fewer than the {length} of a segment of {SEGMENT:g} s, which the "
            "power spectrum needs: simulate longer, give a longer scan, or do without it"
        )
    scan.check_volumes(np.count_nonzero(scan.counted))
    _, power = welch(scan.filled, fs=1 / scan.repetition_time, nperseg=length, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (power[1:] / power[1:].sum(axis=0)).mean(axis=1)


def mean_frequency(shares, repetition_time):
    """Mean frequency of a spectrum in Hz."""
    frequencies = np.arange(1, len(shares) + 1) / (_segment(repetition_time) * repetition_time)
    return float(shares @ frequencies)


def _segment(repetition_time):
    return round(SEGMENT / repetition_time)
