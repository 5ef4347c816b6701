"""Standard errors of parameters against the scatter of fits to many scans of one network."""

import numpy as np
import pytest
from linear_models import random_network, write_ou
from scipy.optimize import minimize_scalar

from cubnm_core import InputError, linear_response, simulate
from cubnm_core.linear.uncertainty import estimate_uncertainty
from cubnm_core.measures.comparison import Comparison
from cubnm_core.measures.objective import Target

SCAN = {"duration": 310.0, "burn_in": 10.0, "repetition_time": 0.5}
TRUE, SCANS, NODES = 1.2, 60, 10


class Fits:
    """The coupling of a network, fitted to its scans."""

    def __init__(self, folder):
        self.model = write_ou(folder)
        self.weights, self.decay, self.sigma = random_network(NODES)
        self.weights = self.weights * 1.5

    def params(self, coupling):
        """Values of all parameters for couplings (B,)."""
        size = len(coupling)
        return {
            "G": coupling,
            "decay": np.repeat(self.decay, size, 0),
            "sigma": np.repeat(self.sigma, size, 0),
        }

    def scan(self):
        """FC of many scans of the network, (SCANS, P)."""
        steps = {"dt": 0.02, "hemodynamic_dt": 0.1, "record": ("fc",), "backend": "cpu"}
        params = self.params(np.full(SCANS, TRUE))
        return simulate(self.model, self.weights, params, **SCAN, **steps, seed=np.arange(SCANS)).fc

    def respond(self, fc, terms):
        """A function from couplings to their linear response, compared with one scan."""

        def respond(points):
            size = len(points["G"])
            comparison = Comparison([Target(fc=fc)], np.zeros(size, int), terms)
            settings = {"starts": ("initial",), "tolerance": 1e-6, "backend": "reference", "threads": 1}
            params = self.params(points["G"])
            return linear_response(
                self.model, self.weights, params, **SCAN, **settings, comparison=comparison
            )

        return respond

    def fit(self, fc, weights):
        """The best coupling for one scan, and its standard error."""
        respond = self.respond(fc, tuple(weights))

        def cost(coupling):
            expected = respond({"G": np.array([coupling])}).expected
            return sum(weight * expected[term][0] for term, weight in weights.items())

        best = minimize_scalar(cost, bounds=(0.05, 2.2), method="bounded", options={"xatol": 1e-3}).x
        return best, estimate_uncertainty(respond, {"G": best}, {"G": 0.03}, fc, weights).sd[0]


@pytest.mark.slow
@pytest.mark.parametrize("weights", [{"fc_normec": 1.0}, {"fc_corr": -1.0, "fc_diff": 1.0}])
def test_standard_errors_are_the_scatter_of_fits(tmp_path, weights):
    fits = Fits(tmp_path)
    found = np.array([fits.fit(fc.astype(float), weights) for fc in fits.scan()])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.25)
    if "fc_normec" in weights:
        covered = np.abs(found[:, 0] - TRUE) < 1.645 * found[:, 1]
        assert 0.8 <= covered.mean() <= 0.97


def test_two_parameters_that_do_the_same_are_correlated(tmp_path):
    """Noise and decay of all nodes alike change FC through the decay only: one is flat, which is said."""
    fits = Fits(tmp_path)
    fc = fits.respond(np.full(NODES * (NODES - 1) // 2, 0.3), ("fc_corr",))({"G": np.array([TRUE])}).fc[0]

    def respond(points):
        size = len(points["G"])
        params = fits.params(points["G"]) | {"sigma": points["sigma"]}
        comparison = Comparison([Target(fc=fc)], np.zeros(size, int), ("fc_normec",))
        settings = {"starts": ("initial",), "tolerance": 1e-6, "backend": "reference"}
        return linear_response(fits.model, fits.weights, params, **SCAN, **settings, comparison=comparison)

    with pytest.raises(InputError, match="no minimum here"):
        estimate_uncertainty(
            respond, {"G": TRUE, "sigma": 0.5}, {"G": 0.03, "sigma": 0.01}, fc, {"fc_normec": 1.0}
        )
    with pytest.raises(InputError, match="no stable fixed point next to the optimum, at G ="):
        estimate_uncertainty(
            respond, {"G": 3.5, "sigma": 0.5}, {"G": 0.03, "sigma": 0.01}, fc, {"fc_normec": 1.0}
        )
