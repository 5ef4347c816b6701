"""From a network's cross-spectra to those that FC is computed from: sampled, filtered, regressed."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.linear.frequencies import Continuous, Rule, Sampled
from cubnm_core.linear.spectra import autocovariance
from cubnm_core.measures.connectivity import band_pass_sections

_FIRST, _LARGEST = 8, 1024  # intervals of a rule of frequencies
_MEMORY = 5e8  # bytes that the spectra of one network may take
_MOST_ALIASES, _NEGLIGIBLE = 8, 1e-4  # and the share of the power at which they end


@dataclass(frozen=True)
class Signal:
    """What happens to the observed signal before FC.

    Attributes
    ----------
    repetition_time : float
        In s.
    n_volumes : int
        After the burn-in.
    band_pass : (low, high) or (low, high, order), or None
        In Hz; see `cubnm_core.measures.connectivity.band_pass`.
    global_signal : {"kept", "regressed"}
    """

    repetition_time: float
    n_volumes: int
    band_pass: tuple | None = None
    global_signal: str = "kept"

    @property
    def duration(self):
        """In s."""
        return self.n_volumes * self.repetition_time

    def spectra(self, network, scale, tolerance, lag=0.0):
        """Cross-spectra at as many frequencies as their integrals need.

        Parameters
        ----------
        network : cubnm_core.linear.spectra.LinearNetwork
        scale : float
            In Hz, where the network's spectra change.
        tolerance : float
            Relative error of variances.
        lag : float, optional
            In s; of the covariances that the frequencies have to serve.

        Returns
        -------
        spectra : (F, N, N) complex array
        rule : cubnm_core.linear.frequencies.Rule
        """
        rule = Rule(_FIRST, self._map(scale))
        largest = min(_LARGEST, _MEMORY / network.weights.size / np.dtype(complex).itemsize)
        spectra = self._look(network, rule.frequency)
        while not _converged(spectra, rule, tolerance, lag) and 2 * rule.intervals <= largest:
            rule = rule.doubled()
            finer = np.empty((rule.intervals + 1, *spectra.shape[1:]), complex)
            finer[::2], finer[1::2] = spectra, self._look(network, rule.frequency[1::2])
            spectra = finer
        if self.global_signal == "regressed":
            spectra = _regress_mean(spectra, rule)
        return spectra, rule

    def _map(self, scale):
        if self.band_pass is None:
            return Continuous(scale)
        return Sampled(np.sqrt(self.band_pass[0] * self.band_pass[1]), self.repetition_time)

    def _look(self, network, frequency):
        if self.band_pass is None:
            return network.cross_spectra(frequency)
        return self._filter_power(frequency)[:, None, None] * self._fold(network, frequency)

    def _filter_power(self, frequency):
        """Gain of the filter in both directions, as power."""
        from scipy.signal import sosfreqz

        sections = band_pass_sections(self.n_volumes, self.repetition_time, self.band_pass)
        _, gain = sosfreqz(sections, worN=frequency, fs=1 / self.repetition_time)
        return np.abs(gain) ** 4

    def _fold(self, network, frequency):
        """Spectra of the sampled signal: what lies beyond Nyquist's frequency comes back below it."""
        folded = network.cross_spectra(frequency)
        for alias in range(1, _MOST_ALIASES + 1):
            shift = alias / self.repetition_time
            more = network.cross_spectra(shift + frequency) + network.cross_spectra(shift - frequency).conj()
            folded = folded + more
            if _power(more).max() <= _NEGLIGIBLE * _power(folded).max():
                break
        return folded


def _power(spectra):
    return np.einsum("fii->fi", spectra).real


def _converged(spectra, rule, tolerance, lag):
    """Whether autocovariances have converged.

    Without a lag errors are squared where the number of points doubles.
    """
    power = _power(spectra)
    fine, coarse = (
        autocovariance(power, rule.frequency, weights, lag) for weights in (rule.weights, rule.coarse_weights)
    )
    error = np.max(np.abs(fine - coarse) / (rule.weights @ power))
    return (error if lag else error**2) <= tolerance


def _regress_mean(spectra, rule):
    """Subtract from every node what the mean over all nodes explains of it."""
    nodes = spectra.shape[1]
    shared = np.tensordot(rule.weights, spectra, axes=1).real.sum(axis=1)
    projection = np.eye(nodes) - np.outer(shared / shared.sum(), np.ones(nodes))
    return projection @ spectra @ projection.T
