"""Failures, exclusions and cautions: the first thing on the page."""

import re

from workflow_scripts.configuration.parameters import beyond_bounds
from workflow_scripts.files.words import plural
from workflow_scripts.report.disclosure import few
from workflow_scripts.report.input_cautions import about_inputs
from workflow_scripts.report.section import Section

# What is of one person in a reason: names of files, ids and numbers.
SPECIFIC = re.compile(r"\S*(?:/|sub-|ses-)\S*|\d+(?:\.\d+)?")
OF_FIT = re.compile(r"In the fit ([^ ,]+), (.*)", re.DOTALL)
MANY_FAILED = 0.05  # share of diverged candidates that is reported
UNSTABLE = 0.2  # SD of a unit's FC correlation over noise seeds from which it is called unstable
FEW_OTHERS = 5  # people whose mean FC is the baseline, below which it is an easy one
FEW_SEEDS = 10  # fresh noise seeds below which a score is called provisional


def section(cohort):
    """Exclusions and failures, how many units reached the end of each fit, and cautions."""
    found = problems(cohort)
    context = {
        "problems": together(found),
        "n_missing": len({problem["key"] for problem in found}),
        "n_outside": cohort.outside["key"].nunique(),
        "flow": [_flow(cohort, fit) for fit in cohort.all_fits],
        "cautions": cautions(cohort),
        "n_units": len(cohort.units),
    }
    return Section("errors", "Errors and exclusions", "errors.html.j2", context, unfolded=True)


def aggregate(cohort):
    """How many people each fit could score, and how many are missing, without reasons."""
    rows = [_told_flow(cohort, fit) for fit in cohort.all_fits]
    return Section("flow", "Participants", "flow_shared.html.j2", {"flow": rows})


def _told_flow(cohort, fit):
    """People, not units; how many were lost is hidden where it is of a few."""
    smallest = cohort.smallest_group
    known = cohort.people.reindex(cohort.of_fit("evaluation", fit).dropna(subset="mean")["key"].unique())
    scored = known.nunique()
    return {
        "fit": fit,
        "scored": few(scored, smallest),
        "missing": few(cohort.people.nunique() + cohort.people_outside - scored, smallest),
    }


def problems(cohort):
    """Every exclusion and failure: dicts with key, stage, fit and reason."""
    rows = cohort.table("exclusions").fillna({"fit": "all", "reason": "no recorded reason"})
    found = rows[["key", "stage", "fit", "reason"]].to_dict("records")
    explained = set(rows["key"])
    for fit in cohort.all_fits:
        fitted = set(cohort.successful.loc[cohort.successful["fit"] == fit, "key"])
        found += [
            {"key": unit, "stage": "fit", "fit": fit, "reason": "no result and no recorded reason"}
            for unit in cohort.units
            if unit not in fitted | explained
        ]
    return found


def together(found):
    """Put problems together that differ in names of files and in numbers only.

    Parameters
    ----------
    found : list of dict
        As of :func:`problems`.

    Returns
    -------
    list of dict
        ``stage``, ``fit``, ``reason`` (of the first), ``units`` (list of (key, reason)) and whether their
        reasons are ``alike`` to the last word.
    """
    kinds = {}
    for problem in found:
        kind = problem["stage"], problem["fit"], SPECIFIC.sub("*", problem["reason"])
        kinds.setdefault(kind, []).append(problem)
    return [
        {
            **{name: members[0][name] for name in ("stage", "fit", "reason")},
            "units": [(member["key"], member["reason"]) for member in members],
            "alike": len({member["reason"] for member in members}) == 1,
        }
        for members in kinds.values()
    ]


def _flow(cohort, fit):
    """How many units a fit began with, lost, fitted and scored."""
    seen = [set(part["status"]) for _, part in cohort.of_fit("fits", fit).groupby("key")]
    fitted = sum("ok" in status for status in seen)
    excluded = sum(status == {"excluded"} for status in seen)
    failed = len(seen) - fitted - excluded
    scored = cohort.of_fit("evaluation", fit).dropna(subset="mean")["key"].nunique()
    return {
        "fit": fit,
        "units": len(seen),
        "excluded": excluded,
        "failed": failed,
        "fitted": fitted,
        "scored": scored,
    }


def cautions(cohort):
    """Sentences about what weakens the results without stopping the analysis."""
    return tell_once(
        [
            *about_inputs(cohort),
            *_without_success(cohort),
            *_about_scores(cohort),
            *_few_others(cohort),
            *_unstable(cohort),
            *_at_bounds(cohort),
            *_diverged(cohort),
            *_off_rates(cohort),
            *(
                f"In the fit {fit}, {text}."
                for fit in cohort.all_fits
                for text in beyond_bounds(cohort.fit_settings[fit])
            ),
        ]
    )


def tell_once(sentences):
    """Put sentences together that say the same of several fits."""
    fits = {}
    for sentence in sentences:
        found = OF_FIT.fullmatch(sentence)
        fits.setdefault(found[2] if found else sentence, []).append(found[1] if found else None)
    return [
        rest if names[0] is None else f"In the fit{'s' * (len(names) > 1)} {' and '.join(names)}, {rest}"
        for rest, names in fits.items()
    ]


def _without_success(cohort):
    done = set(cohort.successful["fit"])
    return [
        f"No participant was fitted successfully in {fit}: only its failures are shown."
        for fit in cohort.all_fits
        if fit not in done
    ]


def _about_scores(cohort):
    evaluation = cohort.table("evaluation")
    if evaluation.empty:
        return ["No fit was evaluated, so there are no scores with fresh noise seeds."]
    found = []
    if not cohort.has_heldout:
        found.append(
            "There are no held-out scans: all scores are on training data and do not test generalisation."
        )
    if (seeds := int(evaluation["n_seeds"].min())) < FEW_SEEDS:
        found.append(f"Use at least {FEW_SEEDS} noise seeds for scores; these are based on {seeds}.")
    if cohort.successful.groupby(["key", "fit"])["restart"].nunique().max() < 2:
        found.append(
            "Use two or more restarts: with one, the spread over restarts is unknown (see identifiability)."
        )
    settings = ("pairs", "band_pass", "window", "window_step")
    if mixed := [name for name in settings if evaluation[name].nunique(dropna=False) > 1]:
        found.append(f"Do not compare scores with each other: they differ in {', '.join(mixed)}.")
    return found


def _few_others(cohort):
    baselines = cohort.table("baselines")
    others = baselines.loc[baselines["measure"] == "group_mean_fc", "n"]
    if others.empty or others.min() >= FEW_OTHERS:
        return []
    people = plural(int(others.min()), "other person")
    return [f"Group-mean FC is the mean of only {people}: with more people it is harder to beat."]


def _unstable(cohort):
    """Fits at the edge of what runs: a failed seed counts with the worst value, which shows in the SD."""
    rows = cohort.table("evaluation")
    rows = rows[(rows["measure"] == "fc_corr") & (rows["split"] == cohort.scored_split)]
    return [
        f"In the fit {fit}, the FC r of {plural(n, 'unit')} has an SD above {UNSTABLE} over noise seeds: "
        "some seeds failed, or the same parameters have two outcomes."
        for fit, part in rows.groupby("fit", sort=False)
        if (n := int((part["sd"] > UNSTABLE).sum()))
    ]


def _at_bounds(cohort):
    best = cohort.successful[cohort.successful["selected"]]
    found = []
    for fit, rows in best.groupby("fit", sort=False):
        if hits := int(rows["at_bounds"].notna().sum()):
            found.append(
                f"In the fit {fit}, {plural(hits, 'unit')} of {len(rows)} ended at a bound of the search: "
                "consider wider bounds (see parameters)."
            )
    return found


def _off_rates(cohort):
    """Best fits whose firing rates the control did not keep: their states miss its target."""
    best = cohort.successful[cohort.successful["selected"]]
    return [
        f"In the fit {fit}, interpret the states of {plural(n, 'unit')} of {len(rows)} with care: feedback "
        "inhibition control did not keep their firing rates within limits (fic_failed)."
        for fit, rows in best.groupby("fit", sort=False)
        if (n := int(rows["reason"].astype(str).str.contains("fic_failed").sum()))
    ]


def _diverged(cohort):
    found = []
    for fit, rows in cohort.table("convergence").groupby("fit", sort=False):
        simulations = rows.groupby(["key", "restart"])["simulations_so_far"].max().sum()
        share = rows["failed"].sum() / simulations
        if share > MANY_FAILED:
            found.append(
                f"In the fit {fit}, {share:.0%} of the candidates failed and were assigned the worst cost."
            )
    return found
