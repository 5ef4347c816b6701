"""Volumes with motion: however a pipeline treated them, they count nowhere."""

import numpy as np
import pytest
from cohorts import read_record, smooth_noise
from test_prepare import bold, rewrite, targets

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import pair_indices
from workflow_scripts.files import job

VOLUMES, CENSORED = 150, np.array([0, 1, *range(60, 78), 120])


def masked(cohort, censoring, with_mask=True):
    """Censor volumes of the first run as pipelines do it; give the whole scan and which volumes are kept."""
    scan = smooth_noise(np.random.default_rng(5), VOLUMES)
    kept = ~np.isin(np.arange(VOLUMES), CENSORED)
    written = {
        "none": scan,
        "interpolated": np.where(kept[:, None], scan, 1.0),
        "zeroed": np.where(kept[:, None], scan, 0.0),
        "removed": scan[kept],
    }
    rewrite(cohort, "bold", written[censoring], "1")
    cohort.row("01", "bold", "1")["censoring"] = censoring
    if with_mask:
        text = "framewise_displacement\n" + "".join(f"{int(not good)}\n" for good in kept)
        (cohort.folder / "outliers.tsv").write_text(text, encoding="utf-8")
        mask = {"kind": "mask", "path": "outliers.tsv", "format": "tsv", "run_id": "1"}
        cohort.manifest.append({"participant_id": "01", **mask})
    return scan, kept


@pytest.mark.parametrize(
    ("censoring", "with_mask"),
    [("none", True), ("interpolated", True), ("zeroed", True), ("zeroed", False), ("removed", True)],
)
def test_censored_volumes_count_nowhere_however_they_are_told(tiny_cohort, censoring, with_mask):
    scan, kept = masked(tiny_cohort, censoring, with_mask)
    output = targets(tiny_cohort, "train", "run")
    arrays, record = job.read_npz(output.npz), job.read_json(output.json)
    pair_index = pair_indices(6)
    np.testing.assert_allclose(arrays["fc"], np.corrcoef(scan[kept].T)[pair_index], atol=1e-12)
    windows = [slice(start, start + 25) for start in range(0, VOLUMES - 24, 5)]
    usable = [window for window in windows if np.mean(~kept[window]) <= 0.5]
    assert 2 < len(usable) < len(windows)
    patterns = [np.corrcoef(scan[window][kept[window]].T)[pair_index] for window in usable]
    expected = np.corrcoef(patterns)[np.tril_indices(len(usable), -1)]
    np.testing.assert_allclose(arrays["fcd"], expected, atol=1e-10)
    assert (record["volumes"], record["censored_volumes"]) == (129, 21)
    assert record["windows"] == len(usable)
    assert np.array_equal(arrays["kept"], kept) and record["run_volumes"] == [VOLUMES]
    prepared = job.read_json(tiny_cohort.folder / "results" / "bold.json")["sub-01"]["runs"]["1"]
    assert "21 of 150 volumes are censored" in prepared["notes"]


def test_a_stricter_share_of_censored_volumes_leaves_fewer_windows(tiny_cohort):
    masked(tiny_cohort, "interpolated")
    counts = [
        job.read_json(targets(tiny_cohort, "train", "run", censored_share=share).json)["windows"]
        for share in (0.99, 0.5, 0.0)
    ]
    assert counts[0] > counts[1] > counts[2]


def test_interpolated_volumes_may_be_filtered_but_not_missing_ones(tiny_cohort):
    band = {"band_pass": [0.01, 0.1]}
    masked(tiny_cohort, "interpolated")
    assert read_record(targets(tiny_cohort, "train", "run", **band).json)[0] == "ok"
    tiny_cohort.manifest.pop()
    masked(tiny_cohort, "zeroed")
    status, reasons = read_record(targets(tiny_cohort, "train", "run", **band).json)
    assert status == "excluded" and "set to 0, so it cannot be filtered" in reasons


def test_masks_that_do_not_fit_their_scan_are_refused(tiny_cohort):
    masked(tiny_cohort, "none")
    row = tiny_cohort.row("01", "bold", "1")
    row["censoring"] = "removed"
    assert "the mask keeps 129 of 150 volumes" in read_record(bold(tiny_cohort).json)[1]
    row["censoring"] = "none"
    mask = tiny_cohort.folder / "outliers.tsv"
    mask.write_text("0\n1\n", encoding="utf-8")
    assert "the mask has 2 entries, the scan 150 volumes" in read_record(bold(tiny_cohort).json)[1]
    mask.write_text("0\n0.3\n", encoding="utf-8")
    assert "entry 2 of the mask is 0.3" in read_record(bold(tiny_cohort).json)[1]


def test_a_mask_without_a_scan_is_refused(tiny_cohort):
    masked(tiny_cohort, "none")
    tiny_cohort.manifest[-1]["run_id"] = "7"
    with pytest.raises(InputError, match=r"no scan .* has the ids and the run_id of this mask"):
        tiny_cohort.read()
