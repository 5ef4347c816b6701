rule report:
    input:
        fits="results/cohort/fits.tsv",
        convergence="results/cohort/convergence.tsv",
        evaluation="results/cohort/evaluation.tsv",
        states="results/cohort/states.tsv",
        qc="results/cohort/qc.tsv",
        exclusions="results/cohort/exclusions.tsv",
        recovery=["results/cohort/recovery.tsv"] if CONFIG["truth"] else [],
        provenance="results/cohort/provenance.json",
        baselines="results/cohort/baselines.tsv",
        simulations=per_batch("results/evaluation/{fit}/batch-{batch}_simulations.npz"),
        targets=targets(BATCHES),
        connectomes=connectomes(BATCHES),
        participants=given(CONFIG["participants"]),
        nodes=NODES,
        models=all_model_files(),
    output:
        "results/report/index.html",
    log:
        "logs/report/cohort.log",
    benchmark:
        "results/benchmarks/report/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        units=all_units(),
        batches=BATCHES,
        splits=SPLITS,
        fits=FITS,
        holdout=HOLDOUT,
        numerics=NUMERICS,
    script:
        "../workflow_scripts/report.py"
