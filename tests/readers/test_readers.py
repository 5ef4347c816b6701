"""Readers of the field's formats, and alignment by label."""

import numpy as np
import pytest
from scipy.io import savemat

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.atlases import alignment

VALUES = np.arange(12.0).reshape(4, 3)
NAMES = ("a", "b", "c")


def read(path, file_format, variable=None):
    return readers.read({"path": str(path), "format": file_format, "variable": variable})


def refusal(*arguments):
    with pytest.raises(InputError) as caught:
        read(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("1\t2\n3\t4\n", None, None),
        ("a\tb\n1\t2\n3\t4\n", None, ("a", "b")),
        ("Node\ta\tb\na\t1\t2\nb\t3\t4\n", ("a", "b"), ("a", "b")),
        ("a\tb\nx\t1\t2\ny\t3\t4\n", ("x", "y"), ("a", "b")),
        (",a,b\n0,1,2\n1,3,4\n", ("0", "1"), ("a", "b")),
        ("a, 1, 2\nb, 3, 4\n", ("a", "b"), None),
        ("1 2\n3  4\n", None, None),
        ("\ufeff# made by a tool\n  1.0   2e0\n\n3 4\n", None, None),
    ],
)
def test_text_with_and_without_names(tmp_path, text, rows, columns):
    path = tmp_path / "matrix.csv"
    path.write_text(text, encoding="utf-8")
    matrix = read(path, "csv")
    np.testing.assert_array_equal(matrix.values, [[1, 2], [3, 4]])
    assert matrix.row_labels == rows
    assert matrix.column_labels == columns


def test_missing_cells_of_text_are_nan(tmp_path):
    path = tmp_path / "scan.tsv"
    path.write_text("a\tb\nn/a\t1\nn/a\t2\n", encoding="utf-8")
    np.testing.assert_array_equal(read(path, "tsv").values, [[np.nan, 1], [np.nan, 2]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no line"),
        ("a\tb\n", "no row of numbers"),
        ("1\t2\n3\n", "line 2: 1 cells, but the first line has 2"),
        ("a\tb\n1\ttwo\n", "'two' is not a number"),
    ],
)
def test_broken_text_is_refused(tmp_path, text, words):
    path = tmp_path / "matrix.tsv"
    path.write_text(text, encoding="utf-8")
    assert words in refusal(path, "tsv")


def test_numpy_files(tmp_path):
    np.save(tmp_path / "a.npy", VALUES.astype(np.float32))
    np.testing.assert_array_equal(read(tmp_path / "a.npy", "npy").values, VALUES)
    np.savez(tmp_path / "one.npz", bold=VALUES, labels=np.array(NAMES))
    matrix = read(tmp_path / "one.npz", "npz")
    assert (matrix.row_labels, matrix.column_labels) == (None, NAMES)
    np.savez(tmp_path / "two.npz", x=VALUES, y=2 * VALUES)
    np.testing.assert_array_equal(read(tmp_path / "two.npz", "npz", "y").values, 2 * VALUES)
    assert "it holds x, y; name one in the manifest's column variable" in refusal(tmp_path / "two.npz", "npz")
    assert "no array 'z'" in refusal(tmp_path / "two.npz", "npz", "z")


def test_unsafe_and_odd_numpy_files_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([[{}]]), allow_pickle=True)
    assert "not a NumPy file that can be read" in refusal(tmp_path / "objects.npy", "npy")
    np.save(tmp_path / "solid.npy", np.zeros((2, 3, 4)))
    assert "(2, 3, 4), but a matrix or a vector is needed" in refusal(tmp_path / "solid.npy", "npy")
    np.save(tmp_path / "vector.npy", np.arange(3))
    assert read(tmp_path / "vector.npy", "npy").values.shape == (3, 1)
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    assert "not real numbers" in refusal(tmp_path / "words.npy", "npy")


def test_matlab_files_of_qsirecon_name_their_regions(tmp_path):
    square = np.arange(9.0).reshape(3, 3)
    count = "atlas_4S156Parcels_radius2_count_connectivity"
    names = np.array(NAMES, dtype=object)
    savemat(
        tmp_path / "q.mat",
        {
            "atlas_4S156Parcels_region_labels": names,
            count: square,
            "atlas_4S156Parcels_radius2_meanlength_connectivity": square,
        },
    )
    matrix = read(tmp_path / "q.mat", "mat", count)
    np.testing.assert_array_equal(matrix.values, square)
    assert matrix.row_labels == matrix.column_labels == NAMES
    assert "name one in the manifest's column variable" in refusal(tmp_path / "q.mat", "mat")


def test_other_matlab_files(tmp_path):
    savemat(tmp_path / "plain.mat", {"SC": VALUES, "n": 3.0})
    matrix = read(tmp_path / "plain.mat", "mat")
    np.testing.assert_array_equal(matrix.values, VALUES)
    assert matrix.column_labels is None
    (tmp_path / "broken.mat").write_bytes(b"no matlab file at all")
    assert "not a MATLAB file" in refusal(tmp_path / "broken.mat", "mat")


ROW = {"path": "scan.tsv", "assume_order": None}


@pytest.mark.parametrize("spelling", ["LH_Vis_1", "7Networks_LH_Vis_1", "lh-vis-1", " LH Vis 1", "LH.Vis.1"])
def test_spellings_of_one_label(spelling):
    places, unused = alignment.order([spelling, "x"], 2, ["x", "LH_Vis_1"], ROW)
    assert places.tolist() == [1, 0] and unused == 0


def test_seventeen_networks_are_another_order():
    words = "17-network order of the Schaefer parcellation, the node table the 7-network"
    with pytest.raises(InputError, match=words):
        alignment.order(["17Networks_LH_Vis_1"], 1, ["LH_Vis_1"], ROW)


def test_labels_that_the_node_table_lacks_are_left_out():
    places, unused = alignment.order(["cerebellum", "b", "a"], 3, ["a", "b"], ROW)
    assert places.tolist() == [2, 1] and unused == 1


def test_equal_numbers_are_not_enough():
    with pytest.raises(InputError, match=r"2 of them against 2 in the node table says nothing.*assume_order"):
        alignment.order(None, 2, ["a", "b"], ROW)
    vouched = {**ROW, "assume_order": "Schaefer-100"}
    assert alignment.order(None, 2, ["a", "b"], vouched)[0].tolist() == [0, 1]
    with pytest.raises(
        InputError, match=r"3 nodes, but the node table has 2, so assume_order \(Schaefer-100\)"
    ):
        alignment.order(None, 3, ["a", "b"], vouched)


def test_labels_speak_louder_than_an_assumed_order():
    places, _ = alignment.order(["b", "a"], 2, ["a", "b"], {**ROW, "assume_order": "as in the table"})
    assert places.tolist() == [1, 0]


def test_double_labels_are_refused():
    with pytest.raises(InputError, match="labels of the file appear twice: a_1"):
        alignment.order(["a 1", "A-1"], 2, ["a_1"], ROW)
