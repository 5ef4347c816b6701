"""Scans that were filtered before: not filtered again, compared with simulations filtered in the same way."""

import json

import numpy as np
import pytest
from cohorts import read_record
from scipy.signal import butter, filtfilt
from test_censoring import masked
from test_prepare import bold, targets

from cubnm_core import simulate
from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import (
    band_pass,
    functional_connectivity,
    functional_connectivity_dynamics,
    pair_indices,
    sliding_windows,
    uncensored_windows,
)
from cubnm_core.measures.distances import kolmogorov_smirnov
from workflow_scripts.cohort import scan_filters
from workflow_scripts.configuration.analysis import resolve_analysis
from workflow_scripts.configuration.configuration import validate
from workflow_scripts.files import job

BAND = {"Bandpass filter": {"Low-pass cutoff (Hz)": 0.08, "High-pass cutoff (Hz)": 0.01, "Filter order": 2}}
ONLY_HIGH = {"High-pass filter": {"cutoff (Hz)": 0.01, "Filter order": 2}}


def describe(cohort, run="1", **entries):
    """Write the JSON file beside a scan of the first person."""
    path = cohort.folder / cohort.row("01", "bold", run)["path"]
    path.with_suffix(".json").write_text(json.dumps(entries), encoding="utf-8")


@pytest.mark.parametrize("censoring", ["removed", "zeroed", "interpolated"])
def test_censored_scans_that_were_filtered_are_taken_as_they_are(tiny_cohort, censoring):
    scan, kept = masked(tiny_cohort, censoring)
    for run in ("1", "2"):
        describe(tiny_cohort, run, SoftwareFilters=BAND)
    tiny_cohort.config["bold"] |= {"filtered": [0.01, 0.08], "filtered_order": 1}
    analysis = resolve_analysis(validate(tiny_cohort.config))
    output = targets(tiny_cohort, "train", "run", band_pass=analysis["band_pass"])
    expected = np.corrcoef(scan[kept].T)[pair_indices(6)]
    np.testing.assert_allclose(job.read_npz(output.npz)["fc"], expected, atol=1e-12)
    assert job.read_json(output.json)["band_pass"] == [0.01, 0.08, 1]
    prepared = job.read_json(tiny_cohort.folder / "results" / "bold.json")["sub-01"]
    assert prepared["runs"]["1"]["filter"] == "0.01-0.08"


@pytest.mark.parametrize(
    ("told", "settings", "words"),
    [
        ({"SoftwareFilters": BAND}, {}, "set bold.filtered: [0.01, 0.08] and bold.filtered_order: 1"),
        ({"SoftwareFilters": BAND}, {}, "filtered (0.01-0.08 Hz), but bold.filtered is null"),
        ({"Freq Band": [0.009, 0.08]}, {}, "bold.filtered: [0.009, 0.08]"),
        ({"SoftwareFilters": BAND}, {"band_pass": [0.01, 0.08]}, "which would filter it again"),
        ({"SoftwareFilters": BAND}, {"filtered": [0.01, 0.1]}, "bold.filtered is [0.01, 0.1]"),
        ({"SoftwareFilters": ONLY_HIGH}, {}, "(0.01-any Hz), but bold.filtered is null"),
        (
            {"SoftwareFilters": None},
            {"filtered": [0.01, 0.1]},
            "not filtered, but bold.filtered is [0.01, 0.1]",
        ),
        ({"NuisanceParameters": "36P"}, {"filtered": [0.01, 0.1]}, "set bold.filtered: null"),
    ],
)
def test_files_and_settings_that_disagree_exclude_the_person(tiny_cohort, told, settings, words):
    describe(tiny_cohort, **told)
    status, reasons = read_record(bold(tiny_cohort, **settings).json)
    assert status == "excluded"
    assert "sub-01_run-1_bold.json says that it was" in reasons and words in reasons


@pytest.mark.parametrize(
    ("told", "settings", "known"),
    [
        ({"SoftwareFilters": BAND}, {"filtered": [0.01, 0.08]}, "0.01-0.08"),
        ({"SoftwareFilters": ONLY_HIGH}, {"filtered": [0.01, 0.6]}, "0.01-any"),
        ({"SoftwareFilters": "n/a"}, {"band_pass": [0.01, 0.1]}, "none"),
        ({"NuisanceParameters": "36P"}, {}, "none"),
        ({"SliceTimingCorrected": True, "StartTime": 0.4}, {"filtered": [0.01, 0.08]}, "unknown"),
        ({"SoftwareFilters": {}}, {}, "none"),
        ({"Freq Band": [0, 0]}, {}, "none"),
        ({"SoftwareFilters": "Butterworth"}, {}, "unknown"),
        ({"SoftwareFilters": {"Bandpass filter": "0.01-0.08"}}, {}, "unknown"),
        ({"SoftwareFilters": {"Bandpass filter": {"High-pass cutoff (Hz)": "0.01"}}}, {}, "unknown"),
        ({"Freq Band": "0.01-0.08", "NuisanceParameters": "36P"}, {}, "unknown"),
    ],
)
def test_files_and_settings_that_agree(tiny_cohort, told, settings, known):
    describe(tiny_cohort, **told)
    output = bold(tiny_cohort, **settings)
    assert read_record(output.json)[0] == "ok"
    assert job.read_json(output.json)["runs"]["1"]["filter"] == known


def test_settings_that_fit_no_scan_are_told_before_the_first_job(tiny_cohort):
    rows, options = tiny_cohort.read(), {"filtered": None, "band_pass": None}
    assert scan_filters.problems(rows, options) == []  # nothing is said
    for row in rows:
        if row["kind"] == "bold":
            path = row["path"].replace(".tsv", ".json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"SoftwareFilters": BAND}, file)
    (found,) = scan_filters.problems(rows, options)
    assert "set bold.filtered: [0.01, 0.08]" in found and "(the same of 5 other scans)" in found
    describe(tiny_cohort, SoftwareFilters=None)  # one that agrees: the others are a matter of their people
    assert scan_filters.problems(rows, options) == []


def test_two_filters_are_one_too_many(tiny_cohort):
    tiny_cohort.config["bold"] |= {"filtered": [0.01, 0.08], "band_pass": [0.01, 0.1]}
    with pytest.raises(InputError, match=r"would filter scans again .* set bold\.band_pass: null"):
        tiny_cohort.read()
    tiny_cohort.config["bold"] |= {"filtered": [0.1, 0.08], "band_pass": None}
    with pytest.raises(InputError, match=r"bold\.filtered: \[0\.1, 0\.08\] is not"):
        tiny_cohort.read()


def test_a_filtered_scan_and_a_filtered_simulation_of_one_brain_are_alike():
    """XCP-D filters with order 2 in its words, 1 in each direction, and then removes what is censored."""
    regions, time, generator = 30, 0.8, np.random.default_rng(3)
    weights = np.triu(generator.lognormal(size=(regions, regions)), 1)
    weights = (weights + weights.T) * 0.01 / weights.mean()
    settings = {"duration": 630.0, "burn_in": 30.0, "repetition_time": time, "fic": "analytical", "dt": 1e-3}
    settings["hemodynamics"] = "cubnm-3T"
    settings |= {"record": ("fc", "fcd", "bold"), "seed": 1}

    def found(**more):
        run = simulate("rWW", weights, {"G": np.array([1.3])}, **settings, **more)
        return run.bold[0], run.fc[0], run.fcd[0]

    whole, fc, fcd = found()
    series = whole[-750:].astype(float)
    edges = np.array([0.01, 0.08]) * 2 * time
    scan = filtfilt(*butter(1, edges, "band"), series, axis=0, padlen=15)
    kept = np.ones(len(scan), bool)
    for start in generator.integers(0, len(scan), 30):
        kept[start : start + 3] = False
    pairs = pair_indices(regions)
    windows = uncensored_windows(*sliding_windows(len(scan), time, 30.0, 5.0), kept, 0.5)
    target = functional_connectivity(scan[kept], pairs)
    dynamics = functional_connectivity_dynamics(scan, pairs, *windows, kept)

    def likeness(other_fc, other_fcd):
        return np.corrcoef(target, other_fc)[0, 1], kolmogorov_smirnov(other_fcd[None], np.sort(dynamics))[0]

    same = likeness(*found(band_pass=(0.01, 0.08, 1))[1:])
    unfiltered = likeness(fc, fcd)
    assert same[0] > 0.95 and same[1] < 0.05
    assert unfiltered[0] < 0.85 and unfiltered[1] > same[1]


def test_the_order_of_a_filter_is_that_in_each_direction():
    series = np.random.default_rng(1).standard_normal((400, 3))
    for order in (1, 2, 3):
        edges = np.array([0.01, 0.08]) * 2 * 0.8
        expected = filtfilt(*butter(order, edges, "band"), series, axis=0, padlen=15)
        np.testing.assert_allclose(band_pass(series, 0.8, (0.01, 0.08, order)), expected, atol=1e-6)
    assert np.array_equal(band_pass(series, 0.8, (0.01, 0.08)), band_pass(series, 0.8, (0.01, 0.08, 2)))
