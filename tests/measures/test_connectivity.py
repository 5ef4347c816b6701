"""FC, FCD, windows, pair masks and the band-pass filter."""

import json

import numpy as np
import pytest
from scipy.stats import ks_2samp

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import (
    average_fc,
    band_pass,
    functional_connectivity,
    functional_connectivity_dynamics,
    pair_indices,
    sliding_windows,
    uncensored_windows,
)


@pytest.fixture
def bold():
    """Correlated series: (T, N) = (120, 6)."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((120, 3)) @ rng.standard_normal((3, 6)) + rng.standard_normal((120, 6))


def test_pairs_are_the_lower_triangle_row_by_row():
    rows, cols = pair_indices(4)
    assert list(zip(rows, cols, strict=True)) == [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]


def test_intrahemispheric_pairs_follow_the_hemispheres_wherever_the_nodes_stand():
    rows, cols = pair_indices(4, ["L", "R", "L", "R"], "intrahemispheric")
    assert list(zip(rows, cols, strict=True)) == [(2, 0), (3, 1)]
    assert len(pair_indices(100, ["L"] * 50 + ["R"] * 50, "intrahemispheric")[0]) == 2450


@pytest.mark.parametrize(
    ("hemispheres", "pairs", "complaint"),
    [
        (None, "intrahemispheric", "none was given"),
        (["L", "R"], "intrahemispheric", "2 hemispheres for 3 nodes"),
        (["L", "R", "B"], "intrahemispheric", "Node 2 has hemisphere 'B'"),
        (None, "left", "allowed are all, intrahemispheric"),
    ],
)
def test_pairs_that_cannot_be_had_are_refused(hemispheres, pairs, complaint):
    with pytest.raises(InputError, match=complaint):
        pair_indices(3, hemispheres, pairs)


def test_fc_is_pearson_whatever_the_memory_layout_and_leaves_bold_alone(bold):
    pair_index = pair_indices(6)
    before = bold.copy()
    fc = functional_connectivity(bold, pair_index)
    np.testing.assert_allclose(fc, np.corrcoef(bold.T)[pair_index], atol=1e-14)
    np.testing.assert_array_equal(fc, functional_connectivity(np.asfortranarray(bold), pair_index))
    np.testing.assert_array_equal(bold, before)


def test_fcd_correlates_the_patterns_of_windows(bold):
    pair_index = pair_indices(6)
    for edges, count in (("drop", 15), ("keep", 18)):
        starts, stops = sliding_windows(120, 1.0, 20.0, 7.0, edges)
        assert len(starts) == count
        patterns = [np.corrcoef(bold[a:b].T)[pair_index] for a, b in zip(starts, stops, strict=True)]
        expected = np.corrcoef(patterns)[np.tril_indices(len(starts), -1)]
        fcd = functional_connectivity_dynamics(bold, pair_index, starts, stops)
        np.testing.assert_allclose(fcd, expected, atol=1e-14)


def test_censored_volumes_enter_no_window(bold):
    pair_index, kept = pair_indices(6), np.ones(120, dtype=bool)
    kept[[3, 4, 30, *range(77, 89)]] = False
    windows = sliding_windows(120, 1.0, 20.0, 4.0)
    starts, stops = uncensored_windows(*windows, kept, 0.3)
    shares = [np.mean(~kept[a:b]) for a, b in zip(*windows, strict=True)]
    assert 0 < len(starts) == sum(share <= 0.3 for share in shares) < len(shares)
    patterns = [np.corrcoef(bold[a:b][kept[a:b]].T)[pair_index] for a, b in zip(starts, stops, strict=True)]
    expected = np.corrcoef(patterns)[np.tril_indices(len(starts), -1)]
    bold[~kept] = np.nan  # whatever stands there
    found = functional_connectivity_dynamics(bold, pair_index, starts, stops, kept)
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_scans_with_hardly_a_window_left_are_refused():
    windows = sliding_windows(120, 1.0, 20.0, 4.0)
    with pytest.raises(InputError, match=r"0 of 25 have at most 50% .* censored: 120 of 120"):
        uncensored_windows(*windows, np.zeros(120, dtype=bool), 0.5)


def test_windows_at_the_edges_are_cut_off_alike_at_both_ends():
    starts, stops = sliding_windows(50, 1.0, 10.0, 7.0, "keep")
    assert list(starts) == [0, 2, 9, 16, 23, 30, 37, 44]
    assert list(stops) == [6, 13, 20, 27, 34, 41, 48, 50]
    with pytest.raises(InputError, match="edges is 'kep'; allowed are drop, keep"):
        sliding_windows(50, 1.0, 10.0, 7.0, "kep")


def test_a_flat_node_gives_nan_without_a_warning(bold, recwarn):
    bold[:, 2] = 5.0
    fc = functional_connectivity(bold, pair_indices(6))
    assert np.isnan(fc).sum() == 5
    assert not recwarn.list


def test_windows_of_the_published_setting():
    starts, stops = sliding_windows(1209, 0.72, 30.0, 5.0)
    assert set(stops - starts) == {43}
    assert (len(starts), starts[0], starts[1]) == (167, 0, 7)
    assert stops[-1] <= 1209


@pytest.mark.parametrize(("n_volumes", "window"), [(40, 30.0), (43, 30.0), (1000, 0.5)])
def test_windows_that_do_not_fit_are_refused(n_volumes, window):
    with pytest.raises(InputError, match="window"):
        sliding_windows(n_volumes, 0.72, window, 5.0)


def test_error_of_short_scans_names_duration_burn_in_and_window():
    with pytest.raises(InputError, match=r"40 volumes.*burn-in.*duration.*28\.8 s.*window of 30 s takes 43"):
        sliding_windows(40, 0.72, 30.0, 5.0)


def test_band_pass_keeps_the_band_in_phase_and_removes_the_rest():
    time = np.arange(0, 600, 0.72)
    inside, slow, fast = (np.sin(2 * np.pi * f * time) for f in (0.04, 0.001, 0.4))
    filtered = band_pass(np.stack([inside, slow, fast, inside + slow + fast], axis=1), 0.72, (0.01, 0.1))
    middle = slice(150, -150)
    np.testing.assert_allclose(filtered[middle, 0], inside[middle], atol=0.05)
    assert np.abs(filtered[middle, 1:3]).max() < 0.02
    np.testing.assert_allclose(filtered[:, 3], filtered[:, :3].sum(axis=1), atol=1e-12)


@pytest.mark.parametrize("band", [(0.01, 0.7), (0.1, 0.01), (0.0, 0.1)])
def test_bands_outside_the_sampled_frequencies_are_refused(band):
    with pytest.raises(InputError, match=r"between 0 and 0\.694"):
        band_pass(np.zeros((100, 2)), 0.72, band)


def test_scans_too_short_to_be_filtered_are_refused():
    with pytest.raises(InputError, match="8 volumes are too few"):
        band_pass(np.zeros((8, 2)), 0.72, (0.01, 0.1))


def test_average_fc_goes_through_fisher_z():
    np.testing.assert_allclose(average_fc([[0.0], [0.9]]), np.tanh(np.arctanh(0.9) / 2))
    assert np.isfinite(average_fc([[1.0], [-1.0]])).all()


@pytest.mark.parametrize("case", ["a1_rww_fic", "f1_rww_gof_grid"])
def test_fc_and_fcd_of_cubnm(shared, case):
    reference = np.load(shared / "reference" / "cubnm" / f"{case}.npz")
    config = json.loads(str(reference["config_json"]))
    burn_in = config["bold_remove_s"] // config["TR"]
    n_volumes = config["duration"] // config["TR"] - burn_in
    windows = sliding_windows(n_volumes, config["TR"], config["window_size"], config["window_step"])
    pair_index = pair_indices(config["nodes"])
    for bold, fc, fcd in zip(
        reference["sim_bold"], reference["sim_fc_trils"], reference["sim_fcd_trils"], strict=True
    ):
        kept = bold[burn_in:]
        np.testing.assert_allclose(functional_connectivity(kept, pair_index), fc, atol=1e-8)
        found = functional_connectivity_dynamics(kept, pair_index, *windows)
        np.testing.assert_allclose(found, fcd, atol=1e-8)


def test_fc_and_fcd_of_a_scan_as_cubnm_computes_them(shared):
    folder = shared / "reference" / "cubnm"
    bold = np.load(folder / "common.npz")["emp_bold_raw_100206_REST1_LR"].T
    reference = np.load(folder / "f1_rww_gof_grid.npz")
    pair_index = pair_indices(100)
    windows = sliding_windows(len(bold), 1.0, 10.0, 2.0)
    found = functional_connectivity_dynamics(bold, pair_index, *windows)
    np.testing.assert_allclose(functional_connectivity(bold, pair_index), reference["emp_fc_tril"], atol=1e-8)
    np.testing.assert_allclose(found, reference["emp_fcd_tril"], atol=1e-8)


@pytest.mark.parametrize(("person", "fc_r", "fcd_ks"), [("100206", 0.76, 0.040), ("100307", 0.87, 0.240)])
def test_agreement_of_two_scans_of_one_person(shared, person, fc_r, fcd_ks):
    folder = shared / "data" / "hcp" / "bold" / person
    file = "ctx_parc-schaefer-100_desc-bold.npz"
    scans = [np.load(folder / run / file)["arr_0"].T for run in ("REST1_LR", "REST2_LR")]
    pair_index = pair_indices(100)
    windows = sliding_windows(1200, 0.72, 30.0, 5.0)
    fc = [functional_connectivity(scan, pair_index) for scan in scans]
    fcd = [functional_connectivity_dynamics(scan, pair_index, *windows) for scan in scans]
    assert np.corrcoef(fc)[0, 1] == pytest.approx(fc_r, abs=0.005)
    assert ks_2samp(*fcd).statistic == pytest.approx(fcd_ks, abs=0.0005)
