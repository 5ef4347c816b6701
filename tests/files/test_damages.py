"""Damaged histories and results give the same numbers, or an error of ours with the path; never others."""

import numpy as np
import pytest
from damaged_results import ANEW, REFUSED, SAME, try_histories, try_results
from damages import DAMAGES, damaged

ALLOWED = {SAME, REFUSED, ANEW}
TIMES = 150


@pytest.mark.parametrize("seed", range(3))
def test_no_damage_to_a_history_gives_another_number(tmp_path, seed):
    found = try_histories(tmp_path, TIMES, seed)
    assert sum(found.values()) == TIMES and {outcome for _, outcome in found} <= ALLOWED, found
    assert {name for name, _ in found} == {damage.__name__ for damage in DAMAGES}
    assert found.total() > sum(count for (_, outcome), count in found.items() if outcome == ANEW) > 0
    assert any(outcome == REFUSED for _, outcome in found)


@pytest.mark.parametrize("seed", range(3))
def test_no_damage_to_results_gives_another_number(tmp_path, seed):
    found = try_results(tmp_path, TIMES, seed)
    assert sum(found.values()) == TIMES and {outcome for _, outcome in found} <= ALLOWED, found
    tables = {outcome for (name, outcome) in found if ".tsv" in name or ".json" in name}
    assert tables == {REFUSED}  # every byte of them is in a checksum


def test_damages_change_what_they_damage():
    draw, content = np.random.default_rng(0), b"a line\nanother\nand one more\n"
    assert all(found != content for _, found in (damaged(content, draw) for _ in range(200)))
