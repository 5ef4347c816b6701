"""Where the names of parcels stand: CIFTI, GIFTI, FreeSurfer annotations, BIDS atlases, look-up tables."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.atlases.families import place
from workflow_scripts.files import pointers
from workflow_scripts.readers.matrix import reading

SURFACES = {
    "CortexLeft": ("L", "cortex"),
    "CortexRight": ("R", "cortex"),
    "CIFTI_STRUCTURE_CORTEX_LEFT": ("L", "cortex"),
    "CIFTI_STRUCTURE_CORTEX_RIGHT": ("R", "cortex"),
    "CIFTI_STRUCTURE_CEREBELLUM_LEFT": ("L", "cerebellum"),
    "CIFTI_STRUCTURE_CEREBELLUM_RIGHT": ("R", "cerebellum"),
    "CIFTI_STRUCTURE_BRAIN_STEM": ("B", "brainstem"),
}
NAMES = ("label", "name", "region", "parcel")
COLUMNS = {
    "label": NAMES,
    "hemisphere": ("hemisphere", "hemi", "side"),
    "structure": ("structure", "tissue"),
    "network": ("network", "network_label", "yeo7", "community_yeo"),
    "x": ("x", "mni_x", "r"),
    "y": ("y", "mni_y", "a"),
    "z": ("z", "mni_z", "s"),
}
INDEX = ("index", "id", "roi", "value", "key")
HEMISPHERES = {"l": "L", "lh": "L", "left": "L", "r": "R", "rh": "R", "right": "R", "b": "B", "both": "B"}


@dataclass(frozen=True)
class Parcel:
    """A name of a file with what the file itself says about it; None where it says nothing."""

    label: str
    hemisphere: str | None = None
    structure: str | None = None
    network: str | None = None
    x: float | None = None
    y: float | None = None
    z: float | None = None


def read_parcels(paths):
    """Read the parcels of an atlas in the order of its files.

    Parameters
    ----------
    paths : sequence of str
        A CIFTI file (``.dlabel.nii``, ``.ptseries.nii``, ``.pconn.nii``, ``.pscalar.nii``), a table (BIDS
        ``_dseg.tsv``, a look-up table of FreeSurfer or MRtrix, a list of names), or a file of each
        hemisphere, left first (``.label.gii``, ``.annot``).

    Returns
    -------
    list of Parcel
        Background and medial wall included.

    Raises
    ------
    InputError
        If a file names no parcels.
    """
    for path in paths:
        pointers.check_fetched(path)
    absent = [path for path in paths if not os.path.isfile(path)]
    if absent:
        raise InputError(f"no file {', '.join(absent)}; correct the path")
    return [parcel for path in paths for parcel in _reader(path)(path)]


def _reader(path):
    endings = {".gii": _gifti, ".annot": _annotation, ".nii": _cifti, ".mat": _list}
    return next((read for ending, read in endings.items() if path.endswith(ending)), _table)


def _cifti(path):
    """Read parcels of a CIFTI-2 file, whose vertices and voxels say where they lie."""
    import nibabel

    with reading(path, "a CIFTI-2 file"):
        image = nibabel.load(path)
        axes = [image.header.get_axis(number) for number in range(image.ndim)]
        kinds = [type(axis).__name__ for axis in axes]
        if "ParcelsAxis" in kinds:
            axis = axes[kinds.index("ParcelsAxis")]
            return [
                _locate(name, {*vertices, *_voxel_structures(voxels)})
                for name, voxels, vertices in zip(axis.name, axis.voxels, axis.vertices, strict=True)
            ]
        if kinds != ["LabelAxis", "BrainModelAxis"]:
            raise InputError(f"{path}: its axes are {' x '.join(kinds)}, and none of them names parcels")
        keys = np.asarray(image.dataobj)[0].astype(int)
        structures = np.asarray(axes[1].name)
        return [
            _locate(name, set(structures[keys == key]))
            for key, (name, _) in sorted(axes[0].label[0].items())
            if (keys == key).any()
        ]


def _voxel_structures(voxels):
    """A parcel of voxels says nothing of its side: a structure that no rule knows."""
    return {"voxels"} if len(voxels) else set()


def _locate(name, structures):
    """Make a parcel of which all vertices lie in one structure, or leave open where it lies."""
    known = SURFACES.get(next(iter(structures)), (None, None)) if len(structures) == 1 else (None, None)
    return Parcel(str(name), *known)


def _gifti(path):
    """Read the label table of a surface; only labels that some vertex has are parcels."""
    import nibabel

    with reading(path, "a GIFTI label file"):
        image = nibabel.load(path)
        names, keys = image.labeltable.get_labels_as_dict(), np.unique(image.agg_data())
        meta = {**image.meta, **image.darrays[0].meta}
    hemisphere, structure = SURFACES.get(meta.get("AnatomicalStructurePrimary"), (None, None))
    if not names:
        raise InputError(f"{path}: its label table is empty, so nothing names the parcels")
    return [Parcel(names[key], hemisphere, structure) for key in sorted(names) if key in keys]


def _annotation(path):
    """Read the parcels of a FreeSurfer annotation."""
    _, texts = annotation(path)
    return [Parcel(text, HEMISPHERES[Path(path).name[:2]], "cortex") for text in texts.values()]


def annotation(path):
    """Read a FreeSurfer annotation, whose file name begins with lh or rh; its names get that prefix.

    Returns
    -------
    keys : ndarray (V,) of int
        Of every vertex; -1 where it belongs to none.
    names : dict of int to str
        Of the parcels that some vertex has, by key.
    """
    from nibabel.freesurfer import read_annot

    side = Path(path).name[:2]
    if side not in ("lh", "rh"):
        raise InputError(f"{path}: the name of an annotation begins with lh. or rh.; rename it")
    with reading(path, "a FreeSurfer annotation"):
        keys, _, names = read_annot(path)
        texts = {key: names[key].decode() for key in sorted(set(keys.tolist()) - {-1})}
    prefix = "" if any(place(text).hemisphere for text in texts.values()) else f"{side}_"
    return keys, {key: prefix + text for key, text in texts.items()}


def _table(path):
    """Read a table whose columns say more than names."""
    from workflow_scripts.readers import delimited

    lines, _ = delimited.cells(path)
    header = [cell.strip("'\"").lower() for cell in lines[0]]
    columns = {
        name: next((header.index(word) for word in words if word in header), None)
        for name, words in COLUMNS.items()
    }
    if columns["label"] is None:
        return _list(path)
    if any(columns[axis] is None for axis in "xyz"):  # columns r and a of a table are colours then
        columns |= dict.fromkeys("xyz")
    number = next((header.index(word) for word in INDEX if word in header), None)
    body = lines[1:]
    if number is not None:
        body = sorted(body, key=lambda cells: _number(path, cells[number]))
    return [_describe(path, cells, columns) for cells in body]


def _describe(path, cells, columns):
    """Make a parcel of one line of a table."""
    if len(cells) <= max(place for place in columns.values() if place is not None):
        raise InputError(f"{path}: the line {' '.join(cells)!r} is shorter than the header")
    told = {name: cells[place].strip("'\"") for name, place in columns.items() if place is not None}
    told = {name: text for name, text in told.items() if text.lower() not in ("", "n/a", "nan")}
    told |= {name: _number(path, told[name]) for name in "xyz" if name in told}
    side = told.get("hemisphere")
    if side is not None:
        told["hemisphere"] = HEMISPHERES.get(side.lower())
    return Parcel(**{"label": "", **told})


def _number(path, text):
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{path}: {text!r} is not a number; correct it") from None


def _list(path):
    """Read names without anything else: one per line, a look-up table, MATLAB cells."""
    from workflow_scripts.readers import labels

    return [Parcel(name) for name in labels.read_labels(path)]
