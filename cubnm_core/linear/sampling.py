"""What a scan of finite length adds: bias and sampling covariance of the FC of a stationary Gaussian signal.

Correlations of autocorrelated series: Roy 1989 (doi:10.1093/biomet/76.4.824), Afyouni et al. 2019
(doi:10.1016/j.neuroimage.2019.05.011). Covariances of products follow from Isserlis' theorem, in the
frequency domain, so that no matrix of edges by edges is needed: sums over all pairs of edges are traces.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sampling:
    """FC over a scan: its expectation, and how it scatters between scans of the same network.

    Attributes
    ----------
    fc : (P,) array
        Expected, for a scan of this length.
    variance : (P,) array
        Of each edge.
    """

    fc: np.ndarray
    variance: np.ndarray
    _normalised: np.ndarray
    _weights: np.ndarray
    _correlation: np.ndarray
    _pair_index: tuple
    _duration: float

    def covariances(self, combinations):
        """Sampling covariances of weighted sums of edges.

        Parameters
        ----------
        combinations : (K, P) array
            Weights of the edges.

        Returns
        -------
        (K, K) array
        """
        # The trace of Q S Q' S is real: products of real parts less products of imaginary parts. Single
        # precision is enough for an SD.
        forms = np.stack([self._quadratic_form(row) for row in combinations]).astype(np.float32)
        count, nodes = forms.shape[:2]
        flat, total = forms.reshape(count * nodes, nodes), np.zeros((count, count))
        for weight, spectrum in zip(self._weights, self._normalised.astype(np.complex64), strict=True):
            parts = (flat @ np.concatenate([spectrum.real, spectrum.imag], axis=1)).reshape(
                count, nodes, 2, nodes
            )
            real, imaginary = (np.ascontiguousarray(parts[:, :, each]) for each in (0, 1))
            for product, sign in ((real, 1.0), (imaginary, -1.0)):
                turned = product.swapaxes(1, 2).reshape(count, -1)
                total += sign * weight * (product.reshape(count, -1) @ turned.T)
        return 2 * total / self._duration

    def _quadratic_form(self, edges):
        """The symmetric matrix Q for which ``x' Q x`` changes as a weighted sum of correlations does."""
        matrix = np.zeros_like(self._correlation)
        matrix[self._pair_index] = edges / 2
        matrix += matrix.T
        return matrix - np.diag((matrix * self._correlation).sum(axis=1))


def sample(spectra, weights, pair_index, duration, centred=True):
    """Describe the FC of scans of a stationary Gaussian signal.

    Parameters
    ----------
    spectra : (F, N, N) complex array
        Two-sided cross-spectral densities per Hz; the first is that of frequency 0.
    weights : (F,) array
        Of a `cubnm_core.linear.frequencies.Rule`.
    pair_index : tuple of (P,) int arrays
    duration : float
        Of the scan in s.
    centred : bool, optional
        Whether the mean over the scan is subtracted, with which slow fluctuations go.

    Returns
    -------
    Sampling
    """
    whole = np.tensordot(weights, spectra, axes=1).real
    covariance = whole - spectra[0].real / duration if centred else whole
    scale = 1 / np.sqrt(np.diag(whole))
    normalised = spectra * np.outer(scale, scale)
    correlation = whole * np.outer(scale, scale)
    own = 1 / np.sqrt(np.diag(covariance))
    variance, bias = _moments(normalised, weights, correlation, duration)
    expected = covariance * np.outer(own, own) + bias
    return Sampling(
        fc=expected[pair_index],
        variance=variance[pair_index],
        _normalised=normalised,
        _weights=weights,
        _correlation=correlation,
        _pair_index=pair_index,
        _duration=duration,
    )


def _moments(normalised, weights, correlation, duration):
    """Variance and bias of every correlation, (N, N), to first order in one over the duration."""
    power = np.einsum("fii->fi", normalised).real
    weighted = power * weights[:, None]
    both = np.einsum("f,fij->ij", weights, normalised.real**2 - normalised.imag**2)
    products = (weighted.T @ power + both) / duration  # of covariances
    mixed = 2 * np.einsum("fi,fij->ij", weighted, normalised.real) / duration  # with the row's variance
    variances = 2 * np.einsum("fi,fi->i", weighted, power) / duration
    shared = 2 * np.einsum("f,fij->ij", weights, normalised.real**2 + normalised.imag**2) / duration
    ends = variances[:, None] + variances[None]
    variance = products + 0.25 * correlation**2 * (ends + 2 * shared) - correlation * (mixed + mixed.T)
    bias = correlation * (0.375 * ends + 0.25 * shared) - 0.5 * (mixed + mixed.T)
    return variance, bias
