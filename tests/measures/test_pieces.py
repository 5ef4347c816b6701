"""Pieces of simulations: measured as scans are, and without the bias of their length."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from cubnm_core import simulate
from cubnm_core.errors import InputError
from cubnm_core.measures import connectivity
from cubnm_core.measures.distances import kolmogorov_smirnov
from cubnm_core.measures.pieces import Layout, Measurement, Piece, lay_out
from workflow_scripts.preparation import empirical_targets

N = 7
PAIRS = connectivity.pair_indices(N)
ANALYSIS = {"pairs": "all", "window": 20.0, "window_step": 4.0, "edges": "drop", "censored_share": 0.3}


def smooth(volumes, seed, nodes=N):
    """BOLD with autocorrelation and a shared signal, (volumes, nodes)."""
    drawn = np.random.default_rng(seed).standard_normal((volumes, nodes + 1))
    series = lfilter([1.0], [1.0, -0.8], drawn, axis=0)
    return series[:, :-1] + 0.7 * series[:, -1:]


def measurement(band=None, edges="drop"):
    return Measurement(PAIRS, 1.0, ANALYSIS["window"], ANALYSIS["window_step"], edges, band)


def scanned(runs, kept, band, edges):
    """What the preparation makes of runs: FC and FCD."""
    stops = np.cumsum([len(run) for run in runs])
    pieces = [
        {
            "run": str(number), "first": 0, "stop": len(run), "bold": run, "repetition_time": 1.0,
            "kept": kept[stop - len(run) : stop], "gaps_known": True, "values_missing": False,
        }
        for number, (run, stop) in enumerate(zip(runs, stops, strict=True))
    ]  # fmt: skip
    analysis = {**ANALYSIS, "edges": edges, "band_pass": band}
    arrays, _ = empirical_targets.target(pieces, ["L"] * N, analysis, True)
    return arrays["fc"], arrays["fcd"]


@pytest.mark.parametrize("band", [None, (0.02, 0.2), (0.02, 0.2, 3)], ids=["all", "filtered", "third order"])
@pytest.mark.parametrize("edges", ["drop", "keep"])
@pytest.mark.parametrize("censored", [0.0, 0.25], ids=["complete", "censored"])
@pytest.mark.parametrize("lengths", [[120], [60, 90], [45, 45, 45]], ids=str)
def test_pieces_are_measured_as_runs_of_a_scan_are(band, edges, censored, lengths):
    bold = smooth(sum(lengths), 1)
    kept = np.random.default_rng(2).random(len(bold)) >= censored
    fc, fcd = measurement(band, edges).measure(bold, lay_out(lengths, kept, ANALYSIS["censored_share"]))
    stops = np.cumsum(lengths)
    runs = [bold[stop - length : stop] for stop, length in zip(stops, lengths, strict=True)]
    expected = scanned(runs, kept, band, edges)
    np.testing.assert_allclose(fc, expected[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(fcd, expected[1], rtol=0, atol=1e-13)


def test_all_of_a_simulation_in_one_piece_is_the_simulation_to_the_bit():
    bold, whole = smooth(100, 3), lay_out([100])
    fc, fcd = measurement().measure(bold, whole)
    windows = connectivity.sliding_windows(100, 1.0, 20.0, 4.0)
    assert np.array_equal(fc, connectivity.functional_connectivity(bold, PAIRS))
    assert np.array_equal(fcd, connectivity.functional_connectivity_dynamics(bold, PAIRS, *windows))
    assert whole.is_whole(100) and not whole.is_whole(101)
    assert not lay_out([50, 50]).is_whole(100)
    assert not lay_out([100], np.arange(100) > 3).is_whole(100)


def test_a_layout_is_known_by_what_it_says():
    kept = np.arange(30) % 7 > 0
    assert lay_out([10, 20], np.ones(30, bool)) == lay_out([10, 20]) == Layout((Piece(0, 10), Piece(10, 30)))
    one, other = lay_out([10, 20], kept), lay_out([10, 20], kept.copy())
    assert one == other and hash(one) == hash(other)
    assert one != lay_out([10, 20]) and one != lay_out([10, 20], kept, 0.25)
    assert np.array_equal(np.concatenate([piece.mask for piece in one.pieces]), kept)
    assert one.n_volumes == 30


def test_pieces_that_are_too_short_are_refused():
    with pytest.raises(InputError, match="at least two windows"):
        measurement().measure(smooth(50, 4), lay_out([30, 20]))
    fc, fcd = measurement().measure(smooth(50, 4), lay_out([30, 20]), with_fcd=False)
    assert np.isfinite(fc).all() and fcd is None
    with pytest.raises(InputError, match="too few for the band-pass filter"):
        measurement((0.02, 0.2)).measure(smooth(50, 4), lay_out([40, 10]), with_fcd=False)


def test_long_runs_count_more_in_an_average():
    one, other = np.array([0.1, 0.5]), np.array([0.3, -0.2])
    weighted = connectivity.average_fc([one, other], [300, 100])
    np.testing.assert_allclose(weighted, np.tanh(0.75 * np.arctanh(one) + 0.25 * np.arctanh(other)))
    alike = connectivity.average_fc([one, other], [300, 300])
    assert np.array_equal(alike, connectivity.average_fc([one, other]))


@pytest.mark.parametrize("lengths", [[600, 600], [400] * 3, [300] * 4], ids=["2", "3", "4"])
def test_equal_lengths_take_the_bias_from_the_distance_of_the_fcd(lengths):
    """A process is its own scan: runs against one long simulation, and against pieces as long as they."""
    whole, layout = lay_out([1200]), lay_out(lengths)
    scans = [smooth(1200, 100 + seed) for seed in range(12)]
    made = [smooth(1200, 200 + seed) for seed in range(12)]
    how = Measurement(PAIRS, 1.0, 60.0, 4.0)

    def pooled(runs, where):
        return np.concatenate([how.measure(run, where)[1] for run in runs])

    scan = np.sort(pooled(scans, layout))
    unequal, equal = (kolmogorov_smirnov(pooled(made, one)[None], scan)[0] for one in (whole, layout))
    assert unequal > 0.05 * (len(lengths) - 1)
    assert equal < 0.02


def test_where_all_simulations_diverged_nothing_is_measured():
    run = simulate(
        "rWW", np.zeros((3, 3)), {"G": [0.5, 0.6]}, duration=30.0, repetition_time=1.0, burn_in=2.0, dt=1e-3,
        record=("bold", "fc"), hemodynamics="cubnm-3T", window=8.0, window_step=2.0,
    )  # fmt: skip
    diverged = replace(run, status=np.array([1, 0]))
    fc, fcd = diverged.measured(lay_out([14, 14]), np.array([0]))
    assert fc.shape == (1, 3) and np.isnan(fc).all() and np.isnan(fcd).all()
    assert np.isfinite(diverged.measured(lay_out([14, 14]), np.array([0, 1]))[0][1]).all()
