"""Statistical models of the configuration, held against the participants table before the first job."""

from cubnm_core.errors import InputError
from workflow_scripts.cohort.tables import read_participants
from workflow_scripts.configuration import combat_sites, formulas, primary
from workflow_scripts.configuration.fit_settings import resolve_fit
from workflow_scripts.configuration.messages import suggestion

# As much of the model without which none is named as is known before the people are.
DEFAULT = {
    "group": {
        "formula": "group",
        "test": ["group"],
        "quantities": ["parameters", "states", "scores"],
        "states": None,
        "reference": {},
    }
}


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
    return _check_models(config) or _check_combat(config) + _check_primary(config)


def _check_combat(config):
    rows = _participants(config)
    return [
        problem
        for name, model in (config["statistics"]["models"] or {}).items()
        for problem in combat_sites.check(model, rows, f"statistics.models.{name}")
    ]


def check_sessions(config, units):
    """List sessions of changes and slopes that nobody has.

    Parameters
    ----------
    config : dict
        As of :func:`check`.
    units : iterable of dict
        With ``session_id``.

    Returns
    -------
    list of str
    """
    known = sorted({unit["session_id"] for unit in units} - {"", None})
    return [
        f"statistics.models.{name}.sessions: nobody has a session {session!r}"
        f"{suggestion(session, known) if known else '; the manifest has no sessions (column session_id)'}"
        for name, model in (config["statistics"]["models"] or {}).items()
        for session in model["sessions"] or ()
        if session not in known
    ]


def _check_models(config):
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


def _check_primary(config):
    try:
        found = find_primary(config)
    except InputError as error:
        return [str(error)]
    if found is None:
        return []
    return primary.check_level(found, _models(config)[found.model], _participants(config))


def find_primary(config):
    """Find the primary test of a configuration.

    Returns
    -------
    workflow_scripts.configuration.primary.Primary or None
        None where none is stated.

    Raises
    ------
    InputError
        If there is no such test.
    """
    stated = config["statistics"]["primary"]
    if stated is None:
        return None
    fits = {name: resolve_fit(config, name) for name in config["fits"]}
    return primary.find(stated, _models(config), fits)


def _models(config):
    """Models of the configuration, or the default one where there is anybody to compare."""
    models = config["statistics"]["models"]
    return _default(config) if models is None else models


def _default(config):
    if config["synthetic"] is not None:
        return DEFAULT
    groups = {row.get("group") for row in _participants(config)} - {None}
    return DEFAULT if len(groups) > 1 else {}


def _participants(config):
    """Rows of the participants table; none where there is none yet."""
    if config["participants"] is None or config["synthetic"] is not None:
        return []
    return read_participants(config["participants"])


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
