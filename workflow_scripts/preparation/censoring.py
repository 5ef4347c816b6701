"""Volumes of a scan that do not count: which they are, and where they belong in time."""

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts import readers

DISPLACEMENT = "framewise_displacement"
# How the note of a scan begins from which volumes were removed, and nobody says which.
UNKNOWN_GAPS = "volumes were removed and no mask says which"


def read_mask(row):
    """Read the censored volumes of a scan.

    Parameters
    ----------
    row : dict
        Of the manifest, of kind mask. The file holds one column (or one line) of 0 and 1 = censored.

    Returns
    -------
    (T,) bool array

    Raises
    ------
    InputError
        If the file holds more than one column, or anything but 0 and 1.
    """
    values = readers.read(row).values
    if 1 not in values.shape:
        raise InputError(
            f"{row['path']}: {values.shape[0]} x {values.shape[1]} numbers; a mask has one number per volume"
        )
    values = values.ravel()
    wrong = np.flatnonzero((values != 0) & (values != 1))
    if wrong.size:
        raise InputError(
            f"{row['path']}: entry {wrong[0] + 1} of the mask is {values[wrong[0]]:g}; write 0 for a "
            "volume that counts and 1 for a censored one"
        )
    return values == 1


def read_displacement(row, n_volumes):
    """Read the framewise displacement of a scan.

    Parameters
    ----------
    row : dict
        Of the manifest, of kind motion: a table with a column of the name `variable` (framewise_displacement
        if left out), such as fMRIPrep's confounds or XCP-D's motion, or one column of numbers.
    n_volumes : int
        Of the scan as it was recorded.

    Returns
    -------
    (n_volumes,) array
        In mm; NaN where the table has none, as for the first volume.

    Raises
    ------
    InputError
        If there is no such column, or not one number per volume.
    """
    matrix, name = readers.read({**row, "variable": None}), row["variable"] or DISPLACEMENT
    if matrix.values.shape[1] == 1 and matrix.column_labels is None:
        values = matrix.values[:, 0]
    elif name in (matrix.column_labels or ()):
        values = matrix.values[:, matrix.column_labels.index(name)]
    else:
        raise InputError(
            f"{row['path']}: no column {name}; name the one with the framewise displacement in the "
            "manifest's column variable"
        )
    if len(values) != n_volumes:
        raise InputError(
            f"{row['path']}: {len(values)} values of motion, but the scan has {n_volumes} volumes; if "
            "volumes were removed from the scan, name them in a file of kind mask"
        )
    return values


def still(kept, displacement, threshold, row):
    """Leave out volumes with more motion than allowed.

    Parameters
    ----------
    kept : (T,) bool array
    displacement : (T,) array or None
        In mm.
    threshold : float or None
        In mm; None allows any motion.
    row : dict
        Of the scan, for the message.

    Raises
    ------
    InputError
        If a threshold is asked for and the motion is not known.
    """
    if threshold is None:
        return kept
    if displacement is None:
        raise InputError(
            f"{row['path']}: bold.fd_threshold needs the motion of every scan; add a row of kind motion with "
            "its ids and run_id, or set bold.fd_threshold: null"
        )
    return kept & ~(displacement > threshold)


def in_time(bold, censoring, censored):
    """Put the volumes of a scan where they were in time, and say which of them count.

    Parameters
    ----------
    bold : (V, N) array
        Volumes of the file.
    censoring : {"none", "interpolated", "removed", "zeroed"}
        What was done to censored volumes.
    censored : (T,) bool array or None
        Mask of the scan as it was recorded; None if there is no mask.

    Returns
    -------
    bold : (T, N) array
        NaN for volumes that were removed.
    kept : (T,) bool array
        False for volumes that do not count.
    gaps_known : bool
        False if volumes were removed and nothing says which, so that neighbours in the array need not be
        neighbours in time.

    Raises
    ------
    InputError
        If mask and scan differ in length.
    """
    if censoring == "removed":
        if censored is None:
            return bold, np.ones(len(bold), dtype=bool), False
        return _with_gaps(bold, censored)
    if censored is None:
        censored = np.zeros(len(bold), dtype=bool)
    if len(censored) != len(bold):
        raise InputError(
            f"the mask has {len(censored)} entries, the scan {len(bold)} volumes; they must be as many, "
            "unless censored volumes were removed from the scan (censoring: removed)"
        )
    if censoring == "zeroed":
        censored = censored | ~np.nan_to_num(bold).any(axis=1)
    return bold, ~censored, True


def _with_gaps(bold, censored):
    kept = ~censored
    if np.count_nonzero(kept) != len(bold):
        raise InputError(
            f"the mask keeps {np.count_nonzero(kept)} of {len(kept)} volumes, but the scan, from which "
            f"censored volumes were removed, has {len(bold)}; give the mask of this scan, or correct "
            "its censoring"
        )
    whole = np.full((len(kept), bold.shape[1]), np.nan)
    whole[kept] = bold
    return whole, kept, True
