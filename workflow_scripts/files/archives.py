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
        more = f" or one of {len(self.stems) - 1} others" if len(self.stems) > 1 else ""
        return _Known(f"{self.stems[0]}.json{more}", known)

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
    """Read the records of a batch."""
    found = job.read_json(path)
    with told_as_damage(path, "it holds no records of people"):
        return {unit: _Known(path, record) for unit, record in found.items()}


class _Known(dict):
    """What a file says, with an error of ours about what it should say and does not."""

    def __init__(self, path, known):
        super().__init__(known)
        self._path = path

    def __missing__(self, key):
        raise Damaged(self._path, f"nothing is said about {key}")


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
