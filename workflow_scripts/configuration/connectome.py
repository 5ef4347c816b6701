"""Sections ``connectome`` and ``node_policy``.

Their settings are selected by rule, so that a change runs only those rules again that it matters to.
"""


def select_reading(config):
    """Select the settings of rule prepare_connectome from a completed configuration."""
    return {
        **{key: config["connectome"][key] for key in ("source", "session", "asymmetric")},
        **config["node_policy"],
    }


def select_scaling(config):
    """Select the settings of rules common_nodes and scale_connectome from a completed configuration."""
    names = ("source", "mask", "scaling", "group_factor", "threshold", "lengths")
    return {key: config["connectome"][key] for key in names}


def check_group(config, group_rows):
    """List what is wrong with a connectome of the group that the manifest should hold.

    Parameters
    ----------
    config : dict
        The completed configuration.
    group_rows : list of dict
        Rows of the manifest with the connectome of the group.

    Returns
    -------
    list of str
    """
    if config["connectome"]["source"] != "group" or group_rows:
        return []
    return [
        f"{config['manifest']}: connectome.source is group, but no row of kind sc has the "
        "participant_id 'group'; add it"
    ]
