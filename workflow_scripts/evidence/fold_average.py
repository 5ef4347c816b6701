"""Rule fold_average: the training people of a fold as if they were one person."""

from workflow_scripts.preparation.group_average import main

if "snakemake" in globals():
    main(snakemake)
