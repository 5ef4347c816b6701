"""When the primary analysis was stated, and what changed since: a record that only grows."""

import hashlib
import json
import logging
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from workflow_scripts.cohort import statistical_models
from workflow_scripts.configuration.schemas import complete, schema
from workflow_scripts.files import job
from workflow_scripts.files.damage import Damaged, told_as_damage

RECORD = "results/cohort/primary.json"
RESULTS = ("results/fits/*/batch-*_fits.tsv", "results/cohort/fits.tsv", "results/cohort/statistics.tsv")
ENTRY = ("recorded", "after_results", "sha256", "primary", "model")
KEEP = (
    "restore it from a copy, or remove it: the primary analysis then counts as stated at the next start, "
    "after "
    "results"
)
LOGGER = logging.getLogger(__name__)


def write(config, folder="."):
    """Add an entry to the record if the primary analysis, or its model, is not that of the last one.

    Parameters
    ----------
    config : dict
        Completed and checked.
    folder : path
        Where the run is.
    """
    try:
        entries = read(folder)
    except Damaged as error:
        LOGGER.warning("%s", error)
        return
    decided = decide(config)
    if entries[-1]["sha256"] == digest(decided) if entries else decided["primary"] is None:
        return
    has_results = any(found for pattern in RESULTS for found in Path(folder).glob(pattern))
    entry = {"recorded": datetime.now(UTC).isoformat(timespec="seconds"), "after_results": has_results}
    job.write_json(Path(folder) / RECORD, [*entries, {**entry, "sha256": digest(decided), **decided}])


def read(folder="."):
    """Entries of the record, oldest first.

    Returns
    -------
    list of dict
        ``recorded`` (date and time), ``after_results`` (whether there were fits by then), ``sha256`` of
        ``primary`` and ``model``, which are null where the primary analysis was withdrawn.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
    """
    path = Path(folder) / RECORD
    if not path.exists():
        return []
    found = job.read_json(path, KEEP)
    with told_as_damage(path, "it is no record of primary analyses", KEEP):
        return [{key: entry[key] for key in ENTRY} for entry in found]


def decide(config):
    """What was decided: the test, and its model without what is at its default."""
    found, models = statistical_models.find_primary(config), config["statistics"]["models"]
    if found is None:
        return {"primary": None, "model": None}
    return {"primary": asdict(found), "model": None if models is None else _bare(models[found.model])}


def _bare(model):
    """A model without settings at their defaults."""
    rules = schema("config")["properties"]["statistics"]["properties"]["models"]["additionalProperties"]
    usual = {"formula": model["formula"]}
    complete(usual, rules)
    return {key: value for key, value in model.items() if key == "formula" or value != usual[key]}


def digest(decided):
    """SHA-256 of what was decided."""
    return hashlib.sha256(json.dumps(job.plain(decided), sort_keys=True).encode()).hexdigest()
