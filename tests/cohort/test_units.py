"""Units and keys of fits: one form in paths, one in tables, one in parameters of rules."""

import pytest

from workflow_scripts.cohort import folds, twin_parts, units
from workflow_scripts.cohort.units import FitKey, Unit
from workflow_scripts.configuration import start


@pytest.mark.parametrize(
    ("unit", "name", "key"),
    [
        (Unit("01"), "sub-01", ("01", "n/a")),
        (Unit("01", "a"), "sub-01_ses-a", ("01", "a")),
        (Unit.from_record(start.GROUP), "group", ("group", "n/a")),
        (Unit.from_record(folds.group_of("0")), "fold-0", ("fold-0", "n/a")),
        (Unit.from_record(twin_parts.unit_of(0)), "twin-001", ("twin-001", "n/a")),
    ],
)
def test_a_unit_has_its_name_in_paths_and_its_key_in_tables(unit, name, key):
    assert str(unit) == unit.name == name and unit.key == key
    assert Unit.from_record(unit.record) == unit
    assert units.from_records([unit.record]) == [unit]


def test_people_are_known_by_their_key():
    assert Unit.from_key(("01", "n/a")) == Unit("01") and Unit.from_key(("01", "a")) == Unit("01", "a")


def test_the_key_of_a_fit_names_its_history():
    assert str(FitKey("sub-01_ses-a", 1)) == "sub-01_ses-a_restart-1"
