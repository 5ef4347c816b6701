"""Summary of the report in three sentences."""

from workflow_scripts.files.words import plural
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
    }
    return Section("about", "Summary", "about.html.j2", context)
