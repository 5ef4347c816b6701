"""Small cohorts with faults, kept beside the repository: copied, with today's name of their constants."""

import shutil

import pytest

FORMER, NAMED = "field_strength: 3.0", "hemodynamics: cubnm-3T"


def copy_case(shared, case, folder):
    """Copy a case into a folder that may exist, and give the folder.

    Settings of cases name the haemodynamics by a key that is refused today.
    """
    if not (shared / "cases" / case).is_dir():
        pytest.skip(f"the small inputs of {case} are not there")
    shutil.copytree(shared / "cases" / case, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for path in folder.glob("*.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace(FORMER, NAMED), encoding="utf-8")
    return folder
