"""Rule twin_fits: the search of a fit on synthetic twins, who are read and searched like people."""

from workflow_scripts.fitting.fit import main

if "snakemake" in globals():
    main(snakemake)
