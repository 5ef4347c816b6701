"""NumPy files. A npz file may carry names in an array called labels or region_labels."""

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.readers.matrix import Matrix, chosen, two_dimensional

LABELS = ("labels", "region_labels")


def read_npy(path, variable=None):
    """Read the array of a npy file, which carries no names.

    Parameters
    ----------
    path : str
    variable : str, optional
        Not used: a npy file holds one array.

    Returns
    -------
    Matrix

    Raises
    ------
    InputError
        If the file is no NumPy file, or its array is not a matrix of numbers.
    """
    return Matrix(two_dimensional(_load(path), path))


def read_npz(path, variable=None):
    """Read an array of a npz file.

    Parameters
    ----------
    path : str
    variable : str, optional
        Name of the array; needed where there are several matrices.

    Returns
    -------
    Matrix

    Raises
    ------
    InputError
        If the file is no NumPy file, the array is not there, or not a matrix of numbers.
    """
    with _load(path) as file:
        arrays = {name: file[name] for name in file.files}
    matrices = [name for name, array in arrays.items() if array.ndim >= 2]
    name = chosen(matrices, variable, path)
    values = two_dimensional(arrays[name], path, name)
    labels = next((tuple(map(str, arrays[key])) for key in LABELS if key in arrays), None)
    named = [labels if labels is not None and len(labels) == length else None for length in values.shape]
    return Matrix(values, *named)


def _load(path):
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not a NumPy file that can be read safely: {error}") from error
