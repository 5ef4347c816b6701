"""Every format of the manifest: files as their tools write them are read back, wrong ones are refused."""

import shutil

import formats
import numpy as np
import pytest
from formats import LABELS, N_NODES, N_VOLUMES, TIME, WRITERS, series, square, text
from scipy.io import savemat

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.files.job import write_json
from workflow_scripts.readers.labels import read_labels


def refusal(row):
    """Give the message with which a file is refused; it names the file."""
    with pytest.raises(InputError) as caught:
        readers.read(row)
    assert row["path"] in str(caught.value) or str(row.get("labels_file")) in str(caught.value)
    return str(caught.value)


def test_the_manifest_and_the_documentation_name_the_formats_of_the_registry(repository):
    assert set(schema("manifest")["properties"]["format"]["enum"]) == set(readers.FORMATS) == set(WRITERS)
    page = (repository / "docs" / "preparation" / "inputs.md").read_text(encoding="utf-8")
    for name in readers.FORMATS:
        assert f"`{name}`" in page, name
    kinds = set(schema("manifest")["properties"]["kind"]["enum"])
    for form in readers.FORMATS.values():
        assert set(form.kinds) <= kinds and set(form.patterns) <= set(form.kinds)


@pytest.mark.parametrize("name", WRITERS)
def test_files_are_read_back(tmp_path, name):
    written = WRITERS[name](tmp_path)
    matrix = readers.read(written.row)
    np.testing.assert_allclose(matrix.values, written.values, rtol=1e-7)
    assert matrix.values.dtype == np.float64
    assert (matrix.row_labels, matrix.column_labels) == (written.row_labels, written.column_labels)
    assert matrix.repetition_time == pytest.approx(written.repetition_time)
    assert matrix.orientation == written.orientation
    assert written.row["path"] in readers.sources(written.row)


@pytest.mark.parametrize(
    "name",
    [
        "sub-01_task-rest_space-MNI152NLin6Asym_atlas-Gordon_timeseries.tsv",
        "sub-01_task-rest_space-MNI152NLin6Asym_seg-4S156Parcels_stat-mean_timeseries.tsv",
        "sub-01_task-rest_space-MNI152NLin6Asym_atlas-4S156Parcels_hash-1a2b_stat-mean_timeseries.tsv",
    ],
)
def test_three_generations_of_names_of_xcpd(tmp_path, name):
    path = text(tmp_path / name, series(), header=LABELS)
    row = formats.row(path, "bold", "xcpd_tsv")
    assert readers.read(row).repetition_time is None  # nothing beside it says
    beside = tmp_path / "sub-01_task-rest_space-MNI152NLin6Asym_desc-denoised_bold.json"
    write_json(beside, {"RepetitionTime": 2.0})
    matrix = readers.read(row)
    assert (matrix.repetition_time, matrix.repetition_time_source) == (2.0, str(beside))
    assert str(beside) in readers.sources(row)
    message = refusal({**row, "repetition_time": 0.8})
    assert "the manifest says a repetition time of 0.8 s" in message and f"{beside} says 2 s" in message


def test_the_header_of_the_cifti_beside_a_table_of_xcpd_states_the_repetition_time(tmp_path):
    written = formats.ptseries(tmp_path)
    stem = "sub-01_task-rest_atlas-Tiny_stat-mean_timeseries"
    shutil.move(written.row["path"], tmp_path / f"{stem}.ptseries.nii")
    row = formats.row(text(tmp_path / f"{stem}.tsv", series(), header=LABELS), "bold", "xcpd_tsv")
    assert readers.read(row).repetition_time == pytest.approx(TIME)
    write_json(tmp_path / "sub-01_task-rest_desc-denoised_bold.json", {"RepetitionTime": 2.0})
    assert "the files beside it contradict each other" in refusal(row)


def test_qsiprep_before_1_0_names_arrays_without_atlas(tmp_path):
    path = tmp_path / "sub-01_space-T1w_connectivity.mat"
    count = "schaefer400_sift_invnodevol_radius2_count_connectivity"
    labels = np.array(LABELS, dtype=object)
    savemat(path, {count: square(), "schaefer400_region_labels": labels})
    matrix = readers.read(formats.row(path, "sc", "qsirecon_mat"))
    assert matrix.row_labels == LABELS


def test_a_connectome_of_tvb_without_a_folder_and_with_the_other_spelling(tmp_path):
    written = formats.tvb_zip(tmp_path, prefix="", centres="centers.txt")
    matrix = readers.read({**written.row, "kind": "sc"})
    np.testing.assert_array_equal(matrix.values, square())
    assert matrix.row_labels == LABELS


def test_a_connectome_of_mrtrix_ends_with_its_last_node(tmp_path):
    written = formats.mrtrix_csv(tmp_path)
    text(written.row["path"], np.triu(square())[:4, :4], ",")
    matrix = readers.read(written.row)
    assert matrix.row_labels == LABELS[:4]
    assert "ends before the last 2 nodes" in matrix.notes[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.txt", "\n".join(LABELS)),
        ("atlas-Tiny_dseg.tsv", "index\tlabel\tnetwork_label\n" + "\n".join(
            f"{place}\t{label}\tVis" for place, label in enumerate(LABELS, start=1))),
        ("nodes.csv", "name,index\n" + "\n".join(
            f"{label},{place}" for place, label in reversed(list(enumerate(LABELS))))),
        ("freesurfer.txt", "\n".join(
            f"{place} {label} 1 2 3 0" for place, label in enumerate(LABELS, start=1))),
    ],
)  # fmt: skip
def test_files_that_name_nodes(tmp_path, name, content):
    (tmp_path / name).write_text(content + "\n", encoding="utf-8")
    assert tuple(read_labels(str(tmp_path / name))) == LABELS


def test_any_format_without_names_may_be_named_by_a_file(tmp_path):
    savemat(tmp_path / "names.mat", {"region_description": np.array(LABELS, dtype=object)[:, None]})
    table = str(tmp_path / "names.mat")
    path = text(tmp_path / "FC.csv", square() / 100, ",")
    matrix = readers.read(formats.row(path, "fc", "csv", labels_file=table))
    assert matrix.row_labels == matrix.column_labels == LABELS
    scan = formats.cubnm_npz(tmp_path)
    matrix = readers.read({**scan.row, "labels_file": table})
    assert (matrix.row_labels, matrix.column_labels) == (LABELS, None)
    assert table in readers.sources({**scan.row, "labels_file": table})
    text(path, square(1, 5), ",")
    message = refusal(formats.row(path, "fc", "csv", labels_file=table))
    assert "5 x 5 numbers" in message and "names 6 nodes" in message
    pairs = formats.plain_txt(tmp_path)
    matrix = readers.read({**pairs.row, "labels_file": table})
    np.testing.assert_array_equal(matrix.values[np.tril_indices(N_NODES, -1)], pairs.values.ravel())
    np.testing.assert_array_equal(matrix.values, matrix.values.T)
    named = formats.plain_tsv(tmp_path)
    assert "names its nodes itself" in refusal({**named.row, "labels_file": table})


def test_what_a_scan_and_its_row_say_must_agree(tmp_path):
    scan = formats.ptseries(tmp_path)
    message = refusal({**scan.row, "repetition_time": 0.72})
    assert "the manifest says a repetition time of 0.72 s" in message and "says 0.8 s" in message
    assert readers.read({**scan.row, "repetition_time": TIME}).repetition_time == pytest.approx(TIME)
    message = refusal({**scan.row, "orientation": "NxT"})
    assert "the manifest says NxT" in message and "the file is TxN" in message
    message = refusal({**scan.row, "volumes": N_VOLUMES + 1})
    assert f"the manifest says {N_VOLUMES + 1} volumes, the file holds {N_VOLUMES}" in message
    turned = formats.cubnm_npz(tmp_path)
    assert f"the file holds {N_VOLUMES}" in refusal({**turned.row, "volumes": N_NODES})
    beside = tmp_path / "sub-01_timeseries.json"
    write_json(beside, {"RepetitionTime": 2.0})
    assert f"{beside} says 2 s" in refusal(scan.row)


def test_sampling_frequencies_are_repetition_times_where_they_are_numbers(tmp_path):
    path = text(tmp_path / "scan.tsv", series(), header=LABELS)
    write_json(tmp_path / "scan.json", {"SamplingFrequency": 0.5})
    assert readers.read(formats.row(path, "bold", "tsv")).repetition_time == 2.0
    write_json(tmp_path / "scan.json", {"RepetitionTime": 800})
    with pytest.raises(InputError, match="not a number of seconds between 0 and 20"):
        readers.read(formats.row(path, "bold", "tsv"))
