# What `snakemake --report` begins with.
report: "../docs/captions/workflow.rst"


# Drawn batch by batch, so that a person who comes in later makes nobody else's pictures anew.
rule person_figures:
    input:
        targets=batch_targets,
        simulations=of_fits("results/evaluation/{fit}/batch-{batch}_simulations.npz"),
        convergence=of_fits("results/fits/{fit}/batch-{batch}_convergence.tsv"),
        states=of_fits("results/evaluation/{fit}/batch-{batch}_states.tsv"),
        expected=batch_landscapes,
        nodes=lasting(NODES),
    output:
        "results/person_figures/batch-{batch}.zip",
    log:
        "logs/person_figures/batch-{batch}.log",
    benchmark:
        "results/benchmarks/person_figures/batch-{batch}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        units=batch_units,
        splits=SPLITS,
        fits=list(FINAL),
        analysis=ANALYSIS,
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/report/person_figures.py"


rule report:
    input:
        fits="results/cohort/fits.tsv",
        convergence="results/cohort/convergence.tsv",
        front="results/cohort/front.tsv",
        evaluation="results/cohort/evaluation.tsv",
        states="results/cohort/states.tsv",
        qc="results/cohort/qc.tsv",
        missing_nodes="results/cohort/missing_nodes.tsv",
        exclusions="results/cohort/exclusions.tsv",
        recovery=["results/cohort/recovery.tsv"] if CONFIG["truth"] else [],
        provenance="results/cohort/provenance.json",
        baselines="results/cohort/baselines.tsv",
        optimism="results/cohort/optimism.tsv",
        fit_comparison="results/cohort/fit_comparison.tsv",
        statistics="results/cohort/statistics.tsv",
        statistics_models="results/cohort/statistics_models.tsv",
        map_association="results/cohort/map_association.tsv",
        reliability="results/cohort/reliability.tsv",
        edges="results/cohort/reliability_edges.npz",
        observables=["results/cohort/observables.tsv"] if CONFIG["analysis"]["observables"] else [],
        observable_agreement=(
            ["results/cohort/observable_agreement.tsv"] if CONFIG["analysis"]["observables"] else []
        ),
        identifiability="results/cohort/identifiability.tsv",
        parameter_correlations="results/cohort/parameter_correlations.tsv",
        profiles="results/cohort/profiles.tsv",
        expected_landscapes="results/cohort/expected_landscapes.tsv",
        planes=landscape_paths,
        step_costs=["results/cohort/step_costs.tsv"] if STEPS else [],
        experiments=["results/cohort/experiments.tsv"] if CONFIG["experiments"] else [],
        null_tests="results/cohort/null_tests.tsv",
        nulls="results/cohort/nulls.tsv",
        rewiring="results/cohort/rewiring.tsv",
        cross="results/cohort/cross.tsv",
        contrasts="results/cohort/contrasts.tsv",
        identification="results/cohort/identification.tsv",
        held_out_people="results/cohort/held_out_people.tsv",
        targets=targets(),
        drawings=of_all_batches("results/person_figures/batch-{batch}.zip"),
        participants=given(CONFIG["participants"]),
        nodes=NODES,
        brain="results/cohort/brain.npz",
        landscapes=per_batch("results/fits/{fit}/batch-{batch}_landscape.npz"),
        models=all_model_files(),
    output:
        page=report(
            "results/report/index.html",
            caption="../docs/captions/cohort.rst",
            category="Report",
            labels={"page": "cohort"},
        ),
        shared=report(
            "results/report/shared.html",
            caption="../docs/captions/shared.rst",
            category="Report",
            labels={"page": "aggregates"},
        ),
        methods="results/report/methods.html",
        references="results/report/references.bib",
        people=directory("results/report/people"),
    log:
        "logs/report/cohort.log",
    benchmark:
        "results/benchmarks/report/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        units=all_units,
        splits=SPLITS,
        fits=FITS,
        holdout=HOLDOUT,
        twins=twin_parts.digest(),
        statistics_version=VERSIONS["statistics"],
    script:
        "../workflow_scripts/report/report.py"


# The user's atlas, looked at once: which node every pixel of every view of the brain shows.
rule brain:
    input:
        nodes=CONFIG["nodes"],
        atlas=CONFIG["brain"]["atlas"],
        names=given(CONFIG["brain"]["names"]),
        surfaces=list((CONFIG["brain"]["surfaces"] or {}).values()),
    output:
        "results/cohort/brain.npz",
    log:
        "logs/brain/cohort.log",
    benchmark:
        "results/benchmarks/brain/cohort.tsv"
    # An atlas that does not fit is told before anything is computed.
    priority: 100
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        atlas=CONFIG["brain"]["atlas"],
        names=CONFIG["brain"]["names"],
        surfaces=CONFIG["brain"]["surfaces"],
        targets_version=VERSIONS["targets"],
    script:
        "../workflow_scripts/report/brain.py"
