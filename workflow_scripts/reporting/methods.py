"""A paragraph for the methods section of a paper that says what was done, with its sources."""

from cubnm_core.equations import load_model
from workflow_scripts import regional
from workflow_scripts.reporting.formatting import band_text, plural
from workflow_scripts.reporting.search_text import objective_sentence, search_sentence
from workflow_scripts.reporting.section import Section
from workflow_scripts.start import FROM_GROUP

SOURCES = {
    "balloon": (
        "Friston KJ, Harrison L, Penny W (2003). Dynamic causal modelling. NeuroImage 19:1273–1302",
        "10.1016/S1053-8119(03)00202-7",
    ),
    "heinzle": (
        "Heinzle J, Koopmans PJ, den Ouden HEM, Raman S, Stephan KE (2016). A hemodynamic model for layered "
        "BOLD signals. NeuroImage 125:556–570",
        "10.1016/j.neuroimage.2015.10.025",
    ),
    "fcd": (
        "Hansen ECA, Battaglia D, Spiegler A, Deco G, Jirsa VK (2015). Functional connectivity dynamics: "
        "modeling the switching behavior of the resting state. NeuroImage 105:525–535",
        "10.1016/j.neuroimage.2014.11.001",
    ),
    "fic": (
        "Demirtaş M, Burt JB, Helmer M, et al. (2019). Hierarchical heterogeneity across human cortex shapes "
        "large-scale neural dynamics. Neuron 101:1181–1194",
        "10.1016/j.neuron.2019.01.017",
    ),
    "cmaes": (
        "Hansen N, Ostermeier A (2001). Completely derandomized self-adaptation in evolution strategies. "
        "Evolutionary Computation 9:159–195",
        "10.1162/106365601750190398",
    ),
    "pymoo": (
        "Blank J, Deb K (2020). pymoo: multi-objective optimization in Python. IEEE Access 8:89497–89509",
        "10.1109/ACCESS.2020.2990567",
    ),
    "consensus": (
        "Betzel RF, Griffa A, Hagmann P, Mišić B (2019). Distance-dependent consensus thresholds for "
        "generating group-representative structural brain networks. Network Neuroscience 3:475–496",
        "10.1162/netn_a_00075",
    ),
    "snakemake": (
        "Mölder F, Jablonski KP, Letcher B, et al. (2021). Sustainable data analysis with Snakemake. "
        "F1000Research 10:33",
        "10.12688/f1000research.29032.2",
    ),
}
SOURCES_OF_CONNECTOMES = {
    "individual": "their own connectomes",
    "group": "a group connectome",
    "mean": "the mean connectome of the cohort",
    "consensus": "the consensus connectome of the cohort",
}
# Sources of constants, beside that of the model itself.
HEMODYNAMICS = {"heinzle2016-3T": ["heinzle"]}
HOLDOUT = {
    "run": "The models were fitted to the training runs; those held out only tested them.",
    "split_half": "Each scan was cut into contiguous halves with a gap between them; the models were fitted "
    "to the first half, and the second only tested them.",
    "none": "No data were held out.",
}
SCHEMES = {"euler_maruyama": "with the Euler–Maruyama scheme", "heun": "with the stochastic Heun scheme"}
DELAYS = "Activity reached other regions after the time that tract lengths and the velocity v (m/s) give."
FIC = {
    "analytical": "Feedback inhibition control set local inhibition analytically, for rates near 3 Hz.",
    "plasticity": "Feedback inhibition control tuned local inhibition by plasticity in a warm-up before "
    "every simulation ({warm_up:g} s), for rates near {target:g} Hz, and was frozen then.",
}


def section(cohort):
    """Sentences with numbered sources, in the order in which they are cited."""
    cited = []
    paragraphs = [
        [(text, [_cite(source, cited) for source in sources]) for text, sources in part]
        for part in (_general(cohort), *(_fit(cohort, fit) for fit in cohort.fits), _evaluation(cohort))
    ]
    sources = [{"text": text, "doi": doi} for text, doi in cited]
    return Section(
        "methods", "Methods text", "methods.html.j2", {"paragraphs": paragraphs, "sources": sources}
    )


def _cite(source, cited):
    """Number of a source, a new one if it was not cited before."""
    if source not in cited:
        cited.append(source)
    return cited.index(source) + 1


def _general(cohort):
    """Whom the models were fitted to, and what was compared."""
    connectome = cohort.config["connectome"]
    analysis = next(iter(cohort.fit_settings.values()))["analysis"]
    scored = cohort.people.reindex(cohort.table("evaluation")["key"].unique()).nunique()
    made = "made from known parameters, " if cohort.config.get("synthetic") else ""
    source = SOURCES_OF_CONNECTOMES[connectome["source"]]
    pairs = "all pairs of regions" if analysis["pairs"] == "all" else "pairs of regions within a hemisphere"
    return [
        (
            f"Brain network models were fitted to {plural(scored, 'person')} ({made}with {source}, "
            f"scaling {connectome['scaling']}; {len(cohort.nodes)} regions).",
            [],
        ),
        *_preparation(cohort.config),
        (
            f"Functional connectivity (FC) is the Pearson correlation of regional BOLD over {pairs}; "
            "runs were averaged through Fisher's z.",
            [],
        ),
        (
            "Functional connectivity dynamics (FCD) is the correlation between the FC patterns of windows of "
            f"{analysis['window']:g} s that start every {analysis['window_step']:g} s and never cross the "
            "border of a run.",
            [SOURCES["fcd"]],
        ),
        (_filter_sentence(analysis["band_pass"]), []),
        *_elsewhere(cohort),
        (HOLDOUT[cohort.holdout], []),
    ]


def _elsewhere(cohort):
    """Say of how many people FC and FCD were not computed here."""
    records = cohort.targets["train"].records.values()
    people = {record["participant_id"] for record in records if record.get("precomputed")}
    if not people:
        return []
    text = (
        f"The FC and FCD of {plural(len(people), 'person')} came with the data, computed elsewhere from "
        "scans with these settings."
    )
    return [(text, [])]


def _preparation(config):
    """What was done to connectomes and scans beyond the default."""
    connectome, bold = config["connectome"], config.get("bold", {})
    threshold = connectome.get("threshold", {})
    done = {
        "connections that most people do not have were removed": connectome.get("mask") == "consensus",
        f"weights below {threshold.get('absolute')} were removed": threshold.get("absolute") is not None,
        f"the strongest {threshold.get('density')} of all connections were kept": threshold.get("density"),
        f"a {bold.get('detrend')} trend was subtracted": bold.get("detrend", "none") != "none",
        f"volumes with a framewise displacement above {bold.get('fd_threshold')} mm were censored": bold.get(
            "fd_threshold"
        ),
    }
    told = [words for words, holds in done.items() if holds]
    return [(f"Beforehand, {'; '.join(told)}.", [])] if told else []


def _filter_sentence(band_pass):
    if band_pass is None:
        return "No temporal filter was applied beyond what the data came with."
    return (
        f"Empirical and simulated BOLD were band-pass filtered alike ({band_text(band_pass)}, Butterworth of "
        "order 2, forwards and backwards)."
    )


def _fit(cohort, fit):
    """One fit: model, simulation, parameters, cost, search."""
    setting = cohort.fit_settings[fit]
    model, simulation = load_model(setting["model"]), setting["simulation"]
    sentences = [
        (
            f"Fit “{fit}”: {model.title}, integrated {SCHEMES[simulation['scheme']]} in steps of "
            f"{1e3 * simulation['dt']:g} ms for {simulation['duration']:g} s, of which the first "
            f"{simulation['burn_in']:g} s were discarded.",
            [(model.citation, model.doi)],
        ),
        _bold_sentence(simulation["hemodynamics"]),
        (_parameter_sentence(setting), []),
        (objective_sentence(setting), []),
        _sourced(*search_sentence(setting)),
    ]
    if setting["fic"] is not None:
        sentences.insert(1, (FIC[setting["fic"]["method"]].format(**setting["fic"]), [SOURCES["fic"]]))
    if setting["delays"]:
        sentences.insert(1, (DELAYS, []))
    return sentences if setting["start"] is None else [*sentences, *_start_sentences(setting["start"])]


def _sourced(text, names):
    return text, [SOURCES[name] for name in names]


def _bold_sentence(hemodynamics):
    """Where BOLD comes from, with sources."""
    if hemodynamics is None:
        return "A variable of the model stood for BOLD itself, without a haemodynamic model.", []
    sources = [SOURCES[name] for name in ("balloon", *HEMODYNAMICS.get(hemodynamics, []))]
    return f"BOLD followed from the Balloon–Windkessel model with the constants {hemodynamics}.", sources


def _parameter_sentence(setting):
    free = ", ".join(_free_text(name, entry) for name, entry in setting["free"].items())
    fixed = ", ".join(_fixed_text(name, value) for name, value in setting["fixed"].items())
    return (
        f"Free parameters: {free}; {f'fixed: {fixed}; ' if fixed else ''}all others at the model's defaults."
    )


def _free_text(name, entry):
    """A free parameter with its bounds, and how it differs between regions."""
    if not isinstance(entry, dict):
        return f"{name} in [{entry[0]:g}, {entry[1]:g}]"
    bounds = regional.bounds(entry)
    base = f"{name} = {entry['value']:g}" if bounds is None else f"{name} in [{bounds[0]:g}, {bounds[1]:g}]"
    if "groups" in entry:
        return f"{base} in every group of regions ({entry['groups']})"
    limits = regional.limits(entry)
    within = "" if limits is None else f", rescaled into [{limits[0]:g}, {limits[1]:g}] where it left them"
    return f"{base} times 1 + Σ c·map over the maps {', '.join(entry['maps'])}{within}"


def _fixed_text(name, value):
    if isinstance(value, dict):
        return f"{name} = one value per region ({value['column']})"
    return f"{name} = {value:g}"


def _start_sentences(start):
    """Where the searches of people started, who was in the group, and what drew them towards it."""
    if start["from"] == FROM_GROUP:
        sentences = [_group_sentence(start)]
    else:
        started = f"Every search started from the person's best parameters in the fit “{start['from']}”."
        sentences = [(started, [])]
    if start["shrinkage"]:
        drawn = (
            f"A penalty of {start['shrinkage']:g} times the mean squared distance from these parameters, in "
            "units of their ranges, drew people towards them."
        )
        sentences.append((drawn, []))
    return sentences


def _group_sentence(start):
    """How the group was fitted that people started from, with sources."""
    search, consensus = start["optimizer"], start["connectome"] == "consensus"
    size = (
        "a grid"
        if search["name"] == "grid"
        else f"{plural(search['restarts'], 'restart')} of up to {search['generations']} generations of "
        f"{search['population']}"
    )
    started = (
        "Every search started from the best parameters of the group, which had been fitted in the same way "
        f"({search['name']}, {size}) to the {start['connectome']} connectome and the average FC and FCD of "
        "the training scans of everybody who could be used, the person included; held-out scans had no part "
        "in it."
    )
    return started, [SOURCES["consensus"]] if consensus else []


def _evaluation(cohort):
    """How the fits were scored, and beside what."""
    evaluation = cohort.table("evaluation")
    seeds = f"{int(evaluation['n_seeds'].min())} noise seeds" if len(evaluation) else "noise seeds"
    return [
        (f"Every score is the mean over {seeds} that the search had not used.", []),
        (
            "Beside it stand, over the same pairs of regions: the correlation of the person's connectome "
            "with FC, that of the mean FC of all other people with the person's FC, and the agreement of the "
            "person's own training and held-out scans.",
            [],
        ),
        (f"The analysis ran as a Snakemake workflow ({_versions(cohort)}).", [SOURCES["snakemake"]]),
    ]


def _versions(cohort):
    software = cohort.provenance["software"]
    return ", ".join(f"{name} {software[name]}" for name in ("cubnm_core", "snakemake", "numpy", "pymoo"))
