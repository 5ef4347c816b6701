"""Rule experiment_table: the experiments of all people and fits in one table."""

from workflow_scripts.experiments.experiment_columns import COLUMNS
from workflow_scripts.files import dictionary, job, result_tables


def main(sm):
    """Write the rows of all batches, one after the other."""
    logger = job.start(sm)
    rows = [row for path in sm.input.tables for row in result_tables.read_texts(path).to_dict("records")]
    job.write_tsv(sm.output.table, rows, columns=COLUMNS)
    dictionary.write(sm.output.table)
    logger.info("%d effects", len(rows))


if "snakemake" in globals():
    main(snakemake)
