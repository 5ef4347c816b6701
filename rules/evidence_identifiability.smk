# Can the parameters be told apart? Profiles of the cost, restarts, trade-offs.


rule profiles:
    input:
        fits="results/fits/{fit}/batch-{batch}_fits.tsv",
        connectomes=batch_connectomes,
        targets=batch_train_targets,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        profiles="results/profiles/{fit}/batch-{batch}_profiles.tsv",
        searches="results/profiles/{fit}/batch-{batch}_searches.tsv",
    log:
        "logs/profiles/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/profiles/{fit}_batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
        gpu=cards,
        histories=CONFIG["histories"]["folder"],
    params:
        units=batch_units,
        profiled=profiled_units,
        settings=fit_settings,
        points=CONFIG["evaluation"]["profile"]["points"],
        seeds=CONFIG["evaluation"]["profile"]["seeds"],
        first_seed=CONFIG["evaluation"]["first_seed"],
        simulation_version=VERSIONS["simulation"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/profiles.py"


# The expected cost over pairs of parameters, by linear response: of everybody, since nothing but short noisy runs is simulated.
rule expected_landscapes:
    input:
        fits="results/fits/{fit}/batch-{batch}_fits.tsv",
        evaluation="results/evaluation/{fit}/batch-{batch}_evaluation.tsv",
        connectomes=batch_connectomes,
        targets=batch_train_targets,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        "results/landscapes/{fit}/batch-{batch}_landscapes.tsv",
    log:
        "logs/expected_landscapes/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/expected_landscapes/{fit}_batch-{batch}.tsv"
    priority: 5
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
        landscapes=CONFIG["evaluation"]["landscapes"],
        linear_version=linear_version,
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/expected_landscapes.py"


rule landscape_table:
    input:
        landscapes=landscape_paths,
    output:
        table="results/cohort/expected_landscapes.tsv",
        dictionary="results/cohort/expected_landscapes.json",
    log:
        "logs/landscape_table/cohort.log",
    benchmark:
        "results/benchmarks/landscape_table/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/landscape_table.py"


rule identifiability:
    input:
        fits=per_final("results/fits/{fit}/batch-{batch}_fits.tsv"),
        evaluation=per_final("results/evaluation/{fit}/batch-{batch}_evaluation.tsv"),
        profiles=per_final("results/profiles/{fit}/batch-{batch}_profiles.tsv"),
        searches=per_final("results/profiles/{fit}/batch-{batch}_searches.tsv"),
    output:
        table="results/cohort/identifiability.tsv",
        correlations="results/cohort/parameter_correlations.tsv",
        profiles="results/cohort/profiles.tsv",
    log:
        "logs/identifiability/cohort.log",
    benchmark:
        "results/benchmarks/identifiability/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        fits=FINAL,
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/identifiability.py"
