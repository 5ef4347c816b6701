"""Methods text on the data: participants, preparation of connectomes and scans, and measures."""

from cubnm_core.measures.connectivity import filter_order
from workflow_scripts.files.words import plural
from workflow_scripts.report.formatting import band_text

CONNECTOMES = {
    "individual": "their own connectomes",
    "group": "a group connectome",
    "mean": "the mean connectome of the cohort",
    "consensus": "the consensus connectome of the cohort",
}
SCALINGS = {
    "subject_mean": "each person's weights scaled to a mean of 0.01",
    "subject_max": "each person's weights scaled to a maximum of 1",
    "group_constant": "all weights multiplied by one factor for the cohort",
    "mu": "weights multiplied by the person's SIFT2 coefficient and by one factor for the cohort",
    "log": "weights transformed by log(1 + weight) and scaled to a mean of 0.01 in each person",
    "none": "weights unscaled",
}
SESSIONS = {
    "nearest": "the session closest in time",
    "first": "the person's earliest session",
    "mean": "the mean over the person's sessions",
}
ORDERS = ("", "first", "second", "third", "fourth")
HOLDOUT = {
    "run": "Models were fitted to the training runs; held-out runs were used only for testing.",
    "split_half": "Each scan was split into contiguous halves separated by a gap; models were fitted to the "
    "first half, and the second was used only for testing.",
    "none": "No data were held out.",
}


def sentences(cohort, smallest=0):
    """Whom the models were fitted to, and what was compared: list of (sentence, keys of sources).

    Parameters
    ----------
    cohort : workflow_scripts.report.cohort.Cohort
    smallest : int
        The text counts no fewer people than this.
    """
    analysis = next(iter(cohort.fit_settings.values()))["analysis"]
    pairs = "all pairs of regions" if analysis["pairs"] == "all" else "pairs of regions within a hemisphere"
    return [
        _people(cohort, smallest),
        *_left_out(cohort, smallest),
        *_connectomes(cohort),
        *_scans(cohort.config.get("bold", {})),
        *_nodes(cohort),
        (
            f"Functional connectivity (FC) is the Pearson correlation of regional BOLD over {pairs}; "
            "runs were averaged through Fisher's z.",
            [],
        ),
        _dynamics(analysis, cohort.config.get("bold", {})),
        (_filter(analysis["band_pass"], cohort.config.get("bold", {})), []),
        *_global_signal(analysis),
        *_elsewhere(cohort, smallest),
        (HOLDOUT[cohort.holdout], []),
    ]


def _people(cohort, smallest):
    connectome = cohort.config["connectome"]
    units = cohort.table("evaluation")["key"].unique()
    scored = cohort.people.reindex(units).nunique()
    made = "synthetic, with known parameters, " if cohort.config.get("synthetic") else ""
    source = CONNECTOMES[connectome["source"]]
    counted = plural(scored, "person") if scored >= smallest else "few people"
    if len(units) > scored >= smallest:
        counted += f" in {plural(len(units), 'session')}"
    text = (
        f"Brain network models were fitted to {counted} ({made}with {source}, "
        f"{SCALINGS[connectome['scaling']]}; {len(cohort.nodes)} regions)."
    )
    cited = {"mu": ["smith2015"]}.get(connectome["scaling"], [])
    return text, [*cited, *(["betzel2019"] if connectome["source"] == "consensus" else [])]


def _left_out(cohort, smallest):
    """Number of people without results."""
    scored = set(cohort.people.reindex(cohort.table("evaluation")["key"].unique()))
    lost = len(set(cohort.people) - scored) + cohort.people_outside
    if not lost:
        return []
    counted = "A few other people" if lost < smallest else plural(lost, "other person")
    return [(f"{counted} had no usable data or no successful fit.", [])]


def _connectomes(cohort):
    """What was done to connectomes before scaling, and whose they were in studies with sessions."""
    connectome = cohort.config["connectome"]
    threshold, lengths = connectome.get("threshold", {}), connectome.get("lengths", {})
    with_delays = any(setting["delays"] for setting in cohort.fit_settings.values())
    euclidean = with_delays and lengths.get("source") == "euclidean"
    done = {
        "both directions of a connection were averaged where they differed": connectome.get("asymmetric")
        == "average",
        f"weights below {threshold.get('absolute')} were removed": threshold.get("absolute") is not None,
        f"the strongest {threshold.get('density')} of all connections were kept": threshold.get("density"),
        "each person's connectome was masked by the consensus": connectome.get("mask") == "consensus",
        f"tract lengths were {lengths.get('tortuosity', 1.0):g} times Euclidean distances": euclidean,
    }
    told = [words for words, holds in done.items() if holds]
    source = ["betzel2019"] if connectome.get("mask") == "consensus" else []
    found = [(f"Connectomes: {'; '.join(told)}.", source)] if told else []
    session = connectome.get("session", "same")
    if session in SESSIONS and len(cohort.units) > cohort.people.nunique():
        found.append((f"Scans of a session were modelled with the connectome of {SESSIONS[session]}.", []))
    return found


def _scans(bold):
    """What was done to scans beyond the default."""
    dropped = bold.get("initial_volumes", 0)
    done = {
        f"the first {plural(dropped, 'volume')} of every run were discarded": dropped,
        f"a {bold.get('detrend')} trend was subtracted": bold.get("detrend", "none") != "none",
        f"volumes with a framewise displacement above {bold.get('fd_threshold')} mm were censored": bold.get(
            "fd_threshold"
        ),
        f"people with less than {bold.get('shortest_scan')} s left in a run were excluded": bold.get(
            "shortest_scan"
        ),
        f"people with less than {bold.get('shortest_fcd')} s left in a run were fitted and scored without "
        "FCD": bold.get("shortest_fcd"),
        "of people with the same scan or connectome only the first was kept": bold.get("duplicates")
        == "exclude",
    }
    told = [words for words, holds in done.items() if holds]
    return [(f"Scans: {'; '.join(told)}.", [])] if told else []


def _nodes(cohort):
    """Number of nodes that were removed for all."""
    missing = cohort.table("missing_nodes")
    if "dropped" not in missing or not missing["dropped"].eq(True).any():
        return []
    count = missing.loc[missing["dropped"].eq(True), "label"].nunique()
    return [(f"Regions missing in some people ({count}) were removed for all.", [])]


def _dynamics(analysis, bold):
    """Windows of FCD, and censored volumes in them."""
    kept = analysis.get("edges") == "keep"
    ends = "; windows at both ends were truncated rather than omitted" if kept else ""
    share = analysis.get("censored_share")
    censored = (
        f" Windows with more than {share:.0%} of their volumes censored were excluded. "
        "The volumes that were censored in a scan were left out of simulations, too, after the filter."
        if bold.get("fd_threshold") and share is not None
        else ""
    )
    text = (
        "Functional connectivity dynamics (FCD) is the correlation between the FC patterns of windows of "
        f"{analysis['window']:g} s, in steps of {analysis['window_step']:g} s, that do not span "
        f"runs{ends}.{censored}"
    )
    return text, ["hansen2015"]


def _filter(band_pass, bold):
    if band_pass is None:
        return "No further temporal filter was applied."
    order = ORDERS[filter_order(band_pass)]
    words = f"({band_text(band_pass)}, {order}-order Butterworth, forwards and backwards)"
    if bold.get("filtered") is None:
        return f"Empirical and simulated BOLD were band-pass filtered identically {words}."
    return (
        f"Scans had been band-pass filtered in preprocessing; simulated BOLD was filtered in the same way "
        f"{words}. Censored volumes of scans were left out after their filter."
    )


def _global_signal(analysis):
    """Say that the global signal was regressed out, if it was."""
    if analysis.get("global_signal") != "regressed":
        return []
    text = (
        "The global signal of scans had been regressed out in preprocessing; the mean over all regions was "
        "regressed out of simulated BOLD, too, after the filter."
    )
    return [(text, ["fox2009"])]


def _elsewhere(cohort, smallest):
    """Say of how many people FC and FCD were not computed here."""
    count = cohort.provenance.get("computed_elsewhere", 0)
    if not count:
        return []
    counted = "some people" if count < smallest else plural(count, "person")
    text = f"The FC and FCD of {counted} were supplied precomputed, with the same settings."
    return [(text, [])]
