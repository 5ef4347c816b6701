"""Batches: nobody moves to another one when people are added, removed or sorted."""

import random
import time

import pytest
from cohorts import TinyCohort

from cubnm_core.errors import InputError
from workflow_scripts.cohort import batches, tables


def cohort(*units, **times):
    """Units with one scan each; those named in `times` have another repetition time than 0.8 s."""
    return {
        unit: {"bold": [{"kind": "bold", "repetition_time": times.get(unit, 0.8)}, {"kind": "mask"}]}
        for unit in units
    }


@pytest.fixture
def table(tmp_path):
    return tmp_path / "results" / "batches.tsv"


def run(table, people, size=2):
    """Pack as the workflow does on every start, and remember it."""
    known = batches.read(table)
    packed = batches.pack(people, size, known)
    batches.write(people, size, packed, known, table)
    return packed


def test_units_are_packed_in_their_order(table):
    assert run(table, cohort("a", "b", "c")) == {"001": ["a", "b"], "002": ["c"]}


def test_people_of_different_repetition_times_share_no_batch(table):
    assert run(table, cohort("a", "b", "c", b=2.0), 8) == {"001": ["a", "c"], "002": ["b"]}


def test_people_added_go_into_new_batches(table):
    before = run(table, cohort("a", "b", "c"))
    assert run(table, cohort("new", "a", "b", "c", "newer")) == {**before, "003": ["new", "newer"]}


def test_a_manifest_in_another_order_changes_nothing(table):
    units = [f"u{number}" for number in range(20)]
    before = run(table, cohort(*units), 3)
    content = table.read_bytes()
    random.Random(1).shuffle(units)
    assert run(table, cohort(*units), 3) == before
    assert table.read_bytes() == content


def test_people_removed_leave_the_others_where_they_are_and_may_come_back(table):
    before = run(table, cohort("a", "b", "c", "d"))
    assert run(table, cohort("b", "d", "e")) == {"001": ["b"], "002": ["d"], "003": ["e"]}
    assert run(table, cohort("a", "b", "c", "d", "e")) == {**before, "003": ["e"]}


def test_another_repetition_time_makes_another_unit(table):
    run(table, cohort("a", "b"))
    assert run(table, cohort("a", "b", b=2.0)) == {"001": ["a"], "002": ["b"]}
    assert run(table, cohort("a", "b")) == {"001": ["a", "b"]}


@pytest.mark.parametrize(("people", "size"), [(4, 8), (8000, 8), (8001, 9), (40_000, 40)])
def test_batches_grow_with_the_cohort_where_no_size_is_stated(people, size):
    assert batches.choose_size(None, people) == size
    assert batches.choose_size(16, people) == 16


def test_a_packed_cohort_keeps_its_size_as_it_grows(table):
    run(table, cohort("a", "b", "c"), 2)
    assert batches.choose_size(None, 40_000, batches.read(table)) == 2


def test_another_batch_size_packs_anew(table):
    run(table, cohort("a", "b", "c"))
    run(table, cohort("a", "b", "c", "d"))
    assert run(table, cohort("a", "b", "c", "d"), size=4) == {"001": ["a", "b", "c", "d"]}


def test_people_without_scans_and_with_unknown_repetition_times(table):
    people = {"a": {"bold": []}, **cohort("b", b=None)}
    assert run(table, people) == run(table, people) == {"001": ["a", "b"]}


def test_a_foreign_table_is_refused(table):
    table.parent.mkdir()
    table.write_text("unit\tbatch\na\t001\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"batches\.tsv: not the table of batches .* delete it"):
        batches.read(table)


@pytest.mark.slow
def test_tables_of_two_thousand_people_are_read_and_packed_at_once(tmp_path):
    cohort = TinyCohort(tmp_path, participants=("01",))
    people = [f"{number:05d}" for number in range(2000)]
    cohort.manifest = [
        {**row, "participant_id": person, "path": f"sub-{person}_{row['path']}"}
        for person in people
        for row in cohort.manifest
    ]
    cohort.participants = [{"participant_id": person} for person in people]
    started = time.process_time()
    units = tables.units(cohort.read(), "individual")
    packed = batches.pack(units, 16)
    took = time.process_time() - started
    assert len(packed) == 125 and sum(map(len, packed.values())) == 2000
    assert took < 3.0  # mostly 0.3 s
