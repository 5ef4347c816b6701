"""The cohort as a run plans it: who is in which batch and fold, and with which files.

Every job starts Snakemake anew, and reading the tables of 40,000 people takes longer than many a job. So the
process that plans leaves an index, and a job reads from it what concerns its batch.
"""

import hashlib
import json
import zipfile
from functools import cached_property
from pathlib import Path

from workflow_scripts.cohort import batches, folds, table_checks, tables
from workflow_scripts.files import job
from workflow_scripts.files.damage import UNREADABLE, told_as_damage

INDEX = "results/.cohort.zip"
LAYOUT = 1  # of the index; one of another layout is not read
SUMMARY, PEOPLE = "summary.json", "people.json"


class PlannedCohort:
    """The cohort of a configuration, read from its tables and checked.

    Parameters
    ----------
    config : dict
        As returned by :func:`workflow_scripts.configuration.configuration.validate`.
    manifest : list of dict, optional
        Rows of the manifest, checked already. Default: all tables are read and checked.

    Attributes
    ----------
    manifest : list of dict
        Rows of the manifest.
    batch_size : int
        Most units in a batch, as of :func:`workflow_scripts.cohort.batches.choose_size`.
    batches : dict of str to list of str
        Batch to units, as of :func:`workflow_scripts.cohort.batches.pack`.
    folds : dict of str to list of str
        Fold to the units held out in it, as of :func:`workflow_scripts.cohort.folds.split_people`.
    holdout : str
        What ``auto`` means for this cohort.
    repetition_time : float
        The most frequent one, in s.

    Raises
    ------
    InputError
        Listing every problem of the tables.
    """

    def __init__(self, config, manifest=None):
        self._config = config
        self.manifest = table_checks.read_tables(config) if manifest is None else manifest
        self._units = tables.units(self.manifest, config["connectome"]["source"], tables.session_rule(config))
        self._known = batches.read()
        self.batch_size = batches.choose_size(config["batch_size"], len(self._units), self._known)
        self.batches = batches.pack(self._units, self.batch_size, self._known)
        self.folds = folds.split_people(
            self._units,
            batches.join_order(self.batches, self.batch_size, self._known),
            config["evaluation"]["folds"],
            folds.families(config),
        )
        self.holdout = tables.resolve_holdout(self.manifest, config["holdout"])

    @cached_property
    def repetition_time(self):
        return tables.repetition_time(self.manifest)

    def units(self, batch=None):
        """Give the units of a batch, or of all, as :func:`workflow_scripts.cohort.tables.units` does."""
        if batch is None:
            return self._units
        return {unit: self._units[unit] for unit in self.batches[batch]}

    def people(self, batch=None):
        """List the units of a batch, or of all: their ``unit``, ``participant_id`` and ``session_id``."""
        chosen = self.batches if batch is None else [batch]
        return [_ids(unit, self._units[unit]) for name in chosen for unit in self.batches[name]]

    def write(self, path=INDEX):
        """Remember who is in which batch, and write the index that jobs read."""
        batches.write(self._units, self.batch_size, self.batches, self._known)
        summary = {"digest": digest(self._config), "holdout": self.holdout, "batch_size": self.batch_size}
        people = {"batches": self.batches, "people": self.people(), "folds": self.folds}
        people["repetition_time"] = self.repetition_time
        parts = {SUMMARY: summary, PEOPLE: people}
        parts |= {_part(batch): self.units(batch) for batch in self.batches}
        packed = zipfile.ZIP_DEFLATED
        with job.atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", packed) as file:
            for name, part in parts.items():
                file.writestr(name, json.dumps(part))


class IndexedCohort:
    """The same as :class:`PlannedCohort`, read from its index, each part when it is asked for."""

    def __init__(self, file):
        self._file = file
        summary = self._read(SUMMARY)
        self.holdout, self.batch_size = summary["holdout"], summary["batch_size"]

    def _read(self, name):
        with told_as_damage(self._file.filename, f"{name} cannot be read"):
            return json.loads(self._file.read(name))

    @cached_property
    def _people(self):
        return self._read(PEOPLE)

    batches = property(lambda self: self._people["batches"])
    folds = property(lambda self: self._people["folds"])
    repetition_time = property(lambda self: self._people["repetition_time"])

    def units(self, batch):
        return self._read(_part(batch))

    def people(self, batch=None):
        if batch is None:
            return self._people["people"]
        return [_ids(unit, found) for unit, found in self.units(batch).items()]


def read_index(config, path=INDEX):
    """Open the index of a cohort.

    Parameters
    ----------
    config : dict
        As returned by :func:`workflow_scripts.configuration.configuration.validate`.
    path : path

    Returns
    -------
    IndexedCohort or None
        None if there is no index of this configuration and of the tables as they are now.
    """
    try:
        file = zipfile.ZipFile(path)
        known = json.loads(file.read(SUMMARY))["digest"] == digest(config)
        return IndexedCohort(file) if known else None
    except (OSError, *UNREADABLE):
        return None


def digest(config):
    """Digest of all that a planned cohort follows from: the configuration and the content of the tables."""
    paths = [batches.TABLE]
    if config["synthetic"] is None:  # else they follow from the configuration
        paths += [config["manifest"], config["participants"]]
    hashes = [job.sha256(path) if path is not None and Path(path).exists() else None for path in paths]
    text = json.dumps([LAYOUT, job.plain(config), hashes], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _part(batch):
    return f"batch-{batch}.json"


def _ids(unit, found):
    """Unit with its participant and session, as they stand in every table."""
    return {"unit": unit, **{key: found[key] for key in ("participant_id", "session_id")}}
