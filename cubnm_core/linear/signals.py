"""From a network's cross-spectra to those that FC is computed from: sampled, filtered, regressed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from cubnm_core.linear.frequencies import Continuous, Rule, Sampled
from cubnm_core.linear.spectra import autocovariance
from cubnm_core.measures.connectivity import band_pass_sections

_FIRST, _LARGEST = 8, 1024  # intervals of a rule of frequencies
_SINGLE = 1e-4  # relative error of variances from which single precision is enough
_MEMORY = 5e8  # bytes that the spectra of one network may take
_MOST_ALIASES, _NEGLIGIBLE = 8, 1e-3  # and the share of the power at which they end
_FEW, _MANY = 3, 7  # frequencies through which aliases of BOLD are interpolated
_FAR = 2.0  # times its resonance: a Nyquist's frequency above which few are enough
_HIGHEST = 0.25  # of the sampling frequency: the scale of a sampled signal lies below


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

    def sampled_spectra(self, network, scale, tolerance):
        """Cross-spectra of the volumes of a scan, at as many frequencies as their integrals need.

        Parameters
        ----------
        network : cubnm_core.linear.spectra.LinearNetwork
        scale : float
            In Hz, where the network's spectra change.
        tolerance : float
            Relative error of variances.

        Returns
        -------
        spectra : (F, N, N) complex array
        rule : cubnm_core.linear.frequencies.Rule
        """
        if self.band_pass is None and not self._has_aliases(network):
            return self.spectra(network, scale, tolerance)
        return self._regress(*_refine(self._sampled_look(network, scale, tolerance), tolerance))

    def spectra(self, network, scale, tolerance, lag=0.0):
        """As `sampled_spectra`, but in continuous time where there is no band-pass; serves a lag in s."""
        look = _Look(_spectra_within(network, tolerance), Continuous(scale), network.weights.size)
        if self.band_pass is not None:
            look = self._sampled_look(network, scale, tolerance)
        return self._regress(*_refine(look, tolerance, lag))

    def _has_aliases(self, network):
        """Whether the network has power beyond half the sampling frequency that counts."""
        if network.filter is None:
            return True
        nyquist = 0.5 / self.repetition_time
        gain = np.abs(network.filter.gain(np.array([network.filter.scale, nyquist]))) ** 2
        return bool((gain[1] > _NEGLIGIBLE * gain[0]).any())

    def _sampled_look(self, network, scale, tolerance):
        scale = min(scale, _HIGHEST / self.repetition_time)
        if self.band_pass is not None:
            scale = np.sqrt(self.band_pass[0] * self.band_pass[1])
        fold = partial(self._fold, network, 2 * np.pi * scale)
        if network.filter is not None:
            fold = _FoldedBold(_spectra_within(network, tolerance), network.filter, self.repetition_time)
        look = partial(self._look_at_samples, fold)
        return _Look(look, Sampled(scale, self.repetition_time), network.weights.size)

    def _look_at_samples(self, fold, frequency):
        folded = fold(frequency)
        return folded if self.band_pass is None else self._filter_power(frequency)[:, None, None] * folded

    def _filter_power(self, frequency):
        """Gain of the filter in both directions, as power."""
        from scipy.signal import sosfreqz

        sections = band_pass_sections(self.n_volumes, self.repetition_time, self.band_pass)
        _, gain = sosfreqz(sections, worN=frequency, fs=1 / self.repetition_time)
        return np.abs(gain) ** 4

    def _fold(self, network, decay, frequency):
        """Spectra of a sampled signal without a haemodynamic filter: what lies beyond Nyquist's comes back.

        White noise leaves power that falls off slowly; its part, that of a first-order process, is folded in
        closed form.
        """
        diagonal = np.arange(len(network.weights))

        def rest(at):
            spectra = network.cross_spectra(at)
            spectra[:, diagonal, diagonal] -= network.white_power / (
                decay**2 + (2 * np.pi * at[:, None]) ** 2
            )
            return spectra

        folded = rest(frequency)
        for alias in range(1, _MOST_ALIASES + 1):
            shift = alias / self.repetition_time
            more = rest(shift + frequency) + rest(shift - frequency).conj()
            folded += more
            if np.abs(more).max() <= _NEGLIGIBLE * np.abs(folded).max():
                break
        turned, damped = 2 * np.pi * frequency * self.repetition_time, decay * self.repetition_time
        known = self.repetition_time / (2 * decay) * np.sinh(damped) / (np.cosh(damped) - np.cos(turned))
        folded[:, diagonal, diagonal] += known[:, None] * network.white_power
        return folded

    def _regress(self, spectra, rule):
        """Subtract from every node what the mean over all nodes explains of it, where that is asked for."""
        if self.global_signal == "kept":
            return spectra, rule
        nodes = spectra.shape[1]
        shared = np.tensordot(rule.weights, spectra, axes=1).real.sum(axis=1)
        projection = np.eye(nodes) - np.outer(shared / shared.sum(), np.ones(nodes))
        return projection @ spectra @ projection.T, rule


class _FoldedBold:
    """Spectra of sampled BOLD: what lies beyond Nyquist's frequency comes back below it.

    There BOLD has next to no power and spectra are smooth, so a polynomial through few frequencies gives what
    comes back.
    """

    def __init__(self, spectra_at, haemodynamic_filter, repetition_time):
        self.spectra_at, self.nyquist, self.aliases = spectra_at, 0.5 / repetition_time, None
        count = _FEW if self.nyquist > _FAR * haemodynamic_filter.scale else _MANY
        self.places = 0.5 - 0.5 * np.cos(np.pi * np.arange(count) / (count - 1))  # of Nyquist's frequency

    def __call__(self, frequency):
        """Spectra (F, N, N) at (F,) Hz."""
        spectra = self.spectra_at(frequency)
        if self.aliases is None:
            self.aliases = self._find_aliases(_NEGLIGIBLE * np.abs(spectra).max())
        spectra += np.tensordot(self._interpolation(frequency / self.nyquist), self.aliases, axes=1)
        return spectra

    def _interpolation(self, wanted):
        """Weights (F, A) of values at the places in a value at (F,) others, by Lagrange."""
        own = np.eye(len(self.places), dtype=bool)
        steps = np.where(own, 1.0, wanted[:, None, None] - self.places)
        return np.prod(steps / (self.places[:, None] - self.places + own), axis=2)

    def _find_aliases(self, negligible):
        """What comes back at the places, (A, N, N)."""
        shift, found = 2 * self.nyquist, 0.0
        at = self.nyquist * self.places
        for alias in range(1, _MOST_ALIASES + 1):
            both = np.concatenate([alias * shift + at, alias * shift - at])
            above, below = np.split(self.spectra_at(both), 2)
            more = above + below.conj()
            found = found + more
            if np.abs(more).max() <= negligible:
                break
        return found


@dataclass(frozen=True)
class _Look:
    """Spectra at given frequencies (F,) in Hz, the map that these come from, and entries of one spectrum."""

    at: Callable
    map: object
    size: int


def _spectra_within(network, tolerance):
    """Cross-spectra of a network as a function of the frequency, in the precision that is enough."""
    return partial(network.cross_spectra, dtype=np.complex64 if tolerance >= _SINGLE else np.complex128)


def _refine(look, tolerance, lag=0.0):
    """Double the frequencies until variances have converged, or memory ends."""
    rule = Rule(_FIRST, look.map)
    largest = min(_LARGEST, _MEMORY / look.size / np.dtype(complex).itemsize)
    spectra = look.at(rule.frequency)
    while not _converged(spectra, rule, tolerance, lag) and 2 * rule.intervals <= largest:
        rule = rule.doubled()
        finer = np.empty((rule.intervals + 1, *spectra.shape[1:]), spectra.dtype)
        finer[::2], finer[1::2] = spectra, look.at(rule.frequency[1::2])
        spectra = finer
    return spectra, rule


def _converged(spectra, rule, tolerance, lag):
    """Whether autocovariances have converged.

    Without a lag errors are squared where the number of points doubles.
    """
    power = np.einsum("fii->fi", spectra).real
    fine, coarse = (
        autocovariance(power, rule, weights, lag) for weights in (rule.weights, rule.coarse_weights)
    )
    error = np.max(np.abs(fine - coarse) / (rule.weights @ power))
    return (error if lag else error**2) <= tolerance
