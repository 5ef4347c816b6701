"""Methods text on the data: who was modelled, what was done to connectomes and scans, what was compared."""

from workflow_scripts.files.words import plural
from workflow_scripts.report.formatting import band_text

CONNECTOMES = {
    "individual": "their own connectomes",
    "group": "a group connectome",
    "mean": "the mean connectome of the cohort",
    "consensus": "the consensus connectome of the cohort",
}
SCALINGS = {
    "subject_mean": "everybody's weights scaled to a mean of 0.01",
    "subject_max": "everybody's weights scaled to a largest of 1",
    "group_constant": "everybody's weights multiplied by the same factor",
    "mu": "weights multiplied by the person's SIFT2 coefficient and by the same factor for everybody",
    "log": "the logarithm of 1 plus the weight, scaled to a mean of 0.01 in everybody",
    "none": "weights as in the files",
}
SESSIONS = {
    "nearest": "the session closest in time",
    "first": "the person's earliest session",
    "mean": "the mean over the person's sessions",
}
HOLDOUT = {
    "run": "The models were fitted to the training runs; those held out only tested them.",
    "split_half": "Each scan was cut into contiguous halves with a gap between them; the models were fitted "
    "to the first half, and the second only tested them.",
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
        (_filter(analysis["band_pass"]), []),
        *_elsewhere(cohort, smallest),
        (HOLDOUT[cohort.holdout], []),
    ]


def _people(cohort, smallest):
    connectome = cohort.config["connectome"]
    units = cohort.table("evaluation")["key"].unique()
    scored = cohort.people.reindex(units).nunique()
    made = "made from known parameters, " if cohort.config.get("synthetic") else ""
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
    """Say how many people there were beside those with results."""
    scored = set(cohort.people.reindex(cohort.table("evaluation")["key"].unique()))
    lost = len(set(cohort.people) - scored)
    if not lost:
        return []
    counted = "A few other people" if lost < smallest else plural(lost, "other person")
    return [(f"{counted} had no usable data, or no fit that ended well.", [])]


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
        "connections that most people do not have were removed": connectome.get("mask") == "consensus",
        f"tract lengths were {lengths.get('tortuosity', 1.0):g} times distances between regions": euclidean,
    }
    told = [words for words, holds in done.items() if holds]
    source = ["betzel2019"] if connectome.get("mask") == "consensus" else []
    found = [(f"Of the connectomes, {'; '.join(told)}.", source)] if told else []
    session = connectome.get("session", "same")
    if session in SESSIONS and len(cohort.units) > cohort.people.nunique():
        found.append((f"Scans of a session were modelled with the connectome of {SESSIONS[session]}.", []))
    return found


def _scans(bold):
    """What was done to scans beyond the default."""
    dropped = bold.get("initial_volumes", 0)
    done = {
        f"the first {plural(dropped, 'volume')} of every run were dropped": dropped,
        f"a {bold.get('detrend')} trend was subtracted": bold.get("detrend", "none") != "none",
        f"volumes with a framewise displacement above {bold.get('fd_threshold')} mm were censored": bold.get(
            "fd_threshold"
        ),
        f"runs with less than {bold.get('shortest_scan')} s left excluded their person": bold.get(
            "shortest_scan"
        ),
    }
    told = [words for words, holds in done.items() if holds]
    return [(f"Of the scans, {'; '.join(told)}.", [])] if told else []


def _nodes(cohort):
    """Say which nodes were left out for everybody."""
    missing = cohort.table("missing_nodes")
    if "dropped" not in missing or not missing["dropped"].eq(True).any():
        return []
    count = missing.loc[missing["dropped"].eq(True), "label"].nunique()
    return [
        (f"{plural(count, 'region')} that some people lacked had no part in the analysis of anybody.", [])
    ]


def _dynamics(analysis, bold):
    """Windows of FCD, and censored volumes in them."""
    kept = analysis.get("edges") == "keep"
    ends = "; windows at both ends were cut off rather than left out" if kept else ""
    share = analysis.get("censored_share")
    censored = (
        f" Windows with more than {share:.0%} of their volumes censored were left out."
        if bold.get("fd_threshold") and share is not None
        else ""
    )
    text = (
        "Functional connectivity dynamics (FCD) is the correlation between the FC patterns of windows of "
        f"{analysis['window']:g} s that start every {analysis['window_step']:g} s and never cross the "
        f"border of a run{ends}.{censored}"
    )
    return text, ["hansen2015"]


def _filter(band_pass):
    if band_pass is None:
        return "No temporal filter was applied beyond what the data came with."
    return (
        f"Empirical and simulated BOLD were band-pass filtered alike ({band_text(band_pass)}, Butterworth of "
        "order 2, forwards and backwards)."
    )


def _elsewhere(cohort, smallest):
    """Say of how many people FC and FCD were not computed here."""
    count = cohort.provenance.get("computed_elsewhere", 0)
    if not count:
        return []
    counted = "some people" if count < smallest else plural(count, "person")
    text = (
        f"The FC and FCD of {counted} came with the data, computed elsewhere from scans with these settings."
    )
    return [(text, [])]
