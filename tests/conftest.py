"""Fixtures that several tests share."""

from pathlib import Path

import pytest
from cohorts import TinyCohort

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


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


@pytest.fixture
def tiny_cohort(tmp_path):
    """Three people, six nodes, two short runs each: tables, files and a configuration."""
    return TinyCohort(tmp_path)
