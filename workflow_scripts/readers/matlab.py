"""MATLAB files up to version 7.2, among them those of QSIRecon, which name their regions."""

from cubnm_core.errors import InputError
from workflow_scripts.readers.matrix import Matrix, chosen, two_dimensional


def read(path, variable=None):
    """Read an array of a MATLAB file.

    QSIRecon writes ``atlas_<A>_<measure>_connectivity`` beside ``atlas_<A>_region_labels``: an array
    called ``..._region_labels`` gives the names of all arrays that begin like it.

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
        If the file cannot be read, the array is not there, or not a matrix of numbers.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        arrays = loadmat(path)
    except NotImplementedError:
        raise InputError(
            f"{path}: MATLAB version 7.3; save it again with save(..., '-v7') or as npz"
        ) from None
    except (MatReadError, ValueError, OSError, TypeError, IndexError) as error:
        raise InputError(f"{path}: not a MATLAB file that can be read: {error}") from error
    matrices = [name for name, array in arrays.items() if not name.startswith("__") and _is_matrix(array)]
    name = chosen(matrices, variable, path)
    values = two_dimensional(arrays[name], path, name)
    labels = _labels(arrays, name)
    named = [labels if labels is not None and len(labels) == length else None for length in values.shape]
    return Matrix(values, *named)


def _is_matrix(array):
    return array.dtype.kind in "biuf" and array.ndim >= 2 and min(array.shape) > 1


def _labels(arrays, name):
    """Find the names that belong to an array."""
    for key, array in arrays.items():
        if key.endswith("region_labels") and name.startswith(key.removesuffix("region_labels")):
            return tuple(
                str(item.item() if hasattr(item, "item") else item).strip() for item in array.ravel()
            )
    return None
