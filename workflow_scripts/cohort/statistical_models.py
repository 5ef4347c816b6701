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


def has_people(config):
    """Say whether there are models, and a participants table that says now whether people suffice for them.

    Parameters
    ----------
    config : dict
        As of :func:`check`.

    Returns
    -------
    bool
        The default model needs two groups. Nobody knows the people of a synthetic cohort yet.
    """
    models = config["statistics"]["models"]
    if models == {} or config["participants"] is None or config["synthetic"] is not None:
        return False
    rows = read_participants(config["participants"]) if models is None else []
    return models is not None or len({row.get("group") for row in rows} - {None}) > 1
