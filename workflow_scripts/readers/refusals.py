"""Files that would be read without a complaint and are something else, told by their names."""

import re

from cubnm_core.errors import InputError

DENOISE = "denoise it first, for instance with XCP-D (xcp_d), and give its parcellated time series"
# Pattern of the name, what the file is, remedy; of scans only.
NOT_A_SCAN = (
    (r"desc-preproc_bold\.", "BOLD of fMRIPrep before denoising", DENOISE),
    (r"_bold\.dtseries\.nii$", "BOLD of fMRIPrep before denoising", DENOISE),
    (r"_Atlas(_MSMAll)?(_hp\d+)?\.dtseries\.nii$", "BOLD of the HCP pipelines before denoising", DENOISE),
    (r"desc-confounds_\w+\.tsv$", "the table of confounds", "give the parcellated time series"),
    (r"_(motion|outliers)\.tsv$", "the table of motion", "give the parcellated time series"),
    (r"stat-(coverage|alff|reho|mean)_bold\.tsv$", "a map and no time series", "give ..._timeseries.tsv"),
    (r"_relmat(\.dense)?\.tsv$|\.pconn\.nii$", "a matrix and no time series", "write kind fc"),
)
IMAGE = re.compile(r"(?<!series)(?<!scalar)(?<!label)\.nii(\.gz)?$")
DENOISED = re.compile(r"desc-denoised|desc-interpolated|_clean(_\w+)?\.dtseries\.nii$")


def check_name(row):
    """Refuse a scan that is not denoised, and what is no scan.

    Parameters
    ----------
    row : dict
        Of the manifest.

    Raises
    ------
    InputError
        If the row is of kind bold and the name of its file says that it holds something else.
    """
    if row.get("kind") != "bold":
        return
    if IMAGE.search(row["path"]) and "desc-preproc" not in row["path"]:
        raise InputError(
            f"{row['path']}: by its name an image of voxels, not parcellated time series; parcellate it "
            "first, for instance with XCP-D, which writes ..._timeseries.tsv"
        )
    if DENOISED.search(row["path"]):
        return
    for pattern, what, remedy in NOT_A_SCAN:
        if re.search(pattern, row["path"]):
            raise InputError(f"{row['path']}: by its name {what}, not a denoised time series; {remedy}")
