"""What experiments change: known answers of the comparison, and which candidates are near the best."""

import numpy as np
import pytest

from cubnm_core import lesion, simulate
from cubnm_core.evidence.experiments import WHOLE, Effects, Outcome, near_best, summarise

SIDES = list("LLLRRR")
SETTINGS = {"duration": 60.0, "burn_in": 10.0, "repetition_time": 1.0, "window": 10.0, "window_step": 2.0}
SETTINGS |= {"fic": "analytical", "hemodynamics": "friston-3T", "dt": 1e-3, "precision": "double"}


def test_candidates_within_the_spread_are_near_the_best():
    points = np.array([[1.0], [2.0], [3.0], [2.0], [5.0]])
    cost, failed = np.array([0.30, 0.10, 0.15, 0.10, -9.0]), np.array([0, 0, 0, 0, 1], bool)
    assert list(near_best(points, cost, failed, 0.06, 10)) == [1, 2]
    assert list(near_best(points, cost, failed, np.nan, 10)) == [1]
    assert list(near_best(points, cost, failed, 1.0, 2)) == [1, 2]
    assert not len(near_best(points, cost, np.ones(5, bool), 1.0, 2))


def test_a_change_is_summarised_over_candidates_and_seeds():
    found = summarise([1.0, 3.0, 5.0, 7.0], 2)
    assert found["mean"] == 4.0 and found["sd_candidates"] == pytest.approx(np.sqrt(8))
    assert found["sd_seeds"] == pytest.approx(np.sqrt(2))
    assert summarise([1.0, np.nan, 5.0, 7.0], 2)["mean"] == pytest.approx(13 / 3)
    assert np.isnan(summarise([np.nan] * 4, 2)["mean"])


def outcome(weights, seeds, **params):
    """Simulations of one connectome with some noise seeds."""
    made = Outcome(len(seeds))
    run = simulate(
        "rWW",
        weights,
        {"G": 1.0, **params},
        seed=np.array(seeds),
        record=("fc", "fcd", "state_means"),
        **SETTINGS,
    )
    made.take(np.arange(len(seeds)), run)
    return made


@pytest.fixture(scope="module")
def weights():
    """A connectome whose last node has no connection."""
    made = np.random.default_rng(0).lognormal(size=(6, 6))
    made = 0.02 * (made + made.T)
    np.fill_diagonal(made, 0.0)
    made[5] = made[:, 5] = 0.0
    return made


@pytest.mark.slow
def test_a_lesion_of_what_has_no_connection_changes_nothing(weights):
    effects = Effects(SIDES, "all", ["a", "a", "b", "a", "b", "b"])
    before, after = outcome(weights, [1, 2]), outcome(lesion(weights, [5]), [1, 2])
    kept = effects.untouched([5])
    assert kept.sum() == 10
    found = effects.compare(before, after, kept, [5])
    assert ("fc_mean", "a") in found and ("fcd_ks", WHOLE) in found and ("r_E", WHOLE) in found
    assert all((values == 0.0).all() for values in found.values())


@pytest.mark.slow
def test_a_lesion_counts_only_in_pairs_that_are_left(weights):
    effects = Effects(SIDES, "all")
    before, after = outcome(weights, [1, 2]), outcome(lesion(weights, [0]), [1, 2])
    kept = effects.untouched([0])
    found = effects.compare(before, after, kept, [0])
    change = np.array([one - other for one, other in zip(after.fc, before.fc, strict=True)])[:, kept]
    np.testing.assert_allclose(found["fc_change", WHOLE], np.abs(change).mean(axis=1))
    assert (found["fc_change", WHOLE] > 0).all() and found["fc_mean", WHOLE].shape == (2,)
    edges = effects.untouched(edges=[(0, 1)])
    assert edges.sum() == 14 and not edges[0]


def test_failed_simulations_do_not_count(weights):
    effects = Effects(SIDES, "all")
    one, other = Outcome(2), Outcome(2)
    for made in (one, other):
        made.fc = [np.ones(15), np.ones(15)]
        made.states = [{"r_E": np.ones(6)}] * 2
    other.fc[1] = 2 * np.ones(15)
    other.status[0] = 1
    found = effects.compare(one, other, effects.untouched())
    assert np.isnan(found["fc_mean", WHOLE][0]) and found["fc_mean", WHOLE][1] == 1.0
