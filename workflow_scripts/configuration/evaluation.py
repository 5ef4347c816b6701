"""Section ``evaluation``: scores need fresh noise, not that of search or re-test, and whole averages."""


def check(fit, config, place):
    """List what is wrong with the noise seeds of search, re-test and evaluation, and with their number.

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
    search, retest, evaluation = search_seeds(fit), fit["retest"], config["evaluation"]
    averaged = fit.get("averaged_runs", 1)
    if evaluation["seeds"] % averaged:
        return [
            f"{place}.averaged_runs: {averaged} simulations make one average, and evaluation.seeds is "
            f"{evaluation['seeds']}; make it a multiple of {averaged}"
        ]
    others = (evaluation[section]["seeds"] for section in ("profile", "nulls"))
    count = max(evaluation["seeds"], evaluation["cross_seeds"], *others)
    scored = range(evaluation["first_seed"], evaluation["first_seed"] + count)
    uses = [(f"{place}.noise_seed", search)]
    if retest is not None:
        seeds = range(retest["first_seed"], retest["first_seed"] + retest["seeds"])
        uses.append((f"{place}.retest.first_seed", seeds))
        if overlap(seeds, search):
            return [
                f"{place}.retest.first_seed: {span(seeds)} are also seeds of the search ({span(search)}); "
                "a re-test needs fresh ones"
            ]
    return [
        f"{name}: {span(seeds)} is also a seed of the evaluation ({scored[0]} to {scored[-1]}), which must "
        f"be fresh; choose another {name.rsplit('.', 1)[-1]} or evaluation.first_seed"
        for name, seeds in uses
        if overlap(seeds, scored)
    ]


def search_seeds(fit):
    """Give the noise seeds that the search of a fit simulates with, as a range."""
    return range(fit["noise_seed"], fit["noise_seed"] + fit["replicates"])


def overlap(first, second):
    """Say whether two ranges of seeds, neither of them empty, have one in common."""
    return max(first[0], second[0]) <= min(first[-1], second[-1])


def span(seeds):
    """Write a range of seeds."""
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
