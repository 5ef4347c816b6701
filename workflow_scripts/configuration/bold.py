"""Section ``bold``: the scans, their filter, and the haemodynamics of simulated ones."""

from cubnm_core.errors import InputError
from workflow_scripts.configuration import hemodynamics

# Tesla -> the set that the key field_strength chose, and the one of the published constants.
_OF_FIELD_STRENGTH = {1.5: ("cubnm-1.5T", "friston-1.5T"), 3.0: ("cubnm-3T", "friston-3T")}


def select_preparation(config):
    """Select the settings of rule prepare_bold from a completed configuration."""
    names = ("initial_volumes", "detrend", "zscore", "fd_threshold", "shortest_scan")
    largest_missing = config["node_policy"]["largest_missing"]
    return {**{key: config["bold"][key] for key in names}, "largest_missing": largest_missing}


def settled_hemodynamics(stated, place="bold.hemodynamics"):
    """Give jobs the haemodynamic constants of simulated scans.

    Parameters
    ----------
    stated : str, dict or None
        As the configuration states them.
    place : str, optional
        Where it does.

    Returns
    -------
    str or dict
        See :func:`workflow_scripts.configuration.hemodynamics.settle`.

    Raises
    ------
    InputError
        If none are stated, or they cannot be used.
    """
    from cubnm_core.equations.hemodynamics import CHOICES

    if stated is None:
        raise InputError(f"{place} is not given, and no default is safe: state {CHOICES}")
    return hemodynamics.settle(stated, place)


def retired(config):
    """List keys of a configuration, as it was written, that have been replaced."""
    section = config.get("bold")
    if not isinstance(section, dict) or section.get("field_strength") is None:
        return []
    tesla = section["field_strength"]
    text = f"bold.field_strength: {tesla} is no longer accepted"
    if section.get("hemodynamics") is not None:
        return [f"{text}, nor needed: bold.hemodynamics names the constants; delete the key"]
    names = _OF_FIELD_STRENGTH.get(tesla)
    if names is None:
        return [
            f"{text}: write bold.hemodynamics: {{field_strength: {tesla}, echo_time: ..., r0: ..., epsilon: "
            "...}, with the echo time in s"
        ]
    scanner = (
        f" (with your echo time in s: {{field_strength: {tesla}, echo_time: 0.030}})" if tesla == 3 else ""
    )
    return [
        f"{text}, because it chose rates that are the reciprocals of the published ones: write "
        f"bold.hemodynamics: {names[0]} for the same numbers as before (histories of fits go on), or "
        f"bold.hemodynamics: {names[1]} for the published constants{scanner}, recommended for new fits"
    ]


def without_retired(config):
    """Copy a configuration without the keys that :func:`retired` looks at."""
    section = config.get("bold")
    if not isinstance(section, dict):
        return config
    return {**config, "bold": {key: value for key, value in section.items() if key != "field_strength"}}


def check(config):
    """List what is wrong with the section of a completed configuration."""
    problems = []
    stated = config["bold"]["hemodynamics"]
    if stated is not None or config["synthetic"] is not None:
        try:
            settled_hemodynamics(stated)
        except InputError as error:
            problems.append(str(error))
    if config["synthetic"] is not None and hemodynamics.columns(stated):
        problems.append(
            "bold.hemodynamics: a synthetic cohort has the same constants in all regions; state numbers"
        )
    band = config["bold"]["band_pass"]
    if band is not None and band[0] >= band[1]:
        problems.append(f"bold.band_pass: {band} is not [lower, upper] in Hz")
    return problems
