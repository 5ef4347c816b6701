# What predicts a scan without a neural model, and whether fits do better: than these, and than each other.


rule global_signal:
    input:
        connectomes=batch_connectomes,
        targets=batch_targets,
        nodes=lasting(NODES),
    output:
        "results/baselines/batch-{batch}_global_signal.tsv",
    log:
        "logs/global_signal/batch-{batch}.log",
    benchmark:
        "results/benchmarks/global_signal/batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        units=batch_units,
        fits=global_signal_settings(),
        splits=SPLITS,
        seeds=CONFIG["evaluation"]["seeds"],
        first_seed=CONFIG["evaluation"]["first_seed"],
        simulation_version=VERSIONS["simulation"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/global_signal.py"


rule baselines:
    input:
        connectomes=connectomes(),
        targets=targets(),
        global_signal=of_all_batches("results/baselines/batch-{batch}_global_signal.tsv"),
        nodes=NODES,
        qc="results/cohort/qc.tsv",
    output:
        "results/cohort/baselines.tsv",
    log:
        "logs/baselines/cohort.log",
    benchmark:
        "results/benchmarks/baselines/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        units=all_units,
        families=families_of_people,
        splits=SPLITS,
        analysis=ANALYSIS,
        evidence_version=VERSIONS["evidence"],
        measures=2,  # raised with every measure that is added here: no other evidence is computed again
    script:
        "../workflow_scripts/evidence/baselines.py"


if STEPS:

    # What each step of a protocol promised, and what simulations gave: of fits that begin with linear response.
    rule step_costs:
        input:
            fits="results/cohort/fits.tsv",
            evaluation="results/cohort/evaluation.tsv",
            landscapes=per_batch("results/fits/{fit}/batch-{batch}_landscape.npz"),
        output:
            table="results/cohort/step_costs.tsv",
            dictionary="results/cohort/step_costs.json",
        log:
            "logs/step_costs/cohort.log",
        benchmark:
            "results/benchmarks/step_costs/cohort.tsv"
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(30),
        params:
            units=all_units,
            fits=FITS,
            steps=STEPS,
            evidence_version=VERSIONS["evidence"],
        script:
            "../workflow_scripts/evidence/step_costs.py"


rule compare_fits:
    input:
        fits="results/cohort/fits.tsv",
        evaluation="results/cohort/evaluation.tsv",
        baselines="results/cohort/baselines.tsv",
    output:
        optimism="results/cohort/optimism.tsv",
        comparison="results/cohort/fit_comparison.tsv",
        dictionaries=multiext("results/cohort/", "optimism.json", "fit_comparison.json"),
    log:
        "logs/compare_fits/cohort.log",
    benchmark:
        "results/benchmarks/compare_fits/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        fits=FINAL,
        evidence_version=VERSIONS["evidence"],
        statistics_version=VERSIONS["statistics"],
    script:
        "../workflow_scripts/evidence/compare_fits.py"
