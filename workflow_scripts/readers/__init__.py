"""Readers of the field's file formats: one module each, all giving a :class:`Matrix`."""

from workflow_scripts.readers import delimited, matlab, numpy_arrays
from workflow_scripts.readers.matrix import Matrix

READERS = {
    "tsv": delimited.read,
    "csv": delimited.read,
    "txt": delimited.read,
    "npy": numpy_arrays.read_npy,
    "npz": numpy_arrays.read_npz,
    "mat": matlab.read,
}

__all__ = ["READERS", "Matrix", "read"]


def read(row):
    """Read the file of a row of the manifest.

    Parameters
    ----------
    row : dict
        Of the manifest: ``path``, ``format``, ``variable``.

    Returns
    -------
    Matrix

    Raises
    ------
    InputError
        If the file is not what its row says.
    """
    return READERS[row["format"]](row["path"], row["variable"])
