"""Linear diffusion: its FC, and its coupling found again."""

import numpy as np
import pytest
from scipy.linalg import solve_continuous_lyapunov

from cubnm_core.evidence.diffusion import diffusion
from cubnm_core.measures.connectivity import pair_indices


def connectome(directed, nodes=12, seed=1):
    """Weights with a spectral radius of 1."""
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(size=(nodes, nodes)) * (rng.random((nodes, nodes)) < 0.5)
    weights = weights if directed else weights + weights.T
    np.fill_diagonal(weights, 0)
    return weights / np.abs(np.linalg.eigvals(weights)).max()


def simulated_fc(weights, coupling, steps=400_000, dt=0.05):
    """FC of a simulation of the linear model."""
    rng, x = np.random.default_rng(2), np.zeros(len(weights))
    total = np.zeros_like(weights)
    drift = np.eye(len(weights)) + dt * (coupling * weights - np.eye(len(weights)))
    for _ in range(steps // 1000):
        noise = rng.normal(size=(1000, len(weights))) * np.sqrt(dt)
        for row in noise:
            x = x @ drift + row
            total += np.outer(x, x)
    spread = np.sqrt(np.diag(total))
    return total / np.outer(spread, spread)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("coupling", [0.3, 0.8])
def test_the_coupling_is_found_again(directed, coupling):
    weights, pairs = connectome(directed), pair_indices(12)
    covariance = solve_continuous_lyapunov(coupling * weights.T - np.eye(12), -2 * np.eye(12))
    spread = np.sqrt(np.diag(covariance))
    fc = (covariance / np.outer(spread, spread))[pairs]
    found = diffusion(3 * weights, fc, pairs)
    assert found.coupling == pytest.approx(coupling, abs=1e-3)
    np.testing.assert_allclose(found.fc, fc, atol=1e-3)


@pytest.mark.slow
def test_its_fc_is_that_of_a_simulation():
    """A directed connectome, so that a transposed one would be noticed."""
    weights, pairs = connectome(directed=True), pair_indices(12)
    fc = simulated_fc(weights, 0.8)[pairs]
    found = diffusion(weights, fc, pairs)
    assert found.coupling == pytest.approx(0.8, abs=0.05)
    assert np.corrcoef(found.fc, fc)[0, 1] > 0.99
    assert np.corrcoef(diffusion(weights.T, fc, pairs).fc, fc)[0, 1] < 0.97


def test_without_a_loop_nothing_spreads():
    assert diffusion(np.triu(np.ones((4, 4)), 1), np.zeros(6), pair_indices(4)) is None
