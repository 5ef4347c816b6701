"""Covariance at a lag of one volume, and how long signals remember themselves."""

import numpy as np


def lagged_covariance(scan):
    """Covariance of every node with every other one volume later, over both standard deviations: (2 P,).

    First from the second node of every pair of the FC to the first one, then the other way round. With the FC
    it is what Gilson et al. 2016 (doi:10.1371/journal.pcbi.1004762) fit directed connections to.
    """
    both = scan.counted[:-1] & scan.counted[1:]
    scan.check_volumes(np.count_nonzero(both), " that have a neighbour in time")
    series = np.zeros_like(scan.bold, dtype=np.float64)
    series[scan.counted] = scan.standard
    matrix = series[:-1][both].T @ series[1:][both] / np.count_nonzero(both)
    rows, cols = scan.regions.pair_index
    return np.concatenate([matrix[cols, rows], matrix[rows, cols]])


def timescales(scan):
    """Intrinsic time scale of every node, (N,) in s.

    The area under the autocorrelation up to where it first falls to zero, by trapezia, as in Watanabe et al.
    2019 (doi:10.7554/eLife.42256); for a signal that forgets exponentially nearly its time constant.
    """
    scan.check_volumes(np.count_nonzero(scan.counted))
    series = scan.filled - scan.filled.mean(axis=0)
    n_volumes = len(series)
    power = np.abs(np.fft.rfft(series, 2 * n_volumes, axis=0)) ** 2
    correlation = np.fft.irfft(power, axis=0)[:n_volumes]
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = correlation / correlation[0]
    positive = np.logical_and.accumulate(correlation > 0, axis=0)
    return (np.sum(correlation, axis=0, where=positive) - 0.5) * scan.repetition_time
