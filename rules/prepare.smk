if CONFIG["synthetic"]:

    rule make_synthetic_cohort:
        output:
            manifest=CONFIG["manifest"],
            participants=CONFIG["participants"],
            nodes=CONFIG["nodes"],
            truth=CONFIG["truth"],
            files=[row["path"] for row in MANIFEST],
        log:
            "logs/make_synthetic_cohort/cohort.log",
        benchmark:
            "results/benchmarks/make_synthetic_cohort/cohort.tsv"
        conda:
            "../envs/workflow.yaml"
        threads: 8
        resources:
            mem_mb=4000,
            runtime=60,
        params:
            synthetic=CONFIG["synthetic"],
            manifest=MANIFEST,
            hemodynamics=settings.hemodynamics_name(CONFIG["bold"]),
            numerics=NUMERICS,
        script:
            "../workflow_scripts/make_synthetic_cohort.py"


rule prepare_connectome:
    input:
        files=connectome_files,
        nodes=CONFIG["nodes"],
    output:
        npz="results/prepared/batch-{batch}_connectome.npz",
        json="results/prepared/batch-{batch}_connectome.json",
    log:
        "logs/prepare_connectome/batch-{batch}.log",
    benchmark:
        "results/benchmarks/prepare_connectome/batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        units=batch_units,
        rows=connectome_rows,
        source=CONFIG["connectome"]["source"],
        scaling=CONFIG["connectome"]["scaling"],
        numerics=NUMERICS,
    script:
        "../workflow_scripts/prepare_connectome.py"


rule prepare_bold:
    input:
        files=bold_files,
        nodes=CONFIG["nodes"],
    output:
        npz="results/prepared/batch-{batch}_bold.npz",
        json="results/prepared/batch-{batch}_bold.json",
    log:
        "logs/prepare_bold/batch-{batch}.log",
    benchmark:
        "results/benchmarks/prepare_bold/batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        units=batch_units,
        rows=bold_rows,
        initial_volumes=CONFIG["bold"]["initial_volumes"],
        numerics=NUMERICS,
    script:
        "../workflow_scripts/prepare_bold.py"


rule empirical_targets:
    input:
        npz="results/prepared/batch-{batch}_bold.npz",
        json="results/prepared/batch-{batch}_bold.json",
        files=precomputed_files,
        nodes=CONFIG["nodes"],
    output:
        npz="results/targets/batch-{batch}_split-{split}_target.npz",
        json="results/targets/batch-{batch}_split-{split}_target.json",
    log:
        "logs/empirical_targets/batch-{batch}_split-{split}.log",
    benchmark:
        "results/benchmarks/empirical_targets/batch-{batch}_split-{split}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        units=batch_units,
        rows=precomputed_rows,
        holdout=HOLDOUT,
        analysis=ANALYSIS,
        needs_fcd=NEEDS_FCD,
        numerics=NUMERICS,
    script:
        "../workflow_scripts/empirical_targets.py"
