# The search on training scans, and the best parameters again on training and held-out scans.


# The coarsest time step with the scores of the finest, for fits with simulation.dt: auto. Once chosen it is read when the workflow
# starts, and no input of the fits: people added later do not change it.
rule choose_time_step:
    input:
        connectomes="results/group/mean.npz",
        targets="results/group/mean.npz",
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        json=time_steps.RECORD,
    log:
        "logs/choose_time_step/{fit}.log",
    benchmark:
        "results/benchmarks/choose_time_step/{fit}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
        gpu=cards,
    params:
        units=[start.GROUP],
        settings=unsettled_settings,
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/fitting/choose_time_step.py"


# The search: training scans only, the people of a batch together.
rule fit:
    input:
        connectomes=batch_connectomes,
        targets=batch_train_targets,
        start=fit_start,
        candidates=start_candidates,
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
    # The longest way to the report leads through fits, their scores and the exchange between people.
    priority: 30
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
        gpu=cards,
        # Where checkpoints lie is no parameter: it changes no result, and nothing runs again because of it.
        histories=histories,
        other_device=CONFIG["histories"]["other_device"],
        shares=shares,
    params:
        units=batch_units,
        settings=fit_settings,
        simulation_version=VERSIONS["simulation"],
        search_version=search_version,
    script:
        "../workflow_scripts/fitting/fit.py"


# The fit of the group, whose best point the fits of people start from.
use rule fit as group_fit with:
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
    params:
        units=[start.GROUP],
        settings=group_settings,


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
    priority: 20
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
