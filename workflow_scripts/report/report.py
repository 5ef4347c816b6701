"""Rule `report`: a page for the cohort, one for every person, and one of aggregates to share."""

from pathlib import Path

from workflow_scripts.files import job
from workflow_scripts.report import methods, shared_page
from workflow_scripts.report.cohort import read_cohort
from workflow_scripts.report.page import render, render_methods, render_people
from workflow_scripts.report.person import People
from workflow_scripts.report.section import Section
from workflow_scripts.report.sections import (
    answers,
    connectivity,
    convergence,
    exclusions,
    experiments,
    fronts,
    identifiability,
    inputs,
    landscape,
    nulls,
    observables,
    parameters,
    personal,
    primary,
    provenance,
    regional,
    reliability,
    scores,
    statistics,
    summary,
    twins,
)

# In the order of the page: what was decided beforehand, the answers in a line each, then what went wrong.
SECTIONS = (
    primary,
    answers,
    exclusions,
    summary,
    scores,
    personal,
    connectivity,
    observables,
    nulls,
    convergence,
    fronts,
    landscape,
    parameters,
    identifiability,
    twins,
    reliability,
    statistics,
    regional,
    experiments,
    inputs,
)
# Sections of what not every cohort has, and what says whether there is any.
IF_ANY = {
    primary: primary.is_told,
    fronts: fronts.fits,
    observables: observables.names,
    experiments: experiments.is_told,
}


def main(sm):
    """Read the cohort, build the sections, write the pages."""
    logger = job.start(sm)
    page = Path(sm.output.page)
    cohort = read_cohort(sm, page.parent)
    logger.info("%d units, fits: %s", len(cohort.units), ", ".join(cohort.fits))
    shown = [module for module in SECTIONS if module not in IF_ANY or IF_ANY[module](cohort)]
    sections = [made(module, cohort, logger) for module in [*shown, provenance]]
    write(page, render(cohort, sections), logger)
    text = made(methods, cohort, logger)
    write(sm.output.methods, render_methods(cohort, text), logger)
    write(sm.output.references, methods.references([text]), logger)
    write(sm.output.shared, shared_page.page(cohort, [*shown, methods, provenance]), logger)
    write_people(cohort, Path(sm.output.people))
    logger.info("pages of %d units written to %s", len(cohort.units), sm.output.people)


def made(module, cohort, logger):
    """Make a section; an error in one is reported in its place and leaves the others readable."""
    try:
        return module.section(cohort)
    except Exception as error:
        name = module.__name__.rpartition(".")[2]
        logger.exception("The section %s could not be generated", name)
        return Section(name, name.replace("_", " ").capitalize(), "broken.html.j2", {"error": repr(error)})


def write_people(cohort, folder):
    """Write a page for every unit."""
    folder.mkdir(parents=True, exist_ok=True)
    people = People(cohort, exclusions.problems(cohort))
    contexts = (people.context(unit) for unit in cohort.units)
    for unit, text in render_people(cohort, contexts, provenance.links(cohort, folder)):
        (folder / f"{unit}.html").write_text(text, encoding="utf-8")


def write(path, text, logger):
    """Write a page and tell its size."""
    with job.atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    logger.info("%s written (%.1f MB)", path, len(text) / 1e6)


if "snakemake" in globals():
    main(snakemake)
