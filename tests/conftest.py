"""Fixtures that several tests share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared():
    """Folder of real data and reference outputs; tests that need it are skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"real data and reference outputs are not there ({SHARED.name})")
    return SHARED
