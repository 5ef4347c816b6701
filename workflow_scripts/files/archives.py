"""What the preparation leaves: arrays and records of a batch of people, in one ``.npz`` and one ``.json``.

The arrays of a unit are called ``<unit>/<name>``; the JSON file maps every unit to its record. Files per
person would be tens of thousands in a large cohort, and so would the jobs that write them.
"""

from functools import cached_property

from workflow_scripts.files import job
from workflow_scripts.files.arrays import ArrayFile
from workflow_scripts.files.damage import Damaged, told_as_damage


def write(npz, json, people):
    """Write the archive of a batch.

    Parameters
    ----------
    npz, json : path
        Two files of one name that lie beside each other.
    people : dict of str to (dict, dict)
        Unit to its arrays and its record; a unit that was excluded has no arrays. The record gets their names
        as ``arrays``, so that one that is lost is missed.
    """
    arrays = {
        f"{unit}/{name}": values for unit, (found, _) in people.items() for name, values in found.items()
    }
    job.write_npz(npz, **arrays)
    records = {unit: {**record, "arrays": sorted(found)} for unit, (found, record) in people.items()}
    job.write_json(json, records)


class Archive:
    """The archives of one or several batches, read as one.

    Parameters
    ----------
    paths : path or sequence of path
        The ``.npz`` or the ``.json`` files.
    """

    def __init__(self, paths):
        paths = [paths] if isinstance(paths, str) or hasattr(paths, "parent") else paths
        self.stems = [str(path).removesuffix(".npz").removesuffix(".json") for path in paths]

    @cached_property
    def _by_stem(self):
        return {stem: _read_records(f"{stem}.json") for stem in self.stems}

    @cached_property
    def records(self):
        """Records of all units, a dict of str to dict; whom it does not know is damage."""
        known = {unit: record for records in self._by_stem.values() for unit, record in records.items()}
        return _Records(known, self.stems)

    @cached_property
    def _stem_of(self):
        return {unit: stem for stem, records in self._by_stem.items() for unit in records}

    def arrays(self, unit):
        """Arrays of one unit, a dict of str to ndarray; empty where it was excluded.

        Raises
        ------
        workflow_scripts.files.damage.Damaged
            If one of them is not there any more, or is not what was written.
        """
        prefix, record = f"{unit}/", self.records[unit]
        stem = self._stem_of[unit]
        with ArrayFile(f"{stem}.npz") as file:
            names = [name for name in file.names if name.startswith(prefix)]
            stated = record.get("arrays")  # not known of older ones
            names = names if stated is None else [prefix + name for name in stated]
            return {name.removeprefix(prefix): file.read(name) for name in names}


def _read_records(path):
    """Read the records of a batch, each of which says whether its unit can be used."""
    found = job.read_json(path)
    with told_as_damage(path, "it holds no records of people"):
        for unit, record in found.items():
            if not isinstance(record.get("status"), str) or not isinstance(record.get("reasons"), list):
                raise ValueError(f"{unit} has no status")
    return found


class _Records(dict):
    """Records by unit, with an error of ours for a unit that should have one."""

    def __init__(self, known, stems):
        super().__init__(known)
        self._stems = stems

    def __missing__(self, unit):
        more = f" or one of {len(self._stems) - 1} others" if len(self._stems) > 1 else ""
        raise Damaged(f"{self._stems[0]}.json{more}", f"nothing is said about {unit}")


def by_split(targets, splits):
    """Part the archives of targets by split.

    Parameters
    ----------
    targets : sequence of path
        The split changes fastest.
    splits : sequence of str

    Returns
    -------
    dict of str to Archive
    """
    return {split: Archive(targets[place :: len(splits)]) for place, split in enumerate(splits)}
