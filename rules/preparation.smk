# From the files of the manifest to connectomes and empirical targets in one order of nodes, and quality control.


if CONFIG["synthetic"]:

    rule make_synthetic_cohort:
        output:
            manifest=CONFIG["manifest"],
            participants=CONFIG["participants"],
            nodes=CONFIG["nodes"],
            truth=CONFIG["truth"],
            files=[row["path"] for row in planned_manifest()],
        log:
            "logs/make_synthetic_cohort/cohort.log",
        benchmark:
            "results/benchmarks/make_synthetic_cohort/cohort.tsv"
        conda:
            "../envs/workflow.yaml"
        threads: 8
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            synthetic=CONFIG["synthetic"],
            manifest=lambda wildcards: planned_manifest(),
            hemodynamics=bold.settled_hemodynamics(CONFIG["bold"]["hemodynamics"]),
            simulation_version=VERSIONS["simulation"],
        script:
            "../workflow_scripts/preparation/make_synthetic_cohort.py"


rule prepare_connectome:
    input:
        files=connectome_files,
        nodes=CONFIG["nodes"],
    output:
        npz="results/aligned/batch-{batch}_connectome.npz",
        json="results/aligned/batch-{batch}_connectome.json",
    log:
        "logs/prepare_connectome/batch-{batch}.log",
    benchmark:
        "results/benchmarks/prepare_connectome/batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        units=batch_units,
        rows=connectome_rows,
        options=CONNECTOME_READING,
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/preparation/prepare_connectome.py"


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
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        units=batch_units,
        rows=bold_rows,
        options=BOLD_READING,
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/preparation/prepare_bold.py"


rule common_nodes:
    input:
        connectomes=of_all_batches("results/aligned/batch-{batch}_connectome.npz"),
        scans=scans("json"),
        nodes=CONFIG["nodes"],
    output:
        nodes=NODES,
        missing="results/cohort/missing_nodes.tsv",
        json=COMMON,
        group=GROUP_CONNECTOME,
    log:
        "logs/common_nodes/cohort.log",
    benchmark:
        "results/benchmarks/common_nodes/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        units=all_units,
        largest_missing=CONFIG["node_policy"]["largest_missing"],
        duplicates=CONFIG["bold"]["duplicates"],
        connectome=CONNECTOME_SCALING,
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/preparation/common_nodes.py"


# What was decided for the cohort is an ancient input: a person added later runs nobody else's files again,
# unless the parameter node_set says that the decision is another one.
rule scale_connectome:
    input:
        npz="results/aligned/batch-{batch}_connectome.npz",
        json="results/aligned/batch-{batch}_connectome.json",
        common=lasting(COMMON),
        group=lasting(GROUP_CONNECTOME),
        nodes=lasting(NODES),
    output:
        npz="results/prepared/batch-{batch}_connectome.npz",
        json="results/prepared/batch-{batch}_connectome.json",
    log:
        "logs/scale_connectome/batch-{batch}.log",
    benchmark:
        "results/benchmarks/scale_connectome/batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        units=batch_units,
        connectome=CONNECTOME_SCALING,
        node_set=node_set,
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/preparation/scale_connectome.py"


rule empirical_targets:
    input:
        npz="results/prepared/batch-{batch}_bold.npz",
        json="results/prepared/batch-{batch}_bold.json",
        files=precomputed_files,
        common=lasting(COMMON),
        nodes=lasting(NODES),
        all_nodes=CONFIG["nodes"],
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
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        units=batch_units,
        rows=precomputed_rows,
        holdout=HOLDOUT,
        analysis=TARGETS_ANALYSIS,
        shortest=bold.select_lengths(CONFIG),
        needs_fcd=NEEDS_FCD,
        node_set=node_set,
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/preparation/empirical_targets.py"


rule quality_control:
    input:
        connectomes=connectomes(),
        scans=scans("json"),
        targets=targets(),
        common=COMMON,
        missing="results/cohort/missing_nodes.tsv",
        participants=given(CONFIG["participants"]),
    output:
        "results/cohort/qc.tsv",
    log:
        "logs/quality_control/cohort.log",
    benchmark:
        "results/benchmarks/quality_control/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        units=all_units,
        splits=SPLITS,
        limits=CONFIG["quality"],
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/preparation/quality_control.py"


# The cohort as if it were one person, for fits whose people start from the group.
rule group_average:
    input:
        connectomes=connectomes(),
        targets=targets(splits=["train"]),
        nodes=lasting(NODES),
    output:
        npz="results/group/{average}.npz",
        json="results/group/{average}.json",
    log:
        "logs/group_average/{average}.log",
    benchmark:
        "results/benchmarks/group_average/{average}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        units=all_units,
        group=start.GROUP,
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/preparation/group_average.py"
