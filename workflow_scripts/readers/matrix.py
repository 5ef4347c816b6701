"""What every reader gives: a matrix and the labels that its file carries."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError


@dataclass(frozen=True)
class Matrix:
    """Numbers of a file with the names of its rows and columns.

    Attributes
    ----------
    values : ndarray (rows, columns)
        float64; NaN for missing cells.
    row_labels, column_labels : tuple of str, or None
        None where the file names none.
    """

    values: np.ndarray
    row_labels: tuple | None = None
    column_labels: tuple | None = None

    @property
    def transposed(self):
        """The same with rows and columns exchanged."""
        return Matrix(self.values.T, self.column_labels, self.row_labels)


def two_dimensional(values, path, name=None):
    """Turn an array into float64 with two dimensions, dropping dimensions of length one in front.

    Parameters
    ----------
    values : array_like
    path : str
        For the message.
    name : str, optional
        Of the array in its file, for the message.

    Raises
    ------
    InputError
        If there are other dimensions, or no real numbers.
    """
    place = f"{path}, array {name!r}" if name else path
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{place}: holds {array.dtype} and not real numbers")
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2:
        raise InputError(f"{place}: has the shape {array.shape}, but a matrix with two dimensions is needed")
    return np.ascontiguousarray(array, dtype=np.float64)


def chosen(names, variable, path):
    """Choose an array by name, or the only one.

    Raises
    ------
    InputError
        If the name is unknown, or none is given though there are several.
    """
    names = list(names)
    if variable is None and len(names) == 1:
        return names[0]
    if variable in names:
        return variable
    found = f"it holds {', '.join(names) or 'no matrix'}"
    if variable is None:
        raise InputError(f"{path}: {found}; name one in the manifest's column variable")
    raise InputError(f"{path}: no array {variable!r}; {found}; correct the manifest's column variable")
