"""What is checked when a run begins: settings, tables, files and statistical models, all told at once."""

from workflow_scripts.cohort import scan_filters, statistical_models, table_checks
from workflow_scripts.cohort.planned_cohort import PlannedCohort
from workflow_scripts.configuration import configuration
from workflow_scripts.configuration.messages import Problems, raise_problems

MODELS = "The statistical models cannot be used"


def check_start(config, files=()):
    """Check all that a user states, and plan the cohort.

    Parameters
    ----------
    config : dict
        As read from files of settings.
    files : sequence of str or Path
        These files.

    Returns
    -------
    dict
        The completed configuration.
    PlannedCohort

    Raises
    ------
    InputError
        With everything found. What depends on a part that cannot be used is not looked at.
    """
    found = Problems()
    completed = found.attempt(configuration.validate, config, files)
    stated = table_checks.read_alone(completed or config, found)
    if stated["manifest"] is not None:
        missing = table_checks.missing_files(stated["manifest"], config["manifest"])
        found.add("Files of the manifest cannot be read", missing)
    if completed is not None:
        stated = table_checks.planned(completed, stated)
        _check_settings(completed, stated, found)
    found.raise_all()
    cohort = PlannedCohort(completed, stated["manifest"])
    raise_problems(MODELS, statistical_models.check_sessions(completed, cohort.units().values()))
    return completed, cohort


def _check_settings(config, stated, found):
    """Check tables and scans against a completed configuration."""
    found.add(table_checks.TITLE, table_checks.settings_problems(config, stated))
    if config["synthetic"] is None and stated["manifest"] is not None:
        filters = scan_filters.problems(stated["manifest"], config["bold"])
        found.add("The scans are not filtered as the configuration says", filters)
    if config["participants"] is None or config["synthetic"] or stated["participants"] is not None:
        found.add(MODELS, found.attempt(statistical_models.check, config))
