"""Files that a spreadsheet, a version control of data or an empty export left: named, or read as they are."""

import zipfile

import formats
import numpy as np
import pytest

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.cohort import table_checks
from workflow_scripts.files import pointers
from workflow_scripts.readers import delimited
from workflow_scripts.readers.matrix import NoNumbersError

ANNEX = "/annex/objects/MD5E-s51234--0123456789abcdef0123456789abcdef.tsv\n"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 31412\n"


def read(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return delimited.read_table(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "sep=,\n1,2\n3,4\n",
        '"sep=;"\n1;2\n3;4\n',
        "SEP=\t\n1\t2\n3\t4\n",
        "sep=,,\n1,2\n3,4\n",
        "1;2\n3;4\n",
        "1,2\n3,4\n",
        "1, 2\n3, 4\n",
    ],
)
def test_the_first_line_of_excel_and_every_separator(tmp_path, text):
    assert read(tmp_path, text).values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "0;83,374\n83,374;0\n",
        "a;b\n1,5;2\n3;4\n",
        "1,5\t2,5\n3\t4\n",
        "0 1,5\n1,5 0\n",
        "framewise_displacement\n0,12\n0,3\n",
        "0,05\n0,12\n0,3\n",
        '"1,5","2,5"\n"3,5","4,5"\n',
        "sep=;\n1,5;2\n3;4\n",
    ],
)
def test_decimal_commas_are_called_so(tmp_path, text):
    with pytest.raises(InputError, match="has a decimal comma; write '"):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["1,10000\n2,20000\n", "0,12\n3,40\n"])
def test_two_columns_of_whole_numbers_are_no_decimal_commas(tmp_path, text):
    assert read(tmp_path, text).values.shape == (2, 2)


def test_what_excel_makes_of_a_matrix(shared):
    folder = shared / "cases" / "R15" / "data"
    assert readers.read({"path": str(folder / "P01_sc.csv"), "kind": "sc", "format": "csv"}).values.shape == (
        6,
        6,
    )
    for name, kind in (("P02_sc.csv", "sc"), ("P02_fd1.txt", "motion")):
        with pytest.raises(InputError, match=rf"{name}, line \d: '\d+,\d+' has a decimal comma"):
            readers.read({"path": str(folder / name), "kind": kind, "format": "csv"})


@pytest.mark.parametrize(
    "content", [ANNEX, LFS, "../../.git/annex/objects/aa/bb/SHA256E-s1.mat/SHA256E-s1.mat"]
)
@pytest.mark.parametrize(("name", "file_format"), [("a.tsv", "tsv"), ("a.mat", "mat"), ("a.npy", "npy")])
def test_pointers_are_called_what_they_are(tmp_path, content, name, file_format):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="its content was not fetched, this is a pointer of"):
        readers.read({"path": str(path), "kind": "sc", "format": file_format})


def test_pointers_beside_the_data_and_links(tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text(ANNEX, encoding="utf-8")
    (tmp_path / "sc.csv").write_text("0,1\n1,0\n", encoding="utf-8")
    row = {"path": str(tmp_path / "sc.csv"), "kind": "sc", "format": "csv", "labels_file": str(labels)}
    with pytest.raises(InputError, match=r"labels\.txt: its content was not fetched"):
        readers.read(row)
    link = tmp_path / "bold.tsv"
    link.symlink_to(".git/annex/objects/aa/bb/MD5E-s1--1.tsv/MD5E-s1--1.tsv")
    assert "pointer of git-annex; run datalad get" in pointers.unfetched(link)
    assert pointers.unfetched(tmp_path / "sc.csv") is None and pointers.unfetched(tmp_path / "no") is None


def test_a_start_names_pointers(tiny_cohort):
    (tiny_cohort.folder / tiny_cohort.row("01", "sc")["path"]).write_text(LFS, encoding="utf-8")
    (problem,) = table_checks.missing_files(tiny_cohort.read(), "manifest.tsv")
    assert "manifest.tsv, line 2" in problem and "git lfs pull" in problem


def test_lengths_that_nobody_wrote(tmp_path):
    found = formats.tvb_zip(tmp_path)
    with zipfile.ZipFile(found.row["path"]) as file:
        texts = {name: file.read(name) for name in file.namelist()}
    for change in ({"connectivity_6/tract_lengths.txt": b" \n"}, {"connectivity_6/tract_lengths.txt": None}):
        with zipfile.ZipFile(found.row["path"], "w") as file:
            for name, content in (texts | change).items():
                if content is not None:
                    file.writestr(name, content)
        assert np.isfinite(readers.read({**found.row, "kind": "sc"}).values).all()
        with pytest.raises(NoNumbersError):
            readers.read(found.row)
