# The search: training scans only, the people of a batch together.
rule fit:
    input:
        connectomes=batch_connectomes,
        targets=batch_train_targets,
        start=fit_start,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        fits="results/fits/{fit}/batch-{batch}_fits.tsv",
        convergence="results/fits/{fit}/batch-{batch}_convergence.tsv",
        front="results/fits/{fit}/batch-{batch}_front.tsv",
        landscape="results/fits/{fit}/batch-{batch}_landscape.npz",
    log:
        "logs/fit/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/fit/{fit}_batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
        gpu=cards,
        # Where checkpoints lie is no parameter: it changes no result, and nothing runs again because of it.
        histories=CONFIG["histories"]["folder"],
        other_device=CONFIG["histories"]["other_device"],
        shares=int(CONFIG["histories"]["shared"]),
    params:
        units=batch_units,
        settings=fit_settings,
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/fitting/fit.py"
