"""Objective and search of a fit, in the words of a methods section."""

from cubnm_core.fitting import designs
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from workflow_scripts.files.words import plural

TERMS = {
    "fc_corr": "the negative correlation of simulated and empirical FC",
    "fcd_ks": "the Kolmogorov–Smirnov distance between their FCD distributions",
    "fc_diff": "the absolute difference in their mean FC",
    "fc_normec": "their normalised Euclidean FC distance",
    "fcd_ks_binned": "the Kolmogorov–Smirnov distance between their FCD distributions in 10,000 bins",
    "rate_penalty": "a penalty on firing rates outside their limits",
    "rate_band": "the proportion of regions with a firing rate outside its limits",
    "fic_failed": "whether feedback inhibition control failed",
}
_CMAES = ("cmaes", "bipopcmaes", "simplecmaes")


def objective_sentence(setting):
    """Say what was minimised, and within which constraints: the sentence and keys of its sources."""
    groups = setting["objectives"] or [
        {**setting["objective"], **{name: term["weight"] for name, term in setting["terms"].items()}}
    ]
    sums = [
        "; ".join(f"{_term(name)} (weight {weight:g})" for name, weight in _counted(one)) for one in groups
    ]
    if len(sums) == 1:
        text = f"The cost was the weighted sum of {sums[0]}."
    else:
        listed = " ".join(f"({number}) {text}." for number, text in enumerate(sums, start=1))
        text = f"{len(sums)} objectives were minimised simultaneously: {listed}"
    counted = {*counted_terms(setting), *setting["constraints"]}
    cited = ["kong2021"] if "fcd_ks_binned" in counted else []
    if not setting["constraints"]:
        return text, cited
    limits = "; ".join(f"{_term(name)} at most {limit:g}" for name, limit in setting["constraints"].items())
    broken = f"Candidates that violated a constraint ({limits}) ranked below all others."
    return f"{text} {broken}", [*cited, "deb2000"]


def counted_terms(setting):
    """Name the terms that enter the cost of a fit, those of the user's own last."""
    return [*(name for name, _ in _counted(setting["objective"])), *setting["terms"]]


def _term(name):
    if name in OBSERVABLES:
        return f"the difference in {OBSERVABLES[name].title} ({OBSERVABLES[name].distance_title})"
    return TERMS.get(name, name)


def _counted(weights):
    return [(name, weight) for name, weight in weights.items() if weight]


def search_sentence(setting):
    """Say how it was minimised, and how one candidate was chosen.

    Parameters
    ----------
    setting : dict
        Resolved settings of a fit.

    Returns
    -------
    text : str
    sources : list of str
        Keys of the sources.
    """
    optimizer = setting["optimizer"]
    noise = setting["noise_seed"]
    last = noise + setting["replicates"] - 1
    several = f"{_together(setting)} the noise seeds {noise} to {last}"
    seeds = f"noise seed {noise}" if last == noise else several
    text = f"{_search(optimizer)}, {seeds}{_kept(setting)}.{_retest(setting['retest'])}{_averages(setting)}"
    return text, _cited(optimizer["name"])


def _together(setting):
    """How scores of several simulations become one."""
    return "the average of simulations over" if "averaged_runs" in setting else "means over"


def _averages(setting):
    """What an average of simulations is, where averages are scored."""
    if "averaged_runs" not in setting:
        return ""
    limits = setting["rate_limits"]
    left_out = "" if limits is None else f" or had a firing rate outside {limits[0]:g} to {limits[1]:g} Hz"
    return (
        " FC was averaged and FCD pooled over simulations before they were compared with a scan, in the "
        f"search, in re-tests, and in all scores over {setting['averaged_runs']} simulations (fewer where "
        f"evidence has fewer seeds); simulations that diverged{left_out} were left out of their average."
    )


def _cited(name):
    """Sources of an algorithm; a grid and random points need none."""
    if name in designs.DESIGNS:
        return ["owen1998"] if name == "sobol" else []
    return ["hansen2001", "blank2020"] if name in _CMAES else ["blank2020"]


def _search(optimizer):
    name, population, generations = (optimizer[key] for key in ("name", "population", "generations"))
    restarts = plural(optimizer["restarts"], "restart")
    if name == "grid":
        points = " × ".join(f"{parameter}: {count}" for parameter, count in optimizer["shape"].items())
        return f"It was evaluated on a grid ({points})"
    if name in designs.DESIGNS:
        points = f"a {name} design of {population * generations} points"
        return f"It was evaluated on {points}, {restarts} (search seed {optimizer['seed']})"
    named = "CMA-ES" if name == "cmaes" else f"the algorithm {name} of pymoo"
    size = f"up to {generations} generations of {population} candidates"
    return f"It was minimised by {named} with {size}, {restarts} (search seed {optimizer['seed']})"


def _kept(setting):
    if setting["objectives"]:
        return "; the candidate nearest to the ideal point of the Pareto front over all restarts was selected"
    return "; the restart with the lowest cost was selected" if setting["optimizer"]["restarts"] > 1 else ""


def _retest(retest):
    if retest is None:
        return ""
    return (
        f" The best {retest['candidates']} candidates of every restart were simulated again with "
        f"{plural(retest['seeds'], 'fresh noise seed')}, still on the training data, and the best of "
        "them was selected."
    )
