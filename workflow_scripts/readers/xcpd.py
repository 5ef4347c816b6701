"""Time series of XCP-D: one column per parcel, one row per volume, ``n/a`` for parcels without coverage."""

import dataclasses

from cubnm_core.errors import InputError
from workflow_scripts.readers import cifti, delimited, sidecar


def read(row):
    """Read a time series of XCP-D, of any of its three generations of names.

    Its own JSON file does not state the repetition time. That of the denoised scan beside it does, and the
    header of the time series in CIFTI.
    """
    path = row["path"]
    if not path.endswith("_timeseries.tsv"):
        raise InputError(
            f"{path}: not a time series of XCP-D, whose names end in _timeseries.tsv; correct the path or "
            "the format"
        )
    matrix = delimited.read(row)
    if matrix.column_labels is None or matrix.row_labels is not None:
        raise InputError(
            f"{path}: a time series of XCP-D has a line with the names of its parcels and no column of "
            "names; for another table write format tsv"
        )
    time, source = _repetition_time(path)
    return dataclasses.replace(matrix, orientation="TxN", repetition_time=time, repetition_time_source=source)


def companions(path):
    """List the files beside a time series that may state its repetition time."""
    descriptions, ptseries = sidecar.denoised_beside(path)
    return descriptions + ([ptseries] if ptseries else [])


def _repetition_time(path):
    """Take the repetition time from the files beside a time series: (None, None) where none says."""
    descriptions, ptseries = sidecar.denoised_beside(path)
    stated = {name: sidecar.repetition_time(name) for name in descriptions}
    if ptseries is not None:
        stated[ptseries] = cifti.header_repetition_time(ptseries)
    stated = {name: time for name, time in stated.items() if time is not None}
    if not stated:
        return None, None
    times = sorted(stated.values())
    if times[-1] - times[0] > sidecar.TOLERANCE:
        listed = ", ".join(f"{name} says {time:g} s" for name, time in stated.items())
        raise InputError(f"{path}: the files beside it contradict each other: {listed}; correct them")
    source = next(iter(stated))
    return stated[source], source
