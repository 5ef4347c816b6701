"""From sections to one HTML page that needs nothing but itself."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workflow_scripts.reporting.formatting import conditions

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


def render(cohort, sections):
    """Render the page.

    Parameters
    ----------
    cohort : Cohort
    sections : list of Section

    Returns
    -------
    str
        HTML; everything that came from a user's table is escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    stated = {fit: conditions(cohort, fit) for fit in cohort.fits}
    return template.render(cohort=cohort, sections=sections, conditions=stated)
