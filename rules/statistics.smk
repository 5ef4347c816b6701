# What parameters, states and scores have to do with the people (groups, age, motion) and with maps of the brain.
rule statistics:
    input:
        fits="results/cohort/fits.tsv",
        evaluation="results/cohort/evaluation.tsv",
        states="results/cohort/states.tsv",
        qc="results/cohort/qc.tsv",
        nodes=NODES,
        participants=given(CONFIG["participants"]),
        maps=[] if CONFIG["maps"] is None else CONFIG["maps"]["path"],
    output:
        statistics="results/cohort/statistics.tsv",
        models="results/cohort/statistics_models.tsv",
        map_association="results/cohort/map_association.tsv",
        dictionaries=multiext(
            "results/cohort/", "statistics.json", "statistics_models.json", "map_association.json"
        ),
    log:
        "logs/statistics/cohort.log",
    benchmark:
        "results/benchmarks/statistics/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        units=all_units,
        fits=FINAL,
        split=SPLITS[-1],
        statistics=CONFIG["statistics"],
        maps=CONFIG["maps"],
        statistics_version=VERSIONS["statistics"],
    script:
        "../workflow_scripts/statistics/statistics.py"
