"""Section ``bold``: the scans, their filter, and the haemodynamics of simulated ones."""

from cubnm_core.errors import InputError
from workflow_scripts.configuration import hemodynamics

# Tesla -> the set that the key field_strength chose, and the one of the published constants.
_OF_FIELD_STRENGTH = {1.5: ("cubnm-1.5T", "friston-1.5T"), 3.0: ("cubnm-3T", "friston-3T")}

USUAL_ORDER = 2  # of cubnm_core.measures.connectivity.band_pass


def select_preparation(config):
    """Select the settings of rule prepare_bold from a completed configuration."""
    names = ("initial_volumes", "detrend", "zscore", "fd_threshold", "shortest_scan", "shortest_fcd")
    names += ("filtered", "band_pass")
    largest_missing = config["node_policy"]["largest_missing"]
    return {**{key: config["bold"][key] for key in names}, "largest_missing": largest_missing}


def select_lengths(config):
    """Select the settings of how long scans must be, in s, from a completed configuration."""
    return {key: config["bold"][key] for key in ("shortest_scan", "shortest_fcd")}


def simulated_band(bold):
    """Give the filter of simulations and of all that is compared with scans.

    Parameters
    ----------
    bold : dict
        Section ``bold`` of a completed configuration.

    Returns
    -------
    list or None
        Low and high cut-off in Hz, and the order where it is not that of ``band_pass``: the filter that the
        scans have been through already, or the one that they will go through.
    """
    if bold["filtered"] is None:
        return bold["band_pass"]
    return [*bold["filtered"], *([bold["filtered_order"]] if bold["filtered_order"] != USUAL_ORDER else [])]


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


def refuse_field_strength(config):
    """List what is wrong with the key ``field_strength`` of a configuration as it was written.

    It named constants by the scanner, and promised others than it gave.
    """
    section = config.get("bold")
    if not isinstance(section, dict) or "field_strength" not in section:
        return []
    tesla = section["field_strength"]
    text = f"bold.field_strength: {tesla!r} is no longer accepted"
    if section.get("hemodynamics") is not None:
        return [f"{text}, nor needed: bold.hemodynamics names the constants; delete the key"]
    if not isinstance(tesla, (int, float)) or tesla not in _OF_FIELD_STRENGTH:
        return [
            f"{text}: delete it and write bold.hemodynamics: {{field_strength: ..., echo_time: ..., r0: ..., "
            "epsilon: ...}, with the field strength in tesla and the echo time in s"
        ]
    before, published = _OF_FIELD_STRENGTH[tesla]
    return [
        f"{text}, because its rates are not the published ones but their reciprocals: delete it and write "
        f"bold.hemodynamics: {before} for the same numbers as before (histories of fits go on), or "
        f"bold.hemodynamics: {published} for the published constants (recommended for new fits)"
    ]


def without_field_strength(config):
    """Copy a configuration without the key that is refused, lest it be told twice."""
    section = config.get("bold")
    if not isinstance(section, dict):
        return config
    kept = {key: value for key, value in section.items() if key != "field_strength"}
    return {**config, "bold": kept}


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
    if config["synthetic"] is not None and config["bold"]["global_signal"] == "regressed":
        problems.append(
            "bold.global_signal: scans of a synthetic cohort keep their global signal; set it to kept"
        )
    return problems + _check_bands(config["bold"])


def _check_bands(bold):
    """List what is wrong with the filters."""
    bands = {key: bold[key] for key in ("band_pass", "filtered") if bold[key] is not None}
    problems = [
        f"bold.{key}: {band} is not [lower, upper] in Hz" for key, band in bands.items() if band[0] >= band[1]
    ]
    if len(bands) == 2:
        problems.append(
            f"bold.band_pass: {bands['band_pass']} would filter scans again that were filtered already "
            f"(bold.filtered: {bands['filtered']}); simulations get the filter of bold.filtered: set "
            "bold.band_pass: null"
        )
    return problems
