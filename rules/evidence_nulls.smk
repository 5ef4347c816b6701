# Null models: rewired or other connectomes and turned maps, under the fitted parameters or fitted again.


# The whole search again, on training scans only; its price stands in the plan.
rule null_fits:
    input:
        connectomes=batch_connectomes,
        targets=batch_train_targets,
        start=fit_start,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        "results/nulls/{fit}/batch-{batch}_fits.tsv",
    log:
        "logs/null_fits/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/null_fits/{fit}_batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
        gpu=cards,
        histories=CONFIG["histories"]["folder"],
        other_device=CONFIG["histories"]["other_device"],
    params:
        units=batch_units,
        settings=fit_settings,
        nulls={key: NULLS[key] for key in ("kinds", "refits", "seed")},
        simulation_version=VERSIONS["simulation"],
        search_version=search_version,
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/null_fits.py"


rule nulls:
    input:
        fits="results/fits/{fit}/batch-{batch}_fits.tsv",
        null_fits=(
            ["results/nulls/{fit}/batch-{batch}_fits.tsv"] if NULLS["refits"] and NULLS["kinds"] else []
        ),
        connectomes=batch_connectomes,
        targets=batch_targets,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        nulls="results/nulls/{fit}/batch-{batch}_nulls.tsv",
        rewiring="results/nulls/{fit}/batch-{batch}_rewiring.tsv",
    log:
        "logs/nulls/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/nulls/{fit}_batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
        gpu=cards,
    params:
        units=batch_units,
        settings=fit_settings,
        splits=SPLITS,
        nulls=NULLS,
        first_seed=CONFIG["evaluation"]["first_seed"],
        simulation_version=VERSIONS["simulation"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/nulls.py"


rule null_tests:
    input:
        nulls=per_final("results/nulls/{fit}/batch-{batch}_nulls.tsv"),
        rewiring=per_final("results/nulls/{fit}/batch-{batch}_rewiring.tsv"),
        fits=per_final("results/fits/{fit}/batch-{batch}_fits.tsv"),
        null_fits=(
            per_final("results/nulls/{fit}/batch-{batch}_fits.tsv")
            if NULLS["refits"] and NULLS["kinds"]
            else []
        ),
    output:
        nulls="results/cohort/nulls.tsv",
        rewiring="results/cohort/rewiring.tsv",
        null_tests="results/cohort/null_tests.tsv",
    log:
        "logs/null_tests/cohort.log",
    benchmark:
        "results/benchmarks/null_tests/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        units=all_units,
        fits=list(FINAL),
        batches=lambda wildcards: COHORT.batches,
        nulls={key: NULLS[key] for key in ("kinds", "count", "refits")},
        evidence_version=VERSIONS["evidence"],
        statistics_version=VERSIONS["statistics"],
    script:
        "../workflow_scripts/evidence/null_tests.py"
