"""Spreads, trade-offs and profiles of made numbers whose answer is known."""

import numpy as np
import pytest

from cubnm_core.evidence import identifiability


def test_a_profile_goes_through_the_best_point_and_stays_between_the_bounds():
    best = np.array([0.5, 1.0, 0.01])
    points, coordinate = identifiability.profile_points(best, 7)
    np.testing.assert_array_equal(points[0], best)
    assert coordinate[0] == -1 and points.min() == 0.0 and points.max() == 1.0
    for axis in range(3):
        mine = points[coordinate == axis]
        np.testing.assert_array_equal(
            np.delete(mine, axis, axis=1), np.tile(np.delete(best, axis), (len(mine), 1))
        )
        assert (np.diff(mine[:, axis]) > 0).all() and best[axis] not in mine[:, axis]
    np.testing.assert_allclose(points[coordinate == 0][:, 0], [0.0, 0.4, 0.48, 0.52, 0.6, 1.0])
    np.testing.assert_allclose(points[coordinate == 1][:, 1], [0.5, 0.9, 0.98])
    np.testing.assert_allclose(points[coordinate == 2][:, 2], [0.0, 0.03, 0.11, 0.51])


def test_the_flat_interval_of_a_parabola():
    positions = np.linspace(-1.0, 1.0, 2001)
    found = identifiability.flat_interval(positions, 2.0 * positions**2, 0.02)
    assert (found.low, found.high) == pytest.approx((-0.1, 0.1), abs=1e-3) and not found.is_open


def test_a_profile_that_does_not_rise_by_the_noise_is_open():
    positions = np.array([0.0, 0.3, 0.5, 0.7, 1.0])
    found = identifiability.flat_interval(positions, np.array([0.05, 0.01, 0.0, 0.1, 0.5]), 0.1)
    assert (found.low, found.high) == pytest.approx((0.0, 0.7))
    assert found.open_low and not found.open_high
    # The minimum may lie at the end, as where the fit has run into a bound.
    found = identifiability.flat_interval(positions, np.array([0.0, 0.1, 0.2, 0.3, 0.4]), 0.15)
    assert (found.low, found.high) == pytest.approx((0.0, 0.4)) and found.open_low


def test_people_with_several_sessions_count_once():
    values = np.array([[0.0], [2.0], [5.0], [9.0]])
    found = identifiability.spread_over_people(values, ["a", "a", "b", "c"])
    assert found[0] == pytest.approx(np.std([1.0, 5.0, 9.0], ddof=1))
    assert np.isnan(identifiability.spread_over_people(values[:2], ["a", "a"])).all()


def test_spread_within_groups_is_the_pooled_one():
    generator = np.random.default_rng(0)
    offsets = np.repeat(generator.normal(0, 10, 800), 3)
    values = np.stack([offsets + generator.normal(0, 2, 2400), offsets], axis=1)
    sd, n = identifiability.spread_within(values, np.repeat(np.arange(800), 3))
    np.testing.assert_allclose(sd, [2.0, 0.0], atol=0.1)
    assert n == 800
    sd, n = identifiability.spread_within(values[:2], ["a", "b"])
    assert np.isnan(sd).all() and n == 0


def test_trade_offs_within_people_do_not_come_from_between_them():
    generator = np.random.default_rng(1)
    people = np.repeat(generator.normal(0, 5, 60), 2)
    slide = generator.normal(0, 1, 120)
    values = np.stack([people + slide, people - slide], axis=1)
    between = identifiability.correlations(identifiability.person_means(values, np.repeat(np.arange(60), 2)))
    within, n = identifiability.correlation_within(values, np.repeat(np.arange(60), 2))
    assert between[0, 1] > 0.9 and within[0, 1] == pytest.approx(-1.0) and n == 60
    within, _ = identifiability.correlation_within(values[:4], [0, 0, 1, 1])
    assert np.isnan(within).all()


def test_the_best_candidates_show_a_ridge():
    points = np.random.default_rng(2).random((2000, 3))
    cost = (points[:, 0] + points[:, 1] - 1.0) ** 2 + 0.01 * (points[:, 2] - 0.5) ** 2
    chosen = identifiability.best_candidates(np.concatenate([points, points]), np.tile(cost, 2))
    assert len(chosen) == 200 and cost[np.flatnonzero((points == chosen[0]).all(axis=1))] == cost.min()
    found = identifiability.correlations(chosen)
    assert found[0, 1] < -0.8 and abs(found[0, 2]) < 0.3
    assert len(identifiability.best_candidates(points[:20], cost[:20])) == 10


def test_means_and_intervals_of_correlations():
    stacked = np.array([[[1.0, 0.5], [0.5, 1.0]], [[1.0, np.nan], [np.nan, 1.0]], [[1.0, 0.9], [0.9, 1.0]]])
    found = identifiability.mean_correlation(stacked)
    assert found[0, 1] == pytest.approx(np.tanh((np.arctanh(0.5) + np.arctanh(0.9)) / 2))
    scipy_stats = pytest.importorskip("scipy.stats")
    x = np.random.default_rng(3).normal(size=(30, 2))
    known = scipy_stats.pearsonr(x[:, 0], x[:, 1])
    interval = identifiability.correlation_interval(known.statistic, 30)
    assert interval == pytest.approx(tuple(known.confidence_interval(0.95)))
    assert np.isnan(identifiability.correlation_interval(0.5, 3)).all()
