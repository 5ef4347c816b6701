"""From the unit cube to parameters and back."""

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.fitting.search_space import SearchSpace

SPACE = SearchSpace({"G": (0.001, 10.0), "J_N": (0.001, 0.5)}, {"w_p": 1.4})


def test_bounds_are_met_exactly():
    params = SPACE.to_parameters([[0, 1], [1, 0]])
    assert list(params["G"]) == [0.001, 10.0]
    assert list(params["J_N"]) == [0.5, 0.001]
    assert list(params["w_p"]) == [1.4, 1.4]


def test_there_and_back():
    points = np.random.default_rng(0).random((50, 2))
    np.testing.assert_allclose(SPACE.to_unit(SPACE.to_parameters(points)), points, atol=1e-14)


def test_names_order_the_coordinates():
    assert SPACE.names == ["G", "J_N"]
    assert SPACE.dimension == 2


def test_grid_of_cubnm(shared):
    reference = np.load(shared / "reference" / "cubnm" / "f1_rww_gof_grid.npz")
    bounds = zip(reference["lb"], reference["ub"], strict=True)
    space = SearchSpace(dict(zip(reference["free_params"], bounds, strict=True)))
    params = space.to_parameters(reference["X"])
    np.testing.assert_allclose(np.stack(list(params.values()), axis=1), reference["Xt"], rtol=1e-14)


def test_parameters_at_their_bounds_are_named():
    assert SPACE.at_bounds([0.005, 0.5]) == {"G": "low"}
    assert SPACE.at_bounds([0.5, 1.0]) == {"J_N": "high"}
    assert SPACE.at_bounds([0.5, 0.5]) == {}


@pytest.mark.parametrize(
    ("free", "fixed", "complaint"),
    [
        ({}, {"G": 1.0}, "No parameter is free"),
        ({"G": (2.0, 1.0)}, {}, "bounds of G are 2.0 and 1.0"),
        ({"G": (0.0, float("inf"))}, {}, "bounds of G"),
        ({"G": (0.0, 1.0)}, {"G": 0.5}, "both free and fixed"),
        ({"G": (0.0, 1.0)}, {"w_p": float("nan")}, "fixed value of w_p"),
    ],
)
def test_spaces_that_cannot_be_searched_are_refused(free, fixed, complaint):
    with pytest.raises(InputError, match=complaint):
        SearchSpace(free, fixed)
