"""Names are never inferred from a size that happens to fit: backgrounds in lists, releases of atlases."""

import formats
import numpy as np
import pytest
from scipy.io import savemat

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.atlases import alignment
from workflow_scripts.readers.labels import read_names

PARCELS = tuple(f"{side}H_Vis_{number}" for side in "LR" for number in (1, 2, 3))
BACKGROUNDS = (
    "Background", "Unknown", "???", "Medial_wall", "Background+FreeSurfer_Defined_Medial_Wall", "Unassigned",
)  # fmt: skip


def square(n_nodes):
    values = np.triu(np.random.default_rng(0).lognormal(size=(n_nodes, n_nodes)), 1)
    return values + values.T


def connectome(tmp_path, listed, n_rows, file_format="mrtrix_csv"):
    """A connectome without names and a list of names beside it."""
    np.savetxt(tmp_path / "sc.csv", square(n_rows), delimiter=",")
    (tmp_path / "labels.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    return formats.row(tmp_path / "sc.csv", "sc", file_format, labels_file=str(tmp_path / "labels.txt"))


@pytest.mark.parametrize("name", BACKGROUNDS)
@pytest.mark.parametrize("file_format", ["mrtrix_csv", "csv"])
@pytest.mark.parametrize("head", [[], ["name"]])
def test_a_background_shifts_no_name(tmp_path, name, file_format, head):
    row = connectome(tmp_path, [*head, name, *PARCELS], 6, file_format)
    matrix = readers.read(row)
    assert matrix.row_labels == matrix.column_labels == PARCELS
    assert any(f"{name} of" in note and "was left out" in note for note in matrix.notes)


def test_backgrounds_of_both_hemispheres(tmp_path):
    row = connectome(tmp_path, ["unknown", *PARCELS[:3], "unknown", *PARCELS[3:]], 6)
    assert readers.read(row).row_labels == PARCELS


@pytest.mark.parametrize(
    "listed", [["Background", *PARCELS], ["0 outer", *(f"{n} {p}" for n, p in enumerate(PARCELS, 1))]]
)
@pytest.mark.parametrize("n_rows", [5, 4])
def test_where_nothing_fits_it_is_refused(tmp_path, listed, n_rows):
    with pytest.raises(InputError, match="nobody can say which rows the names belong to"):
        readers.read(connectome(tmp_path, listed, n_rows))


def test_lists_that_fit_are_followed(tmp_path):
    assert readers.read(connectome(tmp_path, ["Background", *PARCELS], 7)).row_labels[1:] == PARCELS
    assert readers.read(connectome(tmp_path, PARCELS, 5)).row_labels == PARCELS[:5]  # ends before its table
    numbered = ["0 Medial_Wall", *(f"{number} {name}" for number, name in enumerate(PARCELS, 1))]
    assert readers.read(connectome(tmp_path, numbered, 5)).row_labels == PARCELS[:5]
    assert read_names(str(tmp_path / "labels.txt")).names == PARCELS


def test_a_background_does_not_decide_which_way_a_scan_lies(tmp_path):
    """Six parcels, seven volumes; the list names seven entries."""
    np.savetxt(tmp_path / "bold.csv", np.random.default_rng(0).normal(size=(6, 7)), delimiter=",")
    (tmp_path / "labels.txt").write_text("\n".join(["Background", *PARCELS]) + "\n", encoding="utf-8")
    row = formats.row(tmp_path / "bold.csv", "bold", "csv", labels_file=str(tmp_path / "labels.txt"))
    matrix = readers.read(row)
    assert matrix.orientation is None and matrix.row_labels is None and matrix.column_labels is None
    assert readers.read({**row, "orientation": "NxT"}).row_labels == PARCELS
    savemat(
        tmp_path / "bold.mat",
        {"bold": np.zeros((6, 7)), "region_labels": np.array(["???", *PARCELS], dtype=object)},
    )
    with pytest.raises(InputError, match="nobody can say which rows the names belong to"):
        readers.read(formats.row(tmp_path / "bold.mat", "bold", "mat", variable="bold"))


def test_names_in_a_file_that_begin_with_the_background(tmp_path):
    names = np.array(["???", *PARCELS], dtype=object)
    savemat(tmp_path / "sc.mat", {"sc": square(6), "region_labels": names})
    assert readers.read(formats.row(tmp_path / "sc.mat", "sc", "mat", variable="sc")).row_labels == PARCELS
    savemat(tmp_path / "sc.mat", {"sc": square(5), "region_labels": names})
    with pytest.raises(InputError, match="nobody can say which rows"):
        readers.read(formats.row(tmp_path / "sc.mat", "sc", "mat", variable="sc"))


@pytest.mark.parametrize("table", ["labels.txt", "labels_table.txt"])
def test_the_list_of_the_case(shared, table):
    case = shared / "cases" / "R10"
    row = formats.row(case / "data" / "P01_sc.csv", "sc", "mrtrix_csv", labels_file=str(case / table))
    matrix = readers.read(row)
    assert matrix.row_labels[0] == "7Networks_LH_Vis_1" and len(matrix.row_labels) == 24


def schaefer(count, renamed=()):
    """Names of a parcellation, some of them as in another release."""
    names = [f"7Networks_{side}_Vis_{number}" for side in ("LH", "RH") for number in range(1, count // 2 + 1)]
    return [
        f"{name[:12]}_Limbic_OFC_{place}" if place in renamed else name for place, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("labels", "nodes"),
    [
        (schaefer(100, {3}), schaefer(100)),  # one name of another release
        (schaefer(100, {3})[:-1], schaefer(100)),  # and one parcel lost
        ([*schaefer(100, {3, 4}), "LH-Pu", "RH-Pu"], schaefer(100)),
        (schaefer(100), schaefer(100, {3})[:-2]),  # nodes that the user took out
        (schaefer(200), [*schaefer(100)[:98], "7Networks_LH_Limbic_OFC_1", "7Networks_LH_Limbic_OFC_2"]),
        (schaefer(6, {1}), schaefer(6)),
    ],
)
def test_another_release_is_no_missing_parcel(labels, nodes):
    row = {"path": "sub-01_sc.csv", "assume_order": None}
    with pytest.raises(InputError, match="another release of the Schaefer parcellation"):
        alignment.order(labels, len(labels), nodes, row, largest_missing=0.5)


@pytest.mark.parametrize(
    ("labels", "nodes"),
    [
        (schaefer(100)[2:], schaefer(100)),
        ([*schaefer(100)[2:], "LH-Pu"], schaefer(100)),
        (schaefer(100)[1:], schaefer(100)[:90]),
        (schaefer(100), schaefer(100)[:40]),
    ],
)
def test_missing_parcels_of_one_release_are_missing(labels, nodes):
    row = {"path": "sub-01_sc.csv", "assume_order": None}
    places, _ = alignment.order(labels, len(labels), nodes, row, largest_missing=0.05)
    assert np.count_nonzero(places == alignment.ABSENT) == len(set(nodes) - set(labels))
