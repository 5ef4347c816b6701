"""Bias, variances and expected scores of finite scans against many scans of a linear network."""

import numpy as np
import pytest
from linear_models import random_network, write_ou

from cubnm_core import linear_response, simulate
from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.connectivity import pair_indices
from cubnm_core.measures.objective import Target

NODES, SCANS = 8, 300
MEASURES = {
    "plain": {},
    "band_pass": {"band_pass": (0.02, 0.2)},
    "global_signal": {"global_signal": "regressed"},
    "aliases": {"repetition_time": 2.0},
    "slow_sampling": {"repetition_time": 3.0, "band_pass": (0.02, 0.12)},
}


@pytest.fixture(scope="module", params=list(MEASURES))
def compared(request, tmp_path_factory):
    """Many simulated scans, and what linear response says of them."""
    weights, decay, sigma = random_network(NODES)
    settings = {"repetition_time": 0.5, "duration": 310.0, "burn_in": 10.0, **MEASURES[request.param]}
    rng = np.random.default_rng(5)
    target = Target(fc=rng.uniform(0.0, 0.5, len(pair_indices(NODES)[0])))
    model = write_ou(tmp_path_factory.mktemp("ou"))
    params = {"G": 2.0, "decay": decay, "sigma": sigma}
    both = []
    for function, size, more in (
        (simulate, SCANS, {"dt": 0.02, "hemodynamic_dt": 0.1, "record": ("fc",), "backend": "cpu"}),
        (linear_response, 1, {"starts": ("initial",), "tolerance": 1e-8}),
    ):
        comparison = Comparison([target], np.zeros(size, int), FC_TERMS)
        both.append(
            function(
                model,
                weights,
                {
                    name: np.broadcast_to(value, (size, *np.shape(value)[1:])).copy()
                    for name, value in params.items()
                },
                comparison=comparison,
                seed=np.arange(size),
                **settings,
                **more,
            )
        )
    return both


def test_the_expected_fc_is_the_mean_of_scans(compared):
    scans, linear = compared
    error = linear.fc[0] - scans.fc.mean(axis=0)
    standard_error = scans.fc.std(axis=0) / np.sqrt(SCANS)
    assert np.abs(error).max() < 4.5 * standard_error.max() + 0.01  # 0.01: beyond the first order


@pytest.mark.parametrize("term", FC_TERMS)
def test_expected_scores_are_the_means_of_scans(compared, term):
    scans, linear = compared
    scores = scans.scores[term]
    sd = scores.std()
    assert linear.expected[term][0] == pytest.approx(scores.mean(), abs=5 * sd / np.sqrt(SCANS) + 0.1 * sd)
    assert linear.sampling_sd[term][0] == pytest.approx(sd, rel=0.3)
