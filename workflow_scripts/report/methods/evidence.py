"""Methods text on evaluation and statistics; only what has rows in the tables is claimed."""

from cubnm_core.evidence.nulls import KINDS, OTHER_CONNECTOME, REWIRED, SPIN
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from workflow_scripts.files.words import plural
from workflow_scripts.report.sections import primary
from workflow_scripts.report.sections.personal import have_one_connectome

BASELINES = {
    "sc_fc": "the correlation of the person's connectome with FC",
    "diffusion_fc": "that of the stationary FC of white noise spreading linearly along the connectome, "
    "its coupling fitted to the training scans",
    "distance_fc": "that of an exponential decay with connection length, its constant fitted to the training "
    "scans",
    "group_mean_fc": "that of the mean FC of all other people",
    "global_signal_fc": "a model of one signal that reaches all regions in proportion to their connectome "
    "strength, plus independent autocorrelated regional noise, its two parameters fitted to the training "
    "scans with the terms of the fit",
    "scan_rescan_fc": "the agreement of the person's own training and held-out scans",
}
NULLS = {
    OTHER_CONNECTOME: ("the connectomes of other people", []),
    SPIN: ("maps rotated on the sphere", ["alexanderbloch2018", "markello2021"]),
}
RESPONSES = {"parameter": "fitted parameters", "score": "scores", "state": "regional read-outs"}


def sentences(cohort, smallest=0):
    """How the fits were scored and tested: list of (sentence, keys of sources); counts no fewer people."""
    return [
        *_scores(cohort),
        *_baselines(cohort),
        *_comparison(cohort),
        *_cross(cohort),
        *_held_out_people(cohort),
        *_nulls(cohort),
        *_profiles(cohort),
        *_twins(cohort),
        *_observables(cohort, smallest),
        *_reliability(cohort, smallest),
        *_statistics(cohort, smallest),
        *_maps(cohort),
    ]


def _rows(cohort, name):
    """A table of the cohort; None where it was not made or is empty."""
    rows = cohort.tables.get(name)
    return None if rows is None or rows.empty else rows


def _setting(cohort, *places):
    """A setting of the configuration; None in one that does not know it."""
    found = cohort.config
    for place in places:
        found = (found or {}).get(place)
    return found


def _listed(words):
    """Join with commas and "and"."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _counted(people, smallest):
    return plural(people, "person") if people >= smallest else "few people"


def _controlled(cohort):
    """Say whether inhibitory weights of any fit are tuned."""
    return any(setting["fic"] is not None for setting in cohort.fit_settings.values())


def _scores(cohort):
    evaluation = _rows(cohort, "evaluation")
    if evaluation is None:
        return [("No fit could be scored.", [])]
    seeds = plural(int(evaluation["n_seeds"].min()), "noise seed")
    kept = "; inhibitory weights were those of the fit" if _controlled(cohort) else ""
    return [(f"Every score is the mean over {seeds} not used in the search{kept}.", [])]


def _baselines(cohort):
    rows = _rows(cohort, "baselines")
    if rows is None:
        return []
    known = set(rows.dropna(subset="value")["measure"])
    told = [text for name, text in BASELINES.items() if name in known]
    if not told:
        return []
    cited = ["galan2008"] if "diffusion_fc" in known else []
    cited += ["aquino2022", "liegeois2017"] if "global_signal_fc" in known else []
    return [(f"Baselines over the same pairs of regions were {'; '.join(told)}.", cited)]


def _comparison(cohort):
    """How fits were compared with each other and with baselines, if there were people enough for a test."""
    found = []
    if _rows(cohort, "optimism") is not None:
        text = (
            "Optimism, the loss of score from the search to the held-out scans, was split into a part due to "
            "the noise seed of the search and a part due to the training scans."
        )
        found.append((text, []))
    rows = _rows(cohort, "fit_comparison")
    if rows is None or rows["p"].isna().all():
        return found
    text = (
        "Fits were compared with each other and with the baselines by paired sign-flip tests over people, "
        "with 95 % intervals by inversion of the test and Holm's correction."
    )
    return [*found, (text, ["hartigan1969", "holm1979"])]


def _tuned(cohort):
    """What happens to inhibition on a connectome that is not the fitted one."""
    return (
        ", except that inhibitory weights were tuned again for every other connectome"
        if _controlled(cohort)
        else ""
    )


def _cross(cohort):
    found = []
    crossed = _rows(cohort, "cross")
    if crossed is not None:
        parts, again = "the parameters, the connectome and the scans", _tuned(cohort)
        if have_one_connectome(crossed):
            parts = "the parameters and the scans"
            again = ", except that inhibitory weights were tuned again for mean parameters" if again else ""
        others, seeds = (_setting(cohort, "evaluation", name) for name in ("others", "cross_seeds"))
        text = (
            f"To assess what is personal, {parts} of each person were exchanged with those of up to "
            f"{plural(others, 'other person')} in forward simulations ({plural(seeds, 'noise seed')}), "
            f"without refitting{again}."
        )
        found.append((text, []))
        compared = _rows(cohort, "contrasts")
        if compared is not None and compared["low"].notna().any():
            text = "Differences have 95 % intervals by inversion of the paired sign-flip test over people."
            found.append((text, ["hartigan1969"]))
    if _rows(cohort, "identification") is not None:
        text = (
            "The identification rate, the proportion of people whose own scan or simulation was the most "
            "similar one, was compared with permuted labels."
        )
        found.append((text, ["finn2015"]))
    return found


def _held_out_people(cohort):
    rows = _rows(cohort, "held_out_people")
    if rows is None:
        return []
    text = (
        f"Generalisation to new people was tested in {plural(rows['fold'].nunique(), 'fold')}: each person's "
        "connectome was also simulated with parameters fitted to the average of the people in the other "
        "folds."
    )
    return [(text, [])]


def _nulls(cohort):
    rows = _rows(cohort, "null_tests")
    if rows is None:
        return []
    found = []
    refitted = rows["refitted"].astype(str) == "True"
    for kept, refit in ((rows[~refitted], False), (rows[refitted], True)):
        kinds = [_null(cohort, kind) for kind in KINDS if kind in set(kept["null"])]
        if not kinds:
            continue
        named = _listed(text for text, _ in kinds)
        cited = [key for _, sources in kinds for key in sources]
        count = f"up to {int(kept['n_nulls'].max())} for each person"
        if refit:
            text = (
                f"Null models with {named} ({count}) were refitted by the same search; p values are from "
                "exchanging own and null models within people, or from the rank among rotated maps."
            )
            found.append((text, [*cited, "winkler2014"]))
        else:
            text = (
                f"Forward null models with {named} ({count}) kept the fitted parameters{_tuned(cohort)}; "
                "they are diagnostic and have no p values."
            )
            found.append((text, cited))
    return found


def _null(cohort, kind):
    """Description and sources of a kind of null model; for rewired connectomes, what was preserved."""
    if kind != REWIRED:
        return NULLS[kind]
    rows = _rows(cohort, "rewiring")
    with_lengths = rows is not None and (rows["distance"] != "none").all()
    only_weights = rows is not None and (rows["same_connections"].astype(float) == 1).all()
    what = "with weights permuted" if only_weights else "rewired"
    kept = "lengths, degrees and, approximately," if with_lengths else "degrees and, approximately,"
    cited = ["maslov2002", *(["betzel2018"] if with_lengths else [])]
    return f"connectomes {what} to preserve {kept} strengths", cited


def _profiles(cohort):
    found = []
    rows = _rows(cohort, "identifiability")
    if rows is not None and rows["sd_restarts"].notna().any():
        text = (
            "Identifiability was assessed by the spread of parameters over restarts relative to that over "
            "people."
        )
        found.append((text, []))
    profiles = _rows(cohort, "profiles")
    if profiles is not None:
        points, seeds = (_setting(cohort, "evaluation", "profile", name) for name in ("points", "seeds"))
        text = (
            f"Cost profiles around the best candidate had {plural(points, 'point')} along every free "
            f"parameter, each the mean over {plural(seeds, 'noise seed')}; a parameter with profiles flat on "
            "both sides in most people was called not identifiable."
        )
        found.append((text, []))
    return found


def _twins(cohort):
    rows = _rows(cohort, "twin_recovery")
    if rows is None:
        return []
    count = _setting(cohort, "twins", "count")
    text = (
        f"Parameter recovery was tested on {plural(count, 'synthetic twin')} with known parameters, fitted "
        "with the same settings."
    )
    return [(text, [])]


def _reliability(cohort, smallest):
    rows = _rows(cohort, "reliability")
    rows = None if rows is None else rows.dropna(subset="icc")
    if rows is None or rows.empty:
        return []
    text = (
        f"Reliability over {int(rows['n_sessions'].max())} sessions of "
        f"{_counted(int(rows['n_people'].max()), smallest)} was quantified by intraclass correlations for "
        "absolute agreement, ICC(2,1) and ICC(2,k), with 95 % intervals; sessions shared no noise seed."
    )
    cited = ["shrout1979", "mcgraw1996"]
    if "limit_low" in rows and rows["limit_low"].notna().any():
        return [(f"{text[:-1]}; limits of agreement were also computed.", [*cited, "bland1986"])]
    return [(text, cited)]


def _observables(cohort, smallest):
    """What was read out beside FC and FCD, with the source of each."""
    rows = _rows(cohort, "observables")
    if rows is None:
        return []
    names = [name for name in OBSERVABLES if name in set(rows["observable"])]
    told = _listed(f"{OBSERVABLES[name].title} (doi:{OBSERVABLES[name].doi})" for name in names)
    text = f"The following were read out of empirical and simulated BOLD in the same way: {told}"
    agreed = _rows(cohort, "observable_agreement")
    people = 0 if agreed is None else int(agreed["n_people"].max())
    if not people:
        return [(f"{text}.", [])]
    text += (
        f"; their agreement between the two scans of {_counted(people, smallest)} was quantified by ICC(2,1)."
    )
    return [(text, ["shrout1979"])]


def _statistics(cohort, smallest):
    """A sentence for each statistical model that was run, and one on corrections."""
    tests, models = _rows(cohort, "statistics"), _rows(cohort, "statistics_models")
    if tests is None or models is None:
        return []
    run = models[(models["sample"] == "all") & models["model"].isin(tests["model"])].dropna(subset="n")
    if run.empty:
        return []
    found = [
        _model(name, part, tests[tests["model"] == name], smallest)
        for name, part in run.groupby("model", sort=False)
    ]
    found += _primary(cohort)
    corrected = (
        "The false discovery rate was controlled over all parameters, all scores, or all regions of a "
        "read-out, of all fits, beside the familywise error rate by the maximum statistic over permutations."
    )
    found.append((corrected, ["benjamini1995"]))
    if (tests["sample"] == "sensitivity").any():
        found.append((f"Every model was repeated without {_doubtful(cohort)}.", []))
    harmonised = models[(models["sample"] == "combat") & models["permutations"].notna()]
    for column in harmonised["blocks"].unique():
        text = (
            f"In a sensitivity analysis, regional read-outs were harmonised between sites ({column}) by "
            "ComBat "
            "(neuroCombat), fitted anew in every permutation within sites."
        )
        found.append((text, ["johnson2007", "fortin2018"]))
    return found


def _primary(cohort):
    """What was decided beforehand, and since when."""
    told = [entry["text"] for entry in primary.history(cohort)]
    if not told:
        return [("No primary analysis was stated beforehand; all tests are exploratory.", [])]
    return [(f"Primary analysis: {' '.join(told)} All other tests are exploratory.", [])]


def _doubtful(cohort):
    """Whom the sensitivity run excluded."""
    limits = _setting(cohort, "statistics", "sensitivity") or {}
    lowest = limits.get("fit_quality")
    doubts = [] if lowest is None else [f"a mean FC correlation below {lowest:g}"]
    doubts += ["a parameter at a bound"] if limits.get("at_bounds") else []
    return f"fits with {' or with '.join(doubts)}" if doubts else "doubtful fits"


def _model(name, part, tests, smallest):
    """One statistical model: what it explained by what, and how it was tested."""
    first = part.iloc[0]
    mixed = first["method"] == "mixed"
    kind = f"a mixed model with a random intercept for {first['random']}" if mixed else "a linear model"
    told = _listed(text for quantity, text in RESPONSES.items() if quantity in set(tests["quantity"]))
    fewest, most = int(part["n"].min()), int(part["n"].max())
    counted = _counted(most, smallest) if fewest in (most, *range(smallest)) else f"{fewest} to {most} people"
    formula = str(first["formula"]).removeprefix("~").strip()
    text = (
        f"The statistical model “{name}” related {_response(first)}{told} to {formula}: {kind} over "
        f"{counted}, with tests "
        f"of {first['tested']}"
    )
    if not tests["p_permutation"].notna().any():
        return f"{text}.", ["laird1982"] if mixed else []
    shuffled = (
        f", also with {int(part['permutations'].max())} permutations of residuals{_exchanged(first)}, of a "
        "statistic with heteroscedasticity-consistent standard errors (HC3)."
    )
    cited = ["freedman1983", "winkler2014", "mackinnon1985", "diciccio2017"]
    return text + shuffled, [*(["laird1982"] if mixed else []), *cited]


def _response(model):
    """Changes or slopes of what follows, in words; nothing for values."""
    sessions = model.get("sessions")
    return {
        "change": f"changes between sessions ({sessions}) of ",
        "slope": f"each person's least-squares slopes over sessions ({sessions}) of ",
    }.get(model.get("response"), "")


def _exchanged(model):
    """How permutations keep to blocks."""
    if not isinstance(model["blocks"], str):
        return ""
    if model["exchange"] == "whole":
        return f" of whole blocks of the same size ({model['blocks']})"
    return f" within {model['blocks']}"


def _maps(cohort):
    rows = _rows(cohort, "map_association")
    if rows is None:
        return []
    text = f"Regional read-outs were correlated with {plural(rows['map'].nunique(), 'brain map')}"
    if not (rows["n_spins"] > 0).any():
        return [(f"{text}, without p values.", [])]
    spun = f"{text}; p values are from {int(rows['n_spins'].max())} rotations of the maps on the sphere."
    return [(spun, ["alexanderbloch2018", "markello2021"])]
