"""What is seen of a linear network: its leading eigenvalue, FC, and expected scores."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.linear.expectation import expect_scores
from cubnm_core.linear.sampling import sample
from cubnm_core.linear.signals import Signal
from cubnm_core.linear.spectra import lagged_covariance
from cubnm_core.linear.stability import leading_eigenvalue
from cubnm_core.measures.comparison import Comparison


@dataclass(frozen=True)
class View:
    """What one network shows.

    Attributes
    ----------
    eigenvalue : complex
        With the largest real part, in 1/s; not a number without a fixed point.
    fc : (P,) array
        Expected in a scan; not numbers without a stable fixed point, as the scores.
    scores : dict of str to (float, float)
        Expectation and sampling SD.
    """

    eigenvalue: complex
    fc: np.ndarray
    scores: dict


@dataclass(frozen=True)
class LinearObserver:
    """From a linear network to what a scan of it is expected to show.

    Attributes
    ----------
    signal : Signal
    pair_index : tuple of (P,) int arrays
    comparison : Comparison or None
    tolerance : float
        Relative error of variances.
    """

    signal: Signal
    pair_index: tuple
    comparison: Comparison | None
    tolerance: float

    @property
    def terms(self):
        """Names of the scores."""
        return () if self.comparison is None else self.comparison.terms

    def look(self, row, network):
        """Describe the network of a row, or None where there is no fixed point."""
        eigenvalue = complex(np.nan) if network is None else leading_eigenvalue(network)
        if not eigenvalue.real < 0:
            unknown = np.full(len(self.pair_index[0]), np.nan)
            return View(eigenvalue, unknown, dict.fromkeys(self.terms, (np.nan, np.nan)))
        sampling = self.sample(network, eigenvalue)
        return View(eigenvalue, sampling.fc, self._scores(row, sampling))

    def sample(self, network, eigenvalue):
        """FC over scans of a stable network; see `cubnm_core.linear.sampling.Sampling`."""
        scale = _scale(network, eigenvalue)
        spectra, rule = self.signal.sampled_spectra(network, scale, self.tolerance)
        is_centred = self.signal.band_pass is None  # a band-pass leaves no mean to be subtracted
        return sample(spectra, rule.weights, self.pair_index, self.signal.duration, is_centred)

    def covariance(self, network, eigenvalue, lag, tolerance):
        """Covariance of the signal that FC is computed from, (N, N): of each node `lag` s later with each."""
        spectra, rule = self.signal.spectra(network, _scale(network, eigenvalue), tolerance, lag)
        return lagged_covariance(spectra, rule, lag)

    def _scores(self, row, sampling):
        if self.comparison is None:
            return {}
        target = self.comparison.targets[self.comparison.index[row]]
        return expect_scores(sampling, target.fc, self.terms)


def _scale(network, eigenvalue):
    """Where spectra change, in Hz: between the slowest deviation and the vessels' resonance."""
    slowest = abs(eigenvalue) / (2 * np.pi)
    resonance = slowest if network.filter is None else network.filter.scale
    return np.sqrt(min(slowest, resonance) * resonance)
