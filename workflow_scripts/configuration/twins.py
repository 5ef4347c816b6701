"""Section ``twins``: the search must not know the noise that scans of synthetic twins were made with."""

from workflow_scripts.configuration.evaluation import overlap, search_seeds, span

SEEDS_PER_TWIN = 1000  # noise seeds set aside for the runs of one twin


def check(fit, config, place):
    """List what is wrong with the noise seeds of search and twins.

    Parameters
    ----------
    fit : dict
        As returned by :func:`workflow_scripts.configuration.fit_settings.resolve_fit`.
    config : dict
        The completed configuration.
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    search, twins = search_seeds(fit), config["twins"]
    scans = range(twins["first_seed"], twins["first_seed"] + SEEDS_PER_TWIN * twins["count"])
    if not overlap(search, scans):
        return []
    return [
        f"{place}.noise_seed: {span(search)} is also a seed of scans of synthetic twins ({span(scans)}); "
        "choose another noise_seed or twins.first_seed"
    ]
