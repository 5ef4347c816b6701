"""Rule `report`: one self-contained HTML page for the cohort."""

from pathlib import Path

from workflow_scripts import job
from workflow_scripts.reporting import (
    connectivity,
    convergence,
    exclusions,
    fronts,
    identifiability,
    inputs,
    methods,
    parameters,
    provenance,
    regional,
    reliability,
    scores,
    summary,
)
from workflow_scripts.reporting.cohort import read_cohort
from workflow_scripts.reporting.page import render

# In the order of the page: what went wrong comes first.
SECTIONS = (
    exclusions,
    summary,
    scores,
    connectivity,
    convergence,
    fronts,
    parameters,
    identifiability,
    reliability,
    regional,
    inputs,
    methods,
)


def main(sm):
    """Read the cohort, build the sections, write the page."""
    logger = job.start(sm)
    output = Path(sm.output[0])
    cohort = read_cohort(sm)
    logger.info("%d units, fits: %s", len(cohort.units), ", ".join(cohort.fits))
    sections = [module.section(cohort) for module in SECTIONS if module is not fronts or fronts.fits(cohort)]
    sections.append(provenance.section(cohort, output.parent))
    with job.atomic_path(output) as temporary:
        temporary.write_text(render(cohort, sections), encoding="utf-8")
    logger.info("report written to %s (%.1f MB)", output, output.stat().st_size / 1e6)


if "snakemake" in globals():
    main(snakemake)
