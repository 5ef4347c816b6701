"""The formats of the manifest: who writes them, how their files are called, which reader reads them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from workflow_scripts.readers import (
    archive,
    cbig,
    cifti,
    delimited,
    ebrains,
    gifti,
    matlab,
    mrtrix,
    numpy_arrays,
    relmat,
    xcpd,
)

ANY = ("sc", "length", "bold", "fc", "fcd", "mask", "motion")
MATRICES = ("sc", "length", "fc")


@dataclass(frozen=True)
class Format:
    """One value of the manifest's column ``format``.

    Attributes
    ----------
    read : callable
        From a row of the manifest to a :class:`~workflow_scripts.readers.matrix.Matrix`.
    tool : str
        Who writes such files.
    kinds : tuple of str
        Kinds of the manifest that it may hold.
    patterns : dict of str to tuple of str
        By kind, how tools name such files, as shell patterns of the name; none where names say nothing.
    labels_file : bool
        Whether the file needs another one that names its nodes.
    variables : dict of str to str
        By kind, a shell pattern of the array that is usually meant, for files with several.
    """

    read: Callable
    tool: str
    kinds: tuple
    patterns: dict = field(default_factory=dict)
    labels_file: bool = False
    variables: dict = field(default_factory=dict)


FORMATS = {
    "tsv": Format(
        delimited.read,
        "any",
        ANY,
        {"mask": ("*_outliers.tsv",), "motion": ("*_motion.tsv", "*_desc-confounds_timeseries.tsv")},
    ),
    "csv": Format(delimited.read, "any, such as CBIG", ANY),
    "txt": Format(delimited.read, "any, such as cuBNM", ANY),
    "npy": Format(numpy_arrays.read_npy, "any", ANY),
    "npz": Format(numpy_arrays.read_npz, "any", ANY),
    "mat": Format(matlab.read, "any, such as neurolib", ANY),
    "xcpd_tsv": Format(
        xcpd.read,
        "XCP-D",
        ("bold",),
        {
            "bold": (
                "*_atlas-*_timeseries.tsv",
                "*_seg-*_stat-mean_timeseries.tsv",
                "*_atlas-*_stat-mean_timeseries.tsv",
            )
        },
    ),
    "relmat_tsv": Format(relmat.read_named, "XCP-D, giga_connectome", MATRICES, {"fc": ("*_relmat.tsv",)}),
    "dense_tsv": Format(
        relmat.read_dense,
        "BIDS draft BEP017",
        MATRICES,
        {
            "length": ("*meas-*[lL]ength_relmat.dense.tsv",),
            "fc": ("*meas-*[cC]orrelation_relmat.dense.tsv",),
            "sc": ("*_relmat.dense.tsv",),
        },
    ),
    "ptseries": Format(cifti.read_ptseries, "HCP, XCP-D", ("bold",), {"bold": ("*.ptseries.nii",)}),
    "pconn": Format(cifti.read_pconn, "HCP, XCP-D", MATRICES, {"fc": ("*.pconn.nii",)}),
    "dtseries": Format(
        cifti.read_dtseries,
        "HCP, XCP-D",
        ("bold",),
        {"bold": ("*_clean.dtseries.nii", "*_desc-denoised_bold.dtseries.nii")},
        labels_file=True,
    ),
    "qsirecon_mat": Format(
        matlab.read_qsirecon,
        "QSIRecon, QSIPrep",
        ("sc", "length"),
        {"sc": ("*_connectivity.mat",), "length": ("*_connectivity.mat",)},
        variables={
            "sc": "*_sift_invnodevol_radius2_count_connectivity",
            "length": "*_radius2_meanlength_connectivity",
        },
    ),
    "micapipe_gii": Format(
        gifti.read,
        "micapipe 0.2",
        ("sc", "length"),
        {"sc": ("*_full-connectome.shape.gii",), "length": ("*_full-edgeLengths.shape.gii",)},
        labels_file=True,
    ),
    "mrtrix_csv": Format(mrtrix.read, "MRtrix3", ("sc", "length"), labels_file=True),
    "cubnm_npz": Format(numpy_arrays.read_cubnm, "cuBNM", ANY),
    "cbig_fcd": Format(cbig.read_fcd, "CBIG", ("fcd",)),
    "tvb_zip": Format(
        archive.read,
        "The Virtual Brain",
        ("sc", "length"),
        {"sc": ("connectivity*.zip",), "length": ("connectivity*.zip",)},
    ),
    "ebrains_csv": Format(
        ebrains.read,
        "EBRAINS (Domhof et al.)",
        ("sc", "length", "bold"),
        {"sc": ("Counts.csv",), "length": ("Lengths.csv",), "bold": ("rfMRI_REST?_??_BOLD.csv",)},
    ),
}
