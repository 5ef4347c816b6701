"""Scores over fresh seeds, and baselines that need no model."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from cubnm_core.errors import InputError
from cubnm_core.evidence.evaluation import evaluate_models, group_mean_fc, sc_fc, scan_rescan
from cubnm_core.fitting.candidates import Candidate, score_candidates
from cubnm_core.fitting.packing import Packer
from cubnm_core.measures.connectivity import pair_indices
from cubnm_core.measures.objective import Objective, Target

N_NODES, N_PAIRS = 5, 10
TRUE_FC = np.linspace(-0.5, 0.9, N_PAIRS)


def simulate_batch(weights, connectome, params, seed, lengths):
    """A made-up simulator: the true FC with noise that grows with the seed; seed 99 diverges."""
    assert weights.shape == (1, N_NODES, N_NODES)
    noise = [np.random.default_rng(s).standard_normal(N_PAIRS) * s / 100 for s in seed]
    shape = (len(seed), N_NODES)
    run = SimpleNamespace(
        bold=np.arange(len(seed) * 8 * N_NODES, dtype=float).reshape(len(seed), 8, N_NODES),
        n_burn_in=3,
        fc=TRUE_FC + np.stack(noise),
        fcd=np.stack([np.random.default_rng(s).random(15) for s in seed]),
        observables={},
        state_means={"S_E": np.full(shape, 0.2) * seed[:, None], "S_I": np.full(shape, 0.1)},
        params={"G": params["G"], "wIE": np.full(shape, 2.0)},
        status=np.where(seed == 99, 1, 0),
    )
    run.fc[seed == 99] = np.nan
    run.state_means["S_E"][seed == 99] = np.nan
    return run


def evaluate(seeds, splits=("train", "test")):
    """Evaluate with the true FC as the training target and another one as the test target."""
    targets = {"train": Target(TRUE_FC), "test": Target(TRUE_FC[::-1].copy())}
    weights, params = np.ones((N_NODES, N_NODES)), {"G": 1.5, "w_p": np.ones(N_NODES)}
    candidate = Candidate(weights, params, {split: targets[split] for split in splits}, seeds)
    return evaluate_models([candidate], Packer(simulate_batch), Objective({"fc_corr": 1.0}))[0]


def test_every_split_is_scored_with_every_seed():
    result = evaluate([10, 20, 30, 40])
    assert set(result.scores) == {"train", "test"}
    assert result.scores["train"]["fc_corr"].shape == (4,)
    assert (result.scores["train"]["fc_corr"] > 0.5).all()
    assert (result.scores["test"]["fc_corr"] < -0.5).all()
    mean, sd = result.score_summary("train")["cost"]
    cost = -result.scores["train"]["fc_corr"]
    assert (mean, sd) == (pytest.approx(np.mean(cost)), pytest.approx(np.std(cost, ddof=1)))


def test_the_saved_simulation_is_that_of_the_median_cost_on_the_first_split():
    result = evaluate([50, 1, 90, 10])
    cost = result.scores["train"]["cost"]
    assert cost[result.median] == sorted(cost)[1]
    assert result.bold.shape == (5, N_NODES)
    assert result.bold[0, 0] == result.median * 8 * N_NODES + 3 * N_NODES
    assert evaluate([50, 1, 90, 10], splits=("test",)).scores["test"]["cost"].shape == (4,)


def test_regional_values_hold_states_inhibition_and_their_ratio():
    result = evaluate([1, 3])
    summary = result.regional_summary()
    assert set(summary) == {"S_E", "S_I", "wIE", "S_E/S_I"}
    np.testing.assert_allclose(summary["S_E"][0], 0.4)
    np.testing.assert_allclose(summary["S_E"][1], 0.2 * np.sqrt(2))
    np.testing.assert_allclose(summary["S_E/S_I"][0], 4.0)


def test_a_diverged_seed_counts_in_scores_and_stays_out_of_regional_means():
    result = evaluate([1, 3, 99])
    assert result.scores["train"]["fc_corr"][2] == -1
    np.testing.assert_allclose(result.regional_summary()["S_E"][0], 0.4)
    assert np.isnan(evaluate([99]).regional_summary()["S_E"][0]).all()


@pytest.mark.parametrize("size", [1, 4, 100])
def test_models_evaluated_together_are_evaluated_as_alone(size):
    weights, objective = np.ones((N_NODES, N_NODES)), Objective({"fc_corr": 1.0})
    shapes = []

    def watched(weights, connectome, params, seed, lengths):
        shapes.append((len(connectome), len(params["G"]), len(seed)))
        return simulate_batch(weights, connectome, params, seed, lengths)

    candidates = [
        Candidate(weights, {"G": 1.0}, {"train": Target(TRUE_FC)}, seeds)
        for seeds in ([10, 20], [99, 5, 7], [8])
    ]
    found = evaluate_models(candidates, Packer(watched, size), objective)
    assert shapes == [(n, n, n) for n in {1: (1,) * 6, 4: (4, 2), 100: (6,)}[size]]
    for candidate, result in zip(candidates, found, strict=True):
        (alone,) = evaluate_models([candidate], Packer(simulate_batch), objective)
        assert result.seeds.tolist() == candidate.seeds and result.median == alone.median
        np.testing.assert_array_equal(result.scores["train"]["cost"], alone.scores["train"]["cost"])
        np.testing.assert_array_equal(result.fc, alone.fc)
        np.testing.assert_array_equal(result.regional["S_E"], alone.regional["S_E"])


def test_an_evaluation_that_does_not_fit_into_memory_is_parted(caplog):
    def small(weights, connectome, params, seed, lengths):
        if len(seed) > 2:
            raise MemoryError
        return simulate_batch(weights, connectome, params, seed, lengths)

    weights, objective = np.ones((N_NODES, N_NODES)), Objective({"fc_corr": 1.0})
    candidate = Candidate(weights, {"G": 1.0}, {"train": Target(TRUE_FC)}, [50, 1, 90, 10, 20])
    (parted,) = evaluate_models([candidate], Packer(small), objective)
    (whole,) = evaluate_models([candidate], Packer(simulate_batch), objective)
    assert "going on with 2" in caplog.text
    assert parted.median == whole.median
    np.testing.assert_array_equal(parted.fc, whole.fc)
    for split, scores in whole.scores.items():
        for measure, values in scores.items():
            np.testing.assert_array_equal(parted.scores[split][measure], values)
    for name, values in whole.regional.items():
        np.testing.assert_array_equal(parted.regional[name], values)


@pytest.mark.parametrize("by_seed", [False, True])
def test_scores_stand_in_the_order_of_the_seeds_whatever_the_order_of_simulations(by_seed):
    weights, target = np.ones((N_NODES, N_NODES)), Target(TRUE_FC)
    candidates = [Candidate(weights, {"G": 1.0}, {"own": target}, seeds) for seeds in ([4, 99], [7, 4, 2])]
    board = score_candidates(candidates, Packer(simulate_batch, 2), Objective({"fc_corr": 1.0}), by_seed)
    alone = [evaluate([seed], splits=("train",)).scores["train"]["cost"][0] for seed in (4, 99, 7, 2)]
    known = dict(zip((4, 99, 7, 2), alone, strict=True))
    for place, candidate in enumerate(candidates):
        found = board.scores(place)["own"]["cost"]
        np.testing.assert_array_equal(found, [known[seed] for seed in candidate.seeds])
    assert board.status(0).tolist() == [0, 1]


@pytest.mark.parametrize("seeds", [[], [3, 3]])
def test_seeds_that_are_missing_or_repeated_are_refused(seeds):
    with pytest.raises(InputError, match="different seeds"):
        evaluate(seeds)


def test_sc_fc_uses_both_directions_and_the_mask():
    weights = np.arange(16.0).reshape(4, 4) ** 1.5
    pair_index = pair_indices(4, ["L", "L", "R", "R"], "intrahemispheric")
    assert sc_fc(weights, np.array([0.2, 0.9]), pair_index) == pytest.approx(1)
    pair_index = pair_indices(4)
    fc = (weights + weights.T)[pair_index] * 3 - 2
    assert sc_fc(weights, fc, pair_index) == pytest.approx(1)
    assert sc_fc(weights.T, fc, pair_index) == pytest.approx(1)


def test_group_mean_leaves_out_every_session_of_the_person():
    rng = np.random.default_rng(0)
    fcs = rng.uniform(-0.8, 0.8, (4, 30))
    found = group_mean_fc(fcs, ["a", "a", "b", "c"])
    for row, others in enumerate([[2, 3], [2, 3], [0, 1, 3], [0, 1, 2]]):
        mean = np.tanh(np.arctanh(fcs[others]).mean(axis=0))
        assert found[row] == pytest.approx(np.corrcoef(mean, fcs[row])[0, 1])


def test_group_mean_leaves_out_relatives():
    fcs = np.random.default_rng(1).uniform(-0.8, 0.8, (3, 30))
    found = group_mean_fc(fcs, ["family f", "family f", "person c"])
    assert found[:2] == pytest.approx([np.corrcoef(fcs[2], fcs[row])[0, 1] for row in (0, 1)])


def test_group_mean_of_nobody_is_nan():
    assert np.isnan(group_mean_fc(np.random.default_rng(0).random((2, 9)), ["a", "a"])).all()


def test_scan_rescan_agreement():
    rng = np.random.default_rng(0)
    train, test = (Target(rng.random(20), rng.random(40)) for _ in range(2))
    found = scan_rescan(train, test)
    assert found["scan_rescan_fc"] == pytest.approx(np.corrcoef(train.fc, test.fc)[0, 1])
    assert found["scan_rescan_ks"] == ks_2samp(train.fcd, test.fcd).statistic
    assert set(scan_rescan(Target(train.fc), test)) == {"scan_rescan_fc"}
    binned = scan_rescan(Target(train.fc, fcd_cdf=train.binned_fcd), test)
    assert binned["scan_rescan_ks"] == pytest.approx(found["scan_rescan_ks"], abs=0.05)


def test_scan_rescan_of_real_people(shared):
    """The published figures of the two people, through the functions that the workflow uses."""
    from cubnm_core.measures.connectivity import (
        functional_connectivity,
        functional_connectivity_dynamics,
        sliding_windows,
    )

    pair_index, windows = pair_indices(100), sliding_windows(1200, 0.72, 30.0, 5.0)
    for person, expected in {"100206": (0.76, 0.040), "100307": (0.87, 0.240)}.items():
        targets = []
        for run in ("REST1_LR", "REST2_LR"):
            file = shared / "data" / "hcp" / "bold" / person / run / "ctx_parc-schaefer-100_desc-bold.npz"
            bold = np.load(file)["arr_0"].T
            fcd = functional_connectivity_dynamics(bold, pair_index, *windows)
            targets.append(Target(functional_connectivity(bold, pair_index), fcd))
        found = scan_rescan(*targets)
        assert found["scan_rescan_fc"] == pytest.approx(expected[0], abs=0.005)
        assert found["scan_rescan_ks"] == pytest.approx(expected[1], abs=0.0005)
