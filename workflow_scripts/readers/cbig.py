"""FCD as the Computational Brain Imaging Group stores it: its distribution function, not its values."""

from workflow_scripts.readers import delimited, matlab


def read_fcd(row):
    """Read a distribution function in 10,000 bins from -1 to 1: counts or shares, a MATLAB file or text.

    Kong et al. 2021 (doi:10.1038/s41467-021-26704-y) publish FCDs like this.
    """
    return matlab.read(row) if row["path"].endswith(".mat") else delimited.read(row)
