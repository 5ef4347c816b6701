"""NumPy files. A npz file may carry names in an array called labels or region_labels."""

import dataclasses

import numpy as np

from workflow_scripts.files import unpacking
from workflow_scripts.readers.matrix import Matrix, chosen, named, reading, two_dimensional

LABELS = ("labels", "region_labels")


def read_npy(row):
    """Read the array of a npy file, which carries no names."""
    return Matrix(two_dimensional(_load(row["path"]), row["path"]))


def read_npz(row):
    """Read an array of a npz file."""
    path = row["path"]
    arrays = _load(path)
    name = chosen(arrays, row["variable"], path)
    values = two_dimensional(arrays[name], path, name)
    labels = next((tuple(map(str, arrays[key].ravel())) for key in LABELS if key in arrays), None)
    return Matrix(values, *named(values, labels, path))


def read_cubnm(row):
    """Read a scan, a connectome or a vector as cuBNM stores it: scans are nodes by volumes."""
    return dataclasses.replace(read_npz(row), orientation="NxT" if row["kind"] == "bold" else None)


def _load(path):
    """Load an array, or the arrays of an archive as a dict; never pickled objects."""
    with reading(path, "a NumPy file"):
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            unpacking.check_members(path, found.zip.infolist())
            return {name: found[name] for name in found.files}
