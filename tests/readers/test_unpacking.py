"""Small files that unpack to more than any memory are refused before they are unpacked."""

import struct
import zipfile
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.files import archives, unpacking

MEBIBYTE = 2**20
USABLE = {"status": "ok", "reasons": []}


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(unpacking, "LARGEST", MEBIBYTE)
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 50)


def row(path, file_format, kind="sc"):
    return {
        **dict.fromkeys(schema("manifest")["properties"]),
        "participant_id": "01",
        "kind": kind,
        "path": str(path),
        "format": file_format,
    }


def zeros(path, file_format):
    """Write two megabytes of zeros, which take two kilobytes."""
    many = np.zeros((512, 512))
    if file_format in ("npz", "cubnm_npz"):
        np.savez_compressed(path, many)
    elif file_format == "mat":
        savemat(path, {"sc": many}, do_compression=True)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("weights.txt", "0 " * MEBIBYTE)
            file.writestr("centres.txt", "A 0 0 0\n")
    return path


@pytest.mark.parametrize(
    ("name", "file_format"),
    [("sc.npz", "npz"), ("sc.mat", "mat"), ("sc.zip", "tvb_zip"), ("c.npz", "cubnm_npz")],
)
def test_what_unpacks_to_too_much_is_refused(tmp_path, small_limits, name, file_format):
    path = zeros(tmp_path / name, file_format)
    assert path.stat().st_size < 20_000
    with pytest.raises(InputError, match=rf"{name}: unpacks to .*write only what is needed"):
        readers.read(row(path, file_format))


def test_many_small_arrays_count_together(tmp_path, small_limits):
    savemat(tmp_path / "many.mat", {f"a{k}": np.zeros((128, 128)) for k in range(12)}, do_compression=True)
    with pytest.raises(InputError, match=r"many\.mat: unpacks to more than"):
        readers.read(row(tmp_path / "many.mat", "mat") | {"variable": "a1"})
    np.savez_compressed(tmp_path / "many.npz", **{f"a{k}": np.zeros((128, 128)) for k in range(12)})
    with pytest.raises(InputError, match=r"many\.npz: unpacks to"):
        readers.read(row(tmp_path / "many.npz", "npz") | {"variable": "a1"})


def test_too_many_members_are_refused(tmp_path, small_limits):
    np.savez(tmp_path / "members.npz", **{f"a{k}": np.zeros(1) for k in range(51)})
    with pytest.raises(InputError, match=r"members\.npz: 51 files in one, more than 50"):
        readers.read(row(tmp_path / "members.npz", "npz") | {"variable": "a1"})


def test_results_are_limited_by_person(tmp_path, small_limits):
    people = {f"sub-{k}": ({"fc": np.zeros(MEBIBYTE // 12)}, USABLE) for k in range(3)}
    people["sub-9"] = {"fc": np.zeros(MEBIBYTE)}, USABLE
    archives.write(tmp_path / "target.npz", tmp_path / "target.json", people)
    archive = archives.Archive(tmp_path / "target.npz")
    assert len(archive.arrays("sub-1")["fc"]) == MEBIBYTE // 12
    with pytest.raises(InputError, match=r"target\.npz: unpacks to 8,388,"):
        archive.arrays("sub-9")


def test_a_stream_that_is_cut_off_is_no_bomb():
    packed = zlib.compress(struct.pack("100d", *range(100)))
    assert len(unpacking.decompress(packed, "whole.mat", 800)) == 800
    with pytest.raises(zlib.error):
        unpacking.decompress(packed[:-20], "cut.mat", 800)
    with pytest.raises(InputError, match=r"more\.mat: unpacks to more"):
        unpacking.decompress(packed, "more.mat", 799)
