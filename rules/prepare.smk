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
        npz="results/prepared/{unit}_connectome.npz",
        json="results/prepared/{unit}_connectome.json",
    log:
        "logs/prepare_connectome/{unit}.log",
    benchmark:
        "results/benchmarks/prepare_connectome/{unit}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        ids=unit_ids,
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
        npz="results/prepared/{unit}_bold.npz",
        json="results/prepared/{unit}_bold.json",
    log:
        "logs/prepare_bold/{unit}.log",
    benchmark:
        "results/benchmarks/prepare_bold/{unit}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        ids=unit_ids,
        rows=bold_rows,
        initial_volumes=CONFIG["bold"]["initial_volumes"],
        numerics=NUMERICS,
    script:
        "../workflow_scripts/prepare_bold.py"


rule empirical_targets:
    input:
        npz="results/prepared/{unit}_bold.npz",
        json="results/prepared/{unit}_bold.json",
        nodes=CONFIG["nodes"],
    output:
        npz="results/targets/{unit}_split-{split}_target.npz",
        json="results/targets/{unit}_split-{split}_target.json",
    log:
        "logs/empirical_targets/{unit}_split-{split}.log",
    benchmark:
        "results/benchmarks/empirical_targets/{unit}_split-{split}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        ids=unit_ids,
        holdout=HOLDOUT,
        analysis=ANALYSIS,
        needs_fcd=NEEDS_FCD,
        numerics=NUMERICS,
    script:
        "../workflow_scripts/empirical_targets.py"
