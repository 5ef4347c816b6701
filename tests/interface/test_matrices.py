"""Connectomes for the models, lesions, and FC as matrices."""

import numpy as np
import pytest

from cubnm_core import STATUS, InputError, connectome, lesion, simulate, to_matrix

RAW = np.triu(np.random.default_rng(1).lognormal(3.0, 1.0, (6, 6)), 1)
RAW = RAW + RAW.T


def test_a_connectome_is_brought_to_the_scale_of_the_models():
    found = connectome(RAW + 5 * np.eye(6))
    assert found.mean() == pytest.approx(0.01) and not np.diag(found).any()
    np.testing.assert_allclose(found / found.max(), RAW / RAW.max())
    assert connectome(RAW, "subject_max").max() == 1
    assert np.count_nonzero(connectome(RAW, density=0.4)) == 12
    assert RAW.max() > 1  # untouched


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.zeros((3, 4)), "square matrix; found shape \\(3, 4\\)"),
        (np.zeros((3, 3)), "no connection is left"),
        (-RAW, "weights\\[0, 1\\] is -.*not their logarithms"),
        (np.where(RAW.max() == RAW, np.nan, RAW), "is nan"),
    ],
)
def test_what_is_no_connectome_is_refused(weights, words):
    with pytest.raises(InputError, match=words):
        connectome(weights)


def test_lesions_take_connections_and_nothing_else():
    found = lesion(RAW, nodes=[2], edges=[(0, 1)], share=0.5)
    hit = np.zeros((6, 6), bool)
    hit[2] = hit[:, 2] = hit[0, 1] = hit[1, 0] = True
    np.testing.assert_array_equal(found, np.where(hit, RAW / 2, RAW))
    assert not lesion(RAW, nodes=[-1])[5].any()
    for wrong, words in (
        ({"nodes": [6]}, "node 6"),
        ({}, "nothing is lesioned"),
        ({"nodes": [1], "share": 0}, "share"),
    ):
        with pytest.raises(InputError, match=words):
            lesion(RAW, **wrong)


def test_pairs_become_matrices():
    rows, columns = np.tril_indices(6, -1)
    np.testing.assert_array_equal(to_matrix(RAW[rows, columns], diagonal=0.0), RAW)
    assert to_matrix(np.zeros((2, 15))).shape == (2, 6, 6)
    within = to_matrix(np.arange(6.0), hemispheres=list("LLLRRR"))
    assert np.isnan(within[0, 3]) and within[1, 0] == 0.0 and within[5, 4] == 5.0 and within[0, 0] == 1.0
    with pytest.raises(InputError, match="give hemispheres"):
        to_matrix(np.zeros(6), nodes=6)


def test_values_of_regions_are_never_taken_for_simulations():
    settings = {
        "duration": 2.0,
        "burn_in": 1.0,
        "repetition_time": 1.0,
        "record": ("state_means",),
        "dt": 1e-3,
    }
    values, weights = np.linspace(1.0, 1.5, 6), connectome(RAW)
    with pytest.raises(InputError, match=r"w_p\[None\] for one simulation.*w_p\[:, None\] for 6 simulations"):
        simulate("rWW", weights, {"G": 0.5, "w_p": values}, **settings)
    one = simulate("rWW", weights, {"G": 0.5, "w_p": values[None]}, **settings)
    many = simulate("rWW", weights, {"G": 0.5, "w_p": values[:, None]}, **settings)
    stated = simulate("rWW", weights, {"G": np.full(6, 0.5), "w_p": values}, **settings)
    seeds = simulate("rWW", weights, {"G": 0.5, "w_p": values}, seed=np.zeros(6, int), **settings)
    assert one.params["w_p"].shape == (1, 6)
    for run in (many, stated, seeds):
        np.testing.assert_array_equal(run.params["w_p"], values)
        np.testing.assert_array_equal(run.state_means["S_E"], many.state_means["S_E"])
    assert STATUS[int(one.status[0])] == "ok"
