"""Linear response against covariances in closed form."""

import numpy as np
import pytest
from linear_models import random_network, write_ou
from scipy.linalg import expm, solve_continuous_lyapunov

from cubnm_core import linear_response

SCAN = {
    "duration": 130.0,
    "burn_in": 10.0,
    "repetition_time": 1.0,
    "starts": ("initial",),
    "backend": "reference",
}


def test_ornstein_uhlenbeck_processes_have_the_covariance_of_lyapunovs_equation(tmp_path):
    weights, decay, sigma = random_network(9)
    params = {"G": np.array([0.3, 1.5]), "decay": np.repeat(decay, 2, 0), "sigma": np.repeat(sigma, 2, 0)}
    found = linear_response(write_ou(tmp_path), weights, params, **SCAN)
    for row, coupling in enumerate(params["G"]):
        drift = coupling * weights.T - np.diag(decay[0])
        wanted = solve_continuous_lyapunov(drift, -np.diag(sigma[0] ** 2))
        np.testing.assert_allclose(found.lagged_covariance(row, tolerance=1e-20), wanted, rtol=1e-10)
        assert found.growth[row] == pytest.approx(np.linalg.eigvals(drift).real.max(), rel=1e-9)


def test_linear_hopf_oscillators_have_the_covariance_of_lyapunovs_equation():
    """Below the bifurcation the fixed point is 0, and the network there Ponce-Alvarez & Deco's (2024)."""
    weights, _, _ = random_network(7)
    rng = np.random.default_rng(2)
    omega, strength = rng.uniform(0.2, 0.5, (1, 7)), weights.sum(axis=0)
    params = {"G": 0.4, "a": -0.05, "omega": omega, "sigma": 0.03}
    found = linear_response("Hopf", weights, params, **SCAN)
    own = -0.05 * np.eye(7) + 0.4 * (weights.T - np.diag(strength))
    turn = np.diag(omega[0])
    drift = np.block([[own, -turn], [turn, own]])
    wanted = solve_continuous_lyapunov(drift, -(0.03**2) * np.eye(14))[:7, :7]
    np.testing.assert_allclose(found.lagged_covariance(0, tolerance=1e-20), wanted, rtol=1e-10)
    assert not found.flags["no_fixed_point"].any() and not found.flags["unstable"].any()


def test_a_single_hopf_oscillator_turns_and_decays():
    """Its autocovariance is sigma^2/(2|a|) exp(a t) cos(omega t)."""
    params = {"G": 0.0, "a": -0.02, "omega": 0.3, "sigma": 0.02}
    found = linear_response("Hopf", np.zeros((2, 2)), params, **SCAN)
    variance = found.lagged_covariance(0, tolerance=1e-20)[0, 0]
    assert variance == pytest.approx(0.02**2 / 0.04, rel=1e-10)
    assert found.growth[0] == pytest.approx(-0.02, rel=1e-9)
    assert found.frequency[0] == pytest.approx(0.3 / (2 * np.pi), rel=1e-9)


@pytest.mark.parametrize("lag", [0.0, 0.5, 3.0])
def test_lagged_covariances_are_those_of_the_matrix_exponential(tmp_path, lag):
    weights, decay, sigma = random_network(5)
    found = linear_response(write_ou(tmp_path), weights, {"G": 1.0, "decay": decay, "sigma": sigma}, **SCAN)
    drift = weights.T - np.diag(decay[0])
    wanted = expm(lag * drift) @ solve_continuous_lyapunov(drift, -np.diag(sigma[0] ** 2))
    np.testing.assert_allclose(
        found.lagged_covariance(0, lag, tolerance=1e-10), wanted, atol=2e-3 * wanted.max()
    )


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.4])
def test_a_delayed_process_has_the_variance_of_kuechler_and_mensch(tmp_path, delay):
    """dx = (a x + b x(t - d)) dt + sigma dW: Kuechler & Mensch 1992, doi:10.1080/17442509208833780."""
    weights, lengths = np.ones((1, 1)), np.full((1, 1), 1e3 * delay)
    params = {"G": -1.5, "decay": 0.5, "sigma": 0.5, "v": 1.0}
    found = linear_response(write_ou(tmp_path), weights, params, lengths=lengths, **SCAN)
    a, b = -0.5, -1.5
    root = np.sqrt(b**2 - a**2)
    wanted = (b * np.sin(root * delay) - root) / (2 * root * (a + b * np.cos(root * delay))) * 0.5**2
    np.testing.assert_allclose(found.lagged_covariance(0, tolerance=1e-8), wanted, rtol=1e-4)
