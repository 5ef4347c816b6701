# The best parameters of everybody again, over fresh noise, on training and held-out scans.
rule evaluate:
    input:
        fits="results/fits/{fit}/batch-{batch}_fits.tsv",
        connectomes=batch_connectomes,
        targets=batch_targets,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        evaluation="results/evaluation/{fit}/batch-{batch}_evaluation.tsv",
        states="results/evaluation/{fit}/batch-{batch}_states.tsv",
        regional_parameters="results/evaluation/{fit}/batch-{batch}_regional_parameters.tsv",
        simulations="results/evaluation/{fit}/batch-{batch}_simulations.npz",
    log:
        "logs/evaluate/{fit}_batch-{batch}.log",
    benchmark:
        "results/benchmarks/evaluate/{fit}_batch-{batch}.tsv"
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
        splits=SPLITS,
        seeds=CONFIG["evaluation"]["seeds"],
        first_seed=CONFIG["evaluation"]["first_seed"],
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/fitting/evaluate.py"
