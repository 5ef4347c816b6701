"""Fingerprints and histories recorded once hold for good, whatever the code is called and can do today."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import golden_fits
import pytest

from cubnm_core.equations.expressions import Number
from workflow_scripts.fitting import fingerprints, fit_problems
from workflow_scripts.fitting.fingerprints import fingerprint, hashed_settings

GOLDEN = Path(__file__).with_name("golden")
RECORDED = json.loads((GOLDEN / "fingerprints.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def standing_still(tmp_path, monkeypatch):
    """An empty working directory, and the versions of other software as they were."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fit_problems, "version", golden_fits.SOFTWARE.__getitem__)


@pytest.mark.parametrize("case", golden_fits.CASES)
def test_fingerprints_are_those_recorded(case):
    """If one differs, histories of users are lost: see the module on how to keep them."""
    assert golden_fits.fingerprints(case) == RECORDED[case]


def test_every_difference_between_the_cases_counts():
    marks = [mark for case in RECORDED.values() for mark in case.values()]
    assert len(set(marks)) == len(marks) == len(golden_fits.CASES) + 1


def copied(case, folder, generations=None):
    """Copy recorded histories into a folder, up to a number of generations; give them by name."""
    folder.mkdir()
    for path in (GOLDEN / case).iterdir():
        content = path.read_bytes()
        if generations is not None:
            content = content[
                : content.index(b"\n", content.index(b"# generation %d" % (generations - 1))) + 1
            ]
        (folder / path.name).write_bytes(content)
    return contents(folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refuse(*_):
    raise AssertionError("something was simulated")


@pytest.mark.parametrize(("case", "generations"), [("rWW", 3), ("re-test", 2)])
def test_a_recorded_history_is_resumed_without_simulations(case, generations, tmp_path):
    recorded = copied(case, tmp_path / "kept")
    golden_fits.search(case, tmp_path / "kept", refuse, generations=generations)
    assert contents(tmp_path / "kept") == recorded


def test_a_recorded_history_goes_on_to_the_same_bytes(tmp_path):
    begun, whole = copied("rWW", tmp_path / "kept", generations=2), copied("rWW", tmp_path / "whole")
    device = golden_fits.search("rWW", tmp_path / "kept", generations=3)
    (name,) = begun
    found = contents(tmp_path / "kept")
    assert set(found) == {name} and found[name].startswith(begun[name])
    assert found[name].count(b"# generation") == 3
    if whole[name].endswith(f", {device}\n".encode()):  # elsewhere the last digits may differ
        assert found == whole


@dataclass(frozen=True)
class Renamed:
    """What :class:`Number` could become: another name, another name of its attribute, more fields."""

    amount: float
    later: int = 0
    maker: dict = field(default_factory=dict)


def test_names_of_types_and_later_fields_at_their_default_do_not_count(monkeypatch):
    form = fingerprints._form("Number", value="amount")
    monkeypatch.setitem(fingerprints.FORMS, Renamed, form)
    assert fingerprint(Renamed(0.5)) == fingerprint(Number(0.5)) != fingerprint(Renamed(0.25))
    assert (
        len({fingerprint(each) for each in (Renamed(0.5), Renamed(0.5, 1), Renamed(0.5, 0, {"a": 1}))}) == 3
    )


def test_a_type_without_a_form_is_refused():
    with pytest.raises(TypeError, match="made of Renamed; declare its form"):
        fingerprint({"a": [Renamed(0.5)]})


def test_settings_added_later_count_where_they_are_not_at_their_default():
    def kept(**later):
        return hashed_settings({"first": 1, **later}, {"first"}, {"first": 1, "later": [2.0]})

    assert kept() == kept(later=(2.0,)) == {"first": 1}
    assert kept(later=[3.0]) == {"first": 1, "later": [3.0]} and "unknown" in kept(unknown=None)
