"""Which vertex of the cortical surface belongs to which parcel, from every kind of file that says so."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.atlases.sources import HEMISPHERES, INDEX, NAMES, SURFACES, annotation
from workflow_scripts.files import pointers
from workflow_scripts.readers import delimited
from workflow_scripts.readers.matrix import reading

SIDES = ("L", "R")
NONE = -1
FSAVERAGE5 = 10_242  # vertices of a hemisphere
# fsaverage and fsaverage6 begin with the vertices of fsaverage5, whose triangles they divide.
FINER = (163_842, 40_962)
# Where a vertex looks for a parcel of a volume, from pia (0) to white matter (1), until it meets one.
DEPTHS = (0.5, 0.25, 0.75, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class SurfaceAtlas:
    """Parcels of both hemispheres.

    Attributes
    ----------
    names : list of str
        Of the parcels, background included where the file names it.
    vertices : dict of str to ndarray (V,) of int
        For L and R the place in `names` of every vertex; -1 where it belongs to none.
    """

    names: list
    vertices: dict


def read_surface_atlas(paths, names=None):
    """Read an atlas.

    Parameters
    ----------
    paths : sequence of str
        A CIFTI label file (``.dlabel.nii``), a volume of numbers (``.nii``, ``.nii.gz``; in MNI space), or a
        GIFTI file (``.label.gii``, ``.shape.gii``) or FreeSurfer annotation of each hemisphere, left first.
    names : str, optional
        Table with the number and the name of every parcel: needed for volumes and files without names, and
        in place of the names of other files, where the node table has those of another release.

    Returns
    -------
    SurfaceAtlas

    Raises
    ------
    InputError
        If a file is none of these, or nothing names its parcels.
    """
    paths = [str(path) for path in paths]
    for path in paths:
        pointers.check_fetched(path)
    if len(paths) == 1 and paths[0].endswith((".nii", ".nii.gz")):
        return _image(paths[0], names)
    if len(paths) == 2 and all(path.endswith((".gii", ".annot")) for path in paths):
        sides = [_hemisphere(path, names) for path in paths]
        _check_order(paths, [side for side, _ in sides])
        return _join([keyed for _, keyed in sides])
    raise InputError(
        f"brain.atlas: {', '.join(paths)} is neither one file .dlabel.nii, .nii or .nii.gz nor two files "
        ".gii or .annot, that of the left hemisphere first"
    )


def on_fsaverage5(vertices):
    """Bring the labels of fsaverage and fsaverage6 to fsaverage5, whose vertices are their first ones.

    Parameters
    ----------
    vertices : dict of str to ndarray
        As of :class:`SurfaceAtlas`.

    Returns
    -------
    dict of str to ndarray
        Unchanged where the surface is another one.
    """
    return {side: one[:FSAVERAGE5] if len(one) in FINER else one for side, one in vertices.items()}


def _join(hemispheres):
    """Put both hemispheres, each with names by key and the keys of its vertices, under common numbers."""
    names = list(dict.fromkeys(name for keys, _ in hemispheres for name in keys.values()))
    place = {name: number for number, name in enumerate(names)}
    vertices = {}
    for side, (keys, found) in zip(SIDES, hemispheres, strict=True):
        numbers = {key: place[name] for key, name in keys.items()}
        distinct, where = np.unique(found, return_inverse=True)
        vertices[side] = np.array([numbers.get(key, NONE) for key in distinct.tolist()])[where]
    return SurfaceAtlas(names, vertices)


def _hemisphere(path, names):
    """Read one hemisphere: its side where the file says so, and names and keys."""
    if path.endswith(".annot"):
        keys, texts = annotation(path)
        return HEMISPHERES[Path(path).name[:2]], (_chosen(texts, names), keys)
    import nibabel

    with reading(path, "a GIFTI file"):
        image = nibabel.load(path)
        keys = np.asarray(image.agg_data()).astype(int)
        texts = image.labeltable.get_labels_as_dict()
        meta = {**image.meta, **image.darrays[0].meta}
    if not _chosen(texts, names):
        raise InputError(
            f"{path}: its label table is empty, so nothing names the parcels; give brain.names, a table with "
            "the columns index and label"
        )
    return SURFACES.get(meta.get("AnatomicalStructurePrimary"), (None,))[0], (_chosen(texts, names), keys)


def _chosen(texts, names):
    """Names that the file carries, or those of the user's table."""
    return texts if names is None else numbered_names(names)


def _check_order(paths, sides):
    """Refuse files of which one says itself that it is the other hemisphere."""
    for path, wanted, found in zip(paths, SIDES, sides, strict=True):
        if found not in (None, wanted):
            raise InputError(
                f"brain.atlas: {path} is the {found} hemisphere, but stands where {wanted} is expected; "
                "name the left file first"
            )


def _image(path, names):
    """Read a CIFTI file or a volume."""
    import nibabel

    with reading(path, "a CIFTI or NIfTI file"):
        image = nibabel.load(path)
    if isinstance(image, nibabel.Cifti2Image):
        return _cifti(path, image, names)
    if names is None:
        raise InputError(
            f"{path}: a volume holds numbers only; give brain.names, a table with the number and the name of "
            "every parcel (columns index and label, such as the _dseg.tsv beside the volume)"
        )
    return _join([(numbered_names(names), found) for found in _project(path, image)])


def _cifti(path, image, chosen):
    """Read the vertices of a CIFTI label file."""
    axes = [image.header.get_axis(number) for number in range(image.ndim)]
    kinds = [type(axis).__name__ for axis in axes]
    if kinds != ["LabelAxis", "BrainModelAxis"]:
        raise InputError(f"{path}: its axes are {' x '.join(kinds)}; an atlas is a file .dlabel.nii")
    with reading(path, "a CIFTI-2 file"):
        keys = np.asarray(image.dataobj)[0].astype(int)
    names = _chosen({key: name for key, (name, _) in axes[0].label[0].items()}, chosen)
    found = {}
    for structure, part, model in axes[1].iter_structures():
        side, tissue = SURFACES.get(structure, (None, None))
        if tissue == "cortex":
            full = np.full(axes[1].nvertices[structure], min(names, default=0) - 1)
            full[model.vertex] = keys[part]
            found[side] = full
    if set(found) != set(SIDES):
        raise InputError(f"{path}: it holds the cortex of {', '.join(found) or 'no'} hemisphere, not of both")
    return _join([(names, found[side]) for side in SIDES])


def _project(path, image):
    """Bring the numbers of a volume in MNI space to the surface fsaverage5, for each hemisphere."""
    from nilearn.datasets import load_fsaverage
    from nilearn.surface import vol_to_surf

    if image.ndim != 3:
        raise InputError(f"{path}: {image.ndim} dimensions; an atlas is one volume of numbers, not maps")
    meshes = load_fsaverage("fsaverage5")
    found = []
    for part in ("left", "right"):
        outer, inner = meshes["pial"].parts[part], meshes["white_matter"].parts[part]
        options = {"inner_mesh": inner, "interpolation": "nearest_most_frequent"}
        numbers = np.zeros(FSAVERAGE5, dtype=int)
        for depth in DEPTHS:
            sampled = np.nan_to_num(vol_to_surf(image, outer, depth=[depth], **options)).astype(int)
            numbers = np.where(numbers == 0, sampled, numbers)
        found.append(numbers)
    return found


def numbered_names(path):
    """Read the number and the name of every parcel.

    Parameters
    ----------
    path : str
        A table with a column ``index`` and one called ``label`` or ``name``, or a look-up table without
        header (number, name, colours).

    Returns
    -------
    dict of int to str

    Raises
    ------
    InputError
        If there are no such columns, a number is none, or two rows have the same number.
    """
    lines, _ = delimited.cells(path)
    header = [cell.strip("'\"").lower() for cell in lines[0]]
    number = next((header.index(word) for word in INDEX if word in header), None)
    name = next((header.index(word) for word in NAMES if word in header), None)
    if number is None and name is None and lines[0][0].isdigit():
        number, name = 0, 1
    else:
        lines = lines[1:]
    if number is None or name is None:
        raise InputError(f"{path}: needs the columns index and label, found {', '.join(header[:6])}")
    wrong = [line for line in lines if len(line) <= max(number, name) or not line[number].isdigit()]
    if wrong:
        raise InputError(f"{path}: the row {' '.join(wrong[0])!r} has no number and name of a parcel")
    found = {int(line[number]): line[name].strip("'\"") for line in lines}
    if len(found) < len(lines):
        raise InputError(f"{path}: two rows have the same number")
    return found
