"""Files that would give a plausible and wrong model are refused: the file, what was found, the remedy."""

import zipfile

import formats
import numpy as np
import pytest
from formats import LABELS, cifti, parcels, series, square, text, vertices
from nibabel.cifti2 import SeriesAxis
from scipy.io import savemat

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.atlases import alignment
from workflow_scripts.readers.labels import read_labels


def refusal(row, *words):
    """Check that a file is refused by its name, with some words."""
    with pytest.raises(InputError) as caught:
        readers.read(row)
    message = str(caught.value)
    assert any(str(row[key]) in message for key in ("path", "labels_file") if row.get(key))
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sub-01_task-rest_space-MNI152NLin6Asym_desc-preproc_bold.nii.gz", ["fMRIPrep before den", "XCP-D"]),
        ("sub-01_task-rest_space-fsLR_den-91k_bold.dtseries.nii", ["fMRIPrep before denoising", "XCP-D"]),
        ("rfMRI_REST1_LR_Atlas_MSMAll.dtseries.nii", ["HCP pipelines before denoising"]),
        ("sub-01_task-rest_space-MNI_bold.nii.gz", ["an image of voxels", "parcellate"]),
        ("sub-01_task-rest_space-MNI_desc-denoised_bold.nii.gz", ["an image of voxels", "XCP-D"]),
        ("sub-01_task-rest_desc-confounds_timeseries.tsv", ["the table of confounds"]),
        ("sub-01_task-rest_outliers.tsv", ["the table of motion"]),
        ("sub-01_task-rest_atlas-Gordon_stat-coverage_bold.tsv", ["a map and no time series"]),
        ("sub-01_atlas-Gordon_stat-pearsoncorrelation_relmat.tsv", ["no time series", "kind fc"]),
    ],
)  # fmt: skip
def test_scans_that_are_not_denoised_or_no_scans(tmp_path, name, words):
    path = text(tmp_path / name, series(), header=LABELS)
    refusal(formats.row(path, "bold", "tsv"), *words)


def test_denoised_scans_of_the_same_tools_pass(tmp_path):
    dense = np.random.default_rng(0).standard_normal((9, 14))
    axis = SeriesAxis(start=0, step=2.0, size=9)
    atlas = formats.dlabel(tmp_path / "a.dlabel.nii", np.repeat([1, 2], 7), {1: "a", 2: "b"}, vertices())
    for name in (
        "sub-01_space-fsLR_den-91k_desc-denoised_bold.dtseries.nii",
        "rfMRI_Atlas_clean.dtseries.nii",
    ):
        path = cifti(tmp_path / name, dense, axis, vertices())
        row = formats.row(path, "bold", "dtseries", labels_file=str(atlas))
        assert readers.read(row).column_labels == ("a", "b")


def test_labels_of_qsirecon_that_are_not_its_rows(tmp_path):
    """Parcels without a voxel vanish from the matrix and not from the labels."""
    path = tmp_path / "sub-01_connectivity.mat"
    count = "atlas_A_radius2_count_connectivity"
    savemat(path, {count: square(1, 5), "atlas_A_region_labels": np.array(LABELS, dtype=object)})
    row = formats.row(path, "sc", "qsirecon_mat", variable=count)
    refusal(row, "names 6 nodes beside a matrix of 5 x 5", "write the file again")
    savemat(path, {count: square(), "atlas_AB_region_labels": np.array(LABELS, dtype=object)})
    refusal(row, "no array of region_labels belongs to", "labels_file")
    savemat(path, {"SC": square()})
    refusal(row, "no array ends in _connectivity", "format mat")


def test_medial_walls_of_micapipe(tmp_path):
    written = formats.micapipe_gii(tmp_path)
    refusal({**written.row, "labels_file": None}, "lut_<atlas>_mics.csv")
    path = formats.gifti(tmp_path / "fc.shape.gii", square(1, 55))  # an FC leaves one medial wall out
    refusal({**written.row, "path": str(path)}, "55 rows, one less", "kind bold")
    path = formats.gifti(tmp_path / "cor.shape.gii", square(1, 8))  # the connectome of the cortex alone
    refusal({**written.row, "path": str(path)}, "8 rows", "so 56", "full")
    path = formats.gifti(tmp_path / "scan.shape.gii", np.zeros((9, 100)))
    refusal({**written.row, "path": str(path)}, "9 x 100 is no connectome", "parcellate them first")
    (tmp_path / "lut.csv").write_text("roi,label\n1,a\n2,b\n", encoding="utf-8")
    refusal({**written.row, "labels_file": str(tmp_path / "lut.csv")}, "names 0 medial walls")


def test_streamlines_without_a_node_in_mrtrix(tmp_path):
    written = formats.mrtrix_csv(tmp_path)
    text(written.row["path"], np.triu(square(1, 7)), ",")
    refusal(written.row, "7 rows", "names 6 nodes", "-keep_unassigned")
    text(written.row["path"], np.triu(square(1, 9)), ",")
    refusal(written.row, "9 rows", "give the table that the parcellation was converted to")
    text(written.row["path"], square()[:4], ",")
    refusal(written.row, "4 x 6, but a connectome is square")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1001 ctx-lh-cuneus 25 100 40 0\n2001 ctx-rh-cuneus 25 100 40 0\n", "do not count up without gaps"),
        ("1 HIP-rh\n2 AMY-rh\n1 LH_Vis_1\n2 LH_Vis_2\n", "do not count up without gaps"),  # Tian and a cortex
        ("index\tcolour\n1\tred\n", "no column called label or name"),
        ("index\tlabel\n1\ta\nx\tb\n", "'x' is not the number of a node"),
        ("index\tlabel\n1\ta\n2\n", "holds no name"),
    ],
)  # fmt: skip
def test_tables_of_labels_that_are_not_the_rows_of_a_matrix(tmp_path, content, words):
    (tmp_path / "lut.txt").write_text(content, encoding="utf-8")
    path = text(tmp_path / "connectome.csv", square(1, 2), ",")
    refusal(formats.row(path, "sc", "mrtrix_csv", labels_file=str(tmp_path / "lut.txt")), words)


def test_numbers_of_rows_and_columns_are_no_data(tmp_path):
    scan = np.vstack([np.arange(6), series()])
    path = tmp_path / "bold.csv"
    np.savetxt(path, scan, fmt="%.9g", delimiter=",")
    refusal(formats.row(path, "bold", "csv"), "the first line counts 0, 1, 2", "delete it")
    np.savetxt(path, np.column_stack([np.arange(9), series()]), fmt="%.9g")
    refusal(formats.row(path, "bold", "csv"), "the first column counts 0, 1, 2")


def test_axes_of_cifti_are_looked_at(tmp_path):
    axis = SeriesAxis(start=0, step=0.8, size=9)
    path = cifti(tmp_path / "a.ptseries.nii", series(), axis, parcels())
    refusal(formats.row(path, "fc", "pconn"), "SeriesAxis x ParcelsAxis", "ParcelsAxis x ParcelsAxis")
    dense = np.zeros((9, 14))
    path = cifti(tmp_path / "b_clean.dtseries.nii", dense, axis, vertices())
    refusal(formats.row(path, "bold", "ptseries"), "SeriesAxis x BrainModelAxis")
    refusal(formats.row(path, "bold", "dtseries"), "needs an atlas", "labels_file")
    refusal(formats.row(path, "bold", "dtseries", labels_file=str(path)), "LabelAxis x BrainModelAxis")
    elsewhere = vertices()[12:]
    atlas = formats.dlabel(tmp_path / "v.dlabel.nii", [0, 0], {1: "a"}, elsewhere)
    refusal(formats.row(path, "bold", "dtseries", labels_file=str(atlas)), "no vertex or voxel of the scan")
    hertz = SeriesAxis(start=0, step=0.8, size=9, unit="HERTZ")
    path = cifti(tmp_path / "c.ptseries.nii", series(), hertz, parcels())
    refusal(formats.row(path, "bold", "ptseries"), "counts in HERTZ, not in seconds")
    slow = SeriesAxis(start=0, step=800.0, size=9)
    path = cifti(tmp_path / "d.ptseries.nii", series(), slow, parcels())
    refusal(formats.row(path, "bold", "ptseries"), "800.0, not a number of seconds")


def test_vertices_without_data_are_missing_parcels(tmp_path):
    """Schaefer-1000 on fsLR lacks two parcels: they are missing values and no row is shifted."""
    dense = np.random.default_rng(0).standard_normal((9, 14))
    path = cifti(tmp_path / "a_clean.dtseries.nii", dense, SeriesAxis(0, 0.8, 9), vertices())
    keys = np.repeat([1, 3], 7)
    atlas = formats.dlabel(tmp_path / "s.dlabel.nii", keys, {1: "a", 2: "b", 3: "c"}, vertices())
    matrix = readers.read(formats.row(path, "bold", "dtseries", labels_file=str(atlas)))
    assert matrix.column_labels == ("a", "b", "c")
    assert np.isnan(matrix.values[:, 1]).all() and np.isfinite(matrix.values[:, [0, 2]]).all()


def test_formats_hold_their_kinds(tmp_path):
    written = formats.qsirecon_mat(tmp_path)
    refusal(
        {**written.row, "kind": "bold"}, "format qsirecon_mat (QSIRecon, QSIPrep) holds sc, length, not bold"
    )
    scan = formats.xcpd_tsv(tmp_path)
    path = text(tmp_path / "sub-01_seg-A_stat-mean_timeseries.tsv", series())
    refusal({**scan.row, "path": str(path)}, "a line with the names of its parcels")
    path = text(tmp_path / "bold.tsv", series(), header=LABELS)
    refusal({**scan.row, "path": str(path)}, "names end in _timeseries.tsv")
    path = text(tmp_path / "x_relmat.tsv", square())
    refusal(formats.row(path, "fc", "relmat_tsv"), "a line and a column of names", "dense_tsv")
    path = text(tmp_path / "x_relmat.dense.tsv", square(), header=LABELS, index=LABELS)
    refusal(formats.row(path, "fc", "dense_tsv"), "numbers only")


def test_a_dense_matrix_and_the_nodes_beside_it(tmp_path):
    written = formats.dense_tsv(tmp_path)
    text(written.row["path"], square(1, 5))
    refusal(written.row, "5 x 5 numbers", "_nodeindices.tsv names 6 nodes")


def test_connectivity_of_tvb_that_is_not_whole(tmp_path):
    path = tmp_path / "connectivity.zip"
    for names, words in (
        (("weights.txt",), "0 files called centres or centers"),
        (("centres.txt", "tract_lengths.txt"), "0 files called weights"),
        (("weights.txt", "old_weights.txt", "centres.txt"), "2 files called weights"),
        (("weights.txt", "centres.txt"), "1 x 4 numbers for 1 regions"),
    ):
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, "A 1 2 3\n" if "centres" in name else "1 2 3 4\n")
        refusal(formats.row(path, "sc", "tvb_zip"), words)


def test_real_files_of_the_two_orders_of_schaefer(shared):
    """Group FC of Kong et al. 2021 (17 networks) beside the scans that cuBNM comes with (7 networks)."""
    nodes = str(shared / "data" / "schaefer100_7networks" / "nodes.tsv")
    scan = shared / "data/hcp/bold/100206/REST1_LR/ctx_parc-schaefer-100_desc-bold.npz"
    row = formats.row(scan, "bold", "cubnm_npz", labels_file=nodes, volumes=1200, assume_order=None)
    matrix, seven = readers.read(row), read_labels(nodes)
    assert (matrix.orientation, matrix.values.shape) == ("NxT", (100, 1200))
    places, _ = alignment.order(matrix.row_labels, 100, seven, row)
    assert places.tolist() == list(range(100))

    kong = shared / "data" / "kong2021" / "Schaefer100_input"
    table = str(kong / "Schaefer_100_region_description.mat")
    row = formats.row(kong / "fc_train.csv", "fc", "csv", labels_file=table, assume_order="Schaefer-100")
    found = readers.read(row).row_labels
    assert len(found) == 100
    with pytest.raises(InputError, match="17-network order"):
        alignment.order(found, 100, seven, row)
