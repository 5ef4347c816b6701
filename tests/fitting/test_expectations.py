"""What a search calls in place of a simulator: made-up responses, each for the scan it is meant for."""

from types import SimpleNamespace

import numpy as np

from cubnm_core.fitting.expectations import FLAGS, MARKS, Expectations
from cubnm_core.measures.comparison import Comparison
from cubnm_core.measures.objective import DIVERGED, Target
from cubnm_core.measures.pieces import lay_out

FC = np.linspace(-0.5, 0.5, 3)
# Of 200 volumes: all; runs of 80 and 40; the same with 30 censored.
KEPT = np.arange(120) >= 30
TARGETS = [Target(FC), Target(FC, layout=lay_out([80, 40])), Target(FC, layout=lay_out([80, 40], KEPT))]
INDEX = np.array([2, 0, 1, 0, 2, 1])
FLAGGED = np.array([False, True, False, False, False, True])
PLACE = np.arange(6.0)


def respond(weights, params, *, duration, connectome, seed, lengths, comparison):
    """Scores are durations; those of candidates with place 1 and 5 cannot be had."""
    places = params["place"]
    flagged = FLAGGED[places.astype(int)]
    flags = {name: np.zeros(len(places), bool) for name in FLAGS} | {"several": flagged}
    return SimpleNamespace(
        flags=flags,
        flagged=flagged,
        growth=-1.0 - places,
        expected={name: np.full(len(places), duration) for name in comparison.terms},
        state_means={"r_E": np.repeat(places[:, None], 2, axis=1)},
    )


def simulate_batch(weights, connectome, params, seed, lengths, comparison):
    """Scores are noise seeds; nothing but flagged candidates may come here, each with its own target."""
    np.testing.assert_array_equal(params["place"], [1.0, 5.0])
    np.testing.assert_array_equal(comparison.index, INDEX[[1, 5]])
    return SimpleNamespace(
        status=np.array([0, 2]),
        scores={name: seed.astype(float) for name in comparison.terms},
        state_means={"r_E": np.full((2, 2), 50.0), "other": np.zeros((2, 2))},
    )


def score(simulate=None):
    comparison = Comparison(TARGETS, INDEX, ("fc_corr", "fcd_ks"))
    expectations = Expectations(respond, 130.0, 20.0, 0.5, simulate)
    connectome, seed = np.zeros(6, int), 100 + np.arange(6)
    return expectations(np.zeros((1, 2, 2)), connectome, {"place": PLACE}, seed, None, comparison)


def test_scans_are_as_long_as_what_counts_of_the_runs_and_flagged_candidates_are_simulated():
    found = score(simulate_batch)
    # 20 s burn-in and volumes of 0.5 s; simulations of 130 s; seeds 101 and 105 where simulated
    np.testing.assert_array_equal(found.scores["fc_corr"], [65.0, 101.0, 80.0, 130.0, 65.0, 105.0])
    assert found.scores.keys() == {"fc_corr"}  # FCD cannot be had
    np.testing.assert_array_equal(found.status, [0, 0, 0, 0, 0, 2])
    np.testing.assert_array_equal(found.state_means["r_E"][:, 0], [0.0, 50.0, 2.0, 3.0, 4.0, 50.0])
    assert tuple(found.marks) == MARKS
    for name in ("simulated", "flag_several"):
        np.testing.assert_array_equal(found.marks[name], FLAGGED)
    np.testing.assert_array_equal(found.marks["growth"], -1.0 - PLACE)


def test_without_a_simulator_flagged_candidates_have_no_scores_and_count_as_failed():
    found = score()
    np.testing.assert_array_equal(np.isnan(found.scores["fc_corr"]), FLAGGED)
    np.testing.assert_array_equal(found.status == DIVERGED, FLAGGED)
    assert not found.marks["simulated"].any()
