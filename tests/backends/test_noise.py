"""Noise: published Philox answers, the same bits on every backend, and a normal distribution."""

import numpy as np
import pytest
from scipy import stats

from cubnm_core import noise
from cubnm_core.backends.cpu.noise import draw

# counter, key, words: the known answers published with Random123 (Salmon et al. 2011)
KNOWN = [
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_known_answers(counter, key, words):
    assert tuple(int(word) for word in noise.philox(counter, key)) == words


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seeds", [[5], [0, 5, 2**63 + 11]])
def test_compiled_noise_has_the_same_bits(dtype, seeds):
    keys = np.ascontiguousarray(np.array([noise.split_seed(seed) for seed in seeds], np.uint32).T)
    drawn = np.empty((40, 2, 67, len(seeds)), dtype)
    draw(drawn, 1000, 1, noise.STREAMS["simulation"], keys)
    for lane, seed in enumerate(seeds):
        np.testing.assert_array_equal(drawn[..., lane], noise.normals(seed, 1000, 40, 2, 67))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fine_steps", [3, 4, 10])
def test_compiled_sums_of_finer_steps_have_the_same_bits(dtype, fine_steps):
    seeds = [0, 2**63 + 11]
    keys = np.ascontiguousarray(np.array([noise.split_seed(seed) for seed in seeds], np.uint32).T)
    drawn = np.empty((12, 2, 37, 2), dtype)
    draw(drawn, 100, fine_steps, noise.STREAMS["simulation"], keys)
    for lane, seed in enumerate(seeds):
        np.testing.assert_array_equal(
            drawn[..., lane], noise.summed_normals(seed, 100, 12, 2, 37, fine_steps)
        )


def test_longer_steps_lie_on_the_path_of_finer_ones():
    fine = noise.normals(4, 0, 60, 2, 5).astype(float)
    path = np.cumsum(fine, axis=0)
    for fine_steps in (1, 5, 10, 20):
        coarse = noise.summed_normals(4, 0, 60 // fine_steps, 2, 5, fine_steps).astype(float)
        np.testing.assert_allclose(
            np.cumsum(coarse, axis=0) * np.sqrt(fine_steps), path[fine_steps - 1 :: fine_steps], atol=1e-5
        )
    np.testing.assert_array_equal(noise.summed_normals(4, 7, 3, 2, 5, 1), noise.normals(4, 7, 3, 2, 5))
    later = noise.summed_normals(4, 0, 6, 2, 5, 10)[2:5]
    np.testing.assert_array_equal(noise.summed_normals(4, 2, 3, 2, 5, 10), later)


def test_noise_does_not_depend_on_what_else_is_drawn():
    whole = noise.normals(9, 0, 100, 2, 50)
    np.testing.assert_array_equal(noise.normals(9, 37, 11, 1, 20), whole[37:48, :1, :20])


def test_streams_and_seeds_differ():
    first = noise.normals(1, 0, 400, 1, 50).ravel()
    for other in (noise.normals(2, 0, 400, 1, 50), noise.normals(1, 0, 400, 1, 50, stream="warm_up")):
        assert abs(np.corrcoef(first, other.ravel())[0, 1]) < 0.03


def test_distribution_is_normal():
    drawn = noise.normals(3, 0, 4000, 2, 100).astype(float)
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.01
    assert abs(drawn.std() - 1) < 3e-3
    assert abs(stats.kurtosis(drawn.ravel())) < 0.03
    assert np.abs(np.corrcoef(drawn[:, 0, :8].T) - np.eye(8)).max() < 0.06  # nodes are independent
    assert abs(np.corrcoef(drawn[:-1, 0, 0], drawn[1:, 0, 0])[0, 1]) < 0.06  # and so are steps
