"""Statistics of a cohort: known answers from statsmodels and pingouin, permutations, false positives."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cubnm_core.statistics import exchange, linear_models, mixed, permutation

N = 60


def cohort(n=N, seed=0, clusters=8, between=1.0):
    """People with a group, an age and a site, and three responses of which the first knows the group."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "group": rng.permutation(np.arange(n) % 2),
            "age": rng.normal(40, 10, n),
            "arm": rng.permutation(np.arange(n) % 3),
            "site": rng.integers(clusters, size=n),
        }
    )
    responses = rng.normal(size=(n, 3)) + between * rng.normal(size=(clusters, 3))[table["site"]]
    responses[:, 0] += 0.9 * table["group"] + 0.02 * table["age"]
    return table, responses


def matrix(table, *names):
    columns = [np.ones(len(table)), *(table[name].to_numpy(dtype=float) for name in names)]
    return np.column_stack(columns)


def of_term(tested, number, names=("estimate", "se", "low", "high", "statistic", "p")):
    return [getattr(tested, name)[number] for name in names]


@pytest.mark.slow
def test_linear_models_are_those_of_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    table, responses = cohort()
    design = matrix(table, "group", "age")
    tested = linear_models.term_test(design, [1], responses)
    for number in range(3):
        wanted = sm.OLS(responses[:, number], design).fit()
        low, high = wanted.conf_int()[1]
        known = [wanted.params[1], wanted.bse[1], low, high, wanted.tvalues[1], wanted.pvalues[1]]
        np.testing.assert_allclose(of_term(tested, number), known, rtol=1e-10)
    assert set(tested.df) == {N - 3}


@pytest.mark.slow
def test_several_columns_are_tested_together_as_in_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    table, responses = cohort()
    design = np.column_stack([matrix(table, "age"), table["arm"] == 1, table["arm"] == 2]).astype(float)
    tested = linear_models.term_test(design, [2, 3], responses)
    for number in range(3):
        wanted = sm.OLS(responses[:, number], design).fit().f_test(np.eye(4)[2:])
        np.testing.assert_allclose(
            of_term(tested, number, ("statistic", "p")), [wanted.fvalue, wanted.pvalue], rtol=1e-9
        )
    assert tested.df_term == 2 and np.isnan(tested.estimate).all()


@pytest.mark.slow
@pytest.mark.parametrize("between", [1.0, 0.4])
def test_mixed_models_are_those_of_statsmodels(between):
    sm = pytest.importorskip("statsmodels.api")
    table, responses = cohort(between=between)
    design, sites = matrix(table, "group", "age"), table["site"].to_numpy()
    tested = linear_models.term_test(design, [1], responses, clusters=sites)
    ratios = mixed.variance_ratio(design, responses, sites)
    for number in range(3):
        wanted = sm.MixedLM(responses[:, number], design, groups=sites).fit(reml=True)
        variance = float(np.asarray(wanted.cov_re)[0, 0])
        assert ratios[number] == pytest.approx(variance / wanted.scale, rel=1e-3, abs=1e-6)
        assert tested.estimate[number] == pytest.approx(wanted.params[1], rel=1e-5)
        # statsmodels' own standard errors come from a numerical Hessian and are up to 3 % off.
        covariance = wanted.scale * np.eye(N) + variance * (sites[:, None] == sites)
        known = np.sqrt(np.linalg.inv(design.T @ np.linalg.solve(covariance, design))[1, 1])
        assert tested.se[number] == pytest.approx(known, rel=1e-4)
        assert tested.se[number] == pytest.approx(wanted.bse[1], rel=0.05)


def test_large_means_cost_a_mixed_model_no_digits():
    table, responses = cohort()
    design = matrix(table, "group", "age")
    one = linear_models.term_test(design, [1], responses, clusters=table["site"])
    other = linear_models.term_test(design, [1], 1e-6 * responses + 3.0, clusters=table["site"])
    np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-5)


@pytest.mark.slow
def test_effect_sizes_are_those_of_pingouin():
    pg = pytest.importorskip("pingouin")
    table, responses = cohort()
    tested = linear_models.term_test(matrix(table, "group"), [1], responses, two_levels=True)
    for number in range(3):
        one, other = (responses[table["group"] == k, number] for k in (1, 0))
        g = pg.compute_effsize(one, other, eftype="hedges")
        assert tested.effect_size[number] == pytest.approx(g, rel=1e-10)
    slope = linear_models.term_test(matrix(table, "group", "age"), [2], responses)
    wanted = pg.partial_corr(table.assign(y=responses[:, 0]), x="age", y="y", covar="group")
    assert slope.effect_size[0] == pytest.approx(wanted["r"].iloc[0], rel=1e-9)
    assert slope.p[0] == pytest.approx(wanted.filter(regex="p.val").iloc[0, 0], rel=1e-9)
    np.testing.assert_allclose(
        of_term(slope, 0, ("effect_low", "effect_high")), wanted.filter(like="CI").iloc[0, 0], atol=0.0051
    )


def test_interval_of_an_effect_size_is_that_of_the_noncentral_t_distribution():
    table, responses = cohort(n=12)
    tested = linear_models.term_test(matrix(table, "group", "age"), [1], responses, two_levels=True)
    unit = tested.effect_size / tested.statistic
    for limit, share in ((tested.effect_low, 0.975), (tested.effect_high, 0.025)):
        np.testing.assert_allclose(stats.nct.cdf(tested.statistic, 9, limit / unit), share, atol=1e-6)
    np.testing.assert_array_equal(tested.effect_low * tested.effect_high > 0, tested.p < 0.05)


@pytest.mark.slow
def test_false_discovery_rate_is_that_of_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.array([0.04, 0.001, np.nan, 0.2, 0.03, 0.9])
    known = np.isfinite(p)
    found = linear_models.false_discovery_rate(p)
    np.testing.assert_allclose(found[known], multitest.multipletests(p[known], method="fdr_bh")[1])
    assert np.isnan(found[2])
    assert np.isnan(linear_models.false_discovery_rate(np.array([np.nan]))).all()


def test_columns_constant_within_clusters_count_clusters():
    clusters = np.repeat(np.arange(10), 3)
    design = np.column_stack([np.ones(30), clusters % 2, np.arange(30)]).astype(float)
    assert linear_models.degrees_of_freedom(design, [1], clusters) == 10 - 2
    assert linear_models.degrees_of_freedom(design, [2], clusters) == 30 - 3
    assert linear_models.degrees_of_freedom(design, [1]) == 30 - 3


def test_responses_that_do_not_vary_have_no_result():
    table, responses = cohort()
    responses[:, 1] = 3.1
    design = matrix(table, "group")
    tested = linear_models.term_test(design, [1], responses)
    drawn = exchange.draw_permutations(N, 20, seed=0)
    p, p_familywise = permutation.permutation_test(design, [1], responses, drawn)
    for values in (tested.p, tested.effect_size, p, p_familywise):
        assert np.isnan(values).tolist() == [False, True, False]


def by_hand(design, columns, response, permutations):
    """Freedman and Lane's test as they wrote it, with standard errors of statsmodels.

    Permuted residuals plus the reduced model are fitted anew; for one column, t with standard error HC3
    becomes z.
    """
    import statsmodels.api as sm

    rest = np.delete(design, columns, axis=1)
    fitted = rest @ np.linalg.lstsq(rest, response, rcond=None)[0]
    leverage = np.diag(design @ np.linalg.pinv(design))
    values = []
    for order in [np.arange(len(design)), *permutations]:
        made = fitted + (response - fitted)[np.argsort(order)]
        found = sm.OLS(made, design).fit(cov_type="HC3")
        if len(columns) > 1:
            values.append(
                np.squeeze(found.wald_test(np.eye(design.shape[1])[columns], scalar=True).statistic)
            )
            values[-1] /= len(columns)
            continue
        shares = (np.linalg.pinv(design)[columns[0]] * found.resid / (1.0 - leverage)) ** 2
        assert shares.sum() == pytest.approx(found.bse[columns[0]] ** 2)
        df = 3 * shares.sum() ** 2 / (shares**2).sum()
        p = stats.t.logsf(abs(found.tvalues[columns[0]]), df)
        values.append(stats.norm.isf(np.exp(p)) ** 2)
    return np.array(values)


@pytest.mark.parametrize(("columns", "accuracy"), [([1], 0.05), ([1, 2], 1e-8)])
def test_statistics_of_permuted_data_are_those_of_statsmodels(columns, accuracy):
    """The formula that turns t into z is an approximation, good to some per cent with few people."""
    table, responses = cohort(n=20)
    design = matrix(table, "group", "age", "arm")
    drawn = exchange.draw_permutations(20, 99, seed=1)
    reduced = permutation._reduce(design, columns, responses)
    found = permutation._statistics(reduced, np.vstack([np.arange(20), drawn])).T
    values = np.array([by_hand(design, columns, response, drawn) for response in responses.T])
    np.testing.assert_allclose(found, values, rtol=accuracy, atol=1e-6)
    p, p_familywise = permutation.permutation_test(design, columns, responses, drawn)
    np.testing.assert_allclose(p, (found >= found[:, :1] * (1 - 1e-9)).mean(axis=1))
    largest = found.max(axis=0)
    np.testing.assert_allclose(p_familywise, [(largest >= own * (1 - 1e-9)).mean() for own in found[:, 0]])
    assert (p_familywise >= p).all()


def test_a_small_permutation_test_has_its_exact_p():
    """Four people, two groups: 24 orders, of which a third gives the two extreme divisions."""
    from itertools import permutations

    design = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    orders = np.array(list(permutations(range(4))))[1:]
    p, _ = permutation.permutation_test(design, [1], np.array([[1.0], [2.0], [4.0], [5.0]]), orders)
    assert p[0] == pytest.approx(8 / 24)


@pytest.mark.slow
def test_a_family_that_shares_group_and_level_needs_whole_blocks():
    """Groups of whole families: single people changing places would give far too many false positives."""
    rng = np.random.default_rng(3)
    families = np.repeat(np.arange(20), 3)
    design = np.column_stack([np.ones(60), families % 2]).astype(float)
    responses = rng.normal(size=(60, 300)) + 1.5 * rng.normal(size=(20, 300))[families]
    rates = {}
    for name, options in (("free", {}), ("whole", {"blocks": families, "whole": True})):
        drawn = exchange.draw_permutations(60, 199, seed=1, **options)
        rates[name] = (permutation.permutation_test(design, [1], responses, drawn)[0] <= 0.05).mean()
    drawn = exchange.draw_permutations(60, 199, seed=1)
    clusters = permutation.permutation_test(design, [1], responses, drawn, clusters=families)[0]
    assert rates["free"] > 0.12
    assert rates["whole"] < 0.09
    assert (clusters <= 0.05).mean() < 0.09
    tested = linear_models.term_test(design, [1], responses, clusters=families)
    assert (tested.p < 0.05).mean() < 0.09


def test_interval_of_a_group_difference_covers_the_truth():
    """Hedges' g of 0.8 with a covariate that goes with the group, 400 responses."""
    rng = np.random.default_rng(5)
    table, _ = cohort(n=40)
    responses = rng.normal(size=(40, 400)) + 0.8 * table["group"].to_numpy()[:, None]
    responses += 0.05 * table["age"].to_numpy()[:, None]
    tested = linear_models.term_test(matrix(table, "group", "age"), [1], responses, two_levels=True)
    for low, high in ((tested.low, tested.high), (tested.effect_low, tested.effect_high)):
        covered = ((low < 0.8) & (high > 0.8)).mean()
        assert abs(covered - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400)


def test_bounded_parameters_keep_the_nominal_rate():
    """A third of the people ends at a bound; labels are drawn anew for each of 300 parameters."""
    rng = np.random.default_rng(6)
    values = np.clip(rng.normal(0.6, 1.0, (40, 300)), 0.0, 1.5)
    design = np.column_stack([np.ones(40), rng.normal(size=40), np.arange(40) % 4 == 0]).astype(float)
    drawn = exchange.draw_permutations(40, 199, seed=2)
    p = permutation.permutation_test(design, [2], values, drawn)[0]
    assert stats.binomtest(int((p <= 0.05).sum()), 300, 0.05).pvalue > 0.01


@pytest.mark.parametrize("shape", ["normal", "bounded"])
def test_motion_that_differs_between_groups_is_no_effect_of_the_group(shape):
    """Without motion in the model, a group that moves more seems to have other parameters."""
    rng = np.random.default_rng(7)
    rates = {"without": [], "with": []}
    for seed in range(16):
        group = rng.permutation(np.arange(40) % 2)
        motion = rng.gamma(4.0, 0.5, 40) + 0.8 * group
        values = rng.normal(size=(40, 50)) + 0.6 * (motion - 2.4)[:, None]
        values = np.clip(values, -0.5, 1.0) if shape == "bounded" else values
        drawn = exchange.draw_permutations(40, 199, seed)
        for name, columns in (("without", [group]), ("with", [group, motion])):
            design = np.column_stack([np.ones(40), *columns]).astype(float)
            tested = linear_models.term_test(design, [1], values)
            rates[name] += [tested.p, permutation.permutation_test(design, [1], values, drawn)[0]]
    found = {name: np.mean(np.array(p) <= 0.05) for name, p in rates.items()}
    assert found["without"] > 0.15
    assert found["with"] < 0.09


UNEQUAL = {
    "small group varies more": (32, 8, 2.0),
    "large group varies more": (32, 8, 0.5),
    "both large": (60, 20, 2.0),
}


@pytest.mark.parametrize(("controls", "patients", "ratio"), UNEQUAL.values(), ids=UNEQUAL)
def test_groups_that_do_not_vary_alike_differ_no_more_often_than_they_should(controls, patients, ratio):
    """With equal variances assumed, 18 % and 1 % of such data sets show a difference."""
    rng = np.random.default_rng(8)
    group = np.repeat([0.0, 1.0], [controls, patients])
    found = []
    for seed in range(20):
        motion = rng.gamma(4.0, 0.5, len(group)) + 0.8 * group
        values = np.where(group == 1, ratio, 1.0)[:, None] * rng.normal(size=(len(group), 100))
        design = np.column_stack([np.ones(len(group)), group, motion])
        drawn = exchange.draw_permutations(len(group), 199, seed)
        found.append(permutation.permutation_test(design, [1], values + motion[:, None], drawn)[0] <= 0.05)
    assert 0.03 < np.mean(found) < 0.07


def test_several_levels_that_do_not_vary_alike_differ_no_more_often_than_they_should():
    rng = np.random.default_rng(9)
    arm = np.repeat([0, 1, 2], [30, 20, 10])
    design = np.column_stack([np.ones(60), arm == 1, arm == 2, rng.normal(size=60)]).astype(float)
    values = np.array([1.0, 1.0, 2.5])[arm][:, None] * rng.normal(size=(60, 1000))
    drawn = exchange.draw_permutations(60, 199, seed=1)
    robust = permutation.permutation_test(design, [1, 2], values, drawn)[0]
    assert (linear_models.term_test(design, [1, 2], values).p <= 0.05).mean() > 0.1
    assert 0.03 < (robust <= 0.05).mean() < 0.08


def test_a_slope_whose_scatter_grows_is_found_no_more_often_than_it_should():
    rng = np.random.default_rng(10)
    age = rng.gamma(2.0, 1.0, 120)
    design = np.column_stack([np.ones(120), age])
    values = age[:, None] * rng.normal(size=(120, 1000))
    drawn = exchange.draw_permutations(120, 199, seed=1)
    assert (linear_models.term_test(design, [1], values).p <= 0.05).mean() > 0.12
    assert (permutation.permutation_test(design, [1], values, drawn)[0] <= 0.05).mean() < 0.08


def test_a_person_whom_the_model_always_fits_does_not_end_the_test():
    """A site of one person is fitted by its own coefficient, whatever the response."""
    rng = np.random.default_rng(11)
    group, alone = np.arange(20) % 2, np.arange(20) == 19
    responses = rng.normal(size=(20, 40)) + 2.5 * group[:, None]
    design = np.column_stack([np.ones(20), group, alone]).astype(float)
    drawn = exchange.draw_permutations(20, 199, seed=1)
    p = permutation.permutation_test(design, [1], responses, drawn)[0]
    assert (p <= 0.05).mean() > 0.9
    own = permutation.permutation_test(design, [2], responses - 2.5 * group[:, None], drawn)[0]
    assert np.isfinite(own).all() and (own <= 0.05).mean() < 0.2


@pytest.mark.slow
def test_five_nodes_of_four_hundred_are_found():
    """A difference of three standard deviations: with 1,000 permutations no node passes the correction."""
    rng = np.random.default_rng(12)
    design = np.column_stack([np.ones(40), np.arange(40) % 2, rng.normal(size=40)]).astype(float)
    responses = rng.normal(size=(40, 400))
    responses[:, :5] += 3.0 * design[:, 1:2]
    hits = {}
    for count in (1000, 20 * 400):
        drawn = exchange.draw_permutations(40, count, seed=1)
        p, familywise = permutation.permutation_test(design, [1], responses, drawn, threads=2)
        hits[count] = linear_models.false_discovery_rate(p) < 0.05
        assert (familywise[:5] < 0.05).all() and (familywise[5:] < 0.05).sum() <= 1
    assert hits[8000][:5].all() and hits[8000][5:].sum() <= 2
    assert p[:5].max() < 0.001


def test_threads_and_portions_change_no_p(monkeypatch):
    table, responses = cohort(n=30)
    design = matrix(table, "group", "age", "arm")
    drawn = exchange.draw_permutations(30, 500, seed=1)
    alone = permutation.permutation_test(design, [1], responses, drawn)
    monkeypatch.setattr(permutation, "AT_ONCE", 700)
    np.testing.assert_array_equal(
        alone, permutation.permutation_test(design, [1], responses, drawn, threads=3)
    )
