"""Rule cross_parameters: everybody's fitted parameters in one place, for jobs that need other batches."""

from workflow_scripts.files import job
from workflow_scripts.files.result_tables import concatenate


def main(sm):
    """Put the tables of all batches together."""
    job.start(sm)
    for name in ("fits", "regional_parameters"):
        job.write_tsv(getattr(sm.output, name), concatenate(getattr(sm.input, name)))


if "snakemake" in globals():
    main(snakemake)
