"""Statistical models of the configuration, held against the participants table before the first job."""

from workflow_scripts.cohort.tables import read_participants
from workflow_scripts.configuration import formulas


def check(config):
    """List what is wrong with the statistical models of a configuration, given the participants table.

    Parameters
    ----------
    config : dict
        As returned by :func:`workflow_scripts.configuration.configuration.validate`.

    Returns
    -------
    list of str
    """
    models = config["statistics"]["models"]
    if not models:
        return []
    if config["synthetic"] is not None:
        return formulas.check(models, [], formulas.SYNTHETIC_COLUMNS)
    if config["participants"] is None:
        return ["statistics.models: there is no participants table; name it under participants"]
    rows = read_participants(config["participants"])
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    return formulas.check(models, rows, columns)
