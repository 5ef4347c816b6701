"""Intraclass correlations equal those of pingouin, and intervals hold what they promise."""

import numpy as np
import pandas as pd
import pytest

from cubnm_core.evidence import reliability


def drawn(n, k, size, sd_people=1.0, sd_sessions=0.3, sd_error=0.7, seed=0):
    """Values of people in sessions with known components of variance, (n, k, size)."""
    generator = np.random.default_rng(seed)
    people, sessions = (
        generator.normal(0, sd_people, (n, 1, size)),
        generator.normal(0, sd_sessions, (1, k, size)),
    )
    return 5.0 + people + sessions + generator.normal(0, sd_error, (n, k, size))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "k"), [(12, 2), (7, 4), (40, 3)])
def test_estimates_and_intervals_are_those_of_pingouin(n, k):
    pingouin = pytest.importorskip("pingouin")
    values = drawn(n, k, 4, seed=n)
    values[:, :, 3] += np.arange(k) * 1.5  # sessions that differ
    found = reliability.agreement(values)
    ids = {"person": np.repeat(np.arange(n), k), "session": np.tile(np.arange(k), n)}
    pingouin.options["round.column.CI95"] = None
    for place in range(4):
        data = pd.DataFrame({**ids, "value": values[:, :, place].ravel()})
        known = pingouin.intraclass_corr(data, "person", "session", "value").set_index("Type")
        for kind, icc, interval in (
            ("ICC(A,1)", found.single, found.single_interval),
            ("ICC(A,k)", found.average, found.average_interval),
        ):
            np.testing.assert_allclose(icc[place], known.loc[kind, "ICC"], rtol=1e-9)
            np.testing.assert_allclose(interval[:, place], known.loc[kind, "CI95"], rtol=1e-6)


def test_the_numbers_of_shrout_and_fleiss():
    """Six targets and four judges: ICC(2,1) .29 and ICC(2,4) .62 in the paper."""
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = reliability.agreement(np.array(ratings, dtype=float)[:, :, None])
    assert found.single[0] == pytest.approx(0.29, abs=0.005)
    assert found.average[0] == pytest.approx(0.62, abs=0.005)


def test_every_quantity_is_computed_as_if_alone(monkeypatch):
    values = drawn(9, 2, 50).astype(np.float32)
    whole = reliability.agreement(values)
    monkeypatch.setattr(reliability, "_BLOCK", 100)
    for found in (reliability.agreement(values), reliability.agreement(values[:, :, 7:8])):
        at = slice(None) if len(found.single) == 50 else slice(7, 8)
        np.testing.assert_allclose(found.single, whole.single[at], rtol=1e-12)
        np.testing.assert_allclose(found.single_interval, whole.single_interval[:, at], rtol=1e-9)


def test_intervals_hold_the_truth_as_often_as_they_say():
    truth = 1.0 / (1.0 + 0.3**2 + 0.7**2)
    # Sessions are drawn anew for every quantity: many studies at once.
    low, high = reliability.agreement(drawn(25, 2, 4000)).single_interval
    assert 0.93 < np.mean((low <= truth) & (truth <= high)) < 0.98


def test_spread_within_people_and_limits_of_agreement():
    values = drawn(4000, 2, 1, sd_sessions=0.0)
    found = reliability.agreement(values)
    assert found.sd_within[0] == pytest.approx(0.7, rel=0.05)
    assert found.sd_people[0] == pytest.approx(np.sqrt(1.0 + 0.7**2 / 2), rel=0.05)
    bias, low, high = reliability.limits_of_agreement(values + np.array([0.0, 0.5])[:, None])
    assert bias[0] == pytest.approx(0.5, abs=0.05)
    assert (high - low)[0] == pytest.approx(2 * 1.96 * 0.7 * np.sqrt(2), rel=0.05)
    assert np.isnan(reliability.limits_of_agreement(drawn(5, 3, 2))).all()


def test_an_average_over_sessions_has_no_limit_where_sessions_do_not_agree_at_all():
    values = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.8, 0.1]])[:, :, None]
    found = reliability.agreement(values)
    assert found.single_interval[0, 0] < -1 and np.isnan(found.average_interval[0, 0])
    assert found.single_interval[0, 0] < found.single[0] < found.single_interval[1, 0]


def test_agreement_to_the_last_digit_and_no_variation():
    same = np.repeat(drawn(6, 1, 1), 2, axis=1)
    assert reliability.agreement(same).single[0] == pytest.approx(1.0)
    assert np.isnan(reliability.agreement(np.ones((6, 2, 1))).single[0])


@pytest.mark.parametrize("shape", [(2, 2, 5), (9, 1, 5)])
def test_too_few_people_or_sessions_give_no_number(shape):
    found = reliability.agreement(np.random.default_rng(0).normal(size=shape))
    assert np.isnan(found.single).all() and np.isnan(found.average_interval).all()
    assert np.isnan(reliability.mean_agreement(np.zeros(shape))).all()


def test_the_mean_over_edges_and_its_jackknife():
    values = drawn(12, 2, 300)
    mean, low, high = reliability.mean_agreement(values)
    assert mean == pytest.approx(reliability.agreement(values).single.mean())
    left = [reliability.agreement(np.delete(values, person, axis=0)).single.mean() for person in range(12)]
    error = np.sqrt(11 * np.var(left))
    assert high - mean == pytest.approx(2.201 * error, rel=1e-3) and mean - low == pytest.approx(high - mean)
    noisy = values + np.random.default_rng(1).normal(0, 2, values.shape)
    difference, low, high = reliability.mean_agreement(noisy, values)
    assert difference == pytest.approx(reliability.mean_agreement(noisy)[0] - mean) and high < 0


def test_sessions_that_few_came_to_leave_nobody_else_out():
    present = np.array([[1, 1, 0], [1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 0]])
    people, sessions = reliability.common_sessions(present)
    assert list(sessions) == [True, True, False] and list(people) == [True, True, True, False, True]
    people, sessions = reliability.common_sessions(np.eye(4))
    assert not people.any() and not sessions.any()
