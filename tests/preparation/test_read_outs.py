"""Observables and BOLD of scans in the targets of the preparation; what node tables say about regions."""

import numpy as np
import pytest
from preparing import of_tables

from cubnm_core.errors import InputError
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from workflow_scripts.cohort.observables import BOLD, OBSERVABLE, find_homologues, make_panel, problems_of
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive

NAMES = ["metastability", "edge_fcd", "timescales", "homotopic_fc"]
ANALYSIS = {"pairs": "all", "window": 30.0, "window_step": 5.0, "edges": "drop", "censored_share": 0.5}


def prepared_target(cohort, names=NAMES, split="train", unit="sub-01", **analysis):
    prepared = of_tables(cohort)
    prepared.cohort = {unit: prepared.cohort[unit]}
    prepared.units = [ids for ids in prepared.units if ids["unit"] == unit]
    prepared.decide()
    output = prepared.targets(
        split, cohort.config["holdout"], False, {**ANALYSIS, "observables": names, **analysis}
    )
    archive = Archive(output.npz)
    return archive.arrays(unit), archive.records[unit], job.read_npz(prepared.archive("bold")["npz"])


def scan_of(arrays, run, unit="sub-01"):
    return arrays[f"{unit}/run-{run}"]


@pytest.fixture
def regions(tiny_cohort):
    """A node table whose labels and networks can be used."""
    for node, network in zip(tiny_cohort.nodes, "aabbab", strict=True):
        node["network"] = network
    tiny_cohort.write()
    return tiny_cohort


def test_targets_hold_the_observables_of_their_runs(regions):
    arrays, record, scans = prepared_target(regions, ["metastability", "network_fc"])
    panel = make_panel(regions.nodes, {"pairs": "all", "observables": ["metastability", "network_fc"]})
    expected = panel.measure(scan_of(scans, "1"), record["repetition_time"])
    for name, values in expected.items():
        np.testing.assert_allclose(arrays[OBSERVABLE + name], values)
        summary = OBSERVABLES[name].summary(values, record["repetition_time"])
        assert record["read_outs"][name] == {"1": pytest.approx(summary)}
    held_out, *_ = prepared_target(regions, ["metastability"], "test")
    assert held_out[f"{OBSERVABLE}metastability"] != arrays[f"{OBSERVABLE}metastability"]


def test_runs_are_told_apart_and_pooled(regions):
    regions.row("01", "bold", "2")["role"] = "train"
    regions.config["holdout"] = "none"
    arrays, record, _ = prepared_target(regions, ["timescales", "metastability"])
    each = record["read_outs"]["metastability"]
    assert list(each) == ["1", "2"]
    assert arrays[f"{OBSERVABLE}metastability"][0] == pytest.approx(np.mean(list(each.values())))


def test_a_run_too_short_for_an_observable_lacks_this_one_alone(regions):
    arrays, record, _ = prepared_target(regions, ["power_spectrum", "network_fc"])
    assert f"{OBSERVABLE}network_fc" in arrays
    seconds = 150 * record["repetition_time"]
    if seconds < 100:
        assert f"{OBSERVABLE}power_spectrum" not in arrays
        (note,) = [note for note in record["notes"] if note.startswith("without power_spectrum")]
        assert "run 1" in note and "fewer than" in note
    else:
        assert f"{OBSERVABLE}power_spectrum" in arrays


def test_censored_volumes_are_left_out_and_removed_ones_that_nobody_names_forbid(regions):
    mask = np.zeros(150, dtype=int)
    mask[[20, 21, 60]] = 1
    name = "sub-01_run-1_mask.tsv"
    (regions.folder / name).write_text("\n".join(map(str, mask)) + "\n", encoding="utf-8")
    regions.manifest.append(
        {"participant_id": "01", "kind": "mask", "run_id": "1", "path": name, "format": "tsv"}
    )
    regions.write()
    arrays, record, scans = prepared_target(regions, ["timescales"], keeps_bold=True)
    kept = mask == 0
    panel = make_panel(regions.nodes, {"pairs": "all", "observables": ["timescales"]})
    expected = panel.measure(scan_of(scans, "1"), record["repetition_time"], kept)["timescales"]
    np.testing.assert_allclose(arrays[f"{OBSERVABLE}timescales"], expected)
    bold = arrays[f"{BOLD}1"]
    assert np.isnan(bold[~kept]).all()
    np.testing.assert_array_equal(bold[kept], scan_of(scans, "1")[kept])
    regions.manifest.pop()
    regions.row("01", "bold", "1")["censoring"] = "removed"
    regions.write()
    arrays, record, _ = prepared_target(regions, ["timescales"])
    assert f"{OBSERVABLE}timescales" not in arrays and record["status"] == "ok"
    (note,) = [note for note in record["notes"] if note.startswith("without timescales")]
    assert "name them in a file of kind mask" in note


def test_targets_are_as_they_were_where_nothing_is_asked_for(regions):
    arrays, record, _ = prepared_target(regions, [])
    assert set(arrays) <= {"fc", "fcd"} and "read_outs" not in record


def nodes(*labels, **columns):
    sides = {"l": "L", "r": "R"}
    found = []
    for place, label in enumerate(labels):
        side = next(sides[part[0].lower()] for part in label.replace("-", "_").replace(".", "_").split("_")
                    if part.lower() in ("lh", "rh", "l", "r", "left", "right"))  # fmt: skip
        found.append({"index": place, "label": label, "hemisphere": side})
        found[-1] |= {name: values[place] for name, values in columns.items()}
    return found


PAIRS = {
    "freesurfer": (("ctx-lh-cuneus", "ctx-lh-insula", "ctx-rh-insula", "ctx-rh-cuneus"), [(0, 3), (1, 2)]),
    "glasser": (("L_V1_ROI", "L_MST_ROI", "R_V1_ROI", "R_MST_ROI"), [(0, 2), (1, 3)]),
    "words": (("Left-Thalamus", "Right-Thalamus", "Left-Putamen"), [(0, 1)]),
    "endings": (("V1_L", "V2_L", "V2_R"), [(1, 2)]),
    "dots": (("lh.V1", "rh.V1"), [(0, 1)]),
    "numbered": (("7Networks_LH_Vis_1", "7Networks_RH_Vis_1"), []),
}


@pytest.mark.parametrize("case", PAIRS)
def test_labels_that_differ_in_their_side_alone_correspond(case):
    labels, expected = PAIRS[case]
    assert find_homologues(nodes(*labels)).tolist() == [list(pair) for pair in expected]


def test_coordinates_decide_where_there_are_any():
    labels = ("7Networks_LH_Vis_1", "7Networks_LH_Vis_2", "7Networks_RH_Vis_1", "7Networks_RH_Vis_2")
    where = {"x": (-20, -40, 22, 10), "y": (-90, -60, -88, 30), "z": (0, 10, 2, 5)}
    assert find_homologues(nodes(*labels, **where)).tolist() == [[0, 2]]


def test_a_column_of_the_node_table_names_what_corresponds():
    rows = nodes("7Networks_LH_Vis_1", "7Networks_LH_Vis_2", "7Networks_RH_Vis_1", "7Networks_RH_Vis_2")
    rows[0]["homologue"], rows[3]["homologue"] = "7Networks_RH_Vis_2", "7Networks_LH_Vis_1"
    rows[1]["homologue"] = "not in the table"
    assert find_homologues(rows).tolist() == [[0, 3]]


def test_node_tables_that_lack_what_is_needed_are_refused_with_the_remedy(tiny_cohort):
    rows = nodes("L_a", "R_b")
    assert problems_of(rows, NAMES[:3]) == []
    assert "column homologue of the node table" in problems_of(rows, ["homotopic_fc"])[0]
    assert "fill the column network" in problems_of(rows, ["network_fc"])[0]
    with pytest.raises(InputError, match="network of every node, which L_a"):
        make_panel(rows, {"pairs": "all", "observables": ["network_fc"]})
    tiny_cohort.config["analysis"] = {"observables": ["network_fc"]}
    with pytest.raises(
        InputError, match=r"analysis\.observables: network_fc needs the network of every node"
    ):
        tiny_cohort.read()
