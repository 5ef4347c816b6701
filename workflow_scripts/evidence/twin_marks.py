"""Marks in the tables of synthetic twins: the level of a row, and the settings that twins were made with."""

from workflow_scripts.fitting.fingerprints import fingerprint

COORDINATE, NODES = "coordinate", "nodes"


def settings_mark(settings):
    """Name the settings that twins were made with, so that a reader sees when they are others now."""
    return fingerprint(settings)[:12]
