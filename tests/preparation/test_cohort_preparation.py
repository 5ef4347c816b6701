"""What is decided for a cohort before any fit: nodes, scale, averages, and what calls for attention."""

import numpy as np
import pytest
from cohorts import LABELS, TinyCohort, labelled, read_tsv, smooth_noise, symmetric, write_sidecar
from preparing import finished, of_tables, rewrite

from cubnm_core.connectomes.scaling import euclidean_lengths, group_factor, scale, threshold_weights
from cubnm_core.errors import InputError
from cubnm_core.measures.detrending import detrend
from workflow_scripts.cohort import tables
from workflow_scripts.files.archives import Archive

PEOPLE = ("01", "02", "03", "04", "05")
LOOSE = {"largest_missing": 0.2}


@pytest.fixture
def cohort(tmp_path):
    return TinyCohort(tmp_path, participants=PEOPLE)


def without(matrix, node):
    """Take a row and a column out, as tools do with parcels that no voxel was found of."""
    kept = [place for place in range(len(LABELS)) if place != node]
    return matrix[np.ix_(kept, kept)], [LABELS[place] for place in kept]


def silenced(node, generator=None):
    """A scan in which one parcel has no signal."""
    values = smooth_noise(generator or np.random.default_rng(0), 150)
    values[:, node] = np.nan
    return values


# --- nodes ---


def test_the_analysis_uses_the_nodes_that_everybody_has(cohort):
    rewrite(cohort, "01", "sc", *without(symmetric(0), 1))
    rewrite(cohort, "02", "bold", silenced(4), run="2")
    prepared = of_tables(cohort, node_policy=LOOSE)
    decided, rows = finished(prepared)
    assert decided["nodes"] == 4 and set(decided["dropped"]) == {LABELS[1], LABELS[4]}
    nodes = tables.read_nodes(prepared.nodes)
    assert [node["label"] for node in nodes] == [LABELS[place] for place in (0, 2, 3, 5)]
    missing = read_tsv(prepared.missing)
    assert [(row["participant_id"], row["kind"], row["run_id"], row["label"]) for row in missing] == [
        ("01", "sc", "n/a", LABELS[1]),
        ("02", "bold", "2", LABELS[4]),
    ]
    weights = Archive(prepared.archive("connectome")["npz"]).arrays("sub-03")["weights"]
    whole = symmetric(2)[np.ix_([0, 2, 3, 5], [0, 2, 3, 5])]
    np.testing.assert_allclose(weights, 0.01 * whole / whole.mean())
    assert len(Archive(prepared.archive("target_train")["npz"]).arrays("sub-01")["fc"]) == 6
    assert rows["01"]["missing_nodes"] == "1" and "nodes are missing" in rows["02"]["flags"]


def test_who_lacks_too_many_nodes_is_excluded_and_drops_none(cohort):
    rewrite(cohort, "01", "sc", *without(symmetric(0), 1))
    rewrite(cohort, "01", "bold", silenced(4), run="2")
    prepared = of_tables(cohort, node_policy=LOOSE)
    decided = prepared.decide()
    assert decided["nodes"] == 6 and decided["node_set"] is None
    assert "2 of 6 nodes are missing in connectome or scans" in decided["excluded"]["sub-01"]
    record = Archive(prepared.connectomes().npz).records["sub-01"]
    assert record["status"] == "excluded" and "node_policy.largest_missing" in record["reasons"][0]


def test_the_default_excludes_whoever_lacks_more_than_one_in_twenty(cohort):
    rewrite(cohort, "01", "bold", silenced(4), run="1")
    prepared = of_tables(cohort)
    decided = prepared.decide()
    assert decided["people"] == 4 and decided["nodes"] == 6
    assert (
        "1 parcels hold missing values: RH_SomMot_1"
        in Archive(prepared.archive("bold")["npz"]).records["sub-01"]["reasons"][0]
    )


def test_constant_columns_are_missing_nodes(cohort):
    values = smooth_noise(np.random.default_rng(0), 150)
    values[:, 2] = 0.0
    rewrite(cohort, "02", "bold", values, run="1")
    assert set(of_tables(cohort, node_policy=LOOSE).decide()["dropped"]) == {LABELS[2]}


def test_isolated_nodes_may_count_as_missing(cohort):
    weights = symmetric(0)
    weights[3] = weights[:, 3] = 0
    rewrite(cohort, "01", "sc", weights)
    assert of_tables(cohort, node_policy=LOOSE).decide()["dropped"] == {}
    decided = of_tables(cohort, node_policy={**LOOSE, "isolated": "missing"}).decide()
    assert set(decided["dropped"]) == {LABELS[3]}


def test_files_made_for_other_nodes_are_refused(cohort):
    prepared = of_tables(cohort, node_policy=LOOSE)
    finished(prepared)
    rewrite(cohort, "05", "bold", silenced(1), run="1")
    prepared.decide()
    with pytest.raises(InputError, match="the files of 5 people were made before: start the workflow again"):
        prepared.quality()
    prepared.connectomes()
    prepared.targets()
    prepared.quality()


# --- connectomes ---


def test_scales(cohort):
    weights = symmetric(1)
    found, factor = scale(weights, "subject_max")
    assert found.max() == 1 and factor == pytest.approx(1 / weights.max())
    found, factor = scale(weights, "log")
    np.testing.assert_allclose(found, np.log1p(weights) * factor)
    assert found.mean() == pytest.approx(0.01)
    one = group_factor([weights.mean(), 3 * weights.mean()])
    assert scale(weights, "group_constant", one)[0].mean() == pytest.approx(0.005)
    np.testing.assert_allclose(scale(weights, "mu", one, mu=0.5)[0], 0.5 * one * weights)
    with pytest.raises(InputError, match="write it as Mu into the JSON file beside it"):
        scale(weights, "mu", one)
    with pytest.raises(InputError, match="allowed are subject_mean"):
        scale(weights, "mean")


def test_one_factor_for_the_cohort_keeps_differences_in_strength(cohort):
    prepared = of_tables(cohort, connectome={"scaling": "group_constant"})
    decided = prepared.decide()
    found = Archive(prepared.connectomes().npz)
    raw = [symmetric(number).mean() for number in range(5)]
    assert decided["group_factor"] == pytest.approx(0.01 / np.mean(raw))
    means = [found.arrays(f"sub-{person}")["weights"].mean() for person in PEOPLE]
    np.testing.assert_allclose(np.array(means) / means[0], np.array(raw) / raw[0])
    assert decided["node_set"] is not None
    stated = of_tables(cohort, connectome={"scaling": "group_constant", "group_factor": 2.0}).decide()
    assert stated["group_factor"] == 2.0


def test_thresholds(cohort):
    weights = symmetric(1)
    kept = threshold_weights(weights, density=0.4)
    assert np.count_nonzero(kept) == 12 and (kept == kept.T).all()
    assert kept[kept > 0].min() >= np.sort(weights[weights > 0])[-12]
    assert np.count_nonzero(threshold_weights(weights, absolute=np.inf)) == 0
    prepared = of_tables(cohort, connectome={"threshold": {"absolute": 1e9}})
    prepared.decide()
    record = Archive(prepared.connectomes().npz).records["sub-01"]
    assert record["status"] == "excluded" and "lower connectome.threshold" in record["reasons"][0]


def test_a_directed_connectome_is_averaged_only_when_asked(cohort):
    directed = symmetric(0)
    directed[0, 1] *= 2
    rewrite(cohort, "01", "sc", directed)
    prepared = of_tables(cohort)
    prepared.decide()
    assert Archive(prepared.archive("aligned")["npz"]).records["sub-01"]["status"] == "excluded"
    prepared = of_tables(cohort, connectome={"asymmetric": "average", "scaling": "none"})
    prepared.decide()
    found = Archive(prepared.connectomes().npz)
    np.testing.assert_allclose(found.arrays("sub-01")["weights"], (directed + directed.T) / 2)
    assert "the mean of both directions was taken" in found.records["sub-01"]["qc"]["notes"][0]


def test_lengths_from_coordinates_and_connections_without_length(cohort):
    for number, node in enumerate(cohort.nodes):
        node |= {"x": 10.0 * number, "y": 0.0, "z": 0.0}
    lengths = 10 * symmetric(4)
    lengths[2, 0] = lengths[0, 2] = 0
    cohort.add("01", "length", labelled(lengths))
    prepared = of_tables(cohort, connectome={"lengths": {"missing": "refuse"}})
    prepared.decide()
    record = Archive(prepared.connectomes().npz).records["sub-01"]
    assert "1 connections have a weight but no length" in record["reasons"][0]
    prepared = of_tables(cohort, connectome={"lengths": {"source": "euclidean", "tortuosity": 1.5}})
    prepared.decide()
    found = Archive(prepared.connectomes().npz).arrays("sub-02")["lengths"]
    assert found[5, 0] == pytest.approx(75.0) and found[0, 0] == 0
    with pytest.raises(InputError, match="x, y and z"):
        euclidean_lengths([[0, 0, 0], [1, 1, np.nan]])


@pytest.mark.parametrize("source", ["mean", "consensus"])
def test_everybody_gets_the_average_of_the_cohort(cohort, source):
    for number, node in enumerate(cohort.nodes):
        node |= {"x": 10.0 * number, "y": 5.0, "z": 0.0}
    prepared = of_tables(cohort, connectome={"source": source, "scaling": "none"})
    prepared.decide()
    found = Archive(prepared.connectomes().npz)
    expected = np.mean([symmetric(number) for number in range(5)], axis=0)
    for person in PEOPLE:
        np.testing.assert_allclose(found.arrays(f"sub-{person}")["weights"], expected)


def test_the_consensus_masks_connections_that_few_have(cohort):
    for number, node in enumerate(cohort.nodes):
        node |= {"x": 10.0 * number, "y": 5.0, "z": 0.0}
    for number, person in enumerate(PEOPLE):
        weights = symmetric(number)
        if person != "05":
            weights[1, 4] = weights[4, 1] = 0
        rewrite(cohort, person, "sc", weights)
    prepared = of_tables(cohort, connectome={"mask": "consensus", "scaling": "none"})
    prepared.decide()
    found = Archive(prepared.connectomes().npz)
    assert found.arrays("sub-05")["weights"][1, 4] == 0
    assert any("not in the consensus" in note for note in found.records["sub-05"]["qc"]["notes"])


def test_weights_of_several_measures_are_refused(cohort):
    for person in PEOPLE:
        measure = "mean FA" if person == "04" else "streamline count"
        write_sidecar(cohort.folder / cohort.row(person, "sc")["path"], Measure=measure)
    with pytest.raises(InputError, match=r"several measures: .*mean FA \(1 people, such as .*sub-04_sc\.tsv"):
        of_tables(cohort).decide()


def test_the_coefficient_of_sift2_stands_beside_the_weights(cohort):
    for number, person in enumerate(PEOPLE):
        write_sidecar(cohort.folder / cohort.row(person, "sc")["path"], Mu=0.1 * (number + 1))
    prepared = of_tables(cohort, connectome={"scaling": "mu", "group_factor": 2.0})
    prepared.decide()
    found = Archive(prepared.connectomes().npz)
    np.testing.assert_allclose(found.arrays("sub-03")["weights"], 0.6 * symmetric(2))
    assert found.records["sub-03"]["scale_factor"] == pytest.approx(0.6)


@pytest.mark.parametrize(("factor", "asked"), [(0.01, True), (30.0, False)])
def test_lengths_that_are_not_in_mm_are_asked_about(cohort, factor, asked):
    cohort.add("01", "length", labelled(factor * symmetric(4)))
    prepared = of_tables(cohort)
    prepared.decide()
    notes = Archive(prepared.connectomes().npz).records["sub-01"]["qc"]["notes"]
    assert any("are the lengths in mm?" in note for note in notes) == asked


# --- scans ---


def test_drifts_are_subtracted_from_the_volumes_that_count():
    time = np.linspace(-1, 1, 60)
    signal = np.sin(40 * time)[:, None]
    bold = signal + 3 + 5 * time[:, None] + 7 * time[:, None] ** 2
    kept = np.ones(60, dtype=bool)
    kept[::7] = False
    spiked = np.where(kept[:, None], bold, 1e6)
    found = detrend(spiked, "quadratic", kept)[kept]
    assert np.abs(found - signal[kept]).max() < 0.3
    np.testing.assert_allclose(detrend(bold, "constant").mean(), 0, atol=1e-9)
    assert np.abs(np.polyfit(time, detrend(bold, "linear"), 1)).max() < 1e-9
    np.testing.assert_array_equal(detrend(bold, "none"), bold)


def motion(cohort, person, run, values):
    """Add the confounds of a run, with a first row without a value, as fMRIPrep has it."""
    cells = ["n/a", *(f"{value:.3f}" for value in values[1:])]
    lines = ["global_signal\tframewise_displacement", *(f"0.5\t{cell}" for cell in cells)]
    cohort.add(person, "motion", "\n".join(lines) + "\n", run_id=run)


def test_volumes_with_motion_are_censored_and_motion_is_told(cohort):
    for person in PEOPLE:
        for run in ("1", "2"):
            values = np.full(150, 0.1)
            if (person, run) == ("02", "1"):
                values[40:60] = 0.9
            motion(cohort, person, run, values)
    prepared = of_tables(cohort, bold={"hemodynamics": "cubnm-3T", "fd_threshold": 0.5})
    _, rows = finished(prepared)
    assert rows["02"]["censored_train"] == "20" and rows["01"]["censored_train"] == "0"
    assert float(rows["01"]["mean_fd"]) == pytest.approx(0.1)
    assert 0.1 < float(rows["02"]["mean_fd"]) < 0.2
    prepared = of_tables(
        cohort,
        bold={"hemodynamics": "cubnm-3T", "fd_threshold": 0.5, "shortest_scan": 110.0},
        quality={"mean_fd": 0.12},
    )
    decided, rows = finished(prepared)
    assert decided["people"] == 4 and rows["02"]["bold"] == "excluded"


def test_zeroed_volumes_are_found_beside_missing_nodes(cohort):
    values = silenced(4)
    values[20:30] = np.where(np.isnan(values[20:30]), np.nan, 0.0)
    rewrite(cohort, "01", "bold", values, run="1")
    cohort.row("01", "bold", "1")["censoring"] = "zeroed"
    prepared = of_tables(cohort, node_policy=LOOSE)
    prepared.scans()
    run = Archive(prepared.archive("bold")["npz"]).records["sub-01"]["runs"]["1"]
    assert run["volumes_kept"] == 140 and run["missing_nodes"] == [LABELS[4]]


def test_a_motion_threshold_needs_the_motion_of_every_scan(cohort):
    prepared = of_tables(cohort, bold={"hemodynamics": "cubnm-3T", "fd_threshold": 0.5})
    prepared.scans()
    reasons = Archive(prepared.archive("bold")["npz"]).records["sub-01"]["reasons"]
    assert "add a row of kind motion" in reasons[0] and "sub-01_run-1_bold.tsv" in reasons[0]
