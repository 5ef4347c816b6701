"""Who a person is crossed with."""

from types import SimpleNamespace

import numpy as np

from workflow_scripts.cohort.units import Unit
from workflow_scripts.evidence import cross


class FittedPeople(SimpleNamespace):
    """Members of a cohort in memory, with connectomes by participant."""

    is_fitted = None

    def units(self, usable):
        return {name: [Unit(name, "")] for name in self.connectomes}

    def read(self, unit):
        return unit, SimpleNamespace(weights=self.connectomes[unit.participant_id])


def test_people_with_ones_own_connectome_are_passed_over():
    """A connectome exchanged for itself says nothing; where everybody has it, other parameters still do."""
    mine, other = np.ones((3, 3)), np.full((3, 3), 2.0)
    people = FittedPeople(
        connectomes={f"{number:02d}": mine if number < 8 else other for number in range(12)}
    )
    me = SimpleNamespace(weights=mine)
    chosen = cross.choose_others(Unit("00", ""), me, people, 3)
    assert len(chosen) == 3 and all(member.weights is other for _, member in chosen)
    people.connectomes = dict.fromkeys(people.connectomes, mine)
    alike = cross.choose_others(Unit("00", ""), me, people, 3)
    assert len(alike) == 3 and all(member.weights is mine for _, member in alike)
