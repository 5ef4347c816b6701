"""Haemodynamic constants that differ between regions: columns of the table of maps make values per node."""

from workflow_scripts.cohort.search_spaces import MapTable
from workflow_scripts.configuration import hemodynamics


def with_regional_constants(settings, nodes):
    """Put values in the places of columns.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit.
    nodes : list of dict
        Rows of the node table.

    Returns
    -------
    dict
        Settings whose haemodynamic constants are numbers, and (N,) arrays for columns.

    Raises
    ------
    InputError
        If the table or a column is missing, or a node has no value.
    """
    simulation = settings["simulation"]
    named = hemodynamics.columns(simulation["hemodynamics"])
    if not named:
        return settings
    table = MapTable(**settings["maps"], labels=[node["label"] for node in nodes])
    values = {name: table.values(entry["column"]) for name, entry in named.items()}
    return {
        **settings,
        "simulation": {**simulation, "hemodynamics": {**simulation["hemodynamics"], **values}},
    }
