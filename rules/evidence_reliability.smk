# How well sessions of the same people agree: parameters, regional read-outs, edges of the FC.
rule reliability:
    input:
        fits=per_final("results/fits/{fit}/batch-{batch}_fits.tsv"),
        states=per_final("results/evaluation/{fit}/batch-{batch}_states.tsv"),
        regional=per_final("results/evaluation/{fit}/batch-{batch}_regional_parameters.tsv"),
        simulations=per_final("results/evaluation/{fit}/batch-{batch}_simulations.npz"),
        targets=targets(splits=["train"]),
        nodes=NODES,
    output:
        table="results/cohort/reliability.tsv",
        edges="results/cohort/reliability_edges.npz",
    log:
        "logs/reliability/cohort.log",
    benchmark:
        "results/benchmarks/reliability/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        units=all_units,
        fits=FINAL,
        seeds=CONFIG["evaluation"]["seeds"],
        first_seed=CONFIG["evaluation"]["first_seed"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/reliability.py"


if CONFIG["analysis"]["observables"]:

    # Observables of scans and simulations beside each other, and how well the two scans of a person agree in them.
    rule observables:
        input:
            targets=targets(),
            simulations=per_final("results/evaluation/{fit}/batch-{batch}_simulations.npz"),
            evaluation=per_final("results/evaluation/{fit}/batch-{batch}_evaluation.tsv"),
        output:
            table="results/cohort/observables.tsv",
            agreement="results/cohort/observable_agreement.tsv",
        log:
            "logs/observables/cohort.log",
        benchmark:
            "results/benchmarks/observables/cohort.tsv"
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(30),
        params:
            units=all_units,
            splits=SPLITS,
            fits=list(FINAL),
            observables=CONFIG["analysis"]["observables"],
            evidence_version=VERSIONS["evidence"],
        script:
            "../workflow_scripts/evidence/observables.py"
