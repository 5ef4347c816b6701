"""What the last complete run was made with, as its provenance tells."""

import logging
from pathlib import Path

from cubnm_core import STAGE_VERSIONS
from workflow_scripts.files import job
from workflow_scripts.files.damage import Damaged, told_as_damage

LOGGER = logging.getLogger(__name__)
PROVENANCE = "results/cohort/provenance.json"


def had_settings(config, holdout, path=PROVENANCE):
    """Say whether the last complete run had the same settings and versions of stages, whatever its people.

    That of the statistics is left out: its rules have no input whose time could be overlooked.

    Parameters
    ----------
    config : dict
        The completed configuration.
    holdout : str
        What ``auto`` means for the cohort.
    path : path, optional
        Of the provenance.

    Returns
    -------
    bool
        False also before the first complete run, and where the provenance is damaged.
    """
    if not Path(path).exists():
        return False
    try:
        stored = job.read_json(path)
        with told_as_damage(path):
            software = dict(stored.get("software", {}))
            # Before there were stages, one version stood for all.
            made_with = dict.fromkeys(STAGE_VERSIONS, software.get("numerics_version"))
            made_with |= software.get("stage_versions", {})
    except Damaged as error:
        LOGGER.warning("%s; until then everything counts as not run before", error)
        return False
    same = all(made_with[stage] == STAGE_VERSIONS[stage] for stage in STAGE_VERSIONS if stage != "statistics")
    return same and stored.get("config") == job.plain({**config, "holdout_resolved": holdout})
