"""A baseline between wiring and dynamics: FC of noise that spreads linearly along the connectome.

Galán 2008, doi:10.1371/journal.pone.0002148.
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.evidence.evaluation import fc_correlation

# Candidates for the coupling as shares of where activity would grow without bound; refined around the best.
_SHARES = np.concatenate([np.linspace(0.05, 0.95, 10), [0.98, 0.995]])


@dataclass(frozen=True)
class Diffusion:
    """FC of ``dx/dt = (g C - 1) x + noise`` with the same independent white noise in every region.

    Attributes
    ----------
    coupling : float
        g, for a connectome whose spectral radius is 1; below 1.
    fc : (P,) array
    """

    coupling: float
    fc: np.ndarray


def diffusion(weights, fc, pair_index):
    """Find the coupling of the linear model whose stationary FC correlates best with a scan's.

    Parameters
    ----------
    weights : (N, N) array
        ``weights[source, target]``; scaled to a spectral radius of 1 here.
    fc : (P,) array
        Of training scans.
    pair_index : tuple of (P,) int arrays

    Returns
    -------
    Diffusion or None
        None where the connectome has no loop along which activity could spread and return.
    """
    from scipy.optimize import minimize_scalar

    radius = np.abs(np.linalg.eigvals(weights)).max()
    if not radius > 0:
        return None
    covariance = _stationary_covariance(weights / radius)

    def predicted(coupling):
        found = covariance(coupling)
        spread = np.sqrt(np.diag(found))
        return (found / np.outer(spread, spread))[pair_index]

    def disagreement(coupling):
        return -np.nan_to_num(fc_correlation(predicted(coupling), fc), nan=-1.0)

    best = int(np.argmin([disagreement(share) for share in _SHARES]))
    around = _SHARES[max(best - 1, 0)], _SHARES[min(best + 1, len(_SHARES) - 1)]
    coupling = float(minimize_scalar(disagreement, bounds=around, method="bounded").x)
    return Diffusion(coupling, predicted(coupling))


def _stationary_covariance(weights):
    """A function from the coupling to the covariance (N, N), for noise of variance 2."""
    if np.allclose(weights, weights.T, rtol=1e-12, atol=0):
        values, vectors = np.linalg.eigh((weights + weights.T) / 2)
        return lambda coupling: (vectors / (1 - coupling * values)) @ vectors.T
    from scipy.linalg import solve_continuous_lyapunov

    one = np.eye(len(weights))
    return lambda coupling: solve_continuous_lyapunov(coupling * weights.T - one, -2 * one)
