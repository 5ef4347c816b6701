"""Section ``analysis``: pairs, windows and filter, the same for scans, simulations and baselines."""


def resolve_analysis(config):
    """Give the settings of the analysis of a completed configuration, with the ``band_pass`` of the scans."""
    return {**config["analysis"], "band_pass": config["bold"]["band_pass"]}


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
