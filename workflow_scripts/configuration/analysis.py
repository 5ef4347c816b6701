"""Section ``analysis``: pairs, windows and filter, the same for scans, simulations and baselines."""

from workflow_scripts.configuration import bold


def resolve_analysis(config):
    """Give the settings of the analysis of a completed configuration, with the filter (``band_pass``).

    The filter is that of simulations; scans may have been through it already (see
    :func:`bold.simulated_band`). ``observables`` and ``global_signal`` are there only where they are not at
    their defaults, so that results of before these settings stand.
    """
    stated = {**config["analysis"], "band_pass": bold.simulated_band(config["bold"])}
    if not stated["observables"]:
        del stated["observables"]
    regressed = config["bold"]["global_signal"] == "regressed"
    return {**stated, "global_signal": "regressed"} if regressed else stated


def observables_of(analysis):
    """Give the names of the observables of the settings of an analysis, a tuple."""
    return tuple(analysis.get("observables", ()))


def check_nodes(config, nodes):
    """List what is wrong with the pairs that are asked for.

    Parameters
    ----------
    config : dict
        The completed configuration.
    nodes : list of dict
        Of the node table.

    Returns
    -------
    list of str
    """
    midline = [node["label"] for node in nodes if node["hemisphere"] == "B"]
    if config["analysis"]["pairs"] != "intrahemispheric" or not midline:
        return []
    return [
        f"{config['nodes']}: analysis.pairs is intrahemispheric, but {', '.join(midline)} lie in both "
        "hemispheres; remove them from the table or use all pairs"
    ]
