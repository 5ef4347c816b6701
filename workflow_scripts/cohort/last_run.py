"""What the last complete run was made with, as its provenance tells."""

from pathlib import Path

from workflow_scripts.files import job

PROVENANCE = "results/cohort/provenance.json"


def had_settings(config, holdout, numerics, path=PROVENANCE):
    """Say whether the last complete run had the same settings, whatever its people.

    Parameters
    ----------
    config : dict
        The completed configuration.
    holdout : str
        What ``auto`` means for the cohort.
    numerics : int
        Version of the numerics.
    path : path, optional
        Of the provenance.

    Returns
    -------
    bool
        False also before the first complete run.
    """
    if not Path(path).exists():
        return False
    stored = job.read_json(path)
    made_with = (stored.get("config"), stored.get("software", {}).get("numerics_version"))
    return made_with == (job.plain({**config, "holdout_resolved": holdout}), numerics)
