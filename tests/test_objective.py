"""Goodness-of-fit terms and the cost made of them."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from cubnm_core.errors import InputError
from cubnm_core.objective import TERMS, Objective, Target, kolmogorov_smirnov, rate_penalty

EVERYTHING = Objective(dict.fromkeys(TERMS, 1.0))


def make_run(n_simulations=5, n_pairs=20, n_windows=30, seed=0):
    """A batch of random simulations, in the shape of a Simulation."""
    rng = np.random.default_rng(seed)
    return SimpleNamespace(
        fc=rng.uniform(-1, 1, (n_simulations, n_pairs)),
        fcd=rng.uniform(-1, 1, (n_simulations, n_windows)),
        state_means={"r_E": rng.uniform(0, 12, (n_simulations, 4))},
        status=np.zeros(n_simulations, dtype=int),
    )


@pytest.fixture
def target():
    rng = np.random.default_rng(9)
    return Target(rng.uniform(-1, 1, 20), rng.uniform(-1, 1, 40))


def test_scores_of_cubnm(shared):
    folder = shared / "reference" / "cubnm"
    reference = np.load(folder / "f1_rww_gof_grid.npz")
    run = SimpleNamespace(
        fc=reference["sim_fc_trils"],
        fcd=reference["sim_fcd_trils"],
        state_means={"r_E": reference["state_r_E"]},
        status=np.zeros(12, dtype=int),
    )
    with open(folder / "f1_rww_gof_grid_scores.csv") as file:
        expected = list(csv.DictReader(file))
    weights = dict.fromkeys(TERMS, 1.0) | {"rate_penalty": 0.5}
    found = Objective(weights).score(run, Target(reference["emp_fc_tril"], reference["emp_fcd_tril"]))
    signs = {"+fc_corr": 1, "-fcd_ks": -1, "-fc_diff": -1, "-fc_normec": -1}
    for column, sign in signs.items():
        values = [sign * float(row[column]) for row in expected]
        np.testing.assert_allclose(found[column[1:]], values, atol=1e-6)
    penalty = [-float(row["-fic_penalty"]) / 0.5 for row in expected]
    np.testing.assert_allclose(found["rate_penalty"], penalty, atol=1e-6)
    np.testing.assert_allclose(found["cost"], [float(row["cost"]) for row in expected], atol=1e-6)


@pytest.mark.parametrize("decimals", [16, 2, 1, 0])
def test_kolmogorov_smirnov_is_exact_also_with_ties(decimals):
    rng = np.random.default_rng(2)
    simulated = rng.normal(0.1, 1, (20, 157)).round(decimals)
    target = np.sort(rng.normal(0, 1, 211).round(decimals))
    expected = [ks_2samp(row, target, method="asymp").statistic for row in simulated]
    np.testing.assert_array_equal(kolmogorov_smirnov(simulated, target), expected)


def test_kolmogorov_smirnov_at_its_ends():
    target = np.array([1.0, 2.0, 3.0])
    assert list(kolmogorov_smirnov([[1, 2, 3], [4, 5, 6], [-2, -1, 0]], target)) == [0, 1, 1]
    assert np.isnan(kolmogorov_smirnov([[np.nan, 1.0]], target)[0])


def test_rate_penalty_counts_only_rates_outside_3_plus_minus_1():
    assert rate_penalty([[2.0, 3.0, 4.0]])[0] == 0
    assert rate_penalty([[3.0, 14.0]])[0] == pytest.approx((1 - np.exp(-0.5)) / 2)
    assert rate_penalty([[1e9, 1e9]])[0] == 1


def test_cost_is_the_weighted_sum_with_rewards_negative(target):
    scores = Objective({"fcd_ks": 2.0, "fc_corr": 3.0, "fc_diff": 0.0}).score(make_run(), target)
    np.testing.assert_allclose(scores["cost"], 2 * scores["fcd_ks"] - 3 * scores["fc_corr"])


def test_cost_does_not_depend_on_the_order_of_the_terms(target):
    reversed_terms = Objective(dict.fromkeys(reversed(TERMS), 1.0))
    np.testing.assert_array_equal(
        EVERYTHING.score(make_run(), target)["cost"], reversed_terms.score(make_run(), target)["cost"]
    )


def test_failed_simulations_get_the_worst_cost_and_leave_the_others_alone(target):
    fine = EVERYTHING.score(make_run(), target)
    run = make_run()
    run.status[0] = 1
    run.fc[1, 3] = np.nan
    run.fcd[2] = np.inf
    scores = EVERYTHING.score(run, target)
    assert list(scores["cost"][:3]) == [EVERYTHING.worst_cost] * 3
    assert EVERYTHING.worst_cost == 1 + 1 + 2 + 1 + 1
    assert list(scores["fc_corr"][:3]) == [-1, -1, -1]
    for name, values in scores.items():
        np.testing.assert_array_equal(values[3:], fine[name][3:])


def test_a_batch_of_nothing_but_nan_has_finite_scores(target, recwarn):
    run = make_run()
    run.fc[:], run.fcd[:], run.state_means["r_E"][:] = np.nan, np.nan, np.nan
    scores = EVERYTHING.score(run, target)
    assert all(np.isfinite(values).all() for values in scores.values())
    assert set(scores["cost"]) == {EVERYTHING.worst_cost}
    assert not recwarn.list


def test_a_term_that_cannot_be_computed_counts_as_the_worst(target):
    run = make_run()
    run.fc[0] = 0.5  # no variance, no correlation; the FC itself is finite
    scores = EVERYTHING.score(run, target)
    assert scores["fc_corr"][0] == -1
    assert scores["fc_diff"][0] < 2
    assert np.isfinite(scores["cost"]).all()


def test_rows_score_a_part_of_the_batch_with_the_same_bits(target):
    whole = EVERYTHING.score(make_run(), target)
    for rows in (np.array([4, 1]), slice(2, 3)):
        part = EVERYTHING.score(make_run(), target, rows)
        for name, values in part.items():
            np.testing.assert_array_equal(values, whole[name][rows])


def test_terms_are_scored_even_where_they_do_not_count(target):
    assert set(Objective({"fc_corr": 1.0}).score(make_run(), target)) == {*TERMS, "cost"}


def test_fcd_term_without_an_fcd_is_refused(target):
    with pytest.raises(InputError, match="fcd_ks, which needs an FCD"):
        Objective().score(make_run(), Target(target.fc))
    assert "fcd_ks" not in Objective({"fc_corr": 1.0}).score(make_run(), Target(target.fc))


def test_rate_term_without_rates_is_refused(target):
    run = make_run()
    run.state_means = {"theta": np.zeros((5, 4))}
    with pytest.raises(InputError, match="rate_penalty, which needs the mean firing rate"):
        Objective().score(run, target)


@pytest.mark.parametrize(
    ("terms", "complaint"),
    [
        ({"fc_cor": 1.0}, "no term 'fc_cor'"),
        ({"fc_corr": -1.0}, "weight of fc_corr is -1"),
        ({"fc_corr": float("nan")}, "weight of fc_corr is nan"),
        ({"fc_corr": 0.0}, "no term that counts"),
        ({}, "no term that counts"),
    ],
)
def test_objectives_that_mean_nothing_are_refused(terms, complaint):
    with pytest.raises(InputError, match=complaint):
        Objective(terms)


def test_targets_with_nan_are_refused():
    with pytest.raises(InputError, match=r"FC of a target.*1 values not finite"):
        Target(np.array([0.1, np.nan]))


def test_another_number_of_pairs_is_refused(target):
    with pytest.raises(InputError, match="7 pairs and the target 20"):
        EVERYTHING.score(make_run(n_pairs=7), target)
