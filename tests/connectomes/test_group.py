"""A group of people as one: average connectome, consensus, FC and FCD."""

import numpy as np
import pytest

from cubnm_core.connectomes.group import (
    consensus_connectome,
    group_target,
    mean_connectome,
    pool_connectomes,
    pool_fcd,
)
from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import average_fc
from cubnm_core.measures.distances import binned_cdf, kolmogorov_smirnov
from cubnm_core.measures.objective import Target

SIDES = ["L"] * 20 + ["R"] * 20


def distances(generator):
    """Distances between 40 nodes, those of the second half on the other side of the midline."""
    places = generator.uniform(0, 60, (40, 3))
    places[20:, 0] -= 70
    return np.linalg.norm(places[:, None] - places[None], axis=-1)


def people(number=30, seed=5):
    """Connectomes in which far nodes are connected in fewer people, and the true connections."""
    generator = np.random.default_rng(seed)
    length = distances(generator)
    true = np.triu(generator.random((40, 40)) < 0.4, 1)
    chance = np.exp(-length / 80)
    found = []
    for _ in range(number):
        seen = (true & (generator.random((40, 40)) < chance)) | np.triu(generator.random((40, 40)) < 0.03, 1)
        weights = seen * generator.lognormal(size=(40, 40))
        found.append((weights + weights.T, length * (seen | seen.T)))
    return found, true, length


def test_the_mean_connectome_counts_who_lacks_a_connection_but_not_its_length():
    one, other = np.zeros((3, 3)), np.zeros((3, 3))
    one[0, 1] = one[1, 0] = 4.0
    one[1, 2] = one[2, 1] = other[1, 2] = other[2, 1] = 2.0
    pooled = pool_connectomes([(one, np.where(one > 0, 10.0, 99.0)), (other, np.full((3, 3), 20.0))])
    weights, lengths = mean_connectome(pooled)
    assert weights[0, 1] == 2.0 and weights[1, 2] == 2.0 and weights[0, 2] == 0.0
    assert lengths[0, 1] == 10.0 and lengths[1, 2] == 15.0 and lengths[0, 2] == 0.0


def test_without_lengths_the_group_has_none():
    assert mean_connectome(pool_connectomes([(np.ones((3, 3)), None)]))[1] is None


@pytest.mark.parametrize("connectomes", [[], [(np.ones((3, 3)), None), (np.ones((4, 4)), None)]])
def test_connectomes_that_make_no_group_are_refused(connectomes):
    with pytest.raises(InputError, match="needs"):
        pool_connectomes(connectomes)


def test_the_consensus_has_as_many_connections_as_people_have_within_and_between_hemispheres():
    found, _, _ = people()
    weights, lengths = consensus_connectome(pool_connectomes(found), SIDES)
    assert np.array_equal(weights, weights.T) and not np.diag(weights).any()
    across = np.not_equal.outer(SIDES, SIDES)
    for where in (across, ~across):
        own = np.mean([np.count_nonzero(one[where]) for one, _ in found])
        assert abs(np.count_nonzero(weights[where]) - own) <= 2
    assert weights.mean() == pytest.approx(np.mean([one.mean() for one, _ in found]))
    assert (lengths[weights > 0] > 0).all()


def test_the_consensus_keeps_the_lengths_that_one_threshold_would_lose():
    found, true, length = people()
    pooled = pool_connectomes(found)
    kept = np.triu(consensus_connectome(pooled, SIDES)[0] > 0)
    count = np.count_nonzero(kept)
    share = np.triu(pooled.present)
    commonest = share > np.sort(share, axis=None)[-count - 1]
    usual = np.mean([length[np.triu(one) > 0].mean() for one, _ in found])
    assert abs(length[kept].mean() - usual) < 2.0 < usual - length[commonest].mean()
    assert true[kept].mean() > 0.95


def test_the_consensus_of_equal_connectomes_is_that_connectome():
    one, length = people(number=1)[0][0]
    weights, _ = consensus_connectome(pool_connectomes([(one, length)] * 4), SIDES)
    np.testing.assert_allclose(weights, one)


def test_a_consensus_needs_distances_of_some_kind():
    found, _, length = people(number=3)
    pooled = pool_connectomes([(weights, None) for weights, _ in found])
    with pytest.raises(InputError, match="coordinates"):
        consensus_connectome(pooled, SIDES)
    assert consensus_connectome(pooled, SIDES, length)[1] is None


def test_the_fcd_of_a_group_is_the_mean_of_the_distribution_functions():
    generator = np.random.default_rng(0)
    fcds = [generator.beta(2, b, size) for b, size in ((2, 300), (5, 3000), (9, 20_000))]
    pooled = pool_fcd(fcds)
    mean = np.mean([binned_cdf(fcd) for fcd in fcds], axis=0)
    assert np.abs(binned_cdf(pooled) - mean).max() < 2e-3
    one = pool_fcd(fcds[:1])
    assert kolmogorov_smirnov(fcds[0][None], one)[0] < 1e-3


def test_everybody_counts_once_however_many_sessions():
    generator = np.random.default_rng(1)
    made = [Target(generator.uniform(-0.9, 0.9, 10), generator.random(50)) for _ in range(3)]
    twice = group_target([made[0], made[1], made[1]], ["a", "b", "b"])
    once = group_target(made[:2], ["a", "b"])
    np.testing.assert_allclose(twice.fc, once.fc)
    np.testing.assert_allclose(once.fc, average_fc([target.fc for target in made[:2]]))
    assert kolmogorov_smirnov(twice.fcd[None], once.sorted_fcd)[0] < 0.01
    assert np.abs(once.binned_fcd - binned_cdf(once.fcd)).max() < 0.01


def test_people_without_fcd_or_with_its_distribution_function_only_join_a_group():
    values = np.random.default_rng(2).random(500)
    cdf = binned_cdf(values)
    group = group_target([Target(np.zeros(3)), Target(np.zeros(3), fcd_cdf=cdf)], ["a", "b"])
    assert group.fcd is None
    np.testing.assert_allclose(group.binned_fcd, cdf)
    assert group_target([Target(np.zeros(3))], ["a"]).binned_fcd is None


def test_targets_of_different_masks_make_no_group():
    with pytest.raises(InputError, match=r"\[3, 4\]"):
        group_target([Target(np.zeros(3)), Target(np.zeros(4))], ["a", "b"])
