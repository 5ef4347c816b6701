"""From files to empirical targets: numbers, and people left out with the reason."""

import numpy as np
import pytest
from cohorts import (
    LABELS,
    REPETITION_TIME,
    alone,
    labelled,
    read_record,
    smooth_noise,
    symmetric,
    write_sidecar,
)
from preparing import Preparation, of_tables

from cubnm_core.measures.connectivity import average_fc, functional_connectivity, pair_indices
from workflow_scripts.cohort import table_checks, tables
from workflow_scripts.cohort.search_spaces import MapTable
from workflow_scripts.configuration import configuration
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive

ANALYSIS = {"pairs": "all", "window": 20.0, "window_step": 4.0, "band_pass": None}
DURATION = {"duration": 90.0}
ANALYSIS |= {"edges": "drop", "censored_share": 0.5}


def first_person(cohort, **sections):
    """The preparation of the first person alone."""
    prepared = of_tables(cohort, **sections)
    prepared.cohort = {"sub-01": prepared.cohort["sub-01"]}
    prepared.units = prepared.units[:1]
    return prepared


def connectome(cohort, scaling="subject_mean", source="individual", **options):
    prepared = first_person(cohort, connectome={"scaling": scaling, "source": source, **options})
    prepared.decide()
    return alone(prepared.connectomes(), "sub-01")


def bold(cohort, **options):
    return alone(first_person(cohort, bold={"hemodynamics": "cubnm-3T", **options}).scans(), "sub-01")


def targets(cohort, split, holdout, needs_fcd=True, **analysis):
    prepared = first_person(cohort)
    prepared.decide()
    return alone(prepared.targets(split, holdout, needs_fcd, ANALYSIS | analysis), "sub-01")


def rewrite(cohort, kind, values, run=None, labels=LABELS):
    """Put other numbers into a file of the first person."""
    (cohort.folder / cohort.row("01", kind, run)["path"]).write_text(
        labelled(values, labels), encoding="utf-8"
    )


# --- connectomes ---


def test_connectome_is_scaled_to_a_mean_of_a_hundredth(tiny_cohort):
    weights = symmetric()
    rewrite(tiny_cohort, "sc", weights)
    arrays = job.read_npz(connectome(tiny_cohort).npz)
    assert arrays["weights"].mean() == pytest.approx(0.01)
    np.testing.assert_allclose(arrays["weights"], weights * arrays["scale_factor"])
    assert arrays["raw_sum"] == pytest.approx(weights.sum())
    np.testing.assert_array_equal(job.read_npz(connectome(tiny_cohort, "none").npz)["weights"], weights)


def test_connectome_is_aligned_by_label(tiny_cohort):
    weights, shuffled = symmetric(), [4, 0, 5, 2, 1, 3]
    rewrite(tiny_cohort, "sc", weights)
    expected = job.read_npz(connectome(tiny_cohort).npz)["weights"]
    labels = [f"7Networks_{LABELS[place]}" for place in shuffled]
    rewrite(tiny_cohort, "sc", weights[np.ix_(shuffled, shuffled)], labels=labels)
    np.testing.assert_array_equal(job.read_npz(connectome(tiny_cohort).npz)["weights"], expected)


def test_a_triangle_is_mirrored_and_a_diagonal_cleared(tiny_cohort):
    weights = symmetric()
    rewrite(tiny_cohort, "sc", np.triu(weights) + 7 * np.eye(6))
    output = connectome(tiny_cohort, "none")
    np.testing.assert_array_equal(job.read_npz(output.npz)["weights"], weights)
    notes = " ".join(job.read_json(output.json)["qc"]["notes"])
    assert "upper triangle only, mirrored" in notes
    assert "6 entries of the diagonal were set to 0" in notes


def test_an_isolated_node_is_named_but_kept(tiny_cohort):
    weights = symmetric()
    weights[2] = weights[:, 2] = 0
    rewrite(tiny_cohort, "sc", weights)
    record = job.read_json(connectome(tiny_cohort).json)
    assert record["status"] == "ok"
    assert record["qc"]["isolated_nodes"] == ["LH_Cont_1"]
    assert record["qc"]["largest_component"] == 5


def test_tract_lengths_ride_along(tiny_cohort):
    lengths = 10 * symmetric(4)
    tiny_cohort.add("01", "length", labelled(lengths))
    np.testing.assert_allclose(job.read_npz(connectome(tiny_cohort).npz)["lengths"], lengths)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_empty_tract_lengths_cost_nobody_anything(tiny_cohort, text):
    tiny_cohort.add("01", "length", text)
    assert table_checks.missing_files(tiny_cohort.read(), "manifest.tsv") == []
    record = job.read_json(connectome(tiny_cohort).json)
    assert record["status"] == "ok"
    assert any("no tract lengths: " in note for note in record["qc"]["notes"])


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_whatever_stands_on_the_diagonal_does_not_count(tiny_cohort, value):
    weights = symmetric()
    expected = job.read_npz(connectome(tiny_cohort).npz)["weights"]
    np.fill_diagonal(weights, value)
    rewrite(tiny_cohort, "sc", weights)
    prepared = connectome(tiny_cohort)
    assert "6 entries of the diagonal were set to 0" in " ".join(job.read_json(prepared.json)["qc"]["notes"])
    assert np.isfinite(expected).all() and np.isfinite(job.read_npz(prepared.npz)["weights"]).all()


def test_a_connectome_of_logarithms_is_called_so(tiny_cohort):
    with np.errstate(divide="ignore"):
        logarithms = np.log(symmetric())
    rewrite(tiny_cohort, "sc", logarithms)
    _, reasons = read_record(connectome(tiny_cohort).json)
    assert "are negative" in reasons and "a connectome of logarithms" in reasons


def spoilt(i, j, value):
    weights = symmetric()
    weights[i, j] = value
    return weights


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (spoilt(0, 3, np.nan), "1 entries are NaN or infinite, the first at LH_Vis_1 - RH_Vis_1"),
        (spoilt(1, 2, -1.0), "1 entries are negative, the first at LH_SomMot_1 - LH_Cont_1"),
        (spoilt(5, 0, 99.0), "not symmetric, worst at LH_Vis_1 - RH_Cont_1"),
        (np.zeros((6, 6)), "no connection at all"),
        (symmetric()[:5], "5 x 6, but a connectome is square"),
    ],
)
def test_a_connectome_that_cannot_be_used_excludes_its_person(tiny_cohort, weights, words):
    rewrite(tiny_cohort, "sc", weights)
    output = connectome(tiny_cohort)
    status, reasons = read_record(output.json)
    assert status == "excluded"
    assert words in reasons and "sub-01_sc.tsv" in reasons
    assert job.read_npz(output.npz) == {}


def test_a_label_mismatch_and_a_wrong_number_of_nodes(tiny_cohort):
    rewrite(tiny_cohort, "sc", symmetric(), labels=[*LABELS[:5], "RH_Other_1"])
    assert (
        "1 of the 6 nodes of the node table have no label in the file (RH_Cont_1)"
        in read_record(connectome(tiny_cohort).json)[1]
    )
    row = tiny_cohort.row("01", "sc")
    np.save(tiny_cohort.folder / "sc.npy", symmetric()[:5, :5])
    row |= {"path": "sc.npy", "format": "npy"}
    assert "5 of them against 6 in the node table" in read_record(connectome(tiny_cohort).json)[1]
    row["assume_order"] = "as the table"
    assert "5 nodes, but the node table has 6" in read_record(connectome(tiny_cohort).json)[1]


def test_a_person_without_connectome(tiny_cohort):
    tiny_cohort.manifest.remove(tiny_cohort.row("01", "sc"))
    status, reasons = read_record(connectome(tiny_cohort).json)
    assert status == "excluded" and "no row of kind sc for this person" in reasons


# --- scans ---


def test_scans_are_aligned_turned_and_shortened(tiny_cohort):
    values, others = (smooth_noise(np.random.default_rng(seed), 40) for seed in (1, 2))
    shuffled = [3, 5, 0, 1, 4, 2]
    rewrite(tiny_cohort, "bold", values[:, shuffled], "1", [LABELS[place] for place in shuffled])
    np.savez(tiny_cohort.folder / "run2.npz", others.T)
    tiny_cohort.row("01", "bold", "2").update(
        path="run2.npz", format="npz", orientation="NxT", assume_order="as the table"
    )
    output = bold(tiny_cohort, initial_volumes=4)
    arrays = job.read_npz(output.npz)
    np.testing.assert_array_equal(arrays["run-1"], values[4:])
    np.testing.assert_array_equal(arrays["run-2"], others[4:])
    runs = job.read_json(output.json)["runs"]
    assert runs["2"]["assume_order"] == "as the table"
    assert runs["1"]["volumes"] == 36 and runs["1"]["role"] == "train"


def test_parcels_without_signal_are_named(tiny_cohort):
    values = smooth_noise(np.random.default_rng(1), 40)
    values[:, 1], values[3:, 4] = 100.0, np.nan
    rewrite(tiny_cohort, "bold", values, "2")
    status, reasons = read_record(bold(tiny_cohort).json)
    assert status == "excluded"
    assert "run 2: " in reasons
    assert "1 parcels are constant: LH_SomMot_1" in reasons
    assert "1 parcels hold missing values: RH_SomMot_1" in reasons


def test_the_repetition_time_may_stand_beside_the_scan(tiny_cohort):
    row = tiny_cohort.row("01", "bold", "1")
    row["repetition_time"] = None
    assert "no repetition time; write it in s into the manifest" in read_record(bold(tiny_cohort).json)[1]
    write_sidecar(tiny_cohort.folder / row["path"], RepetitionTime=REPETITION_TIME)
    output = bold(tiny_cohort)
    assert job.read_json(output.json)["runs"]["1"]["repetition_time"] == REPETITION_TIME


@pytest.mark.parametrize(("found", "status"), [(REPETITION_TIME + 0.0005, "ok"), (0.72, "excluded")])
def test_repetition_times_may_not_contradict(tiny_cohort, found, status):
    write_sidecar(tiny_cohort.folder / "sub-01_run-1_bold.tsv", RepetitionTime=found)
    record = read_record(bold(tiny_cohort).json)
    assert record[0] == status
    assert (status == "ok") != ("the manifest says a repetition time of 0.8 s" in record[1])


def test_runs_of_one_person_share_a_repetition_time(tiny_cohort):
    tiny_cohort.row("01", "bold", "2")["repetition_time"] = 2.0
    assert "differ in repetition time (run 1 0.8 s, run 2 2 s)" in read_record(bold(tiny_cohort).json)[1]


def test_an_orientation_is_never_guessed(tiny_cohort):
    np.save(tiny_cohort.folder / "scan.npy", smooth_noise(np.random.default_rng(1), 40))
    tiny_cohort.row("01", "bold", "1").update(path="scan.npy", format="npy", assume_order="as the table")
    assert "40 x 6, and nothing says which are the volumes" in read_record(bold(tiny_cohort).json)[1]


# --- targets ---


def test_targets_keep_training_and_held_out_runs_apart(tiny_cohort):
    pair_index = pair_indices(6)
    scans = job.read_npz(bold(tiny_cohort).npz)
    for split, name in (("train", "run-1"), ("test", "run-2")):
        output = targets(tiny_cohort, split, "run")
        arrays, record = job.read_npz(output.npz), job.read_json(output.json)
        np.testing.assert_allclose(arrays["fc"], functional_connectivity(scans[name], pair_index), atol=1e-12)
        assert record["runs"] == [name.removeprefix("run-")]
        assert len(arrays["fcd"]) == record["windows"] * (record["windows"] - 1) / 2


def test_fc_is_averaged_and_fcd_pooled_over_runs(tiny_cohort):
    pair_index = pair_indices(6)
    scans = job.read_npz(bold(tiny_cohort).npz)
    tiny_cohort.row("01", "bold", "2")["role"] = "train"
    tiny_cohort.config["holdout"] = "none"
    output = targets(tiny_cohort, "train", "none")
    arrays, record = job.read_npz(output.npz), job.read_json(output.json)
    each = [functional_connectivity(scans[name], pair_index) for name in ("run-1", "run-2")]
    np.testing.assert_allclose(arrays["fc"], average_fc(each), atol=1e-12)
    windows = record["windows"] // 2
    assert len(arrays["fcd"]) == 2 * windows * (windows - 1) / 2
    assert record["run_volumes"] == [len(scans[name]) for name in ("run-1", "run-2")]
    assert "kept" not in arrays


def test_a_longer_run_counts_more_in_the_fc(tiny_cohort):
    scans = job.read_npz(bold(tiny_cohort).npz)
    short = scans["run-2"][: len(scans["run-2"]) // 2]
    rewrite(tiny_cohort, "bold", short, "2")
    tiny_cohort.row("01", "bold", "2")["role"] = "train"
    tiny_cohort.config["holdout"] = "none"
    output = targets(tiny_cohort, "train", "none")
    arrays, record = job.read_npz(output.npz), job.read_json(output.json)
    each = [functional_connectivity(run, pair_indices(6)) for run in (scans["run-1"], short)]
    lengths = [len(scans["run-1"]), len(short)]
    np.testing.assert_allclose(arrays["fc"], average_fc(each, lengths), atol=1e-12)
    assert record["run_volumes"] == lengths and len(set(lengths)) == 2


def test_halves_are_contiguous_with_a_gap_of_one_window(tiny_cohort):
    for run_id in ("1", "2"):
        tiny_cohort.row("01", "bold", run_id)["role"] = "both"
    tiny_cohort.config["holdout"] = "none"
    halves = [job.read_json(targets(tiny_cohort, split, "split_half").json) for split in ("train", "test")]
    for first, second in zip(halves[0]["segments"], halves[1]["segments"], strict=True):
        assert first["first"] == 0 and second["stop"] == 150
        assert first["stop"] - first["first"] == second["stop"] - second["first"]
        assert (second["first"] - first["stop"]) * REPETITION_TIME >= ANALYSIS["window"]


def test_pairs_within_hemispheres(tiny_cohort):
    assert len(job.read_npz(targets(tiny_cohort, "train", "run", pairs="intrahemispheric").npz)["fc"]) == 6


def test_a_filter_is_stored_with_the_target(tiny_cohort):
    plain = job.read_npz(targets(tiny_cohort, "train", "run").npz)
    output = targets(tiny_cohort, "train", "run", band_pass=[0.01, 0.1])
    assert job.read_json(output.json)["band_pass"] == [0.01, 0.1]
    assert not np.allclose(job.read_npz(output.npz)["fc"], plain["fc"])


def test_a_scan_too_short_for_windows(tiny_cohort):
    rewrite(tiny_cohort, "bold", smooth_noise(np.random.default_rng(1), 26), "1")
    status, reasons = read_record(targets(tiny_cohort, "train", "run").json)
    assert status == "excluded"
    assert "run 1: " in reasons and "26 volumes" in reasons and "20 s" in reasons


def test_removed_volumes_forbid_windows_but_not_fc(tiny_cohort):
    tiny_cohort.row("01", "bold", "1")["censoring"] = "removed"
    status, reasons = read_record(targets(tiny_cohort, "train", "run").json)
    assert status == "excluded" and "volumes were removed, so windows would reach across gaps" in reasons
    arrays = job.read_npz(targets(tiny_cohort, "train", "run", needs_fcd=False).npz)
    assert set(arrays) == {"fc"}


def test_windows_cut_off_at_the_edges_are_counted_when_asked(tiny_cohort):
    drop, keep = (
        job.read_json(targets(tiny_cohort, "train", "run", edges=edges).json) for edges in ("drop", "keep")
    )
    assert (drop["windows"], keep["windows"]) == (26, 30)
    assert keep["edges"] == "keep"


def test_short_scans_get_a_note(tiny_cohort):
    notes = job.read_json(targets(tiny_cohort, "train", "run").json)["notes"]
    assert notes == [
        "the FCD rests on 2.0 minutes of scan; below 10 its distance (fcd_ks) says little about a person"
    ]
    rewrite(tiny_cohort, "bold", smooth_noise(np.random.default_rng(1), 750), "1")
    assert job.read_json(targets(tiny_cohort, "train", "run").json)["notes"] == []


def test_an_excluded_scan_stays_excluded(tiny_cohort):
    tiny_cohort.row("01", "bold", "1")["repetition_time"] = None
    output = targets(tiny_cohort, "test", "run")
    status, reasons = read_record(output.json)
    assert status == "excluded" and "no repetition time" in reasons
    assert job.read_npz(output.npz) == {}


def test_the_node_table_of_the_example_is_the_parcellation(shared, tmp_path):
    from workflow_scripts.get_hcp_example import write_example

    write_example(shared / "data" / "hcp", shared / "data" / "hcp" / "maps", tmp_path)
    written = tables.read_nodes(tmp_path / "nodes.tsv")
    published = tables.read_nodes(shared / "data" / "schaefer100_7networks" / "nodes.tsv")
    for key in ("index", "hemisphere", "network"):
        assert [node[key] for node in written] == [node[key] for node in published]
    table = MapTable(tmp_path / "maps.tsv", "minmax", [node["label"] for node in written])
    thickness = np.loadtxt(shared / "data/hcp/maps/ctx_parc-schaefer-100_desc-thickness_zscore.txt")
    np.testing.assert_allclose(table.values("thickness"), thickness)
    assert (table.map("myelin").min(), table.map("myelin").max()) == (0, 1)


@pytest.mark.parametrize(("person", "r", "ks"), [("100206", 0.76, 0.040), ("100307", 0.87, 0.240)])
def test_real_scans_agree_as_published(shared, tmp_path, person, r, ks):
    """Two runs of two people of the Human Connectome Project, all pairs, windows of 30 s."""
    from cubnm_core.evidence.evaluation import scan_rescan
    from cubnm_core.measures.objective import Target
    from workflow_scripts.get_hcp_example import write_example

    write_example(shared / "data" / "hcp", shared / "data" / "hcp" / "maps", tmp_path)
    stated = {"manifest": str(tmp_path / "manifest.tsv"), "nodes": str(tmp_path / "nodes.tsv")}
    fits = {
        "one": {"fic": "analytical", "free": {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}, "simulation": DURATION}
    }
    config = configuration.validate({**stated, "bold": {"hemodynamics": "cubnm-3T"}, "fits": fits})
    unit = f"sub-{person}"
    cohort = tables.units(tables.read_manifest(config["manifest"]), "individual")
    prepared = Preparation(tmp_path, config, {unit: cohort[unit]})
    assert prepared.decide()["nodes"] == 100
    found = [Archive(prepared.targets(split).npz).arrays(unit) for split in ("train", "test")]
    agreement = scan_rescan(*(Target(fc=each["fc"], fcd=each["fcd"]) for each in found))
    assert agreement["scan_rescan_fc"] == pytest.approx(r, abs=0.005)
    assert agreement["scan_rescan_ks"] == pytest.approx(ks, abs=0.0005)
    scaled = Archive(prepared.connectomes().npz)
    assert scaled.arrays(unit)["weights"].mean() == pytest.approx(0.01)
    assert scaled.records[unit]["qc"]["largest_component"] == 100
