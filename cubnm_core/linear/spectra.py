"""Cross-spectra of the observed signal of one network around its fixed point.

At each frequency the states of a node are eliminated exactly, which leaves one system of the coupling sums:
with delays as cheap as without. Covariances are integrals over frequencies (Wiener-Khinchin).
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.equations.small_systems import solve_small
from cubnm_core.linear.haemodynamic_filter import HaemodynamicFilter


@dataclass(frozen=True)
class LinearNetwork:
    """Slopes of one network: k states, S coupling sums, m noise terms, N nodes.

    Attributes
    ----------
    weights : (N, N) array
        ``weights[source, target]``.
    delays : (N, N) array or None
        In s.
    by_states : (k, k, N) array
        Slopes of the states' derivatives, in the model's time unit.
    by_sums : (k, S, N) array
    sent_by_states : (S, k, N) array
    noise : (k, m, N) array
    observed : (k, N) array
        Slopes of what is observed.
    unit : float
        The model's time unit in s.
    filter : HaemodynamicFilter or None
        From what is observed to BOLD; None where it is BOLD.
    """

    weights: np.ndarray
    delays: np.ndarray | None
    by_states: np.ndarray
    by_sums: np.ndarray
    sent_by_states: np.ndarray
    noise: np.ndarray
    observed: np.ndarray
    unit: float
    filter: HaemodynamicFilter | None = None

    @property
    def white_power(self):
        """Power of white noise at high frequencies, times the angular frequency squared: (N,)."""
        if self.filter is not None:
            return np.zeros(len(self.weights))
        return np.sum(np.einsum("kn,kmn->mn", self.observed, self.noise) ** 2, axis=0) / self.unit

    def local_responses(self, rotation):
        """Responses of the states of isolated nodes, (k, S, F, N) to sums and (k, m, F, N) to noise.

        `rotation` (F,) is the Laplace variable in the model's time unit, complex.
        """
        matrix = (
            np.eye(len(self.by_states))[:, :, None, None] * rotation[:, None] - self.by_states[:, :, None]
        )
        right = np.concatenate([self.by_sums, self.noise], axis=1)[:, :, None]
        right = np.broadcast_to(right, (*right.shape[:2], *matrix.shape[2:])).astype(complex)
        found = solve_small(matrix, right)
        sums = self.by_sums.shape[1]
        return found[:, :sums], found[:, sums:]

    def delayed_weights(self, laplace):
        """Weights with the delays at each value of the Laplace variable in 1/s, (F or 1, N, N)."""
        if self.delays is None:
            return self.weights[None]
        return self.weights * np.exp(-laplace[:, None, None] * self.delays)

    def cross_spectra(self, frequency, dtype=np.complex128):
        """Two-sided cross-spectral densities of the observed signals.

        Parameters
        ----------
        frequency : (F,) array
            In Hz.
        dtype : type, optional
            Of the spectra and the products that make them; systems are solved in double precision.

        Returns
        -------
        (F, N, N) complex array
            Per Hz; Hermitian.
        """
        laplace = 2j * np.pi * np.asarray(frequency, float)
        to_sums, to_noise = self.local_responses(laplace * self.unit)
        gain = 1.0 if self.filter is None else self.filter.gain(frequency)
        own = np.einsum("kn,kmfn->mfn", self.observed, to_noise) * gain
        spectra = np.zeros((len(laplace), *self.weights.shape), dtype)
        diagonal = np.arange(len(self.weights))
        spectra[:, diagonal, diagonal] = np.sum(np.abs(own) ** 2, axis=0)
        if self.by_sums.shape[1]:
            heard = np.einsum("kn,ksfn->sfn", self.observed, to_sums) * gain
            passed = np.einsum("skn,ktfn->fstn", self.sent_by_states, to_sums)
            sent = np.einsum("skn,kmfn->smfn", self.sent_by_states, to_noise)
            paths = self._paths(heard, passed, laplace).astype(dtype)
            self._add_coupled(spectra, paths, sent.astype(dtype), own.astype(dtype))
        return spectra * self.unit

    def _paths(self, heard, passed, laplace):
        """From what a source sends to a sum to what is observed of a target: (F, N, S, N)."""
        count, sums, _, nodes = passed.shape
        weights = self.delayed_weights(laplace).swapaxes(1, 2)  # target, source
        matrix = -(weights[:, None, :, None, :] * passed[:, :, None]).reshape(
            count, sums * nodes, sums * nodes
        )
        diagonal = np.arange(sums * nodes)
        matrix[:, diagonal, diagonal] += 1.0
        right = np.zeros((len(weights), sums, nodes, sums, nodes), weights.dtype)
        for each in range(sums):
            right[:, each, :, each] = weights
        right = right.reshape(-1, sums * nodes, sums * nodes)
        received = np.linalg.solve(matrix, np.broadcast_to(right, matrix.shape))
        received = received.reshape(count, sums, nodes, sums, nodes)
        return np.einsum("sfi,fsitj->fitj", heard, received)

    @staticmethod
    def _add_coupled(spectra, paths, sent, own):
        count, nodes, sums, _ = paths.shape
        power = np.einsum("smfn,tmfn->fstn", sent, sent.conj())
        weighted = np.einsum("fitj,ftsj->fisj", paths, power) if sums > 1 else paths * power.real
        flat = paths.reshape(count, nodes, sums * nodes)
        spectra += weighted.reshape(count, nodes, sums * nodes) @ flat.conj().swapaxes(1, 2)
        mixed = np.einsum("fisj,fsj->fij", paths, np.einsum("smfj,mfj->fsj", sent, own.conj()))
        spectra += mixed
        spectra += mixed.conj().swapaxes(1, 2)


def lagged_covariance(spectra, rule, lag=0.0):
    """Covariance of every node with every node some time later.

    Parameters
    ----------
    spectra : (F, N, N) complex array
    rule : cubnm_core.linear.frequencies.Rule
    lag : float
        In s.

    Returns
    -------
    (N, N) array
        Of ``x_i(t + lag)`` with ``x_j(t)``.
    """
    turn = rule.weights * np.exp(2j * np.pi * rule.frequency * lag)
    covariance = np.tensordot(turn, spectra, axes=1).real
    own = np.einsum("fii->fi", spectra).real
    covariance[np.diag_indices(len(covariance))] = autocovariance(own, rule, rule.weights, lag)
    return covariance


def autocovariance(power, rule, weights, lag=0.0):
    """Covariance of every node with itself some time later, (N,), from power spectra (F, N)."""
    known, integral = rule.map.tail(power, rule.frequency, lag)
    return integral + (weights * np.cos(2 * np.pi * rule.frequency * lag)) @ (power - known)
