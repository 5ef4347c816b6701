"""The page that may be handed on: aggregates only, and a search for what must not be on it."""

from workflow_scripts.reporting.page import render_shared
from workflow_scripts.reporting.section import Section


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
    sections = [module.aggregate(cohort) for module in modules if hasattr(module, "aggregate")]
    kept = [entry if not found_in(cohort, entry) else _withheld(entry) for entry in sections]
    return render_shared(cohort, kept)


def found_in(cohort, section):
    """List what a section must not hold: names of units, paths and checksums of input files.

    Ids as short as 01 occur in any number, so a person is looked for by the name of the unit, such as sub-01.
    """
    text = render_shared(cohort, [section])
    return [word for word in forbidden(cohort) if word in text]


def forbidden(cohort):
    """Words that identify a person or their files."""
    paths = cohort.provenance.get("inputs", {})
    return {*cohort.units, *(f"sub-{person}" for person in cohort.people), *paths, *paths.values()}


def _withheld(section):
    return Section(section.name, section.title, "withheld.html.j2", {})
