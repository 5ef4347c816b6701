# What leaves the workflow: tables of the cohort, and the results as a BIDS derivative.


# Tables of all batches together, with versions, settings, seeds and hashes of the inputs.
rule cohort_tables:
    input:
        fits=per_batch("results/fits/{fit}/batch-{batch}_fits.tsv"),
        convergence=per_batch("results/fits/{fit}/batch-{batch}_convergence.tsv"),
        front=per_batch("results/fits/{fit}/batch-{batch}_front.tsv"),
        evaluation=per_batch("results/evaluation/{fit}/batch-{batch}_evaluation.tsv"),
        states=per_batch("results/evaluation/{fit}/batch-{batch}_states.tsv"),
        regional_parameters=per_batch("results/evaluation/{fit}/batch-{batch}_regional_parameters.tsv"),
        baselines="results/cohort/baselines.tsv",
        reliability="results/cohort/reliability.tsv",
        identifiability="results/cohort/identifiability.tsv",
        parameter_correlations="results/cohort/parameter_correlations.tsv",
        profiles="results/cohort/profiles.tsv",
        nulls=rules.null_tests.output,
        cross=rules.cross_tables.output,
        connectomes=connectomes("json"),
        bold=scans("json"),
        targets=targets(ending="json"),
        manifest=CONFIG["manifest"],
        participants=given(CONFIG["participants"]),
        left_out=given(CONFIG["left_out"]),
        qc="results/cohort/qc.tsv",
        missing="results/cohort/missing_nodes.tsv",
        nodes=CONFIG["nodes"],
        analysis_nodes=NODES,
        maps=map_tables(),
        terms=all_term_files(),
        models=all_model_files(),
        truth=given(CONFIG["truth"]),
    output:
        fits=report(
            "results/cohort/fits.tsv",
            caption="../docs/captions/table.rst",
            category="Tables",
            labels={"table": "fits"},
        ),
        convergence="results/cohort/convergence.tsv",
        front="results/cohort/front.tsv",
        evaluation=report(
            "results/cohort/evaluation.tsv",
            caption="../docs/captions/table.rst",
            category="Tables",
            labels={"table": "scores"},
        ),
        states="results/cohort/states.tsv",
        regional_parameters="results/cohort/regional_parameters.tsv",
        coupling="results/cohort/coupling.tsv",
        exclusions=report(
            "results/cohort/exclusions.tsv",
            caption="../docs/captions/table.rst",
            category="Tables",
            labels={"table": "exclusions and failures"},
        ),
        recovery=["results/cohort/recovery.tsv"] if CONFIG["truth"] else [],
        provenance="results/cohort/provenance.json",
        dictionaries=data_dictionaries(),
    log:
        "logs/cohort_tables/cohort.log",
    benchmark:
        "results/benchmarks/cohort_tables/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        units=all_units,
        batches=lambda wildcards: COHORT.batches,
        splits=SPLITS,
        fits=FITS,
        config=CONFIG,
        holdout=HOLDOUT,
        simulation_version=VERSIONS["simulation"],
        targets_version=VERSIONS["targets"],
        evidence_version=VERSIONS["evidence"],
        statistics_version=VERSIONS["statistics"],
    script:
        "../workflow_scripts/export/cohort_tables.py"


# The results as a BIDS derivative. Not a part of `all`: text files per person are for other tools, and many.
rule export:
    input:
        connectomes=connectomes(),
        scans=scans("json"),
        targets=targets(),
        fits=per_batch("results/fits/{fit}/batch-{batch}_fits.tsv"),
        evaluation=per_batch("results/evaluation/{fit}/batch-{batch}_evaluation.tsv"),
        states=per_batch("results/evaluation/{fit}/batch-{batch}_states.tsv"),
        regional_parameters=per_batch("results/evaluation/{fit}/batch-{batch}_regional_parameters.tsv"),
        nodes=NODES,
        manifest=CONFIG["manifest"],
        participants=given(CONFIG["participants"]),
    output:
        directory("results/derivatives"),
    log:
        "logs/export/cohort.log",
    benchmark:
        "results/benchmarks/export/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        units=all_units,
        splits=SPLITS,
        fits=FITS,
        dataset=CONFIG["dataset"],
        simulation_version=VERSIONS["simulation"],
    script:
        "../workflow_scripts/export/export.py"
