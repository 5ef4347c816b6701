"""The time step of fits with ``simulation.dt: auto``: chosen once for the cohort, then read by every run.

Rule choose_time_step leaves a record per fit. A run that finds the record of a fit as it is now takes its
step; another fit (other bounds, another scheme) needs a choice of its own.
"""

import hashlib
import json
from pathlib import Path

from cubnm_core import STAGE_VERSIONS
from cubnm_core.errors import InputError
from workflow_scripts.configuration.fit_settings import model_files
from workflow_scripts.files import job
from workflow_scripts.files.damage import told_as_damage

RECORD = "results/group/{fit}_time_step.json"
KEEP = "remove it and run snakemake time_steps"
#: Settings that a step does not depend on: how the search goes, and where it begins.
_SEARCH = ("optimizer", "retest", "start", "replicates", "noise_seed", "search_steps", "constraints")


def settle(settings, fit):
    """Give the settings of a fit with the step that was chosen, or as they are where none was yet.

    Parameters
    ----------
    settings : dict
        Resolved settings.
    fit : str
        Its name.

    Returns
    -------
    dict
        Without ``step_choice`` where the step is settled.
    """
    path = Path(RECORD.format(fit=fit))
    if "step_choice" not in settings or not path.exists():
        return settings
    record = job.read_json(path, KEEP)
    with told_as_damage(path, "it is no record of a time step", KEEP):
        chosen, digest = float(record["dt"]), record["settings"]
    return _with_step(settings, chosen) if digest == settings_digest(settings) else settings


def _with_step(settings, dt):
    others = {name: value for name, value in settings.items() if name != "step_choice"}
    return {**others, "simulation": {**settings["simulation"], "dt": dt}}


def require(settings, fit):
    """Give settled settings as they are.

    Raises
    ------
    InputError
        If a step is to be chosen first.
    """
    if "step_choice" not in settings:
        return settings
    raise InputError(
        f"fits.{fit}: simulation.dt is auto, and no time step has been chosen for this fit as it is now: run "
        "the target time_steps first (snakemake time_steps, with the options of this run), then this again; "
        "or state simulation.dt in s"
    )


def settings_digest(settings):
    """SHA-256 of what the choice of a step depends on, beside the people of the cohort."""
    kept = {name: value for name, value in settings.items() if name not in _SEARCH}
    kept["simulation"] = {key: value for key, value in settings["simulation"].items() if key != "backend"}
    files = [*model_files(settings), *(term["file"] for term in settings["terms"].values())]
    hashes = {path: job.sha256(path) for path in files if Path(path).exists()}
    text = json.dumps([job.plain(kept), hashes, STAGE_VERSIONS["simulation"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
