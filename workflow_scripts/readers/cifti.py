"""CIFTI-2 files: parcellated scans and matrices, and dense scans that an atlas of labels parcellates."""

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.readers import sidecar
from workflow_scripts.readers.matrix import Matrix, reading, two_dimensional


def read_ptseries(row):
    """Read a parcellated scan, volumes by parcels: its header gives the repetition time and the names."""
    path = row["path"]
    image, axes = _load(path)
    _check_axes(path, axes, ("SeriesAxis", "ParcelsAxis"), "ptseries")
    names = _names(axes[1])
    time = _series_step(path, axes[0])
    return Matrix(_numbers(image, path), None, names, time, path, "TxN")


def read_pconn(row):
    """Read a matrix between parcels."""
    path = row["path"]
    image, axes = _load(path)
    _check_axes(path, axes, ("ParcelsAxis", "ParcelsAxis"), "pconn")
    return Matrix(_numbers(image, path), _names(axes[0]), _names(axes[1]))


def read_dtseries(row):
    """Read a dense scan as the means over the parcels of a ``.dlabel.nii`` (column ``labels_file``).

    Vertices and voxels are matched by structure and place, not by number. A parcel of which the scan has
    nothing is missing (NaN).
    """
    path, atlas = row["path"], row.get("labels_file")
    if atlas is None:
        raise InputError(
            f"{path}: a dense scan needs an atlas; name a .dlabel.nii in the manifest's column labels_file"
        )
    image, axes = _load(path)
    _check_axes(path, axes, ("SeriesAxis", "BrainModelAxis"), "dtseries")
    atlas_image, atlas_axes = _load(atlas)
    _check_axes(atlas, atlas_axes, ("LabelAxis", "BrainModelAxis"), "dlabel")
    keys = _numbers(atlas_image, atlas)[0].astype(int)
    known = {place: key for place, key in zip(_places(atlas_axes[1]), keys, strict=True)}
    assigned = np.array([known.get(place, 0) for place in _places(axes[1])])
    parcels = {key: name for key, (name, _) in atlas_axes[0].label[0].items() if key != 0}
    with reading(path, "a CIFTI-2 file"):
        series = np.asanyarray(image.dataobj)  # as stored: in double precision it would not fit many machines
    values = np.full((len(series), len(parcels)), np.nan)
    for column, key in enumerate(parcels):
        inside = assigned == key
        if inside.any():
            values[:, column] = series[:, inside].mean(axis=1, dtype=np.float64)
    if np.isnan(values).all():
        raise InputError(
            f"{path}: no vertex or voxel of the scan lies in a parcel of {atlas}; give an atlas in the space "
            "of the scan (such as fsLR 32k)"
        )
    names = tuple(parcels.values())
    return Matrix(values, None, names, _series_step(path, axes[0]), path, "TxN")


def header_repetition_time(path):
    """Read the repetition time in s from the header of a scan."""
    _, axes = _load(path)
    return _series_step(path, axes[0]) if type(axes[0]).__name__ == "SeriesAxis" else None


def _load(path):
    """Open a CIFTI-2 file: the image and its two axes."""
    import nibabel

    with reading(path, "a CIFTI-2 file"):
        image = nibabel.load(path)
        if not isinstance(image, nibabel.Cifti2Image):
            raise InputError(
                f"{path}: a {type(image).__name__} and not a CIFTI-2 file; for volumes and surfaces "
                "parcellate first, for instance with XCP-D"
            )
        return image, [image.header.get_axis(number) for number in range(image.ndim)]


def _numbers(image, path):
    with reading(path, "a CIFTI-2 file"):
        values = image.get_fdata(dtype=np.float64)
    return two_dimensional(values, path)


def _check_axes(path, axes, wanted, ending):
    """Refuse a file whose axes are others than its format has."""
    found = tuple(type(axis).__name__ for axis in axes)
    if found != wanted:
        raise InputError(
            f"{path}: its axes are {' x '.join(found)}, those of a {ending} are {' x '.join(wanted)}; "
            "correct the path or the format"
        )


def _names(axis):
    return tuple(str(name) for name in axis.name)


def _series_step(path, axis):
    """Give the repetition time of an axis of volumes in s."""
    if axis.unit != "SECOND":
        raise InputError(f"{path}: its series counts in {axis.unit}, not in seconds; give a scan in time")
    return sidecar.checked(axis.step, f"{path}: the step of its series")


def _places(axis):
    """Give every vertex or voxel of a brain model as something that can be looked up."""
    return [
        (name, int(vertex)) if vertex >= 0 else (name, *map(int, voxel))
        for name, vertex, voxel in zip(axis.name, axis.vertex, axis.voxel, strict=True)
    ]
