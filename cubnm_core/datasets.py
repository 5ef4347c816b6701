"""Example data by name: two people and two groups of the Human Connectome Project, and maps of the cortex.

They come with cuBNM 0.1.0 (BSD-3-Clause), whose wheel is downloaded once with pip, checked, and kept in the
cache; nothing of it is installed or run. HCP's own terms of use apply to the data.
"""

import hashlib
import io
import logging
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from cubnm_core.backends.caches import VARIABLE, find_cache_folder
from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import pair_indices

logger = logging.getLogger(__name__)

PEOPLE = ("100206", "100307")
GROUPS = ("group-train706", "group-test303")
RUNS = ("REST1_LR", "REST2_LR")
MAPS = ("myelinmap", "fcgradient01", "genepc1", "nmda", "gabaa", "thickness")
REPETITION_TIME = 0.72  # s
HEMISPHERES = ("L",) * 50 + ("R",) * 50
NODES = len(HEMISPHERES)  # Schaefer-100, 7 networks, left hemisphere first

PACKAGE = "cubnm==0.1.0"
WHEEL = "cubnm-0.1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
SHA256 = "fdcccb076bed33b63b86d94798c89fe65b4ede95ace7d0f6f0582cb65bb73629"
_TAGS = ("--python-version", "3.11", "--implementation", "cp", "--platform", "manylinux2014_x86_64")
_PARCELS = "ctx_parc-schaefer-100"


def load_connectome(name="group-train706"):
    """Load a structural connectome, not scaled: see `cubnm_core.connectome`.

    Parameters
    ----------
    name : str
        Of `PEOPLE` or `GROUPS`.

    Returns
    -------
    (100, 100) float64 array
    """
    return _array(f"hcp/sc/{_known(name, PEOPLE + GROUPS)}/{_PARCELS}_desc-strength.npz")


def load_lengths(name="group-train706"):
    """Load tract lengths in mm, (100, 100), of one of `PEOPLE` or `GROUPS`."""
    return _array(f"hcp/sc/{_known(name, PEOPLE + GROUPS)}/{_PARCELS}_desc-length.npz")


def load_bold(person=PEOPLE[0], run=RUNS[0]):
    """Load the BOLD of a resting-state run.

    Parameters
    ----------
    person : str
        Of `PEOPLE`.
    run : str
        Of `RUNS`.

    Returns
    -------
    (1200, 100) float64 array
        At `REPETITION_TIME`.
    """
    place = f"hcp/bold/{_known(person, PEOPLE)}/{_known(run, RUNS)}"
    return np.ascontiguousarray(_array(f"{place}/{_PARCELS}_desc-bold.npz").T, dtype=np.float64)


def load_fc(group=GROUPS[0], interhemispheric=True):
    """Load the FC of a group, averaged over people: lower triangle, row by row.

    Parameters
    ----------
    group : str
        Of `GROUPS`.
    interhemispheric : bool
        With pairs between hemispheres or without.

    Returns
    -------
    (P,) float64 array
    """
    pairs = "all" if interhemispheric else "intrahemispheric"
    matrix = _array(f"hcp/fc/{_known(group, GROUPS)}/REST/{_PARCELS}_desc-fc.npz")
    return matrix[pair_indices(len(matrix), HEMISPHERES[: len(matrix)], pairs)]


def load_fcd(group=GROUPS[0], interhemispheric=True):
    """Load the pooled FCD of a group (windows of 30 s, 5 s apart), (K,); see `load_fc`."""
    pairs = "" if interhemispheric else "exc-inter_"
    name = f"{_PARCELS}_{pairs}window-30_step-5_desc-fcdtril.npz"
    return _array(f"hcp/fcd/{_known(group, GROUPS)}/REST/{name}")


def load_map(name):
    """Load a map of the cortex, z-scored by its authors: (100,), one of `MAPS`."""
    return np.loadtxt(_open(f"maps/{_PARCELS}_desc-{_known(name, MAPS)}_zscore.txt"))


def load_networks():
    """Load the number (0 to 6) of the network of Yeo et al. of every node, (100,) int array."""
    return np.loadtxt(_open(f"maps/{_PARCELS}_desc-yeo7.txt"), dtype=int)


def fetch():
    """Give the wheel that holds the data, downloaded at the first call.

    Returns
    -------
    Path
        In the cache.

    Raises
    ------
    InputError
        Without a network, with the place for a copy; or if the file is not the published one.
    """
    path = find_cache_folder("datasets") / WHEEL
    if not path.is_file():
        _download(path)
        logger.warning(
            "Example data of %s (BSD-3-Clause; HCP's terms of use apply) are kept in %s", PACKAGE, path
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise InputError(
            f"{path} is not the published file (sha256 {found}); remove it, and it is fetched anew"
        )
    return path


def _download(path):
    """Fetch the wheel with pip, without its dependencies."""
    with tempfile.TemporaryDirectory() as temporary:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            PACKAGE,
            "--no-deps",
            "--only-binary",
            ":all:",
            *_TAGS,
        ]
        done = subprocess.run([*command, "--quiet", "--dest", temporary], capture_output=True, text=True)
        wheels = list(Path(temporary).glob("*.whl"))
        if done.returncode or not wheels:
            raise InputError(
                f"pip could not download {PACKAGE}; is there a network? Without one, put {WHEEL} into "
                f"{path.parent} ({VARIABLE} names another cache)\n{done.stderr.strip()}"
            )
        # In the folder of the cache, so that the file is there as a whole or not at all.
        partial = path.with_name(f"{Path(temporary).name}.part")
        shutil.copyfile(wheels[0], partial)
        partial.replace(path)


def _known(name, allowed):
    if name not in allowed:
        raise InputError(f"there is no {name!r}; choose from {', '.join(allowed)}")
    return name


def _open(name):
    with zipfile.ZipFile(fetch()) as wheel:
        return io.BytesIO(wheel.read(f"cubnm/data/{name}"))


def _array(name):
    with np.load(_open(name)) as arrays:
        (values,) = arrays.values()
    return values
