"""Node tables from the labels of an atlas, and the order traps that equal numbers of nodes hide."""

import json
import re

import nibabel as nib
import numpy as np
import pytest
from cohorts import read_tsv
from nibabel.cifti2 import BrainModelAxis, LabelAxis

from cubnm_core.errors import InputError
from workflow_scripts import make_nodes
from workflow_scripts.atlases import alignment
from workflow_scripts.atlases.families import place, schaefer_networks
from workflow_scripts.atlases.node_tables import make_nodes as made
from workflow_scripts.readers.background import is_node

SEVEN = ["7Networks_LH_Vis_1", "7Networks_LH_Default_PFC_1", "7Networks_RH_Vis_1", "7Networks_RH_Cont_Par_1"]
SEVENTEEN = [
    "17Networks_LH_VisCent_ExStr_1",
    "17Networks_LH_DefaultA_PFCm_1",
    "17Networks_RH_VisCent_ExStr_1",
    "17Networks_RH_ContA_IPS_1",
]
AAL = [f"{name}_{side}" for name in ("Precentral", "Frontal_Sup_2", "Insula", "Calcarine") for side in "LR"]


@pytest.mark.parametrize(
    ("label", "family", "hemisphere", "structure", "network"),
    [
        ("7Networks_LH_SomMot_12", "Schaefer", "L", "cortex", "SomMot"),
        ("RH_SalVentAttn_Med_1", "Schaefer", "R", "cortex", "SalVentAttn"),
        ("ctx-lh-17Networks_LH_ContA_IPS_1", "Schaefer", "L", "cortex", "ContA"),
        ("ctx-rh-bankssts", "Desikan-Killiany", "R", "cortex", None),
        ("L_superiorfrontal", "Desikan-Killiany", "L", "cortex", None),
        ("R_7PL_ROI", "Glasser", "R", "cortex", None),
        ("Right_9-46d", "Glasser", "R", "cortex", None),
        ("Left_V1", "Glasser", "L", "cortex", None),
        ("L_None_12", "Gordon", "L", "cortex", "None"),
        ("R_SMhand_20", "Gordon", "R", "cortex", "SMhand"),
        ("Left_Lateral_Ventricle", None, None, None, None),
        ("Right_Thalamus", "FreeSurfer", "R", "subcortex", None),
        ("DIENCEPHALON_VENTRAL_LEFT", "CIFTI", "L", "subcortex", None),
        ("CEREBELLUM_RIGHT", "CIFTI", "R", "cerebellum", None),
        ("Left-Thalamus-Proper", "FreeSurfer", "L", "subcortex", None),
        ("Brain-Stem", "FreeSurfer", "B", "brainstem", None),
        ("Right-Cerebellum-Cortex", "FreeSurfer", "R", "cerebellum", None),
        ("Frontal_Inf_Orb_2_R", "AAL", "R", "cortex", None),
        ("Hippocampus_L", "AAL", "L", "subcortex", None),
        ("Vermis_4_5", "AAL", "B", "cerebellum", None),
        ("THA-VPm-lh", "Tian", "L", "subcortex", None),
        ("SFG_R_7_1", "Brainnetome", "R", "cortex", None),
        ("parcel 17", None, None, None, None),
    ],
)
def test_names_tell_hemisphere_structure_and_network(label, family, hemisphere, structure, network):
    found = place(label)
    assert (found.family, found.hemisphere, found.structure, found.network) == (
        family, hemisphere, structure, network,
    )  # fmt: skip


@pytest.mark.parametrize(
    "label",
    ["???", "Unknown", "Background+FreeSurfer_Defined_Medial_Wall", "Medial_wall", "ctx-lh-corpuscallosum"],
)
def test_medial_walls_are_no_nodes(label):
    assert not is_node(label)


def dlabel(path):
    """Write a small atlas of both cortices and a piece of thalamus."""
    left = BrainModelAxis.from_surface(np.arange(4), 10, "CortexLeft")
    right = BrainModelAxis.from_surface(np.arange(4), 10, "CortexRight")
    below = BrainModelAxis.from_mask(np.ones((1, 1, 2)), "ThalamusLeft")
    names = {0: "???", 1: "a1", 2: "a2", 3: "b1", 4: "Left-Thalamus"}
    table = {key: (name, (0.1, 0.2, 0.3, 1.0)) for key, name in names.items()}
    keys = np.array([[1, 1, 2, 0, 3, 3, 3, 0, 4, 4]], dtype=np.int32)
    image = nib.Cifti2Image(keys, (LabelAxis(["atlas"], [table]), left + right + below))
    nib.save(image, path)


def test_a_cifti_atlas_tells_by_its_vertices(tmp_path):
    path = tmp_path / "atlas.dlabel.nii"
    dlabel(path)
    rows, dropped = made([str(path)])
    assert [(row["label"], row["hemisphere"]) for row in rows] == [("a1", "L"), ("a2", "L"), ("b1", "R")]
    assert {entry["label"]: entry["reason"] for entry in dropped} == {
        "???": "background or medial wall",
        "Left-Thalamus": "subcortex is not modelled",
    }
    assert [row["label"] for row in made([str(path)], ("cortex", "subcortex"))[0]][-1] == "Left-Thalamus"


def test_a_bids_atlas_table_tells_by_its_columns_and_names(tmp_path):
    path = tmp_path / "atlas-4S156Parcels_dseg.tsv"
    lines = ["index\tlabel\tnetwork_label\themisphere\tstructure", "2\tRH_Vis_1\tVis\tR\tn/a"]
    lines += ["1\tLH_Vis_1\tVis\tL\tn/a", "3\tLH-Pu\tn/a\tL\tsubcortex"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows, dropped = made([str(path)])
    assert [row["label"] for row in rows] == ["LH_Vis_1", "RH_Vis_1"]
    assert [entry["label"] for entry in dropped] == ["LH-Pu"]


def test_tables_of_xcpd_for_gordon_and_glasser(tmp_path):
    path = tmp_path / "atlas-Gordon_dseg.tsv"
    lines = ["index\tlabel\tcifti_label\tnetwork_label", "1\tL_Default_1\tParcel_1\tDefault"]
    lines += ["2\tL_None_1\tParcel_2\tNone", "3\tR_SMmouth_5\tParcel_3\tSMmouth"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows, dropped = made([str(path)])
    assert [(row["label"], row["hemisphere"], row["network"]) for row in rows] == [
        ("L_Default_1", "L", "Default"),
        ("L_None_1", "L", "None"),
        ("R_SMmouth_5", "R", "SMmouth"),
    ]
    path = tmp_path / "atlas-Glasser_dseg.tsv"
    lines = ["index\tlabel\tcifti_label\tcommunity_yeo", "1\tRight_V1\tR_V1_ROI\tvisual"]
    lines += ["2\tRight_H\tR_H_ROI\tlimbic", "181\tLeft_OP2-3\tL_OP2-3_ROI\tsomatosensory"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows, more = made([str(path)])
    assert [(row["hemisphere"], row["structure"], row["network"]) for row in rows] == [
        ("R", "cortex", "visual"),
        ("R", "cortex", "limbic"),
        ("L", "cortex", "somatosensory"),
    ]
    assert dropped == more == []


@pytest.mark.parametrize("sides", [("L_", "R_"), ("Left_", "Right_"), ("lh-", "rh-"), ("LH.", "RH.")])
def test_sides_that_all_names_begin_with(tmp_path, sides):
    path = tmp_path / "names.txt"
    names = ["???", *(f"{side}{name}" for side in sides for name in ("one", "two"))]
    path.write_text("\n".join(names) + "\n", encoding="utf-8")
    rows, _ = made([str(path)], structure="cortex")
    assert [row["hemisphere"] for row in rows] == ["L", "L", "R", "R"]


def test_columns_of_colours_are_no_coordinates(tmp_path):
    path = tmp_path / "colours_dseg.tsv"
    lines = ["index\tlabel\tr\tg\tb\ta", "1\tLH_Vis_1\t120\t18\t131\t255", "2\tRH_Vis_1\t1\t2\t3\t255"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows, _ = made([str(path)])
    assert [row.get(axis) for row in rows for axis in "xyz"] == [None] * 6


def test_what_cannot_be_told_is_refused_or_stated(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("L_one\nR_one\nthree\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"names\.txt: the hemisphere of 3 of 3 parcels cannot be told"):
        made([str(path)])
    path.write_text("index\tlabel\themisphere\n1\tone\tL\n2\ttwo\tR\n", encoding="utf-8")
    with pytest.raises(InputError, match="structure of 2 of 2 parcels cannot be told"):
        made([str(path)])
    assert len(made([str(path)], structure="cortex")[0]) == 2
    with pytest.raises(InputError, match=r"no file .*absent\.tsv; correct the path"):
        made([str(tmp_path / "absent.tsv")])


def test_the_command_writes_the_table_and_lists_what_was_left_out(tmp_path, capsys):
    path = tmp_path / "names.txt"
    path.write_text("\n".join([*AAL, "Hippocampus_L", "Hippocampus_R"]) + "\n", encoding="utf-8")
    make_nodes.main([str(tmp_path / "nodes.tsv"), str(path)])
    rows = read_tsv(tmp_path / "nodes.tsv")
    assert [row["label"] for row in rows] == AAL and {row["structure"] for row in rows} == {"cortex"}
    printed = capsys.readouterr().out
    assert "8 nodes (4 L cortex, 4 R cortex)" in printed and "left out: Hippocampus_R (subcortex" in printed
    record = json.loads((tmp_path / "nodes.json").read_text(encoding="utf-8"))
    assert len(record["dropped"]) == 2 and len(record["sources"][0]["sha256"]) == 64


def test_the_files_of_real_atlases(shared):
    folder = shared / "data"
    published = read_tsv(folder / "schaefer100_7networks" / "nodes.tsv")
    surfaces = [
        folder / f"schaefer100_7networks/schaefer-100_conte69_{side}.label.gii" for side in ("lh", "rh")
    ]
    rows, dropped = made([str(path) for path in surfaces])
    for key in ("hemisphere", "structure", "network"):
        assert [row[key] for row in rows] == [row[key] for row in published]
    found, wanted = [[each["label"] for each in table] for table in (rows, published)]
    with pytest.raises(InputError, match="another release of the Schaefer parcellation"):
        alignment.order(found, 100, wanted, row(), largest_missing=0.05)
    assert len(dropped) == 2
    name = "kong2021/Schaefer100_input/Schaefer2018_100Parcels_17Networks_order.dlabel.nii"
    seventeen, _ = made([str(folder / name)])
    assert len(seventeen) == 100 and schaefer_networks([row["label"] for row in seventeen]) == 17
    annotations, dropped = made([str(folder / f"fslr32k/{side}.aparc.annot") for side in ("lh", "rh")])
    assert len(annotations) == 68
    assert {entry["label"] for entry in dropped} >= {"lh_corpuscallosum", "rh_unknown"}


def row(vouched=None):
    return {"path": "sub-01_sc.csv", "assume_order": vouched}


@pytest.mark.parametrize(("found", "wanted"), [(SEVENTEEN, SEVEN), (SEVEN, SEVENTEEN)])
@pytest.mark.parametrize("vouched", [None, "Schaefer 100"])
def test_the_two_orders_of_schaefer_are_told_apart(found, wanted, vouched):
    with pytest.raises(InputError) as caught:
        alignment.order(found, len(found), wanted, row(vouched), largest_missing=0.05)
    message = str(caught.value)
    assert "sub-01_sc.csv" in message and "give the node table of the file" in message
    assert f"the file has the {schaefer_networks(found)}-network order" in message


def test_a_word_on_the_order_may_not_contradict_the_node_table():
    with pytest.raises(InputError, match="has the 7-network order"):
        alignment.order(None, 4, SEVEN, row("Schaefer2018 17Networks order"))
    places, _ = alignment.order(None, 4, SEVEN, row("Schaefer2018 7Networks order"))
    assert places.tolist() == [0, 1, 2, 3]


def test_equal_numbers_are_never_enough():
    with pytest.raises(InputError, match=r"sub-01_sc\.csv: the file names no nodes, and 4 of them against 4"):
        alignment.order(None, 4, SEVEN, row())


def test_labels_in_any_order_are_followed():
    shuffled = [3, 0, 2, 1]
    places, unused = alignment.order(["extra", *(SEVEN[i] for i in shuffled)], 5, SEVEN, row())
    assert [([None, *shuffled])[place] for place in places] == [0, 1, 2, 3] and unused == 1


def test_few_missing_parcels_are_allowed_many_are_named():
    labels = [f"R_{number}_ROI" for number in range(40)]
    places, _ = alignment.order(labels[1:], 39, labels, row(), largest_missing=0.05)
    assert places[0] == alignment.ABSENT and places[1:].tolist() == list(range(39))
    with pytest.raises(InputError, match=r"3 of the 40 nodes .* \(R_0_ROI, R_1_ROI, R_2_ROI\)"):
        alignment.order(labels[3:], 37, labels, row(), largest_missing=0.05)


def test_a_word_on_the_order_stands_where_labels_of_as_many_nodes_differ():
    labels = [f"R_{number}_ROI" for number in range(40)]
    misspelt = ["R_zero_ROI", *labels[1:]]
    assert alignment.order(misspelt, 40, labels, row("Glasser"), 0.05)[0].tolist() == list(range(40))
    assert alignment.order(misspelt, 40, labels, row(), 0.05)[0][0] == alignment.ABSENT
    assert alignment.order(labels[1:], 39, labels, row("Glasser"), 0.05)[0][0] == alignment.ABSENT


def test_a_misspelt_label_is_pointed_at():
    with pytest.raises(InputError, match=re.escape("is Precentrl_L meant to be Precentral_L?")):
        alignment.order(["Precentrl_L", *AAL[1:]], 8, AAL, row())


def test_interleaved_hemispheres_are_suspected():
    """AAL has left and right in turn, many tools all left before all right nodes."""
    blocked = [f"{name}_{side}" for side in "LR" for name in ("A", "B", "C", "D", "E", "F")]
    generator = np.random.default_rng(0)
    signal = generator.standard_normal((400, 6))
    bold = np.repeat(signal, 2, axis=1) + 0.5 * generator.standard_normal((400, 12))
    interleaved = np.corrcoef(bold.T)
    doubt = alignment.suspicion(interleaved, blocked)
    assert "if the file holds left and right in turn; check assume_order" in doubt
    turned = [name for pair in zip(blocked[:6], blocked[6:], strict=True) for name in pair]
    assert alignment.suspicion(interleaved, turned) is None
    assert alignment.suspicion(interleaved, SEVEN) is None
