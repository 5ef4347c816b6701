"""The page that may be shared: aggregates only, checked for anything that identifies a person."""

import logging

from workflow_scripts.report.disclosure import without_session_seeds, without_small_shares
from workflow_scripts.report.page import render_shared
from workflow_scripts.report.section import Section

NAMES = "it would have identified a person or a file"
FAILED = "it could not be generated; see the log of the rule report"


def page(cohort, modules):
    """Render the page of aggregates.

    Parameters
    ----------
    cohort : Cohort
    modules : list of module
        Those with a function `aggregate(cohort)` have a section: numbers about `cohort.smallest_group` people
        or more, without a person, identifier, path or checksum.

    Returns
    -------
    str
        A section in which an identifier was found all the same is replaced by a sentence.
    """
    if cohort.people.nunique() < cohort.smallest_group:
        return render_shared(cohort, [])
    told = [module for module in modules if hasattr(module, "aggregate")]
    text = render_shared(cohort, [_checked(module, cohort) for module in told])
    text = without_session_seeds(text, {entry["session_id"] for entry in cohort.ids})
    return without_small_shares(text, cohort.smallest_group)


def _checked(module, cohort):
    """A section, or why there is none; an error may name a person, so only the log contains it."""
    name = module.__name__.rpartition(".")[2]
    try:
        section = module.aggregate(cohort)
        text = render_shared(cohort, [section])
    except Exception:
        logging.getLogger(__name__).exception("The section %s could not be shared", name)
        return Section(name, name.replace("_", " ").capitalize(), "withheld.html.j2", {"why": FAILED})
    if any(word in text for word in forbidden(cohort)):
        return Section(section.name, section.title, "withheld.html.j2", {"why": NAMES})
    return section


def forbidden(cohort):
    """Words that identify a person or their files.

    Ids as short as 01 occur in any number, so a person is looked for by the name of the unit, such as sub-01.
    """
    files = cohort.provenance.get("inputs", {})
    words = {*cohort.units, *(f"sub-{person}" for person in cohort.people), *files, *files.values()}
    return {str(word) for word in words}
