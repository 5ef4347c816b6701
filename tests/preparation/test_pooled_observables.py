"""Observables of groups and of synthetic twins: means of those of people and of runs."""

import numpy as np
import pytest

from cubnm_core.connectomes.group import group_target
from cubnm_core.measures.objective import Target
from workflow_scripts.cohort.observables import BOLD, OBSERVABLE
from workflow_scripts.evidence.make_twins import combine_runs


def person(metastability, **others):
    return Target(np.linspace(0, 1, 3), observables={"metastability": np.array([metastability]), **others})


def test_a_group_has_the_mean_of_its_people_sessions_of_one_first():
    found = group_target([person(0.1), person(0.3), person(0.4)], ["a", "a", "b"])
    assert found.observables["metastability"][0] == pytest.approx(0.3)


def test_a_group_has_what_everybody_has_in_one_size():
    spectra = [np.full(4, 0.25), np.full(4, 0.25), np.full(5, 0.2)]
    people = [person(0.1, power_spectrum=values) for values in spectra]
    assert set(group_target(people, "abc").observables) == {"metastability"}
    assert set(group_target(people[:2], "ab").observables) == {"metastability", "power_spectrum"}
    assert group_target([people[0], Target(people[0].fc)], "ab").observables == {}


def test_a_twin_has_the_observables_and_the_bold_of_its_runs():
    runs = [
        {"fc": np.zeros(3), OBSERVABLE + "metastability": np.array([value]), BOLD: np.full((5, 3), value)}
        for value in (0.1, 0.3)
    ]
    arrays, reason = combine_runs(runs, [5, 5])
    assert reason is None and arrays[OBSERVABLE + "metastability"][0] == pytest.approx(0.2)
    assert [arrays[f"{BOLD}{run}"][0, 0] for run in (1, 2)] == [0.1, 0.3]
