"""Rewired connectomes: what stays and what does not, beside the Brain Connectivity Toolbox."""

import numpy as np
import pytest

from cubnm_core.connectomes import synthetic
from cubnm_core.connectomes.rewiring import node_distances, rewire
from cubnm_core.errors import InputError

N = 60
POSITIONS = synthetic.node_positions(N)
DISTANCES = synthetic.tract_lengths(POSITIONS)
UPPER = np.triu_indices(N, 1)


def connectome(density, seed=0):
    """A synthetic connectome of the strongest connections."""
    weights = synthetic.typical_connectome(POSITIONS, np.random.default_rng(seed))
    weakest = np.quantile(weights[UPPER], 1 - density)
    return np.where(weights >= weakest, weights, 0.0) if density < 1 else weights


@pytest.fixture(scope="module")
def sparse():
    """A connectome with a quarter of all connections."""
    return connectome(0.25)


def degrees(weights):
    return np.count_nonzero(weights, axis=0)


def lengths_of(weights):
    return DISTANCES[UPPER][weights[UPPER] > 0]


@pytest.mark.parametrize("density", [0.1, 0.25, 1.0])
@pytest.mark.parametrize("distances", [None, DISTANCES])
def test_degrees_weights_and_nearly_strengths_stay(density, distances):
    weights = connectome(density)
    null = rewire(weights, distances, seed=3)
    np.testing.assert_array_equal(null.weights, null.weights.T)
    np.testing.assert_array_equal(degrees(null.weights), degrees(weights))
    np.testing.assert_array_equal(np.sort(null.weights[UPPER]), np.sort(weights[UPPER]))
    assert null.kept["degree_r"] == 1.0
    assert null.kept["strength_r"] > (0.9 if density > 0.1 else 0.8)  # few weights to choose from
    assert null.kept["weights_r"] < 0.7  # and yet it is another connectome


def test_lengths_stay_where_they_are_known(sparse):
    by_length, without = (rewire(sparse, distances, seed=1) for distances in (DISTANCES, None))
    own = lengths_of(sparse)
    edges = np.quantile(own, np.linspace(0, 1, 11)[1:-1])
    # As many connections of every bin, and the weights of a bin stay in it.
    for values in (own, lengths_of(by_length.weights)):
        np.testing.assert_array_equal(
            np.bincount(np.searchsorted(edges, values)), np.bincount(np.searchsorted(edges, own))
        )
    place = np.searchsorted(edges, DISTANCES[UPPER])
    for number in range(10):
        mine, null = (np.sort(weights[UPPER][place == number]) for weights in (sparse, by_length.weights))
        np.testing.assert_array_equal(mine, null)
    assert np.abs(lengths_of(by_length.weights).mean() - own.mean()) < 0.02 * own.mean()
    assert lengths_of(without.weights).mean() > 1.3 * own.mean()
    kept = by_length.kept
    assert abs(kept["weight_length_null"] - kept["weight_length"]) < 0.06
    assert kept["same_connections"] < 0.8


def test_lengths_of_tracts_alone_keep_lengths_nearly(sparse):
    own = lengths_of(sparse)
    distances, _ = node_distances(np.where(sparse > 0, DISTANCES, 0.0), np.full((N, 3), np.nan))
    null = rewire(sparse, distances, seed=1)
    assert abs(lengths_of(null.weights).mean() - own.mean()) < 0.04 * own.mean()
    logs = (np.log(weights[UPPER][weights[UPPER] > 0]) for weights in (sparse, null.weights))
    before, after = (
        np.corrcoef(values, lengths_of(weights))[0, 1]
        for values, weights in zip(logs, (sparse, null.weights), strict=True)
    )
    assert abs(before - after) < 0.08
    assert null.kept["same_connections"] < 0.8


def test_only_weights_move_where_every_pair_is_connected():
    weights = connectome(1.0)
    null = rewire(weights, DISTANCES, seed=1)
    assert null.kept["same_connections"] == 1.0
    assert null.kept["strength_r"] > 0.99
    assert null.kept["weights_r"] < 0.5
    assert abs(null.kept["weight_length_null"] - null.kept["weight_length"]) < 0.04


@pytest.mark.slow
def test_the_same_seed_gives_the_same_null_model(sparse):
    one, again, other = (rewire(sparse, DISTANCES, seed=seed) for seed in ([1, 7], [1, 7], [1, 8]))
    np.testing.assert_array_equal(one.weights, again.weights)
    assert not np.array_equal(one.weights, other.weights)


def test_tract_lengths_go_with_their_connections(sparse):
    measured = np.where(sparse > 0, DISTANCES * 1.1, 0.0)
    null = rewire(sparse, DISTANCES, measured, seed=1)
    assert ((null.lengths > 0) == (null.weights > 0)).all()
    np.testing.assert_allclose(np.sort(null.lengths[UPPER]), np.sort(measured[UPPER]))
    # Where every pair has a length, it belongs to the pair.
    np.testing.assert_array_equal(rewire(sparse, DISTANCES, DISTANCES, seed=1).lengths, DISTANCES)


def test_which_distances_connections_are_kept_by(sparse):
    only_connected = np.where(sparse > 0, DISTANCES, 0.0)
    nowhere = np.full((N, 3), np.nan)
    assert node_distances(DISTANCES, nowhere)[1] == "tract length"
    distances, source = node_distances(only_connected, POSITIONS)
    assert source == "euclidean"
    np.testing.assert_allclose(distances, DISTANCES / synthetic.TORTUOSITY)
    distances, source = node_distances(only_connected, nowhere)
    assert source == "tract length or shortest path"
    np.testing.assert_array_equal(distances[sparse > 0], DISTANCES[sparse > 0])
    assert np.corrcoef(distances[UPPER], DISTANCES[UPPER])[0, 1] > 0.95
    only_connected[0] = only_connected[:, 0] = 0.0
    assert node_distances(only_connected, nowhere) == (None, "none")
    assert node_distances(None, nowhere) == (None, "none")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda weights: np.triu(weights), "directed connectome"),
        (lambda weights: weights - 0.01, "negative weights"),
        (lambda weights: weights + np.eye(N), "diagonal"),
        (lambda weights: weights[:5], "square matrix"),
    ],
)
def test_what_cannot_be_rewired_is_refused(sparse, spoil, complaint):
    with pytest.raises(InputError, match=complaint):
        rewire(spoil(sparse))


def test_missing_distances_are_refused(sparse):
    with pytest.raises(InputError, match="some are missing"):
        rewire(sparse, np.full((N, N), np.nan))


def test_tiny_and_empty_connectomes_stay_as_they_are():
    for weights in (np.zeros((4, 4)), np.diag([0.1], 1) + np.diag([0.1], -1)):
        np.testing.assert_array_equal(rewire(weights).weights, weights)


@pytest.mark.slow
def test_nulls_are_like_those_of_the_brain_connectivity_toolbox(sparse):
    bct = pytest.importorskip("bct", reason="bctpy is not installed")
    binary = (sparse > 0).astype(float)
    theirs = [bct.randmio_und(binary, 10, seed=seed)[0] for seed in range(6)]
    ours = [(rewire(sparse, seed=seed).weights > 0).astype(float) for seed in range(12)]
    own = bct.clustering_coef_bu(binary).mean()
    found, reference = ([bct.clustering_coef_bu(one).mean() for one in ones] for ones in (ours, theirs))
    assert np.mean(found) == pytest.approx(np.mean(reference), abs=0.012)
    assert own > 1.5 * np.mean(reference)
    with np.errstate(invalid="ignore"):
        weighted = bct.null_model_und_sign(sparse, seed=2)[0]
    kept = np.corrcoef(weighted.sum(axis=0), sparse.sum(axis=0))[0, 1]
    assert np.mean([rewire(sparse, seed=seed).kept["strength_r"] for seed in range(4)]) > kept - 0.03
