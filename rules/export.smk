# The results as a BIDS derivative. Not a part of `all`: text files per person are for other tools, and many.
rule export:
    input:
        connectomes=connectomes(BATCHES),
        scans=scans(BATCHES, "json"),
        targets=targets(BATCHES),
        fits=per_batch("results/fits/{fit}/batch-{batch}_fits.tsv"),
        evaluation=per_batch("results/evaluation/{fit}/batch-{batch}_evaluation.tsv"),
        states=per_batch("results/evaluation/{fit}/batch-{batch}_states.tsv"),
        regional_parameters=per_batch("results/evaluation/{fit}/batch-{batch}_regional_parameters.tsv"),
        nodes=NODES,
        manifest=CONFIG["manifest"],
        participants=given(CONFIG["participants"]),
    output:
        directory("results/derivatives"),
    log:
        "logs/export/cohort.log",
    benchmark:
        "results/benchmarks/export/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        units=all_units(),
        splits=SPLITS,
        fits=FITS,
        dataset=CONFIG["dataset"],
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/export/export.py"
