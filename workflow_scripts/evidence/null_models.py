"""From people to their null models: other connectomes, rewired ones, turned maps, or why there are none."""

import zlib
from dataclasses import dataclass, replace

from cubnm_core.connectomes.rewiring import node_distances, rewire
from cubnm_core.errors import InputError
from cubnm_core.evidence.cross import have_one_connectome
from cubnm_core.evidence.nulls import OTHER_CONNECTOME, REWIRED, SPIN, follows_map, turn_maps
from workflow_scripts.cohort.units import IDS
from workflow_scripts.evidence import spin_nulls
from workflow_scripts.fitting.people import Person
from workflow_scripts.preparation.connectome_settings import positions_of

KEYS = (*IDS, "fit", "null", "index")  # of the fits of null models
OWN = "own"  # what a model that is none is called among them


@dataclass(frozen=True, eq=False)
class NullModel:
    """One null model of one person.

    Attributes
    ----------
    kind : {"other_connectome", "rewired", "spin"}
    index : int
        From 1.
    person : workflow_scripts.fitting.people.Person
        With the connectome of the null model; scans are the person's own.
    space : cubnm_core.fitting.search_space.SearchSpace
        With the maps of the null model.
    kept : dict
        Of a rewired connectome, what :func:`cubnm_core.connectomes.rewiring.likeness` says, and the distance
        used.
    """

    kind: str
    index: int
    person: Person
    space: object
    kept: dict

    @property
    def name(self):
        """Name under which its fit and its history go."""
        return f"{self.person.unit}_null-{self.kind}-{self.index:03d}"


class NullModels:
    """What null models of the people of a batch are made of.

    Parameters
    ----------
    people : dict of str to workflow_scripts.fitting.people.Person
        By name of the unit. Connectomes of other people are those of the same batch, whose members stay
        together however a cohort grows.
    connectomes : workflow_scripts.files.archives.Archive
    nodes : list of dict
        Rows of the node table.
    space : cubnm_core.fitting.search_space.SearchSpace
    settings : dict
        Section ``evaluation.nulls``: ``kinds`` and ``seed``.
    count : int
        Null models of every kind.
    """

    def __init__(self, people, connectomes, nodes, space, settings, count):
        self.people, self._connectomes, self._positions = people, connectomes, positions_of(nodes)
        self._space, self._seed, self._count = space, settings["seed"], count
        self._spaces, self.without = [], {}
        self._kinds = list(settings["kinds"]) if count else []
        if OTHER_CONNECTOME in self._kinds and have_one_connectome(list(people.values())):
            self._kinds.remove(OTHER_CONNECTOME)
            self.without[OTHER_CONNECTOME] = "everybody has the same connectome"
        if SPIN in self._kinds:
            self._turn(nodes)

    def _turn(self, nodes):
        """Turn the maps that parameters follow, or note why that cannot be."""
        if not follows_map(self._space):
            self.without[SPIN] = "no parameter follows a map"
            return
        try:
            spins, _ = spin_nulls.draw(nodes, self._count, self._seed)
        except InputError as error:
            self.without[SPIN] = str(error)
        else:
            self._spaces = [turn_maps(self._space, indices) for indices in spins.indices]

    def of(self, unit, forward=False):
        """Make the null models of a person.

        Parameters
        ----------
        unit : str
        forward : bool
            Connectomes of other people are left out: the cross of people has them.

        Returns
        -------
        list of NullModel
        """
        person, found = self.people[unit], []
        if OTHER_CONNECTOME in self._kinds and not forward:
            found += self._of_others(person)
        if REWIRED in self._kinds:
            found += [self._rewired(person, index) for index in range(1, self._count + 1)]
        for index, space in enumerate(self._spaces, start=1):
            found.append(NullModel(SPIN, index, person, space, {}))
        return found

    def _of_others(self, person):
        """Connectomes of the people who come next in the batch, one session each."""
        units = list(self.people)
        place = units.index(person.unit.name)
        others = {}
        for unit in units[place + 1 :] + units[:place]:
            others.setdefault(self.people[unit].unit.participant_id, self.people[unit])
        others.pop(person.unit.participant_id, None)
        return [
            self._with_connectome(person, OTHER_CONNECTOME, index, other.weights, other.lengths, {})
            for index, other in enumerate(list(others.values())[: self._count], start=1)
        ]

    def _rewired(self, person, index):
        """The person's connectome rewired; what it is like depends on nobody else."""
        unit = person.unit.name
        lengths = self._connectomes.arrays(unit).get("lengths")
        distances, source = node_distances(lengths, self._positions)
        seed = [self._seed, zlib.crc32(unit.encode()), index]
        null = rewire(person.weights, distances, person.lengths, seed)
        kept = {"distance": source, **null.kept}
        return self._with_connectome(person, REWIRED, index, null.weights, null.lengths, kept)

    def _with_connectome(self, person, kind, index, weights, lengths, kept):
        return NullModel(kind, index, replace(person, weights=weights, lengths=lengths), self._space, kept)
