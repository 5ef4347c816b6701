"""Connectomes of micapipe (version 0.2), stored as GIFTI: without names, with rows for the medial walls."""

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.readers import labels
from workflow_scripts.readers.matrix import Matrix, reading, two_dimensional

BELOW_CORTEX = 48  # 14 subcortical structures and 34 cerebellar lobules come before the cortex
MEDIAL_WALL = "medial_wall"


def read(row):
    """Read weights or lengths, of the cortex only.

    The names come from micapipe's ``parcellations/lut/lut_<atlas>_mics.csv`` (column ``labels_file``), which
    lists the cortex with both medial walls. The structures below the cortex and the medial walls are left
    out: nothing in micapipe's files names all of the former.
    """
    path, table = row["path"], row.get("labels_file")
    if table is None:
        raise InputError(
            f"{path}: connectomes of micapipe name no parcels; name its table lut_<atlas>_mics.csv "
            "(micapipe/parcellations/lut) in the manifest's column labels_file"
        )
    values = _matrix(path)
    names = labels.read_labels(table)
    _check_size(path, values, table, names)
    cortex = np.array([name.lower() != MEDIAL_WALL for name in names])
    kept = BELOW_CORTEX + np.flatnonzero(cortex)
    found = tuple(name for name, inside in zip(names, cortex, strict=True) if inside)
    walls = len(names) - len(found)
    note = f"{path}: {BELOW_CORTEX} structures below the cortex and {walls} medial walls were left out"
    return Matrix(values[np.ix_(kept, kept)], found, found, notes=(note,))


def _matrix(path):
    """Read the one array of a GIFTI file, which must be square."""
    import nibabel

    with reading(path, "a GIFTI file"):
        image = nibabel.load(path)
        arrays = [array.data for array in image.darrays]
    if len(arrays) != 1:
        raise InputError(
            f"{path}: {len(arrays)} arrays, but a connectome of micapipe is one; a scan on the surface must "
            "be parcellated first"
        )
    values = two_dimensional(arrays[0], path)
    height, width = values.shape
    if height != width:
        raise InputError(
            f"{path}: {height} x {width} is no connectome; scans of micapipe lie on the vertices of the "
            "surface: parcellate them first and give the table as tsv, csv or npy"
        )
    return values


def _check_size(path, values, table, names):
    """Refuse a matrix whose rows are not those of the table, by what its size tells."""
    wanted, found = BELOW_CORTEX + len(names), len(values)
    walls = sum(name.lower() == MEDIAL_WALL for name in names)
    if walls != 2:
        raise InputError(
            f"{table}: names {walls} medial walls, micapipe's tables of a parcellation name 2; give the "
            "table lut_<atlas>_mics.csv of the connectome's parcellation"
        )
    if found == wanted:
        return
    if found == wanted - 1:
        raise InputError(
            f"{path}: {found} rows, one less than a connectome of this parcellation: functional matrices of "
            "micapipe leave one medial wall out; give the scan itself, parcellated, as kind bold"
        )
    raise InputError(
        f"{path}: {found} rows; with {table} there are {BELOW_CORTEX} structures below the cortex and "
        f"{len(names)} rows of cortex and medial walls, so {wanted}; give the table of the connectome's "
        "parcellation, and the connectome called full"
    )
