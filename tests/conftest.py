"""Fixtures that several tests share."""

import os
import subprocess
from pathlib import Path

import pytest
from cohorts import TinyCohort
from devices_under_test import DEVICES
from warm_python import executable

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


# Whoever asks for one of these runs a workflow, compiles kernels, makes a whole report, or fits a few people.
SLOW_FIXTURES = {"snakemake", "warm_python", "kernel_folder", "report_folder"}
SLOW_FIXTURES |= {"crossed_cohort", "profiled_cohort", "scored_nulls", "twin_cohort"}


def pytest_collection_modifyitems(items):
    """Files that take long begin first."""
    slow = set()
    for item in items:
        if SLOW_FIXTURES.intersection(item.fixturenames):
            item.add_marker("slow")
        if item.get_closest_marker("slow"):
            slow.add(item.path)
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    """Nobody cuts the power of tests, and a busy disk takes seconds to flush a file."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="session")
def shared():
    """Folder of real data and reference outputs; tests that need it are skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"real data and reference outputs are not there ({SHARED.name})")
    return SHARED


@pytest.fixture(scope="session")
def repository():
    """Folder of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def report_folder(tmp_path_factory):
    """All pages of the report of people whose names stand out; one of them failed."""
    from planted import PlantedCohort

    cohort = PlantedCohort(tmp_path_factory.mktemp("planted"))
    cohort.page()
    return cohort.folder / "results" / "report"


@pytest.fixture
def tiny_cohort(tmp_path):
    """Three people, six nodes, two short runs each: tables, files and a configuration."""
    return TinyCohort(tmp_path)


@pytest.fixture(scope="session")
def warm_python(tmp_path_factory):
    """Stands for ``sys.executable`` where many small jobs are run: libraries are imported beforehand."""
    with executable(tmp_path_factory.mktemp("warm")) as program:
        yield program


@pytest.fixture
def snakemake(repository, tmp_path, warm_python):
    """Run Snakemake in a temporary working directory; return the exit code and everything it printed."""

    def run(*arguments, config=None):
        command = [warm_python, "-m", "snakemake", "--snakefile", str(repository / "Snakefile")]
        command += ["--directory", str(tmp_path), "--cores", "2", *arguments]
        command += ["--configfile", str(config)] if config else []
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def kernel_folder(tmp_path_factory):
    """Where kernels of the GPU that were compiled for this CPU are kept for other tests, of all workers."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "kernels"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(params=DEVICES)
def device(request, kernel_folder):
    """What kernels of the GPU run on: this CPU, and a card where there is one."""
    return request.param(kernel_folder)
