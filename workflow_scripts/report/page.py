"""From sections to HTML pages that need nothing but themselves."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from workflow_scripts.report.figures.markup import FOLDER, person_address
from workflow_scripts.report.formatting import conditions

TEMPLATES = Path(__file__).resolve().parent / "templates"


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
    return _template("report.html.j2", cohort, _linked(cohort, f"{FOLDER}/")).render(sections=sections)


def render_methods(cohort, section):
    """Render the text for the methods of a paper, which is copied and not read with the report."""
    return _template("methods_page.html.j2", cohort, _nobody).render(section=section)


def render_people(cohort, contexts, links):
    """Render the pages of all people, one after the other.

    Parameters
    ----------
    cohort : Cohort
    contexts : iterable of dict
        From :class:`workflow_scripts.report.person.People`.
    links : list of dict
        Names and addresses of the tables of the cohort, seen from the folder of the pages.

    Yields
    ------
    unit : str
    page : str
    """
    template = _template("person.html.j2", cohort, _linked(cohort, ""))
    for person in contexts:
        yield person["unit"], template.render(person=person, links=links)


def render_shared(cohort, sections):
    """Render the page that may be shared; a template that names a person is an error there."""
    return _template("shared.html.j2", cohort, _nobody).render(sections=sections)


def _template(name, cohort, person):
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["person"] = person
    # As globals, imported templates know them as well.
    environment.globals["cohort"] = cohort
    environment.globals["conditions"] = {fit: conditions(cohort, fit) for fit in cohort.all_fits}
    return environment.get_template(name)


def _linked(cohort, folder):
    """A filter that makes a link of the name of a unit."""
    known = set(cohort.units)

    def link(unit):
        if unit not in known:
            return unit
        return Markup(f'<a href="{escape(folder + person_address(unit))}">{escape(unit)}</a>')

    return link


def _nobody(unit):
    raise ValueError("A section of the page that is shared names a person.")
