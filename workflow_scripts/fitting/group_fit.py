"""Rule group_fit: the fit of the group, whose best point the fits of people start from.

The archive of the group is read like that of a person, and searched like one.
"""

from workflow_scripts.fitting.fit import main

if "snakemake" in globals():
    main(snakemake)
