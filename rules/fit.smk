rule fit:
    input:
        connectomes=batch_connectomes,
        targets=batch_train_targets,
        start=group_start,
        nodes=CONFIG["nodes"],
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        fits="results/fits/{fit}/batch-{batch}_fits.tsv",
        convergence="results/fits/{fit}/batch-{batch}_convergence.tsv",
    log:
        "logs/fit/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/fit/{fit}_batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=720,
    params:
        units=batch_units,
        settings=fit_settings,
        numerics=NUMERICS,
    script:
        "../workflow_scripts/fit.py"
