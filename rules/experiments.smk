# Experiments on fitted people: lesions, and changes of parameters as by a drug.


rule perform_experiments:
    input:
        fits="results/fits/{fit}/batch-{batch}_fits.tsv",
        landscape="results/fits/{fit}/batch-{batch}_landscape.npz",
        evaluation="results/evaluation/{fit}/batch-{batch}_evaluation.tsv",
        connectomes=batch_connectomes,
        targets=batch_train_targets,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        "results/experiments/{fit}/batch-{batch}_experiments.tsv",
    log:
        "logs/perform_experiments/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/perform_experiments/{fit}_batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
        gpu=cards,
    params:
        units=batch_units,
        settings=fit_settings,
        experiments=CONFIG["experiments"],
        first_seed=CONFIG["evaluation"]["first_seed"],
        simulation_version=VERSIONS["simulation"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/experiments/perform_experiments.py"


rule experiment_table:
    input:
        tables=per_final("results/experiments/{fit}/batch-{batch}_experiments.tsv"),
    output:
        table="results/cohort/experiments.tsv",
        dictionary="results/cohort/experiments.json",
    log:
        "logs/experiment_table/cohort.log",
    benchmark:
        "results/benchmarks/experiment_table/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/experiments/experiment_table.py"
