"""Goodness-of-fit terms and the cost made of them."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.stats import ks_2samp

from cubnm_core.errors import InputError
from cubnm_core.measures.distances import CDF_BINS, binned_cdf, binned_kolmogorov_smirnov, kolmogorov_smirnov
from cubnm_core.measures.objective import TERMS, Objective, Target, has_failed
from cubnm_core.measures.rates import DEFAULT_BANDS, excess, penalty, share_outside, violations
from cubnm_core.measures.user_terms import UserTerm
from cubnm_core.simulation.simulation import STATUS

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
    weights = {"fc_corr": 1.0, "fcd_ks": 1.0, "fc_diff": 1.0, "fc_normec": 1.0, "rate_penalty": 0.5}
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
    assert np.isnan(kolmogorov_smirnov([[np.inf, 1.0]], target)[0])


def test_binned_kolmogorov_smirnov_is_the_exact_one_to_a_bin():
    rng = np.random.default_rng(5)
    target = np.tanh(rng.normal(0.4, 0.3, 13_861))
    simulated = np.tanh(rng.normal(np.linspace(0, 0.8, 30)[:, None], 0.25, (30, 13_861)))
    exact = kolmogorov_smirnov(simulated, np.sort(target))
    found = binned_kolmogorov_smirnov(simulated, binned_cdf(target))
    # One bin of 0.0002 holds about 0.0002 times the density of values, which is below 2 here.
    assert np.abs(found - exact).max() < 5e-4
    assert np.median(np.abs(found - exact)) < 2e-4


def test_binned_kolmogorov_smirnov_of_scans(shared):
    folder = shared / "data" / "hcp" / "fcd"
    file = "REST/ctx_parc-schaefer-100_window-30_step-5_desc-fcdtril.npz"
    train, test = (np.load(folder / group / file)["arr_0"] for group in ("group-train706", "group-test303"))
    for simulated in (test, 0.8 * test, test**2):
        exact = ks_2samp(train, simulated).statistic
        found = binned_kolmogorov_smirnov(simulated[None], Target([0.0], fcd=train).binned_fcd)[0]
        assert found == pytest.approx(exact, abs=3e-4)


def test_targets_may_come_as_distribution_functions(shared):
    """FCD of Kong et al. 2021, as counts up to each of 10,000 bins; an FCD that fills them is at 0."""
    people = [shared / "data" / "kong2021" / person / "FCD_train.mat" for person in ("sub1", "sub2")]
    train, test = (loadmat(path)["train_FCD"].ravel() for path in people)
    centres = (np.arange(CDF_BINS) + 0.5) / CDF_BINS * 2 - 1
    fcd = np.repeat(centres, np.diff(train, prepend=0))
    target = Target([0.0, 1.0], fcd_cdf=train)
    np.testing.assert_array_equal(binned_cdf(fcd), target.binned_fcd)
    run = make_run(2, 2)
    run.fcd = np.stack([fcd, fcd[::-1]])
    scores = Objective({"fcd_ks_binned": 1.0}).score(run, target)
    assert list(scores["fcd_ks_binned"]) == [0, 0]
    expected = np.abs(train / train[-1] - test / test[-1]).max()
    scores = Objective({"fcd_ks_binned": 1.0}).score(run, Target([0.0, 1.0], fcd_cdf=test))
    np.testing.assert_allclose(scores["fcd_ks_binned"], expected)
    assert 0.02 < expected < 0.5
    with pytest.raises(InputError, match="fcd_ks, which needs an FCD of both"):
        Objective({"fcd_ks": 1.0}).score(run, target)


@pytest.mark.parametrize(
    ("cdf", "words"),
    [
        (np.ones(100), r"shape \(100,\); it needs 10000 values"),
        (np.zeros(CDF_BINS), "must rise"),
        (np.arange(CDF_BINS)[::-1], "not a histogram"),
    ],
)
def test_what_is_no_distribution_function_is_refused(cdf, words):
    with pytest.raises(InputError, match=words):
        Target([0.0], fcd_cdf=cdf)


def test_one_definition_of_a_rate_violation():
    rates = [[2.0, 3.0, 4.0, 4.001], [1.999, np.nan, 14.0, 0.0]]
    expected = [[False, False, False, True], [True, True, True, True]]
    assert violations(rates, (2.0, 4.0)).tolist() == expected
    np.testing.assert_allclose(share_outside(rates, (2.0, 4.0)), [0.25, 1.0])
    np.testing.assert_allclose(excess([rates[0]], (2.0, 4.0)), [[0, 0, 0, 0.001]])
    assert violations([[2.2, 3.0]], DEFAULT_BANDS["analytical"]).sum() == 0
    assert violations([[2.2, 3.0]], DEFAULT_BANDS["plasticity"]).sum() == 1
    for band in ((4.0, 2.0), (-1.0, 2.0), (1.0, np.inf)):
        with pytest.raises(InputError, match="lower one first"):
            violations(rates, band)


def test_rate_penalty_counts_only_rates_outside_3_plus_minus_1():
    band = DEFAULT_BANDS["analytical"]
    assert penalty([[2.0, 3.0, 4.0]], band)[0] == 0
    assert penalty([[3.0, 14.0]], band)[0] == pytest.approx((1 - np.exp(-0.5)) / 2)
    assert penalty([[1e9, 1e9]], band)[0] == 1


def test_rate_terms_use_the_band_of_the_objective(target):
    run = make_run()
    run.state_means["r_E"][:] = [2.6, 3.0, 3.4, 9.0]
    wide, narrow = (Objective({"rate_band": 1.0}, band=band) for band in ((2.0, 4.0), (2.7, 3.3)))
    assert set(wide.score(run, target)["rate_band"]) == {0.25}
    assert set(narrow.score(run, target)["rate_band"]) == {0.75}
    assert set(narrow.score(run, target)["cost"]) == {0.75}
    assert (narrow.score(run, target)["rate_penalty"] > wide.score(run, target)["rate_penalty"]).all()
    without = Objective({"fc_corr": 1.0}, band=None).score(run, target)
    assert not {"rate_band", "rate_penalty"} & set(without)
    with pytest.raises(InputError, match=r"rate_band, which needs .* a band"):
        Objective({"rate_band": 1.0}, band=None).score(run, target)


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
    scores = EVERYTHING.score(run, target)
    assert list(scores["cost"][:2]) == [EVERYTHING.worst_cost] * 2
    assert EVERYTHING.worst_cost == 1 + 1 + 1 + 2 + 1 + 1 + 1 + 1
    assert list(scores["fc_corr"][:2]) == [-1, -1]
    for name, values in scores.items():
        np.testing.assert_array_equal(values[2:], fine[name][2:])


def test_a_failed_inhibition_control_keeps_its_scores(target):
    fine, run = EVERYTHING.score(make_run(), target), make_run()
    run.status[:] = 2
    scores = EVERYTHING.score(run, target)
    for name in set(scores) - {"fic_failed", "cost"}:
        np.testing.assert_array_equal(scores[name], fine[name])
    np.testing.assert_array_equal(scores["fic_failed"], 1)
    np.testing.assert_allclose(scores["cost"], fine["cost"] + 1)
    assert STATUS[2] == "fic_failed" and STATUS[1] == "diverged"
    assert has_failed([0, 1, 2]).tolist() == [False, True, False]


def test_an_fcd_that_is_not_finite_spoils_its_terms_only(target):
    fine, run = EVERYTHING.score(make_run(), target), make_run()
    run.fcd[2, 0] = np.nan
    scores = EVERYTHING.score(run, target)
    assert scores["fcd_ks"][2] == scores["fcd_ks_binned"][2] == 1
    assert scores["fc_corr"][2] == fine["fc_corr"][2]


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
    found = set(Objective({"fc_corr": 1.0}).score(make_run(), target))
    assert found == {*TERMS, "cost"} - {"fcd_ks_binned", "fic_failed"}


def mean_distance(simulated_fc, simulated_fcd, target_fc, target_fcd, state_means):
    """A term as a user may write it."""
    return np.mean(np.abs(simulated_fc - target_fc)) + 0.01 * state_means["r_E"].mean() + 0 * simulated_fcd[0]


def test_terms_of_the_users_own_enter_the_cost(target):
    run = make_run()
    objective = Objective({"fc_corr": 1.0, "mine": 2.0}, own={"mine": UserTerm(mean_distance)})
    scores = objective.score(run, target)
    expected = np.abs(run.fc - target.fc).mean(axis=1) + 0.01 * run.state_means["r_E"].mean(axis=1)
    np.testing.assert_allclose(scores["mine"], expected)
    np.testing.assert_allclose(scores["cost"], 2 * expected - scores["fc_corr"])
    part = objective.score(run, target, np.array([3, 0]))
    np.testing.assert_array_equal(part["mine"], scores["mine"][[3, 0]])


def test_failed_simulations_never_reach_a_users_term(target):
    def picky(simulated_fc, simulated_fcd, target_fc, target_fcd, state_means):
        assert np.isfinite(simulated_fc).all()
        return simulated_fc[0]

    run = make_run()
    run.fc[:, 0] = [np.nan, 0.1, 7.0, 0.3, 0.4]
    run.status[1] = 1
    objective = Objective({"mine": 1.0}, own={"mine": UserTerm(picky, worst=5.0)})
    assert objective.score(run, target)["mine"].tolist() == [5.0, 5.0, 5.0, 0.3, 0.4]
    assert objective.worst_cost == 5


def test_users_terms_that_give_no_number_are_refused_or_count_as_the_worst(target):
    def score(value):
        objective = Objective({"mine": 1.0}, own={"mine": UserTerm(lambda *_: value)})
        return objective.score(make_run(), target)["mine"]

    assert set(score(np.nan)) == {1.0}
    for value in (np.zeros(3), "0.1", None):
        with pytest.raises(InputError, match=r"The term mine gave .* one number"):
            score(value)
    with pytest.raises(InputError, match="term 'fc_corr' has a name"):
        Objective({"fc_corr": 1.0}, own={"fc_corr": UserTerm(mean_distance)})


def test_fcd_term_without_an_fcd_is_refused(target):
    with pytest.raises(InputError, match="fcd_ks, which needs an FCD"):
        Objective().score(make_run(), Target(target.fc))
    assert "fcd_ks" not in Objective({"fc_corr": 1.0}).score(make_run(), Target(target.fc))


def test_the_fcd_is_left_out_for_scans_too_short_for_it(target):
    short = Target(target.fc, weighs_fcd=False)
    whole = Objective({"fc_corr": 1.0, "fcd_ks": 1.0}, constraints={"fcd_ks": 0.3})
    scores = whole.score(make_run(), short)
    assert "fcd_ks" not in scores
    np.testing.assert_array_equal(scores["cost"], -scores["fc_corr"])
    np.testing.assert_array_equal(whole.of_target(short).costs(scores)[:, 0], scores["cost"])
    assert whole.of_target(target) is whole
    groups = ({"fc_corr": 1.0}, {"fcd_ks": 1.0})
    for alone in (
        Objective({"fcd_ks": 1.0, "rate_penalty": 0.5}),
        Objective({"fc_corr": 1.0, "fcd_ks": 1.0}, groups=groups),
    ):
        with pytest.raises(InputError, match="too short for an FCD"):
            alone.of_target(short)


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


def test_constraints_put_candidates_behind_all_that_keep_them_and_in_order():
    objective = Objective({"fc_corr": 1.0}, constraints={"rate_band": 0.1, "fic_failed": 0.0})
    terms = {
        "fc_corr": np.array([0.9, -0.9, 0.9, 0.9, -1.0]),
        "rate_band": np.array([0.1, 0.0, 0.3, 0.3, 1.0]),
        "fic_failed": np.array([0.0, 0.0, 0.0, 1.0, 1.0]),
    }
    costs = objective.costs(terms)[:, 0]
    np.testing.assert_allclose(costs, [-0.9, 0.9, 1 + 0.2, 1 + 1.2, 1 + 1.9])
    assert np.isfinite(costs).all()


def test_constraints_do_not_enter_the_score_and_are_computed(target):
    run = make_run()
    run.status[0] = 2
    scores = Objective({"fc_corr": 1.0}, constraints={"fic_failed": 0.0}).score(run, target)
    np.testing.assert_array_equal(scores["cost"], -scores["fc_corr"])
    assert scores["fic_failed"].tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("wrong", [{"fc_corr": 0.0}, {"fc": 0.0}, {"rate_band": np.nan}])
def test_constraints_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="cannot be held at"):
        Objective({"fc_corr": 1.0}, constraints=wrong)


def test_objectives_are_columns_and_their_sum_is_the_cost(target):
    groups = ({"fc_corr": 1.0, "fc_diff": 0.5}, {"fcd_ks": 2.0})
    objective = Objective({"fc_corr": 1.0, "fc_diff": 0.5, "fcd_ks": 2.0}, groups=groups)
    scores = objective.score(make_run(), target)
    costs = objective.costs(scores)
    np.testing.assert_array_equal(costs[:, 0], 0.5 * scores["fc_diff"] - scores["fc_corr"])
    np.testing.assert_array_equal(costs[:, 1], 2.0 * scores["fcd_ks"])
    np.testing.assert_allclose(costs.sum(axis=1), scores["cost"])
