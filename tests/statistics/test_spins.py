"""Spin nulls: assignments as another library's, known p, and the rate of false positives on smooth maps."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cubnm_core.errors import InputError
from cubnm_core.statistics import spins
from workflow_scripts.cohort import tables
from workflow_scripts.evidence import spin_nulls

QUARTER_TURN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def points(count, seed=0):
    """Points on the unit sphere, evenly spread."""
    rank = np.arange(count) + 0.5
    z, angle = 1 - 2 * rank / count, np.pi * (1 + 5**0.5) * rank + seed
    return np.column_stack([np.cos(angle) * np.sqrt(1 - z**2), np.sin(angle) * np.sqrt(1 - z**2), z])


def brain(per_side):
    """Coordinates and hemispheres of two ellipsoids beside each other, mirrored."""
    left = points(per_side) * [30, 80, 50] - [35, 0, 0]
    return np.vstack([left, left * [-1, 1, 1]]), ["L"] * per_side + ["R"] * per_side


def test_a_turn_by_a_quarter_moves_every_point_to_the_next():
    square = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    for method in spins.METHODS:
        assert spins.assignment(square, QUARTER_TURN, method).tolist() == [3, 0, 1, 2]


# Of neuromaps 0.0.7 (gen_spinsamples) for ten points and these rotations. Its licence forbids some uses, so
# that nothing here depends on it; where it is installed, the next test asks it again.
ROTATIONS = (
    [[0.053203, 0.960874, 0.271829], [0.729837, 0.148374, -0.667325], [-0.681548, 0.233895, -0.693387]],
    [[0.901379, 0.093654, 0.422782], [-0.333908, 0.771973, 0.540891], [-0.275719, -0.628718, 0.727112]],
)
ASSIGNED = {
    "hungarian": ([8, 5, 7, 3, 2, 9, 0, 4, 6, 1], [0, 4, 2, 1, 7, 5, 6, 8, 3, 9]),
    "vasa": ([8, 5, 9, 3, 2, 4, 0, 7, 6, 1], [5, 1, 2, 0, 4, 7, 3, 9, 8, 6]),
}


@pytest.mark.parametrize("method", ASSIGNED)
def test_assignments_are_those_of_another_library(method):
    for rotation, wanted in zip(ROTATIONS, ASSIGNED[method], strict=True):
        assert spins.assignment(points(10), np.array(rotation), method).tolist() == wanted


def test_assignments_and_p_are_those_of_another_library_where_it_is_installed():
    reference = pytest.importorskip("neuromaps.nulls.spins")
    from neuromaps.stats import permtest_metric

    sphere = np.vstack([points(40), points(40, 1.0)])
    sides = np.repeat([0, 1], 40)
    for method in spins.METHODS:
        wanted = reference.gen_spinsamples(
            sphere, sides, n_rotate=5, method=method, seed=4, check_duplicates=False
        )
        state = np.random.RandomState(4)
        for k in range(5):
            left, right = reference._gen_rotation(seed=state)
            np.testing.assert_allclose(right, spins.MIRROR @ left @ spins.MIRROR)
            found = spins.assignment(sphere[:40], left, method)
            found_right = 40 + spins.assignment(sphere[40:], right, method)
            assert [*found, *found_right] == wanted[:, k].tolist()
    one, other = np.random.default_rng(0).normal(size=(2, 80))
    turned = reference.gen_spinsamples(sphere, sides, n_rotate=99, method="hungarian", seed=1).T
    r, p, _ = spins.spin_test(one + other, other, spins.Spins(turned, np.ones(80, dtype=bool)))
    known = permtest_metric(other, one + other, nulls=other[turned].T)
    np.testing.assert_allclose([r[0], p[0]], known)


def test_spins_are_permutations_within_hemispheres_and_mirrored():
    coordinates, sides = brain(30)
    drawn = spins.draw_spins(coordinates, sides, 20, seed=3)
    assert (np.sort(drawn.indices, axis=1) == np.arange(60)).all()
    assert (drawn.indices[:, :30] < 30).all()
    np.testing.assert_array_equal(drawn.indices[:, 30:] - 30, drawn.indices[:, :30])
    assert len(np.unique(drawn.indices, axis=0)) == 20


def test_spins_depend_on_their_seed_alone():
    coordinates, sides = brain(12)
    drawn = spins.draw_spins(coordinates, sides, 10, seed=3).indices
    np.testing.assert_array_equal(spins.draw_spins(coordinates, sides, 4, seed=3).indices, drawn[:4])
    assert (spins.draw_spins(coordinates, sides, 10, seed=4).indices != drawn).any()


def test_rotations_are_uniform():
    turned = spins._rotations(4000, 1)[:, 0]
    assert np.abs(turned.mean(axis=0)).max() < 0.05
    np.testing.assert_allclose((turned**2).mean(axis=0), 1 / 3, atol=0.03)


def test_subcortex_and_midline_keep_their_place():
    coordinates, sides = brain(12)
    sides = [*sides[:-1], "B"]
    cortical = np.arange(24) != 3
    drawn = spins.draw_spins(coordinates, sides, 10, seed=0, cortical=cortical)
    assert np.flatnonzero(~drawn.moved).tolist() == [3, 23]
    assert (drawn.indices[:, [3, 23]] == [3, 23]).all()
    assert (np.sort(drawn.indices, axis=1) == np.arange(24)).all()


def test_missing_coordinates_and_too_few_nodes_are_told():
    coordinates, sides = brain(12)
    with pytest.raises(InputError, match="at least 5 cortical nodes"):
        spins.draw_spins(coordinates[8:], sides[8:], 10, seed=0)
    with pytest.raises(InputError, match="at least 5 cortical nodes"):
        spins.draw_spins(coordinates, ["B"] * 24, 10, seed=0)
    coordinates[5, 1] = np.nan
    with pytest.raises(InputError, match="first of them node 5"):
        spins.draw_spins(coordinates, sides, 10, seed=0)
    with pytest.raises(InputError, match="hungarian, vasa"):
        spins.assignment(points(5), np.eye(3), "nearest")


def test_a_folded_surface_gives_places_on_its_sphere():
    sphere = points(200)
    folded = sphere * (1 + 0.3 * np.sin(7 * sphere[:, :1])) * 60
    np.testing.assert_allclose(spins.on_surface(folded[::10] + 0.1, folded, 100 * sphere), sphere[::10])


def test_p_counts_the_spins_as_far_from_zero_and_the_map_itself():
    turned = np.array([1.0, 2.0, 3.0, 4.0])
    indices = np.array([[3, 2, 1, 0], [1, 0, 3, 2], [0, 1, 2, 3], [1, 0, 2, 3], [2, 0, 3, 1]])
    drawn = spins.Spins(indices, np.ones(4, dtype=bool))
    maps = [[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0, 3.0]]
    r, p, n = spins.spin_test(maps, turned, drawn)
    np.testing.assert_allclose(r, [1.0, 0.8])
    # Correlations of the spins with the first map: -1, .6, 1, .8, 0; with the second: -.8, .8, .8, .6, .4.
    np.testing.assert_allclose(p, [3 / 6, 4 / 6])
    assert n.tolist() == [4, 4]


def test_correlations_leave_out_what_is_missing():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(3, 40)), rng.normal(size=(4, 40)) + 1e3
    one[0, :5], other[1, 3:9] = np.nan, np.nan
    found = spins.pairwise_correlation(one, other)
    for i, j in np.ndindex(found.shape):
        both = np.isfinite(one[i]) & np.isfinite(other[j])
        assert found[i, j] == pytest.approx(np.corrcoef(one[i, both], other[j, both])[0, 1])


def test_smooth_maps_without_relation_are_rarely_called_related():
    """Correlations over 120 parcels of smooth maps would be called significant far more often."""
    coordinates, sides = brain(60)
    drawn = spins.draw_spins(coordinates, sides, 199, seed=1)
    sphere = np.vstack([points(60), points(60) * [-1, 1, 1]])
    likeness = np.exp((sphere @ sphere.T - 1) / 0.3)
    likeness[:60, 60:] = likeness[60:, :60] = 0.0
    rng = np.random.default_rng(2)
    smooth = np.linalg.cholesky(likeness + 1e-9 * np.eye(120)) @ rng.normal(size=(120, 400))
    p = np.array([spins.spin_test(smooth[:, k], smooth[:, 200 + k], drawn)[1][0] for k in range(200)])
    r = [np.corrcoef(smooth[:, k], smooth[:, 200 + k])[0, 1] for k in range(200)]
    assert np.mean(np.abs(r) > 0.18) > 0.25  # p < .05 if parcels were independent
    assert np.mean(p < 0.05) < 0.1


def test_an_atlas_in_mni_space_turns_on_the_sphere_of_fsaverage5(shared):
    nodes = tables.read_nodes(shared / "data" / "schaefer100_7networks" / "nodes.tsv")
    drawn, sphere = spin_nulls.draw(nodes, 50, seed=0)
    assert sphere == "fsaverage5" and drawn.moved.all()
    height = np.array([node["z"] for node in nodes])
    near = cdist(*[[[node[axis] for axis in "xyz"] for node in nodes]] * 2)
    neighbours = near.argsort(axis=1)[:, 1:4]
    likeness = [
        np.corrcoef(values, values[neighbours].mean(axis=1))[0, 1] for values in height[drawn.indices]
    ]
    shuffled = np.random.default_rng(0).permutation(height)
    assert np.mean(likeness) > 0.7  # a turned map is still smooth, a shuffled one is not
    assert abs(np.corrcoef(shuffled, shuffled[neighbours].mean(axis=1))[0, 1]) < 0.3


def test_other_coordinates_turn_on_an_ellipsoid_and_named_structures_stay_out():
    coordinates, sides = brain(12)
    nodes = [
        {
            "label": str(k),
            "hemisphere": side,
            "structure": "cortex",
            **dict(zip("xyz", 3 * place, strict=True)),
        }
        for k, (place, side) in enumerate(zip(coordinates, sides, strict=True))
    ]
    nodes[4]["structure"] = "subcortex"
    drawn, sphere = spin_nulls.draw(nodes, 5, seed=0)
    assert sphere == "ellipsoid" and np.flatnonzero(~drawn.moved).tolist() == [4]
    nodes[0]["x"] = None
    with pytest.raises(InputError, match="need coordinates"):
        spin_nulls.draw(nodes, 5, seed=0)
