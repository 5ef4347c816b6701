# What is going to run, and what it takes. Writes nothing and runs nothing else, so that it can be asked at any time.
rule plan:
    log:
        "logs/plan/cohort.log",
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        config=CONFIG,
        fits=FITS,
        batches=lambda wildcards: COHORT.batches,
        evaluation=CONFIG["evaluation"],
        twins=CONFIG["twins"]["count"],
        detectable=detectable_effects,
        repetition_time=lambda wildcards: COHORT.repetition_time,
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/planning/plan.py"


# Makes the next run try again whoever failed.
rule forget_failed:
    log:
        "logs/forget_failed/cohort.log",
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        fits=tables_of_fits,
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/planning/forget_failed.py"
