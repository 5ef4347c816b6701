"""A paragraph for the methods section of a paper that says what was done, with its sources."""

from cubnm_core.equations import load_model
from workflow_scripts.reporting.formatting import band_text, plural
from workflow_scripts.reporting.section import Section

SOURCES = {
    "balloon": ("Friston KJ, Harrison L, Penny W (2003). Dynamic causal modelling. NeuroImage 19:1273–1302",
                "10.1016/S1053-8119(03)00202-7"),
    "heinzle": ("Heinzle J, Koopmans PJ, den Ouden HEM, Raman S, Stephan KE (2016). A hemodynamic model for layered BOLD signals. "
                "NeuroImage 125:556–570", "10.1016/j.neuroimage.2015.10.025"),
    "fcd": ("Hansen ECA, Battaglia D, Spiegler A, Deco G, Jirsa VK (2015). Functional connectivity dynamics: modeling the switching "
            "behavior of the resting state. NeuroImage 105:525–535", "10.1016/j.neuroimage.2014.11.001"),
    "fic": ("Demirtaş M, Burt JB, Helmer M, et al. (2019). Hierarchical heterogeneity across human cortex shapes large-scale neural "
            "dynamics. Neuron 101:1181–1194", "10.1016/j.neuron.2019.01.017"),
    "cmaes": ("Hansen N, Ostermeier A (2001). Completely derandomized self-adaptation in evolution strategies. Evolutionary "
              "Computation 9:159–195", "10.1162/106365601750190398"),
    "pymoo": ("Blank J, Deb K (2020). pymoo: multi-objective optimization in Python. IEEE Access 8:89497–89509",
              "10.1109/ACCESS.2020.2990567"),
    "snakemake": ("Mölder F, Jablonski KP, Letcher B, et al. (2021). Sustainable data analysis with Snakemake. F1000Research 10:33",
                  "10.12688/f1000research.29032.2"),
}
HEMODYNAMICS = {"heinzle2016-3T": ["heinzle"]}  # sources beside that of the model itself
HOLDOUT = {
    "run": "The models were fitted to the training runs; the held-out runs of the same people served only to test them.",
    "split_half": "Each scan was cut into contiguous halves with a gap between them; the models were fitted to the first half, and the "
                  "second served only to test them.",
    "none": "No data were held out.",
}


def section(cohort):
    """Sentences with numbered sources, in the order in which they are cited."""
    cited = []
    paragraphs = [[(text, [_cite(source, cited) for source in sources]) for text, sources in part]
                  for part in (_general(cohort), *(_fit(cohort, fit) for fit in cohort.fits), _evaluation(cohort))]
    sources = [{"text": text, "doi": doi} for text, doi in cited]
    return Section("methods", "Methods text", "methods.html.j2", {"paragraphs": paragraphs, "sources": sources})


def _cite(source, cited):
    """Number of a source, a new one if it was not cited before."""
    if source not in cited:
        cited.append(source)
    return cited.index(source) + 1


def _general(cohort):
    config = cohort.config
    analysis = next(iter(cohort.fit_settings.values()))["analysis"]
    scored = cohort.people.reindex(cohort.table("evaluation")["key"].unique()).nunique()
    connectome = config.get("connectome", {})
    source = "a group connectome" if connectome.get("source") == "group" else "their own connectomes"
    made = "synthetic " if config.get("synthetic") else ""
    pairs = "all pairs of regions" if analysis["pairs"] == "all" else "pairs of regions within a hemisphere"
    band = band_text(analysis["band_pass"])
    filtered = "No temporal filter was applied beyond what the data came with." if band == "none" else (
        f"Empirical and simulated BOLD were band-pass filtered alike ({band}, Butterworth of order 2, forwards and backwards).")
    fcd = (f"Functional connectivity dynamics (FCD) is the correlation between FC patterns of windows of {analysis['window']:g} s that "
           f"start every {analysis['window_step']:g} s; windows never cross the border of a run.")
    return [
        (f"Brain network models were fitted to {plural(scored, f'{made}person')} with {source} "
         f"(scaling: {connectome.get('scaling', 'as given')}).", []),
        (f"Functional connectivity (FC) is the Pearson correlation of regional BOLD over {pairs}; runs were averaged through Fisher's z.", []),
        (fcd, [SOURCES["fcd"]]),
        (filtered, []),
        (HOLDOUT[cohort.holdout], []),
    ]


def _fit(cohort, fit):
    setting = cohort.fit_settings[fit]
    model, simulation, optimizer = load_model(setting["model"]), setting["simulation"], setting["optimizer"]
    hemodynamics = simulation["hemodynamics"]
    blood = [SOURCES["balloon"], *(SOURCES[name] for name in HEMODYNAMICS.get(hemodynamics, []))]
    fixed = ", ".join(f"{name} = {value:g}" for name, value in setting.get("fixed", {}).items())
    free = ", ".join(f"{name} in [{low:g}, {high:g}]" for name, (low, high) in setting["free"].items())
    sentences = [
        (f"Fit “{fit}”: {model.title}, integrated with a step of {1e3 * simulation['dt']:g} ms for {simulation['duration']:g} s, "
         f"of which the first {simulation['burn_in']:g} s were discarded.", [(model.citation, model.doi)]),
        (f"BOLD followed from the Balloon–Windkessel model with the constants “{hemodynamics}”.", blood),
        (f"Free parameters: {free}" + (f"; fixed: {fixed}." if fixed else "; all others at the model's defaults."), []),
        (_objective_sentence(setting["objective"]), []),
        _search_sentence(optimizer, setting),
    ]
    if setting.get("fic") == "analytical":
        inhibition = "Local inhibition was set analytically for a mean excitatory rate near 3 Hz (feedback inhibition control)."
        sentences.insert(2, (inhibition, [SOURCES["fic"]]))
    return sentences


def _objective_sentence(objective):
    names = {"fc_corr": "the negative correlation of simulated and empirical FC", "fcd_ks": "the Kolmogorov–Smirnov distance of their FCD",
             "fc_diff": "the absolute difference of their mean FC", "fc_normec": "their normalised Euclidean FC distance",
             "rate_penalty": "a penalty on firing rates away from the FIC target"}
    parts = [f"{names.get(name, name)} (weight {weight:g})" for name, weight in objective.items() if weight]
    return f"The cost was the weighted sum of {'; '.join(parts)}."


def _search_sentence(optimizer, setting):
    if optimizer["name"] == "grid":
        points = " × ".join(f"{name}: {count}" for name, count in optimizer["shape"].items())
        return f"The cost was evaluated on a grid ({points}) with noise seed {setting['noise_seed']}.", [SOURCES["pymoo"]]
    return (f"It was minimised by CMA-ES with up to {optimizer['generations']} generations of {optimizer['population']} simulations, "
            f"{plural(optimizer['restarts'], 'restart')} and noise seed {setting['noise_seed']}; the restart with the lowest cost was kept.",
            [SOURCES["cmaes"], SOURCES["pymoo"]])


def _evaluation(cohort):
    rows = cohort.table("evaluation")
    seeds = f"{int(rows['n_seeds'].min())} noise seeds" if len(rows) else "noise seeds"
    return [
        (f"Every score is the mean over {seeds} that the search had not used.", []),
        ("Beside it stand, for the same pairs of regions, the correlation of the person's connectome with FC, of the mean FC of all other "
         "people with the person's FC, and the agreement of the person's own training and held-out scans.", []),
        ("The analysis ran as a Snakemake workflow.", [SOURCES["snakemake"]]),
    ]
