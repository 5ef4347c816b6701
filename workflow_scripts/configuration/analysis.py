"""Section ``analysis``: pairs, windows and filter, the same for scans, simulations and baselines."""

from workflow_scripts.configuration import bold


def resolve_analysis(config):
    """Give the settings of the analysis of a completed configuration, with the filter (``band_pass``).

    It is that of simulations; scans may have been through it already (see :func:`bold.simulated_band`).
    """
    return {**config["analysis"], "band_pass": bold.simulated_band(config["bold"])}


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
