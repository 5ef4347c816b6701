"""Baselines that need no neural model, and comparisons of two ways of predicting the same people."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from cubnm_core.evidence import global_signal
from cubnm_core.evidence.evaluation import distance_rule, fc_correlation, optimism
from cubnm_core.measures.connectivity import average_fc, pair_indices
from cubnm_core.measures.objective import Target
from cubnm_core.statistics import paired

ANALYSIS = {"pairs": "all", "window": 30.0, "window_step": 10.0, "edges": "drop", "band_pass": None}
NODES = 14
EVEN = np.ones(NODES)
UNEVEN = np.geomspace(0.3, 3.0, NODES)
DIFFERENCES = np.array([0.08, 0.03, -0.02, 0.11, 0.05, 0.04, 0.09, -0.01, 0.06, 0.02])


def made(scan, share, autocorrelation, seeds, reaches=1.0):
    """A target of several runs of the model itself: FC averaged, FCD pooled, as of real runs."""
    drawn = [global_signal.signals(scan, autocorrelation, seed) for seed in seeds]
    runs = [scan.features(global_signal.mix(*signals, share, reaches)) for signals in drawn]
    return Target(average_fc([fc[0] for fc, _ in runs]), np.concatenate([fcd[0] for _, fcd in runs]))


@pytest.fixture(scope="module")
def scan():
    return global_signal.make_scan(330.0, 30.0, 1.0, ["L"] * 7 + ["R"] * 7, ANALYSIS)


def test_a_made_scan_is_as_long_and_as_wide_as_simulations(scan):
    assert scan.n_volumes == 300
    shared, own = global_signal.signals(scan, 0.5, 3)
    assert shared.shape == (300, 1) and own.shape == (300, NODES)
    fc, fcd = scan.features(global_signal.mix(shared, own, 0.4))
    assert fc.shape == (1, NODES * (NODES - 1) // 2)
    n_windows = len(scan.measurement.windows(scan.n_volumes)[0])
    assert fcd.shape == (1, n_windows * (n_windows - 1) // 2)


@pytest.mark.parametrize("autocorrelation", [0.0, 0.6, 0.9])
def test_signals_have_the_variance_and_the_autocorrelation_that_are_asked_for(autocorrelation):
    long = global_signal.make_scan(20000.0, 0.0, 1.0, ["L"] * 4, ANALYSIS)
    shared, own = global_signal.signals(long, autocorrelation, 5)
    bold = global_signal.mix(shared, own, 0.3)
    np.testing.assert_allclose(bold.var(axis=0), 1.0, atol=0.12)
    lagged = [np.corrcoef(series[:-1], series[1:])[0, 1] for series in bold.T]
    np.testing.assert_allclose(lagged, autocorrelation, atol=0.03)
    np.testing.assert_allclose(np.corrcoef(bold.T)[np.tril_indices(4, -1)], 0.3, atol=0.05)


def test_the_first_volume_varies_as_all_others():
    short = global_signal.make_scan(120.0, 0.0, 1.0, ["L"] * 300, ANALYSIS)
    _, own = global_signal.signals(short, 0.95, 1)
    assert own[0].std() == pytest.approx(1.0, abs=0.15)


def test_the_filter_is_that_of_the_analysis():
    band = (0.01, 0.1)
    filtered = global_signal.make_scan(600.0, 0.0, 1.0, ["L"] * 3, ANALYSIS | {"band_pass": band})
    _, own = global_signal.signals(filtered, 0.0, 1)
    power = np.abs(np.fft.rfft(own[:, 0])) ** 2
    frequency = np.fft.rfftfreq(600, 1.0)
    assert power[frequency > 0.2].sum() < 0.01 * power.sum()


@pytest.mark.slow
@pytest.mark.parametrize(("share", "autocorrelation"), [(0.2, 0.95), (0.4, 0.8), (0.6, 0.0)])
def test_the_global_signal_model_finds_its_own_parameters(share, autocorrelation):
    """In long scans: the FCD of ten minutes says next to nothing about the autocorrelation."""
    moved = {"window": 20.0, "window_step": 15.0}
    long = global_signal.make_scan(3000.0, 0.0, 1.0, ["L"] * 8, ANALYSIS | moved)
    target = made(long, share, autocorrelation, range(500, 504))
    objective = global_signal.bold_objective({"fc_normec": 1.0, "fcd_ks": 1.0})
    searched = global_signal.search(long, [(1.0, target)], [0])
    found = global_signal.grid()[global_signal.best(searched[0], objective)]
    assert found[0] == pytest.approx(share, abs=0.11)
    steps = global_signal.AUTOCORRELATIONS
    assert abs(steps.index(found[1]) - steps.index(autocorrelation)) <= 1


def test_a_shared_signal_explains_more_than_none(scan):
    """Fitted to one scan, judged on another one over fresh noise."""
    train, test = (made(scan, 0.45, 0.8, [seed]) for seed in (70, 71))
    objective = global_signal.bold_objective({"fc_normec": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5})
    point = global_signal.best(global_signal.search(scan, [(EVEN, train)], [0, 1])[0], objective)
    nothing = int(np.flatnonzero((global_signal.grid() == [0.0, 0.0]).all(axis=1))[0])
    cost = {}
    for name, place in {"fitted": point, "nothing": nothing}.items():
        scores = global_signal.score(scan, place, EVEN, [test], range(10, 16))
        cost[name] = objective.costs(scores[0]).mean()
    assert cost["fitted"] < cost["nothing"] - 0.1


def test_the_shared_signal_reaches_regions_by_their_strength():
    weights = np.array([[0.0, 3.0, 1.0], [3.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    reaches = global_signal.reach(weights)
    np.testing.assert_allclose(reaches, np.array([4.0, 3.0, 1.0]) / (8 / 3))
    np.testing.assert_allclose(global_signal.reach(np.triu(weights)), reaches)
    np.testing.assert_allclose(global_signal.reach(np.zeros((3, 3))), 1.0)
    long = global_signal.make_scan(20000.0, 0.0, 1.0, ["L"] * 3, ANALYSIS)
    bold = global_signal.mix(*global_signal.signals(long, 0.0, 5), 0.4, reaches)
    np.testing.assert_allclose(bold.var(axis=0), 1.0, atol=0.05)
    loadings = np.sqrt(0.4 / 0.6) * reaches
    loadings /= np.sqrt(1 + loadings**2)
    expected = np.outer(loadings, loadings)[np.tril_indices(3, -1)]
    np.testing.assert_allclose(np.corrcoef(bold.T)[np.tril_indices(3, -1)], expected, atol=0.03)


def test_strengths_give_windows_something_in_common_and_equal_ones_do_not(scan):
    """An FCD around 0 would be a baseline that any model beats."""
    drawn = global_signal.signals(scan, 0.5, 3)
    even, uneven = (
        scan.features(global_signal.mix(*drawn, 0.5, reaches))[1].mean() for reaches in (EVEN, UNEVEN)
    )
    assert abs(even) < 0.15 and uneven > even + 0.3


def test_scores_are_those_of_the_search_for_the_same_seeds(scan):
    targets = [made(scan, 0.3, 0.5, [80]), made(scan, 0.1, 0.5, [81])]
    searched = global_signal.search(scan, [(UNEVEN, target) for target in targets], [4])
    scored = global_signal.score(scan, 33, UNEVEN, targets, [4])
    for one, other in zip(searched, scored, strict=True):
        assert set(one) == {"fc_corr", "fc_diff", "fc_normec", "fcd_ks"} == set(other)
        assert all(one[name][33] == other[name][0] for name in one)


def test_targets_that_are_distribution_functions_get_the_binned_distance(scan):
    exact = made(scan, 0.3, 0.5, [80])
    binned = Target(exact.fc, fcd_cdf=exact.binned_fcd)
    found = global_signal.score(scan, 0, EVEN, [exact, binned, Target(exact.fc)], [1])
    assert found[1]["fcd_ks_binned"] == pytest.approx(found[0]["fcd_ks"], abs=0.01)
    assert "fcd_ks" not in found[1]
    assert set(found[2]) == {"fc_corr", "fc_diff", "fc_normec"}


def test_terms_of_firing_rates_do_not_apply():
    objective = global_signal.bold_objective({"fc_corr": 1.0, "fcd_ks": 0.0, "rate_penalty": 0.5, "own": 2.0})
    assert objective.terms == {"fc_corr": 1.0}
    assert global_signal.bold_objective({"rate_penalty": 0.5}) is None


def distances(n_nodes=30, seed=0):
    places = np.random.default_rng(seed).uniform(-60, 60, (n_nodes, 3))
    return np.linalg.norm(places[:, None] - places[None], axis=2)


@pytest.mark.parametrize("decay", [8.0, 35.0])
def test_the_decay_of_a_distance_rule_is_found(decay):
    lengths, pair_index = distances(), pair_indices(30)
    fc = 0.1 + 0.7 * np.exp(-lengths / decay)[pair_index]
    rule = distance_rule(lengths, fc, pair_index)
    assert rule.decay == pytest.approx(decay, rel=1e-3)
    assert fc_correlation(rule.fc, fc) == pytest.approx(1.0)


def test_the_decay_is_found_through_noise():
    lengths, pair_index = distances(), pair_indices(30)
    noise = 0.1 * np.random.default_rng(1).standard_normal(len(pair_index[0]))
    rule = distance_rule(lengths, np.exp(-lengths / 35)[pair_index] + noise, pair_index)
    assert rule.decay == pytest.approx(35, rel=0.2)


def test_pairs_without_a_tract_are_far_apart_and_both_ways_count():
    lengths, pair_index = distances(), pair_indices(30)
    fc = np.exp(-lengths / 20)[pair_index]
    cut = lengths.copy()
    cut[3, 7] = cut[7, 3] = 0.0
    place = int(np.flatnonzero((pair_index[0] == 7) & (pair_index[1] == 3))[0])
    assert distance_rule(cut, fc, pair_index).fc[place] == 0.0
    one_way = lengths * 2
    one_way[np.tril_indices(30)] = 0.0
    assert distance_rule(one_way, fc, pair_index).decay == pytest.approx(20, rel=1e-3)
    assert distance_rule(np.zeros((30, 30)), fc, pair_index) is None
    assert distance_rule(np.full((30, 30), 5.0), fc, pair_index) is None


def test_optimism_is_parted_into_seeds_and_scans():
    seed_part, scan_part = optimism(search=-0.40, train=-0.35, test=-0.20)
    assert (seed_part, scan_part) == (pytest.approx(0.05), pytest.approx(0.15))
    assert np.isnan(optimism(0.4, 0.3, np.nan)[1])


@pytest.mark.parametrize("n", [6, 10, 14, 40])
def test_a_sign_flip_p_is_that_of_scipy(n):
    differences = np.random.default_rng(n).normal(0.4, 1.0, n)
    reference = stats.permutation_test((differences,), np.mean, permutation_type="samples", rng=1)
    tolerance = 0.02 if n > 13 else 1e-12  # both draw patterns at random
    assert paired.sign_flip_test(differences)[2] == pytest.approx(reference.pvalue, abs=tolerance)


@pytest.mark.parametrize("n", [6, 8, 13, 20])
def test_an_interval_holds_every_mean_that_the_test_does_not_reject(n):
    differences = np.random.default_rng(n).normal(0.4, 1.0, n)
    low, high, _ = paired.sign_flip_test(differences)
    for limit, outward in ((low, -1e-9), (high, 1e-9)):
        assert paired.sign_flip_test(differences - limit + outward)[2] > paired.LEVEL
        assert paired.sign_flip_test(differences - limit - outward)[2] <= paired.LEVEL


def test_the_interval_of_six_people_is_their_range():
    assert paired.sign_flip_test(DIFFERENCES[:6])[:2] == (-0.02, 0.11)
    assert paired.sign_flip_test(np.full(8, 0.25)) == (0.25, 0.25, 2 / 2**8)
    assert paired.sign_flip_test(np.zeros(8)) == (0.0, 0.0, 1.0)


def test_the_interval_of_many_people_is_close_to_that_of_t():
    differences = np.random.default_rng(3).normal(0.1, 1.0, 400)
    reference = stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert paired.sign_flip_test(differences)[:2] == pytest.approx(reference, abs=0.01)


def test_verdicts_follow_p_and_the_direction_of_the_measure():
    n = len(DIFFERENCES)
    for one, rising, verdict in (
        (DIFFERENCES, True, "better"),
        (DIFFERENCES, False, "worse"),
        (-DIFFERENCES, True, "worse"),
        (DIFFERENCES - DIFFERENCES.mean(), True, "not distinguishable"),
        (DIFFERENCES[:5], True, "too few people"),
        (np.zeros(n), True, "not distinguishable"),
    ):
        assert paired.compare_paired(one, np.zeros(len(one)), rising).verdict == verdict
    assert paired.verdict(0.1, 0.05, True) == "better" and paired.verdict(0.1, 0.051, True) == paired.UNSURE


@pytest.mark.slow
def test_holm_is_that_of_statsmodels_and_untested_rows_count_for_nothing():
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.5])
    found = paired.holm(p)
    np.testing.assert_allclose(found[[0, 1, 3, 4]], multipletests(p[[0, 1, 3, 4]], method="holm")[1])
    assert np.isnan(found[2]) and np.isnan(paired.holm([np.nan])).all()


def test_people_who_lack_a_score_are_left_out_of_a_comparison():
    other = np.linspace(0.2, 0.4, 10)
    one = other + DIFFERENCES
    found = paired.compare_paired(np.append(one, np.nan), np.append(other, 0.9), higher_is_better=True)
    assert (found.n_people, found.n_better) == (10, 8)
    assert found.difference == pytest.approx(DIFFERENCES.mean())
    assert found.effect_size == pytest.approx(DIFFERENCES.mean() / DIFFERENCES.std(ddof=1))
    assert found.low < found.difference < found.high
    assert paired.compare_paired(one, other, higher_is_better=False).n_better == 2
    assert paired.compare_paired([np.nan], [1.0], True) is None


def test_too_few_people_have_a_difference_and_nothing_more():
    found = paired.compare_paired(DIFFERENCES[:5], np.zeros(5), True)
    assert found.difference == pytest.approx(DIFFERENCES[:5].mean())
    assert np.isnan([found.low, found.high, found.p, found.effect_size]).all()
    # no pattern of five signs is rarer than this, which is why
    assert paired.sign_flip_test(np.full(5, 0.1)) == (-np.inf, np.inf, 2 / 2**5)


@pytest.mark.parametrize("effect_size", [0.2, -0.5, 1.0])
def test_people_that_an_effect_needs_are_those_of_statsmodels(effect_size):
    expected = TTestPower().solve_power(effect_size=abs(effect_size), power=0.8, alpha=0.05)
    assert paired.people_needed(effect_size) == pytest.approx(expected, abs=1.5)
    assert paired.people_needed(0.0) is None and paired.people_needed(np.nan) is None
