# What is going to run, and what it takes; asked for by name, it runs nothing else.
rule plan:
    log:
        "logs/plan/cohort.log",
    benchmark:
        "logs/plan/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        config=CONFIG,
        fits=FITS,
        batches=BATCHES,
        seeds=CONFIG["evaluation"]["seeds"],
        repetition_time=tables.repetition_time(MANIFEST),
        numerics=NUMERICS,
    script:
        "../workflow_scripts/plan.py"
