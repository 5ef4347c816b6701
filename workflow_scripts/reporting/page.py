"""From sections to HTML pages that need nothing but themselves."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from workflow_scripts.figures.markup import FOLDER, person_address
from workflow_scripts.reporting.formatting import conditions

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


def render(cohort, sections):
    """Render the page of the cohort.

    Parameters
    ----------
    cohort : Cohort
    sections : list of Section

    Returns
    -------
    str
        HTML; everything that came from a user's table is escaped. Templates name people by
        ``{{ unit | person }}``, which leads to their page.
    """
    return _rendered("report.html.j2", _to_person(f"{FOLDER}/"), cohort, sections=sections)


def render_person(cohort, person):
    """Render the page of one unit: `person` is its context, from :mod:`workflow_scripts.reporting.person`."""
    return _rendered("person.html.j2", _to_person(""), cohort, person=person)


def render_shared(cohort, sections):
    """Render the page that may be handed on; a template that names a person is an error there."""
    return _rendered("shared.html.j2", _nobody, cohort, sections=sections)


def _rendered(template, to_person, cohort, **context):
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["person"] = to_person
    stated = {fit: conditions(cohort, fit) for fit in cohort.fits}
    return environment.get_template(template).render(cohort=cohort, conditions=stated, **context)


def _to_person(folder):
    def link(unit):
        return Markup(f'<a href="{escape(folder + person_address(unit))}">{escape(unit)}</a>')

    return link


def _nobody(unit):
    raise ValueError("A section of the page that is shared names a person.")
