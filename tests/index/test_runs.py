"""Which scans are runs of one: not those of several conditions, and not one run under two names."""

import shutil

import derivatives
import pytest
from test_index import PEOPLE, folders, manifest, reasons, run

__all__ = ["folders"]


@pytest.mark.parametrize(
    ("tasks", "asks"),
    [
        (("restEO", "restEC"), True),
        (("rest", "resteyesopen"), True),
        (("restpre", "restpost"), True),
        (("movie", "nback"), True),
        (("rest1", "rest2"), False),
        (("restAP", "restPA"), False),
        (("rest", "resting"), False),
    ],
)
def test_conditions_are_not_runs_of_one(folders, tasks, asks):
    with_scans(folders, {who: [(task, ("",)) for task in tasks] for who in PEOPLE})
    answer = run(folders)
    if not asks:
        assert answer == "" and len(scans(folders)) == 2 * len(PEOPLE)
        return
    assert "--select bold.task=...   found: " in answer and "not runs of one" in answer
    assert run(folders, "--select", f"bold.task={tasks[0]}") == ""
    assert {row["run_id"] for row in scans(folders)} == {f"task-{tasks[0]}"}


def test_people_of_two_sites_may_have_different_conditions(folders):
    with_scans(folders, {"01": [("restEO", ("1", "2"))], "02": [("restEC", ("1", "2"))]})
    assert run(folders) == "" and len(scans(folders)) == 4


@pytest.mark.parametrize("runs", [("1", "01"), ("01", "001"), ("2", "02")])
def test_one_run_under_two_names_is_one(folders, runs):
    with_scans(folders, {who: [("rest", runs)] for who in PEOPLE})
    assert run(folders) == "" and len(scans(folders)) == len(PEOPLE)
    assert all(any("under another name" in text for text in reasons(folders)[who]) for who in PEOPLE)


def test_one_run_under_two_names_in_a_small_dataset(shared, tmp_path):
    place = shared / "cases" / "R01" / "two_names"
    if not place.is_dir():
        pytest.skip("the small inputs are not there")
    for name in ("qsirecon", "xcp_d"):
        shutil.copytree(place / name, tmp_path / name)
    assert run(tmp_path, "--set", "bold.repetition_time=2.0") == ""
    assert [(row["participant_id"], row.get("role")) for row in scans(tmp_path)] == [
        (who, None) for who in ("P01", "P02", "P03", "P04")
    ]
    assert sorted(reasons(tmp_path)) == ["P01", "P02", "P03", "P04"]


def with_scans(folders, runs):
    """Give people other scans: by person, the task and the names of its runs."""
    shutil.rmtree(folders / "xcp_d")
    for person, found in runs.items():
        for task, named in found:
            kept = {"volumes": 150, "task": task, "atlases": ("4S156Parcels",)}
            derivatives.add_xcpd(folders / "xcp_d", person, named, **kept)
    derivatives.add_atlas(folders / "xcp_d", "4S156Parcels")


def scans(folders):
    """Rows of the manifest with a scan."""
    return [row for row in manifest(folders) if row["kind"] == "bold"]
