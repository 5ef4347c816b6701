"""What this machine and installation can do, on a page to be pasted into an issue: without home folders."""

import os
import platform
import shutil
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import cubnm_core
from cubnm_core.backends.caches import VARIABLE, find_cache_folder
from cubnm_core.errors import InputError
from workflow_scripts.files import job

PACKAGES = (
    "numpy", "scipy", "numba", "llvmlite", "pymoo", "cma", "pandas", "matplotlib", "nibabel", "snakemake",
    "snakemake-executor-plugin-slurm", "cupy-cuda12x", "cupy-cuda13x",
)  # fmt: skip
_GIGABYTE = 2**30


def examine():
    """Look at Python, processor, GPU, caches, disk and packages, and simulate for a moment.

    Returns
    -------
    list of (str, str)
        What was looked at, and what was found.
    """
    found = [
        ("cubnm_core", f"{cubnm_core.__version__}, versions of stages {cubnm_core.STAGE_VERSIONS}"),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("processor", f"{job.processor()}, {_usable_cores()} cores may be used"),
        ("memory", _memory()),
        ("vectors", _vectors()),
        ("GPU", _gpu()),
        ("cache", _cache()),
        ("disk here", f"{shutil.disk_usage('.').free / _GIGABYTE:.0f} GB free"),
        ("simulation", _simulate()),
    ]
    return found + [(name, _version(name)) for name in PACKAGES]


def _usable_cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _memory():
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return "unknown"
    return f"{pages * size / _GIGABYTE:.0f} GB"


def _vectors():
    from cubnm_core.backends.cpu.runtime import register_bits

    return f"{register_bits()} bits"


def _gpu():
    from cubnm_core.backends.cuda.devices import unavailable

    reason = unavailable()
    return f"not used: {reason}" if reason else "usable"


def _cache():
    folder = find_cache_folder("kernels")
    return f"{_without_home(folder)} (set {VARIABLE} to another folder)"


def _simulate():
    """Compile and run a tiny simulation, and say how long it took."""
    weights = np.full((4, 4), 0.01)
    settings = {"duration": 2.0, "burn_in": 1.0, "repetition_time": 1.0, "dt": 1e-3, "backend": "cpu"}
    started = time.perf_counter()
    try:
        run = cubnm_core.simulate("rWWEx", weights, {"G": 0.5}, record=("state_means",), **settings)
    except Exception as error:  # the reason is what the page is for
        return f"failed: {type(error).__name__}: {_without_home(error)}"
    state = cubnm_core.STATUS[int(run.status[0])]
    return f"{state}, {time.perf_counter() - started:.1f} s with compilation or reading its kernel"


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _without_home(text):
    try:
        return str(text).replace(str(Path.home()), "~")
    except RuntimeError:  # nobody's
        return str(text)


def page():
    """Everything as lines of text."""
    rows = examine()
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {_without_home(text)}" for name, text in rows]


def require_workflow():
    """Refuse what needs the workflow where only the engine is installed.

    Raises
    ------
    InputError
    """
    if _version("snakemake") == "not installed":
        raise InputError(tell_missing("snakemake"))


def tell_missing(package):
    """Say how to install what only the workflow needs, which the engine is installed without."""
    return (
        f"{package} is not installed for {_without_home(sys.executable)}: this is the engine alone; install "
        "the workflow with pip install 'cubnm_core[workflow]', or pip install -e '.[workflow]' in a clone"
    )
