"""Summary of the report in three sentences."""

from workflow_scripts.files.words import plural
from workflow_scripts.report.formatting import MISSING, conditions
from workflow_scripts.report.section import Section


def section(cohort):
    """Counts and the outcome in a sentence."""
    scored = cohort.table("evaluation").dropna(subset="mean")["key"].unique()
    context = {
        "people": plural(cohort.people.nunique(), "person"),
        "scored": plural(cohort.people.reindex(scored).nunique(), "person"),
        "outside": plural(cohort.people_outside, "other person") if cohort.people_outside else "",
        "settings": plural(len(cohort.fits), "setting"),
        "has_heldout": cohort.holdout != "none",
        "is_synthetic": bool(cohort.config.get("synthetic")),
        "models": {fit: setting["model"] for fit, setting in cohort.fit_settings.items()},
        "conditions": _conditions(cohort),
    }
    return Section("about", "Summary", "about.html.j2", context, unfolded=True)


def _conditions(cohort):
    """Conditions of the scores by name, one text for every fit; a single one where all are alike."""
    by_fit = [dict(conditions(cohort, fit)) for fit in cohort.fit_settings]
    names = dict.fromkeys(name for told in by_fit for name in told)
    rows = [(name, [told.get(name, MISSING) for told in by_fit]) for name in names]
    return [(name, texts[:1] if len(set(texts)) == 1 else texts) for name, texts in rows]
