# The average of the cohort and its fit, for fits whose people start from the group.


rule group_average:
    input:
        connectomes=connectomes(BATCHES),
        targets=targets(BATCHES, splits=["train"]),
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
        units=all_units(),
        group=start.GROUP,
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/preparation/group_average.py"


rule group_fit:
    input:
        connectomes=group_average,
        targets=group_average,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        fits="results/group/{fit}_fits.tsv",
        convergence="results/group/{fit}_convergence.tsv",
        front="results/group/{fit}_front.tsv",
        landscape="results/group/{fit}_landscape.npz",
    log:
        "logs/group_fit/{fit}.log",
    benchmark:
        "results/benchmarks/group_fit/{fit}.tsv"
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
        units=[start.GROUP],
        settings=group_settings,
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/fitting/group_fit.py"
