"""Rule fold_fit: fits of the training people of all folds, whose parameters the others are scored with."""

from workflow_scripts.fitting.fit import main

if "snakemake" in globals():
    main(snakemake)
