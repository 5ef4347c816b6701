"""Detectable effects equal those of statsmodels, and true ones are larger by what error takes away."""

import numpy as np
import pytest
from statsmodels.stats.power import FTestPower, TTestIndPower

from cubnm_core.statistics.linear_models import HEDGES, PARTIAL_ETA, PARTIAL_R
from cubnm_core.statistics.power import DetectableEffect, detectable_effect


def two_groups(n, m):
    return np.column_stack([np.ones(n + m), np.repeat([0.0, 1.0], [n, m])])


@pytest.mark.parametrize(("n", "m"), [(8, 8), (20, 20), (60, 20), (200, 100)])
def test_a_difference_is_that_of_statsmodels(n, m):
    found = detectable_effect(two_groups(n, m), [1], two_levels=True)
    expected = TTestIndPower().solve_power(nobs1=n, alpha=0.05, power=0.8, ratio=m / n)
    assert found.effect == HEDGES and found.df == n + m - 2
    assert found.size == pytest.approx(expected, rel=1e-4)  # the other tail counts there


def test_several_columns_are_those_of_statsmodels():
    design = np.column_stack([np.ones(60), np.repeat(np.eye(3)[:, 1:], 20, axis=0)])
    found = detectable_effect(design, [1, 2])
    f = FTestPower().solve_power(effect_size=None, df_num=57, df_denom=2, alpha=0.05, power=0.8, ncc=0)
    assert found.effect == PARTIAL_ETA
    # Statsmodels counts the noncentrality of f² with df_num + df_denom, less its `ncc`.
    assert found.size == pytest.approx(f**2 * 59 / (f**2 * 59 + 57), rel=0.04)


def test_simulated_data_are_found_as_often_as_promised():
    rng = np.random.default_rng(0)
    design = np.column_stack([two_groups(30, 15), rng.normal(size=45)])
    effect = detectable_effect(design, [1], two_levels=True)
    from cubnm_core.statistics.linear_models import term_test

    responses = effect.size * design[:, [1]] + rng.normal(size=(45, 4000))
    assert (term_test(design, [1], responses).p < 0.05).mean() == pytest.approx(0.8, abs=0.02)
    slope = detectable_effect(design, [2])
    assert slope.effect == PARTIAL_R
    beta = slope.size / np.sqrt(1 - slope.size**2)  # per residual standard deviation of the covariate
    spread = 1 / np.sqrt(np.linalg.inv(design.T @ design)[2, 2] * slope.df)
    responses = beta / spread * design[:, [2]] + rng.normal(size=(45, 4000))
    assert (term_test(design, [2], responses).p < 0.05).mean() == pytest.approx(0.8, abs=0.03)


def test_relatives_that_share_a_group_count_as_one():
    families = np.arange(40) // 2
    group = (families % 2).astype(float)
    design = np.column_stack([np.ones(40), group])
    alone = detectable_effect(two_groups(10, 10), [1], two_levels=True)
    assert detectable_effect(design, [1], True, families).size == pytest.approx(alone.size)
    assert detectable_effect(design, [1], True).size < alone.size


def test_error_hides_effects():
    difference = DetectableEffect(HEDGES, 0.6, 50)
    assert difference.attenuate(0.25) == pytest.approx(1.2)
    assert difference.attenuate(1.0) == 0.6
    assert np.isnan(difference.attenuate(0.0)) and np.isnan(difference.attenuate(-0.3))
    assert DetectableEffect(PARTIAL_R, 0.4, 50).attenuate(0.64) == pytest.approx(0.5)
    assert np.isnan(DetectableEffect(PARTIAL_R, 0.4, 50).attenuate(0.1))  # no correlation is above 1
    assert DetectableEffect(PARTIAL_ETA, 0.2, 50).attenuate(0.5) == pytest.approx(0.4)
