"""Spoilt files never end in an error of somebody else's, and never pass in silence."""

import shutil
import warnings
from pathlib import Path

import formats
import numpy as np
import pytest
from cohorts import TinyCohort
from formats import LABELS, WRITERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.atlases import alignment
from workflow_scripts.cohort import tables

pytestmark = pytest.mark.slow

TEXT = ("tsv", "csv", "xcpd_tsv", "relmat_tsv", "dense_tsv", "mrtrix_csv", "ebrains_csv")
# Letters, marks and blanks that turn a number into none, in every kind of text file.
SLIPS = "xOl,;%§ €"
quick = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One file of every format, each in its own folder."""
    found = {}
    for name, write in WRITERS.items():
        found[name] = write(tmp_path_factory.mktemp(name))
        found[name].row |= {"assume_order": "as the table"}
    found["xcpd_tsv"].column_labels = formats.NAMES_4S
    return found


def used(row):
    """Read a file and use it as the preparation does: in the order of the node table, square if a matrix."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = readers.read({**row, "volumes": formats.N_VOLUMES if row["kind"] == "bold" else None})
    nodes = formats.NAMES_4S if row["format"] == "xcpd_tsv" else LABELS
    if row["format"] == "dtseries":
        nodes = tuple(f"parcel_{key}" for key in range(1, 9))
    values, kind = matrix.values, row["kind"]
    if kind == "bold":
        matrix = matrix.transposed if matrix.orientation == "NxT" else matrix
        places, _ = alignment.order(matrix.column_labels, matrix.values.shape[1], nodes, row)
        return matrix.values[:, places], matrix.notes
    if kind == "fcd" or 1 in values.shape:
        if values.size not in (10_000, 15):
            raise InputError("another number of values")
        return values, matrix.notes
    if values.shape[0] != values.shape[1]:
        raise InputError("not square")
    rows, _ = alignment.order(matrix.row_labels or matrix.column_labels, len(values), nodes, row)
    columns, _ = alignment.order(matrix.column_labels or matrix.row_labels, len(values), nodes, row)
    return values[np.ix_(rows, columns)], matrix.notes


def spoilt(found, content):
    """Use a copy of a file with another content: None if it is refused, else whether anything is amiss."""
    folder = Path(found.row["path"]).parent
    kept = Path(found.row["path"]).read_bytes()
    expected, told = used(found.row)
    try:
        Path(found.row["path"]).write_bytes(content)
        values, notes = used(found.row)
    except InputError:
        return None
    finally:
        Path(found.row["path"]).write_bytes(kept)
        assert folder.is_dir()
    same = values.shape == expected.shape and np.array_equal(values, expected, equal_nan=True)
    return same or len(notes) > len(told)


@pytest.mark.parametrize("name", WRITERS)
@quick
@given(data=st.data())
def test_files_that_were_cut_off(written, name, data):
    whole = Path(written[name].row["path"]).read_bytes()
    length = data.draw(st.integers(0, len(whole) - 1))
    assert spoilt(written[name], whole[:length]) in (None, True)


@pytest.mark.parametrize("name", TEXT)
@quick
@given(data=st.data())
def test_a_slip_in_a_number(written, name, data):
    text = Path(written[name].row["path"]).read_text(encoding="utf-8")
    digits = [
        place
        for place in range(1, len(text) - 1)
        if text[place].isdigit() and text[place - 1] in "0123456789." and text[place + 1] in "0123456789."
    ]
    numbers = [place for place in digits if place > text.find("\n")] or digits
    place = data.draw(st.sampled_from(numbers if name in ("tsv", "xcpd_tsv", "relmat_tsv") else digits))
    slip = data.draw(st.sampled_from(SLIPS))
    assert spoilt(written[name], (text[:place] + slip + text[place + 1 :]).encode()) is None


@pytest.mark.parametrize("name", TEXT)
@quick
@given(encoding=st.sampled_from(["utf-16", "utf-16-be", "utf-32", "cp037"]), place=st.floats(0, 0.99))
def test_other_encodings_and_mixtures(written, name, encoding, place):
    text = Path(written[name].row["path"]).read_text(encoding="utf-8")
    assert spoilt(written[name], text.encode(encoding)) in (None, True)
    cut = int(place * len(text))
    mixed = text[:cut].encode() + "é".encode("latin-1") + text[cut:].encode()
    assert spoilt(written[name], mixed) is None


@pytest.mark.parametrize("name", WRITERS)
@quick
@given(data=st.data())
def test_any_bytes_at_any_place_give_our_errors_only(written, name, data):
    content = bytearray(Path(written[name].row["path"]).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    spoilt(written[name], bytes(content))


@pytest.mark.parametrize("name", ["mrtrix_csv", "micapipe_gii", "xcpd_tsv", "dense_tsv"])
@quick
@given(data=st.data())
def test_spoilt_files_beside_the_data(written, name, data):
    """Names of nodes and repetition times that were cut off or garbled are refused or make no difference."""
    row = written[name].row
    beside = [path for path in readers.sources(row) if path != row["path"]]
    path = Path(data.draw(st.sampled_from(beside)))
    whole, expected = path.read_bytes(), used(row)[0]
    length = data.draw(st.integers(0, len(whole) - 1))
    garbled = data.draw(st.binary(max_size=3))
    try:
        path.write_bytes(whole[:length] + garbled)
        values, _ = used({**row, "assume_order": None})
    except InputError:
        return
    finally:
        path.write_bytes(whole)
    np.testing.assert_array_equal(values, expected)


TABLES = {
    "manifest": tables.read_manifest,
    "nodes": tables.read_nodes,
    "participants": tables.read_participants,
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Tables of a few people."""
    return TinyCohort(tmp_path_factory.mktemp("cohort"))


@pytest.mark.parametrize("name", TABLES)
@quick
@given(data=st.data())
def test_spoilt_tables(cohort, name, data):
    """Cut off or garbled tables give our errors; what is read of one cut off was there before."""
    path = cohort.folder / f"{name}.tsv"
    whole, expected = path.read_bytes(), TABLES[name](str(path))
    length = data.draw(st.integers(0, len(whole) - 1))
    garbled = data.draw(st.binary(max_size=6))
    try:
        path.write_bytes(whole[:length] + garbled + (whole[length:] if garbled else b""))
        rows = TABLES[name](str(path))
    except InputError:
        return
    finally:
        path.write_bytes(whole)
    if not garbled:
        whole_lines = rows if rows == expected[: len(rows)] else rows[:-1]
        assert whole_lines == expected[: len(whole_lines)]


@quick
@given(rows=st.permutations(range(6)), columns=st.permutations(range(6)))
def test_permuted_matrices_with_names_are_the_same_matrices(tmp_path, rows, columns):
    values = formats.square()
    path = formats.text(
        tmp_path / "sc.tsv",
        values[np.ix_(rows, columns)],
        header=[LABELS[place] for place in columns],
        index=[LABELS[place] for place in rows],
    )
    found, _ = used(formats.row(path, "sc", "tsv", assume_order=None))
    np.testing.assert_array_equal(found, values)


@quick
@given(order=st.permutations(range(6)))
def test_permuted_triangles_with_names_are_the_same_matrices(tmp_path, order):
    folder = tmp_path / "mrtrix"
    folder.mkdir(exist_ok=True)
    values, labels = formats.square(), [LABELS[place] for place in order]
    path = formats.text(folder / "connectome.csv", np.triu(values[np.ix_(order, order)]), ",")
    table = formats.lut_mrtrix(folder / "lut.txt", labels)
    row = formats.row(path, "sc", "mrtrix_csv", labels_file=str(table), assume_order=None)
    np.testing.assert_array_equal(used(row)[0], values)
    shutil.rmtree(folder)


@quick
@given(
    place=st.integers(0, 5),
    name=st.sampled_from(["", "LH_Vis_2", LABELS[0], LABELS[5], "17Networks_LH_Vis_1"]),
)
def test_a_wrong_or_double_name_is_refused(tmp_path, place, name):
    names = [*LABELS[:place], name, *LABELS[place + 1 :]]
    if names == list(LABELS):
        return
    path = formats.text(tmp_path / "bold.tsv", formats.series(), header=names)
    with pytest.raises(InputError):
        used(formats.row(path, "bold", "tsv", assume_order=None))
