"""Figures of people, a file for every batch: they are drawn where the arrays are, and shown in the report."""

import json
import zipfile
from dataclasses import asdict

from workflow_scripts.files import job
from workflow_scripts.files.damage import told_as_damage
from workflow_scripts.report.figures.style import Picture

ANY_TIME = (1980, 1, 1, 0, 0, 0)  # of an entry, so that the same figures are the same file


def write(path, people):
    """Write the figures of a batch.

    Parameters
    ----------
    path : path
        Of a ZIP file with a JSON file for each unit.
    people : iterable of (str, dict)
        Unit and its figures: place on the page to :class:`~workflow_scripts.report.figures.style.Picture`.
    """
    with job.atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
        for unit, pictures in people:
            entry = zipfile.ZipInfo(f"{unit}.json", ANY_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, json.dumps({place: asdict(drawn) for place, drawn in pictures.items()}))


class Drawings:
    """The figures of all batches, read one person at a time.

    Parameters
    ----------
    paths : sequence of path
    """

    def __init__(self, paths):
        self._files = {}
        for path in paths:
            with told_as_damage(path, "it is not a whole ZIP file"), zipfile.ZipFile(path) as file:
                self._files |= dict.fromkeys(file.namelist(), path)

    def of(self, unit):
        """Figures of a unit, a dict of str to Picture; empty where there are none."""
        name = f"{unit}.json"
        if name not in self._files:
            return {}
        path = self._files[name]
        with told_as_damage(path, f"{name} cannot be read"), zipfile.ZipFile(path) as file:
            found = json.loads(file.read(name))
        return {place: Picture(**drawn) for place, drawn in found.items()}
