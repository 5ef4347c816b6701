"""Section ``bold``: the scans, their filter, and the haemodynamics of simulated ones."""

from cubnm_core.errors import InputError
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.parameters import read_model

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


def hemodynamics_name(bold):
    """Name the haemodynamic constants that belong to the scans.

    Parameters
    ----------
    bold : dict
        Section ``bold`` of a completed configuration.

    Returns
    -------
    str

    Raises
    ------
    InputError
        With neither a field strength nor a name, or with an unknown one.
    """
    from cubnm_core.equations.hemodynamics import HEMODYNAMICS, hemodynamics_for_field_strength

    name, field_strength = bold["hemodynamics"], bold["field_strength"]
    if name is None and field_strength is None:
        raise InputError(
            "bold: neither field_strength nor hemodynamics is given; no default is safe: state the field "
            f"strength of the scanner in tesla (1.5 or 3.0), or hemodynamics ({' or '.join(HEMODYNAMICS)})"
        )
    if name is None:
        return hemodynamics_for_field_strength(field_strength)
    if name not in HEMODYNAMICS:
        raise InputError(f"bold.hemodynamics: unknown name {name!r}{suggestion(name, HEMODYNAMICS)}")
    return name


def check(config):
    """List what is wrong with the section of a completed configuration."""
    problems = []
    if config["bold"]["hemodynamics"] is not None or _needs_hemodynamics(config):
        try:
            hemodynamics_name(config["bold"])
        except InputError as error:
            problems.append(str(error))
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


def _needs_hemodynamics(config):
    """Say whether BOLD comes from a haemodynamic model anywhere; models that cannot be read do not count."""
    if config["synthetic"] is not None:
        return True
    for fit in config["fits"].values():
        try:
            model = read_model(fit)
        except InputError:
            continue
        if model.observation != "direct":
            return True
    return False
