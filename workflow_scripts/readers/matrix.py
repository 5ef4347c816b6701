"""What every reader gives: a matrix, the labels and the facts that its file carries."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.readers import background


class NoNumbersError(InputError):
    """A file, or the part of it that was asked for, that is empty rather than wrong."""


@dataclass(frozen=True)
class Matrix:
    """Numbers of a file with the names of its rows and columns.

    Attributes
    ----------
    values : ndarray (rows, columns)
        float64; NaN for missing cells. A vector is one column.
    row_labels, column_labels : tuple of str, or None
        None where the file names none.
    repetition_time : float or None
        Of a scan, in s, where the file or one beside it says.
    repetition_time_source : str or None
        The file that says so.
    orientation : {"TxN", "NxT"} or None
        Of a scan, where the format fixes it.
    notes : tuple of str
        What a reader had to do, or what somebody should look at.
    """

    values: np.ndarray
    row_labels: tuple | None = None
    column_labels: tuple | None = None
    repetition_time: float | None = None
    repetition_time_source: str | None = None
    orientation: str | None = None
    notes: tuple = ()

    @property
    def transposed(self):
        """The same with rows and columns exchanged."""
        return Matrix(
            self.values.T,
            self.column_labels,
            self.row_labels,
            self.repetition_time,
            self.repetition_time_source,
            {"TxN": "NxT", "NxT": "TxN"}.get(self.orientation),
            self.notes,
        )


@contextmanager
def reading(path, what):
    """Turn whatever goes wrong in a library that reads a broken file into an InputError.

    Parameters
    ----------
    path : str
    what : str
        What the file should be, such as ``"a MATLAB file"``.
    """
    try:
        yield
    except InputError:
        raise
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except Exception as error:  # libraries raise anything on files cut off or spoilt
        raise InputError(
            f"{path}: not {what} that can be read: {type(error).__name__}: {error}; is the file whole, and "
            "its format stated rightly in the manifest?"
        ) from error


def two_dimensional(values, path, name=None):
    """Turn an array into a float64 matrix, dropping dimensions of length one in front.

    Parameters
    ----------
    values : array_like
        A vector becomes one column.
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
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise InputError(f"{place}: has the shape {array.shape}, but a matrix or a vector is needed")
    return np.ascontiguousarray(array, dtype=np.float64)


def chosen(arrays, variable, path):
    """Choose an array by name; without a name the only matrix, or the only vector if there is no matrix.

    Parameters
    ----------
    arrays : dict of str to ndarray
        All of the file.
    variable : str or None
    path : str
        For the message.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the name is unknown, or none is given though there are several.
    """
    numbers = {name: array for name, array in arrays.items() if array.dtype.kind in "biuf" and array.size > 1}
    matrices = [name for name, array in numbers.items() if array.ndim >= 2 and min(array.shape[-2:]) > 1]
    candidates = matrices or list(numbers)
    if variable is None and len(candidates) == 1:
        return candidates[0]
    if variable in arrays:
        return variable
    found = f"it holds {', '.join(candidates) or 'no matrix'}"
    if variable is None:
        raise InputError(f"{path}: {found}; name one in the manifest's column variable")
    raise InputError(f"{path}: no array {variable!r}; {found}; correct the manifest's column variable")


def named(values, labels, path):
    """Give the labels of rows and columns: of every axis that is as long as the list of labels.

    A background that the list names, but the matrix does not have, is left out.

    Parameters
    ----------
    values : ndarray (rows, columns)
    labels : sequence of str, or None
    path : str
        For the message.

    Returns
    -------
    list
        Labels of the rows, labels of the columns; None for an axis without.

    Raises
    ------
    InputError
        If no axis is as long.
    """
    if labels is None:
        return [None, None]
    found = [background.fitting(labels, length) for length in values.shape]
    both = None not in found and len(found[0]) != len(found[1])  # with and without a background
    if found == [None, None] or both:
        raise InputError(
            f"{path}: names {len(labels)} nodes beside a matrix of {values.shape[0]} x {values.shape[1]}, "
            "so nobody can say which rows the names belong to; write the file again with one name per node"
        )
    return found
