"""Files as the tools of the field write them, one function per format of the manifest.

Every function writes a small file with the real library and gives the row of the manifest and what reading
it must give.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.cifti2 import BrainModelAxis, LabelAxis, ParcelsAxis, SeriesAxis
from scipy.io import savemat

from workflow_scripts.files.job import write_json, write_tsv

N_NODES, N_VOLUMES, TIME = 6, 9, 0.8
LABELS = tuple(f"{side}H_{network}_1" for side in "LR" for network in ("Vis", "SomMot", "Cont"))
NAMES_4S = (*(f"LH_Vis_{number}" for number in range(1, N_NODES)), "LH-Amygdala")


@dataclass
class Written:
    """A file, its row of the manifest, and what a reader must give."""

    row: dict
    values: np.ndarray
    row_labels: tuple | None = None
    column_labels: tuple | None = None
    repetition_time: float | None = None
    orientation: str | None = None


def series(seed=0):
    """Give a scan, volumes by nodes."""
    return np.random.default_rng(seed).standard_normal((N_VOLUMES, N_NODES)).round(6)


def square(seed=1, n_nodes=N_NODES):
    """Give a symmetric matrix with a diagonal."""
    values = np.random.default_rng(seed).uniform(0, 100, (n_nodes, n_nodes)).round(4)
    return (values + values.T) / 2


def row(path, kind, name, **more):
    """Give a row of the manifest."""
    return {"path": str(path), "kind": kind, "format": name, **more}


def text(path, values, delimiter="\t", header=None, index=None, missing="n/a"):
    """Write a text matrix the way pandas does: names where given, the shortest digits that read back."""
    lines = [] if header is None else [delimiter.join(["Node", *header] if index else header)]
    for number, cells in enumerate(values):
        written = [missing if cell != cell else repr(float(cell)) for cell in cells]
        lines.append(delimiter.join([index[number], *written] if index else written))
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def plain_tsv(folder):
    """Connectome with names along both sides."""
    path = text(folder / "sc.tsv", square(), header=LABELS, index=LABELS)
    return Written(row(path, "sc", "tsv"), square(), LABELS, LABELS)


def plain_csv(folder):
    """CBIG: commas, no names."""
    return Written(row(text(folder / "FC.csv", square() / 100, ","), "fc", "csv"), square() / 100)


def plain_txt(folder):
    """The pairs of an FC as cuBNM stores them: one number per line."""
    path = folder / "fctril.txt"
    np.savetxt(path, np.arange(15) / 15)
    return Written(row(path, "fc", "txt"), np.arange(15)[:, None] / 15)


def plain_npy(folder):
    """Output of a masker: volumes by nodes, no names."""
    np.save(folder / "bold.npy", series())
    return Written(row(folder / "bold.npy", "bold", "npy", orientation="TxN"), series(), orientation="TxN")


def plain_npz(folder):
    """Weights, lengths and names in one archive."""
    path = folder / "sc.npz"
    np.savez(path, weights=square(), lengths=square(2), region_labels=np.array(LABELS))
    return Written(row(path, "length", "npz", variable="lengths"), square(2), LABELS, LABELS)


def plain_mat(folder):
    """Neurolib: nodes by volumes."""
    path = folder / "TC_rsfMRI_REST1_LR.mat"
    savemat(path, {"tc": series().T})
    return Written(row(path, "bold", "mat", orientation="NxT"), series().T, orientation="NxT")


def xcpd_tsv(folder):
    """XCP-D 0.7 and later in their names of today; a parcel without coverage is n/a throughout."""
    values = series()
    values[:, 2] = np.nan
    stem = "sub-01_ses-a_task-rest_run-1_space-fsLR"
    path = text(folder / f"{stem}_seg-4S456Parcels_den-91k_stat-mean_timeseries.tsv", values, header=NAMES_4S)
    write_json(path.with_suffix(".json"), {"SamplingFrequency": "TR", "StartTime": 0})
    write_json(folder / f"{stem}_den-91k_desc-denoised_bold.json", {"RepetitionTime": TIME})
    return Written(row(path, "bold", "xcpd_tsv"), values, None, NAMES_4S, TIME, "TxN")


def relmat_tsv(folder):
    """XCP-D: a column called Node and a line of names."""
    path = folder / "sub-01_task-rest_seg-4S456Parcels_stat-pearsoncorrelation_relmat.tsv"
    values = square() / 100
    text(path, values, header=LABELS, index=LABELS)
    return Written(row(path, "fc", "relmat_tsv"), values, LABELS, LABELS)


def dense_tsv(folder):
    """BIDS draft: numbers only, a table of nodes beside them."""
    stem = "sub-01_atlas-Tiny_meas-count"
    path = text(folder / f"{stem}_relmat.dense.tsv", square())
    write_json(folder / f"{stem}_relmat.dense.json", {"RelationshipMeasure": "count", "Directed": False})
    write_tsv(
        folder / f"{stem}_nodeindices.tsv",
        [{"index": index, "label": label} for index, label in enumerate(LABELS)],
    )
    return Written(row(path, "sc", "dense_tsv"), square(), LABELS, LABELS)


def parcels(labels=LABELS):
    """Axis of parcels, each of two vertices of the left cortex."""
    models = [
        (label, BrainModelAxis.from_surface([2 * place, 2 * place + 1], 100, "CORTEX_LEFT"))
        for place, label in enumerate(labels)
    ]
    return ParcelsAxis.from_brain_models(models)


def vertices(n_vertices=2 * N_NODES):
    """Axis of the first vertices of the left cortex and two voxels of the left amygdala."""
    cortex = BrainModelAxis.from_surface(np.arange(n_vertices), 100, "CORTEX_LEFT")
    mask = np.zeros((3, 3, 3), dtype=bool)
    mask[0, 0, :2] = True
    return cortex + BrainModelAxis.from_mask(mask, name="AMYGDALA_LEFT", affine=np.eye(4))


def cifti(path, values, *axes):
    """Write a CIFTI-2 file."""
    nibabel.save(nibabel.Cifti2Image(values, axes), path)
    return path


def ptseries(folder):
    """Parcellated scan of HCP or XCP-D."""
    axis = SeriesAxis(start=0, step=TIME, size=N_VOLUMES)
    path = cifti(folder / "sub-01_timeseries.ptseries.nii", series(), axis, parcels())
    return Written(row(path, "bold", "ptseries"), series(), None, LABELS, TIME, "TxN")


def pconn(folder):
    """Parcellated matrix."""
    path = cifti(folder / "sub-01_boldmap.pconn.nii", square() / 100, parcels(), parcels())
    return Written(row(path, "fc", "pconn"), square() / 100, LABELS, LABELS)


def dlabel(path, keys, names, axis):
    """Write an atlas: key 0 is no parcel."""
    table = {0: ("???", (0.0, 0.0, 0.0, 0.0))}
    table |= {key: (name, (1.0, 0.0, 0.0, 1.0)) for key, name in names.items()}
    labels = LabelAxis(["atlas"], [table])
    return cifti(path, np.asarray(keys, dtype=np.float32)[None], labels, axis)


def dtseries(folder):
    """Dense scan whose atlas lists its vertices in another order, and a parcel that the scan has not."""
    dense = np.random.default_rng(5).standard_normal((N_VOLUMES, 2 * N_NODES + 2))
    axis = SeriesAxis(start=0, step=TIME, size=N_VOLUMES)
    path = cifti(folder / "rfMRI_REST1_LR_Atlas_MSMAll_hp2000_clean.dtseries.nii", dense, axis, vertices())
    order = np.arange(2 * N_NODES + 2)[::-1]
    keys = np.repeat([1, 2, 3, 4, 5, 6, 7], 2)
    names = {key: f"parcel_{key}" for key in (1, 2, 3, 4, 5, 6, 7, 8)}
    atlas = dlabel(folder / "atlas.dlabel.nii", keys[order], names, vertices()[order])
    means = np.stack([dense[:, keys == key].mean(axis=1) for key in range(1, 8)], axis=1)
    means = np.column_stack([means, np.full(N_VOLUMES, np.nan)])
    found = row(path, "bold", "dtseries", labels_file=str(atlas))
    return Written(found, means, None, tuple(names.values()), TIME, "TxN")


def qsirecon_mat(folder):
    """QSIRecon 1.0: several measures of several atlases in one file, with region ids and labels."""
    path = folder / "sub-01_space-ACPC_connectivity.mat"
    measure = "atlas_Tiny_sift_invnodevol_radius2_count_connectivity"
    arrays = {"command": "tck2connectome"}
    for atlas, names in (("Tiny", LABELS), ("TinyToo", LABELS[:4])):
        arrays[f"atlas_{atlas}_region_ids"] = np.arange(1, len(names) + 1)
        arrays[f"atlas_{atlas}_region_labels"] = np.array(names, dtype=object)
        arrays[f"atlas_{atlas}_radius2_meanlength_connectivity"] = square(3, len(names))
        arrays[f"atlas_{atlas}_sift_invnodevol_radius2_count_connectivity"] = square(1, len(names))
    savemat(path, arrays, long_field_names=True)
    return Written(row(path, "sc", "qsirecon_mat", variable=measure), square(), LABELS, LABELS)


def lut_mics(path, labels=LABELS):
    """Write micapipe's table of a parcellation: a medial wall before each hemisphere."""
    half = len(labels) // 2
    named = ["medial_wall", *labels[:half], "medial_wall", *labels[half:]]
    ids = [*range(1000, 1001 + half), *range(2000, 2001 + len(labels) - half)]
    lines = ["roi,mics,label,R,G,B,A,coor.x,coor.y,coor.z"]
    lines += [
        f"{place},{key},{name},1,2,3,0,,,"
        for place, (key, name) in enumerate(zip(ids, named, strict=True), start=1)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def gifti(path, values):
    """Write a matrix as micapipe does: one array of float32 in a GIFTI file."""
    data = nibabel.gifti.GiftiDataArray(np.asarray(values, dtype=np.float32), datatype="NIFTI_TYPE_FLOAT32")
    nibabel.save(nibabel.GiftiImage(darrays=[data]), path)
    return path


def micapipe_gii(folder):
    """Upper triangle with diagonal: 48 structures, then each hemisphere behind its medial wall."""
    full = np.triu(square(4, 48 + N_NODES + 2)).astype(np.float32)
    kept = [49, 50, 51, 53, 54, 55]
    whole = full + np.triu(full, 1).T
    path = folder / "sub-01_space-dwi_atlas-tiny_desc-iFOD2-40M-SIFT2_full-connectome.shape.gii"
    gifti(path, full)
    table = lut_mics(folder / "lut_tiny_mics.csv")
    found = row(path, "sc", "micapipe_gii", labels_file=str(table))
    return Written(found, whole[np.ix_(kept, kept)], LABELS, LABELS)


def lut_mrtrix(path, labels=LABELS):
    """Write a table as labelconvert uses it: number, short name, name, colours."""
    lines = ["# Look-up table", "", "0    ???    Unknown    0 0 0 0"]
    lines += [f"{place}    N.{place}    {name}    1 2 3 255" for place, name in enumerate(labels, start=1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def mrtrix_csv(folder):
    """tck2connectome: upper triangle with diagonal, numbers only."""
    path = text(folder / "connectome.csv", np.triu(square()), ",")
    found = row(path, "sc", "mrtrix_csv", labels_file=str(lut_mrtrix(folder / "fs_default.txt")))
    return Written(found, square(), LABELS, LABELS)


def cubnm_npz(folder):
    """CuBNM: nodes by volumes, under the name that NumPy gives."""
    path = folder / "ctx_parc-schaefer-100_desc-bold.npz"
    np.savez_compressed(path, series().T)
    return Written(row(path, "bold", "cubnm_npz"), series().T, orientation="NxT")


def cbig_fcd(folder):
    """Counts of a distribution function in 10,000 bins."""
    path = folder / "FCD_train.mat"
    counts = np.clip(np.arange(10_000) - 2000, 0, 4656).astype(np.int32)[:, None]
    savemat(path, {"train_FCD": counts})
    return Written(row(path, "fcd", "cbig_fcd"), counts.astype(float))


def tvb_zip(folder, prefix="connectivity_6/", centres="centres.txt"):
    """The Virtual Brain: text files in a zip, names before the coordinates."""
    path = folder / "connectivity_6.zip"
    texts = {
        f"{prefix}weights.txt": "\n".join("\t".join(map(repr, map(float, line))) for line in square()),
        f"{prefix}tract_lengths.txt": "\n".join(
            "   ".join(map(repr, map(float, line))) for line in square(2)
        ),
        f"{prefix}{centres}": "\n".join(f"{label} 1.0 2.0 3.0" for label in LABELS),
        f"{prefix}hemispheres.txt": "\n".join(["0", "0", "0", "1", "1", "1"]),
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, content in texts.items():
            file.writestr(name, content + "\n")
    return Written(row(path, "length", "tvb_zip"), square(2), LABELS, LABELS)


def ebrains_csv(folder):
    """Domhof et al.: blanks between the numbers, whatever the ending says."""
    path = folder / "rfMRI_REST1_LR_BOLD.csv"
    np.savetxt(path, series(), fmt="%.8g")
    return Written(row(path, "bold", "ebrains_csv"), series(), orientation="TxN")


WRITERS = {
    "tsv": plain_tsv,
    "csv": plain_csv,
    "txt": plain_txt,
    "npy": plain_npy,
    "npz": plain_npz,
    "mat": plain_mat,
    "xcpd_tsv": xcpd_tsv,
    "relmat_tsv": relmat_tsv,
    "dense_tsv": dense_tsv,
    "ptseries": ptseries,
    "pconn": pconn,
    "dtseries": dtseries,
    "qsirecon_mat": qsirecon_mat,
    "micapipe_gii": micapipe_gii,
    "mrtrix_csv": mrtrix_csv,
    "cubnm_npz": cubnm_npz,
    "cbig_fcd": cbig_fcd,
    "tvb_zip": tvb_zip,
    "ebrains_csv": ebrains_csv,
}
