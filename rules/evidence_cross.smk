# Is anything personal? Parameters, connectomes and scans of different people, crossed without fitting again;
# and people held out: scored with parameters of a group that they were no part of.


# What jobs of the cross need of people in other batches, as an input that lasts when people are added.
rule cross_people:
    input:
        connectomes=connectomes(),
        targets=targets(),
    output:
        connectomes=multiext("results/cross/connectomes", ".npz", ".json"),
        targets=[f"results/cross/split-{split}.{ending}" for split in SPLITS for ending in ("npz", "json")],
        group="results/cross/group.npz",
    log:
        "logs/cross_people/cohort.log",
    benchmark:
        "results/benchmarks/cross_people/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        units=all_units,
        splits=SPLITS,
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/cross_people.py"


rule cross_parameters:
    input:
        fits=of_all_batches("results/fits/{fit}/batch-{batch}_fits.tsv"),
        regional_parameters=of_all_batches("results/evaluation/{fit}/batch-{batch}_regional_parameters.tsv"),
    output:
        fits="results/cross/{fit}_fits.tsv",
        regional_parameters="results/cross/{fit}_regional_parameters.tsv",
    log:
        "logs/cross_parameters/{fit}.log",
    benchmark:
        "results/benchmarks/cross_parameters/{fit}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/cross_parameters.py"


rule cross:
    input:
        fits="results/fits/{fit}/batch-{batch}_fits.tsv",
        regional_parameters="results/evaluation/{fit}/batch-{batch}_regional_parameters.tsv",
        connectomes=batch_connectomes,
        targets=batch_targets,
        people=lasting("results/cross/connectomes.npz"),
        scans=[lasting(f"results/cross/split-{split}.npz") for split in SPLITS],
        group=lasting("results/cross/group.npz"),
        all_fits=lasting("results/cross/{fit}_fits.tsv"),
        all_regional_parameters=lasting("results/cross/{fit}_regional_parameters.tsv"),
        nodes=lasting(NODES),
        terms=term_files,
        model=model_file,
    output:
        "results/cross/{fit}_batch-{batch}_cross.tsv",
    log:
        "logs/cross/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/cross/{fit}_batch-{batch}.tsv"
    priority: 10
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
        splits=SPLITS,
        others=CONFIG["evaluation"]["others"],
        seeds=CONFIG["evaluation"]["cross_seeds"],
        first_seed=CONFIG["evaluation"]["first_seed"],
        simulation_version=VERSIONS["simulation"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/cross.py"


# The training people of a fold as if they were one person.
use rule group_average as fold_average with:
    output:
        npz="results/folds/fold-{fold}_{average}.npz",
        json="results/folds/fold-{fold}_{average}.json",
    log:
        "logs/fold_average/fold-{fold}_{average}.log",
    benchmark:
        "results/benchmarks/fold_average/fold-{fold}_{average}.tsv"
    params:
        units=training_units,
        group=fold_group,


# People who are added are in no training group that was fitted before: their fold's fit serves them as it is.
use rule fit as fold_fit with:
    input:
        connectomes=fold_averages,
        targets=fold_averages,
        start=fold_start,
        candidates=fold_candidates,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        fits="results/folds/{fit}_fits.tsv",
        convergence="results/folds/{fit}_convergence.tsv",
        front="results/folds/{fit}_front.tsv",
        landscape="results/folds/{fit}_landscape.npz",
    log:
        "logs/fold_fit/{fit}.log",
    benchmark:
        "results/benchmarks/fold_fit/{fit}.tsv"
    # Folds are not on the longest way, as the fits of people are.
    priority: 0
    params:
        units=fold_groups,
        settings=fold_settings,


rule held_out_people:
    input:
        fits=lasting("results/folds/{fit}_fits.tsv"),
        connectomes=batch_connectomes,
        targets=batch_targets,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        "results/folds/{fit}_batch-{batch}_held_out_people.tsv",
    log:
        "logs/held_out_people/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/held_out_people/{fit}_batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
        gpu=cards,
    params:
        units=batch_units_with_folds,
        settings=fit_settings,
        splits=SPLITS,
        seeds=CONFIG["evaluation"]["cross_seeds"],
        first_seed=CONFIG["evaluation"]["first_seed"],
        simulation_version=VERSIONS["simulation"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/held_out_people.py"


rule cross_tables:
    input:
        cross=(
            per_final("results/cross/{fit}_batch-{batch}_cross.tsv")
            if CONFIG["evaluation"]["others"]
            else []
        ),
        held_out_people=held_out_people,
        evaluation=per_final("results/evaluation/{fit}/batch-{batch}_evaluation.tsv"),
        simulations=per_final("results/evaluation/{fit}/batch-{batch}_simulations.npz"),
        targets=targets(),
    output:
        cross="results/cohort/cross.tsv",
        held_out_people="results/cohort/held_out_people.tsv",
        contrasts="results/cohort/contrasts.tsv",
        identification="results/cohort/identification.tsv",
    log:
        "logs/cross_tables/cohort.log",
    benchmark:
        "results/benchmarks/cross_tables/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        units=all_units,
        fits=list(FINAL),
        batches=lambda wildcards: COHORT.batches,
        splits=SPLITS,
        evidence_version=VERSIONS["evidence"],
        statistics_version=VERSIONS["statistics"],
    script:
        "../workflow_scripts/evidence/cross_tables.py"
