"""Rule `report`: a page for the cohort, one for every person, and one of aggregates to hand on."""

from pathlib import Path

from workflow_scripts import job
from workflow_scripts.reporting import (
    connectivity,
    convergence,
    exclusions,
    fronts,
    identifiability,
    inputs,
    landscape,
    methods,
    nulls,
    parameters,
    personal,
    provenance,
    regional,
    reliability,
    scores,
    sharing,
    statistics,
    summary,
)
from workflow_scripts.reporting.cohort import read_cohort
from workflow_scripts.reporting.page import render

# In the order of the page: what went wrong comes first.
SECTIONS = (
    exclusions,
    summary,
    scores,
    personal,
    connectivity,
    nulls,
    convergence,
    fronts,
    landscape,
    parameters,
    identifiability,
    reliability,
    statistics,
    regional,
    inputs,
    methods,
)


def main(sm):
    """Read the cohort, build the sections, write the pages."""
    logger = job.start(sm)
    page = Path(sm.output.page)
    cohort = read_cohort(sm)
    logger.info("%d units, fits: %s", len(cohort.units), ", ".join(cohort.fits))
    shown = [module for module in SECTIONS if module is not fronts or fronts.fits(cohort)]
    sections = [module.section(cohort) for module in shown]
    write(page, render(cohort, [*sections, provenance.section(cohort, page.parent)]), logger)
    write(sm.output.shared, sharing.page(cohort, [*shown, provenance]), logger)
    write(sm.output.references, methods.references(sections), logger)


def write(path, text, logger):
    """Write a page and tell its size."""
    with job.atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    logger.info("%s written (%.1f MB)", path, len(text) / 1e6)


if "snakemake" in globals():
    main(snakemake)
