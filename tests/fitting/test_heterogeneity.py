"""Parameters that differ between nodes: by maps, by groups, as given."""

import csv

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.fitting.heterogeneity import (
    Grouped,
    MapScaled,
    automatic_range,
    hemisphere_pairs,
    rescale_into,
)
from cubnm_core.fitting.search_space import SearchSpace

RNG = np.random.default_rng(3)
MYELIN, GRADIENT = RNG.random(12), RNG.normal(size=12)


def cubnm_rule(values, low, high):
    """The clipping rule of cuBNM 0.1.0 for one simulation, written out once more in scalars."""
    smallest, largest = min(values), max(values)
    if smallest >= low and largest <= high:
        return list(values)
    to_low = min(max(low, smallest), high)
    to_high = max(min(high, largest), low)
    return [(value - smallest) / (largest - smallest) * (to_high - to_low) + to_low for value in values]


def scaled_space(**changes):
    """G, and w_p scaled by two maps."""
    settings = {
        "free": {"G": (0.1, 5.0), "w_p": (0.0, 2.0), "w_p.myelin": (-5.0, 5.0), "w_p.gradient": (-5.0, 5.0)},
        "fixed": {"J_N": 0.15},
        "regional": {"w_p": MapScaled({"myelin": MYELIN, "gradient": GRADIENT}, limits=(0.0, 2.0))},
    }
    return SearchSpace(**settings | changes)


def test_map_scaling_follows_its_formula_within_the_limits():
    coordinates = {"w_p": np.array([1.0]), "w_p.myelin": np.array([0.2]), "w_p.gradient": np.array([-0.1])}
    values = scaled_space().regional["w_p"].values("w_p", coordinates)
    np.testing.assert_allclose(values, [1.0 * (1 + 0.2 * MYELIN - 0.1 * GRADIENT)])


def test_a_batch_of_map_scaled_values_is_what_each_candidate_gets_alone():
    space, points = scaled_space(), RNG.random((300, 4))
    found = space.to_parameters(points)
    assert found["w_p"].shape == (300, 12)
    assert found["G"].shape == found["J_N"].shape == (300,)
    outside = 0
    for row, point in enumerate(points):
        base, myelin, gradient = 2 * point[1], 10 * point[2] - 5, 10 * point[3] - 5
        plain = [base * (1 + myelin * m + gradient * g) for m, g in zip(MYELIN, GRADIENT, strict=True)]
        outside += min(plain) < 0 or max(plain) > 2
        np.testing.assert_allclose(found["w_p"][row], cubnm_rule(plain, 0.0, 2.0), atol=1e-12)
        np.testing.assert_array_equal(found["w_p"][row], space.to_parameters(point)["w_p"][0])
    assert 100 < outside < 300  # the rule was needed, and not always


def test_rescaling_keeps_the_order_of_nodes_and_meets_the_limits():
    values = np.array([[-1.0, 0.5, 1.0], [1.0, 2.5, 3.0], [3.0, 4.0, 5.0], [0.5, 1.0, 1.5], [9.0, 9.0, 9.0]])
    expected = [[0, 0.75, 1], [1, 1.75, 2], [2, 2, 2], [0.5, 1, 1.5], [2, 2, 2]]
    np.testing.assert_allclose(rescale_into(values, 0.0, 2.0), expected)


def test_published_two_map_fit_of_cubnm(shared):
    """CMA-ES with two maps on group-train706: regional values by cuBNM's rule, computed here in scalars."""
    folder = shared / "data" / "hcp" / "maps"
    maps = {}
    for name, stem in (("myelin", "myelinmap"), ("fcgradient", "fcgradient01")):
        values = np.loadtxt(folder / f"ctx_parc-schaefer-100_desc-{stem}_zscore.txt")
        maps[name] = (values - values.min()) / (values.max() - values.min())
    published = {
        "w_p": (1.869521, -0.129708, -4.220957, (0.0, 2.0)),
        "J_N": (0.113597, 4.994532, -4.746477, (0.001, 0.5)),
    }
    free, regional, point = {"G": (0.001, 10.0)}, {}, {"G": 1.044188}
    for name, (base, first, second, limits) in published.items():
        free |= {name: limits, f"{name}.myelin": (-5.0, 5.0), f"{name}.fcgradient": (-5.0, 5.0)}
        point |= {name: base, f"{name}.myelin": first, f"{name}.fcgradient": second}
        regional[name] = MapScaled(maps, limits)
    space = SearchSpace(free, regional=regional)
    found = space.to_parameters(space.to_unit(point))
    for name, (base, first, second, limits) in published.items():
        plain = [
            base * (1 + first * m + second * g)
            for m, g in zip(maps["myelin"].tolist(), maps["fcgradient"].tolist(), strict=True)
        ]
        assert min(plain) < limits[0]  # both patterns go below zero, and are brought back
        np.testing.assert_allclose(found[name][0], cubnm_rule(plain, *limits), rtol=1e-9)
        assert found[name].min() == pytest.approx(limits[0])


@pytest.mark.parametrize(
    ("brain_map", "expected"),
    [
        ([-2.0, 1.0], (-1.0, 0.5)),
        ([-0.3, 0.7], (-1.4, 3.3)),
        ([0.0, 1.0], (0.0, 1.0)),
        ([2.0, 3.5], (0.0, 1.0)),
        ([-2.0, -1.0], (0.0, 1.0)),
    ],
)
def test_automatic_range_keeps_the_factor_positive(brain_map, expected):
    assert automatic_range(brain_map) == pytest.approx(expected)
    for coefficient in automatic_range(brain_map):
        if min(brain_map) < 0 < max(brain_map):
            assert (1 + coefficient * np.array(brain_map) >= 0).all()


def test_a_map_too_large_for_an_automatic_range_is_refused():
    with pytest.raises(InputError, match="normalise the map, or state the range"):
        automatic_range([-40.0, 30.0])


def test_any_coefficient_may_be_fixed():
    space = scaled_space(
        free={"G": (0.1, 5.0), "w_p.gradient": (-5.0, 5.0)},
        fixed={"w_p": 1.0, "w_p.myelin": 0.0},
        regional={"w_p": MapScaled({"myelin": MYELIN, "gradient": GRADIENT})},
    )
    assert space.names == ["G", "w_p.gradient"]
    np.testing.assert_allclose(space.to_parameters([[0.5, 0.6]])["w_p"], [1 + 1.0 * GRADIENT], atol=1e-12)


def test_groups_share_one_value():
    groups = ["Vis", "Vis", "Default", "SomMot", "Default"]
    space = SearchSpace(
        {"G": (0.0, 1.0), "w_p[Vis]": (0.0, 2.0), "w_p[Default]": (0.0, 2.0), "w_p[SomMot]": (1.0, 2.0)},
        regional={"w_p": Grouped(groups)},
    )
    params = space.to_parameters([[0.3, 0.25, 0.5, 0.75], [0.3, 0.0, 1.0, 0.0]])
    np.testing.assert_allclose(params["w_p"], [[0.5, 0.5, 1.0, 1.75, 1.0], [0.0, 0.0, 2.0, 1.0, 2.0]])
    assert sorted(params) == ["G", "w_p"]


def test_fixed_arrays_reach_every_candidate():
    values = np.linspace(0.5, 1.5, 5)
    space = SearchSpace({"G": (0.0, 1.0)}, {"w_p": values, "J_N": 0.2})
    params = space.to_parameters([[0.1], [0.2], [0.3]])
    np.testing.assert_array_equal(params["w_p"], np.stack([values] * 3))
    assert params["J_N"].shape == (3,)
    assert sorted(space.coordinates([[0.1]])) == ["G", "J_N"]
    assert space.regional_names == ["w_p"]


def test_coordinates_go_there_and_back():
    space, points = scaled_space(), RNG.random((40, 4))
    np.testing.assert_allclose(space.to_unit(space.coordinates(points)), points, atol=1e-14)
    composed = space.compose(space.coordinates(points))
    np.testing.assert_array_equal(composed["w_p"], space.to_parameters(points)["w_p"])


@pytest.mark.parametrize(
    ("labels", "sides", "expected"),
    [
        (["LH_Vis_1", "RH_Vis_1"], "LR", ["Vis_1", "Vis_1"]),
        (["L_V1_ROI", "L_V2_ROI", "R_V2_ROI", "R_V1_ROI"], "LLRR", ["V1_ROI", "V2_ROI", "V2_ROI", "V1_ROI"]),
        (["Left-Thalamus", "Brain-Stem", "Right-Thalamus"], "LBR", ["Thalamus", "Brain-Stem", "Thalamus"]),
        (["ctx-lh-cuneus", "ctx-rh-cuneus"], "LR", ["ctx-cuneus", "ctx-cuneus"]),
        (["Hippocampus_R", "Hippocampus_L"], "RL", ["Hippocampus", "Hippocampus"]),
    ],
)
def test_hemispheres_are_paired_by_label(labels, sides, expected):
    assert hemisphere_pairs(labels, list(sides)) == expected


@pytest.mark.parametrize(
    ("labels", "sides", "words"),
    [
        (["LH_a", "RH_a", "LH_b"], "LRL", "LH_b have no partner"),
        (["LH_a", "RH_a", "rh_a"], "LRR", "LH_a, RH_a, rh_a have no partner"),
        (["LH_a", "a", "RH_a"], "LBR", "LH_a, RH_a have no partner"),
        (["V1", "RH_V1"], "LR", "V1 do not name their side"),
        (["RH_a", "LH_a"], "LR", "do not name their side"),
    ],
)
def test_hemispheres_without_partners_are_refused(labels, sides, words):
    with pytest.raises(InputError, match=words):
        hemisphere_pairs(labels, list(sides))


def test_schaefer_parcels_have_no_partners_by_number(shared):
    """Node i + N/2 is not the partner of node i: the parcellation is not symmetric, and is told so."""
    with open(shared / "data" / "schaefer100_7networks" / "nodes.tsv", newline="") as file:
        nodes = list(csv.DictReader(file, delimiter="\t"))
    with pytest.raises(InputError, match=r"Schaefer.s is not"):
        hemisphere_pairs([node["label"] for node in nodes], [node["hemisphere"] for node in nodes])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"free": {"G": (0.1, 5.0), "w_p": (0.0, 2.0), "w_p.myelin": (0, 1)}},
            "w_p.gradient is neither free",
        ),
        ({"fixed": {"w_p.thickness": 1.0}}, "w_p.thickness belongs to no map"),
        ({"fixed": {"J_N": np.ones(5)}}, "differ in their number of nodes .*w_p: 12, J_N: 5"),
        ({"regional": {}}, "w_p.myelin belongs to no map or group"),
        ({"fixed": {"J_N": np.array([1.0, np.nan])}}, "fixed value of J_N"),
    ],
)
def test_spaces_that_do_not_add_up_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        scaled_space(**changes)


def test_a_grouped_parameter_has_no_value_of_its_own():
    with pytest.raises(InputError, match="w_p belongs to no map or group"):
        SearchSpace({"w_p[a]": (0, 1), "w_p": (0, 1)}, regional={"w_p": Grouped(["a", "a"])})


@pytest.mark.parametrize(
    ("maps", "limits", "words"),
    [
        ({}, None, "none is given"),
        ({"a": [1.0, np.nan, 2.0]}, None, "Map a has 1 values that are not finite, the first at node 1"),
        ({"a": [1.0, 2.0], "b": [1.0]}, None, "found shapes"),
        ({"a": [1.0, 2.0]}, (2.0, 1.0), "Limits are two finite numbers"),
    ],
)
def test_maps_that_cannot_be_used_are_refused(maps, limits, words):
    with pytest.raises(InputError, match=words):
        MapScaled(maps, limits)
