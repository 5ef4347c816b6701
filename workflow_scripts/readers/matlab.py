"""MATLAB files up to version 7.2, among them those of QSIRecon, which name their regions."""

from cubnm_core.errors import InputError
from workflow_scripts.files import pointers
from workflow_scripts.readers import mat_structure
from workflow_scripts.readers.matrix import Matrix, chosen, named, reading, two_dimensional

REGIONS = "region_labels"


def read(row):
    """Read an array of a MATLAB file, with names if ``..._region_labels`` holds some."""
    path = row["path"]
    arrays = load(path)
    name = chosen(arrays, row["variable"], path)
    return _named_matrix(arrays, name, path)


def read_qsirecon(row):
    """Read a connectome of QSIRecon or QSIPrep, with the names of its regions.

    An array ``[atlas_]<A>_region_labels`` names the regions of all arrays ``[atlas_]<A>_..._connectivity``.
    """
    path = row["path"]
    arrays = load(path)
    connectomes = {name: array for name, array in arrays.items() if name.endswith("_connectivity")}
    if not connectomes:
        raise InputError(
            f"{path}: no array ends in _connectivity, as those of QSIRecon do; it holds "
            f"{', '.join(arrays) or 'nothing'}; for another MATLAB file write format mat"
        )
    name = chosen(connectomes, row["variable"], path)
    matrix = _named_matrix(arrays, name, path)
    if matrix.row_labels is None:
        raise InputError(
            f"{path}: no array of {REGIONS} belongs to {name}, so its regions have no names; reconstruct "
            "with QSIRecon 0.20 or later, or write format mat and give a labels_file"
        )
    return matrix


def _named_matrix(arrays, name, path):
    """Give an array with the names that begin like it."""
    prefixes = [key.removesuffix(REGIONS) for key in arrays if key.endswith(REGIONS)]
    prefix = max((prefix for prefix in prefixes if name.startswith(prefix)), key=len, default=None)
    labels = None if prefix is None else [text(item) for item in arrays[prefix + REGIONS].ravel()]
    values = two_dimensional(arrays[name], path, name)
    return Matrix(values, *named(values, labels, path))


def load(path):
    """Load the arrays of a MATLAB file.

    Parameters
    ----------
    path : str

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    InputError
        If the file cannot be read; for files of version 7.3 with the remedy.
    """
    from scipy.io import loadmat

    pointers.check_fetched(path)
    with reading(path, "a MATLAB file"):
        mat_structure.check(path)
        try:
            arrays = loadmat(path)
        except NotImplementedError:
            raise InputError(
                f"{path}: MATLAB version 7.3; save it again with save(..., '-v7') or as npz"
            ) from None
        return {name: array for name, array in arrays.items() if hasattr(array, "dtype")}


def text(item):
    """Give the text of a cell, however deep MATLAB wrapped it."""
    while hasattr(item, "item") and getattr(item, "size", 1) == 1:
        item = item.item()
    return str(item).strip()
