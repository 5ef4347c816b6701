# Synthetic twins: people with known parameters, made and fitted with the settings of every fit (snakemake twins).


rule make_twins:
    input:
        fits=of_all_batches("results/fits/{fit}/batch-{batch}_fits.tsv"),
        connectomes=connectomes(),
        targets=targets(splits=["train"]),
        nodes=lasting(NODES),
        maps=fit_map_table,
        model=model_file,
    output:
        connectome="results/twins/{fit}/part-{part}_connectome.npz",
        connectome_json="results/twins/{fit}/part-{part}_connectome.json",
        target="results/twins/{fit}/part-{part}_target.npz",
        target_json="results/twins/{fit}/part-{part}_target.json",
        truth="results/twins/{fit}/part-{part}_truth.tsv",
    log:
        "logs/make_twins/{fit}_part-{part}.log",
    benchmark:
        "results/benchmarks/make_twins/{fit}_part-{part}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
        gpu=cards,
    params:
        units=all_units,
        settings=fit_settings,
        twins={key: CONFIG["twins"][key] for key in ("parameters", "first_seed", "seed")},
        numbers=lambda wildcards: TWINS[wildcards.part],
        simulation_version=VERSIONS["simulation"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/make_twins.py"


# Twins are read and searched like people.
use rule fit as twin_fits with:
    input:
        connectomes="results/twins/{twins_of}/part-{part}_connectome.npz",
        targets="results/twins/{twins_of}/part-{part}_target.npz",
        start=twin_start,
        candidates=twin_candidates,
        nodes=lasting(NODES),
        maps=fit_map_table,
        terms=term_files,
        model=model_file,
    output:
        fits="results/twins/{twins_of}/{fit}_part-{part}_fits.tsv",
        convergence=temp("results/twins/{twins_of}/{fit}_part-{part}_convergence.tsv"),
        front=temp("results/twins/{twins_of}/{fit}_part-{part}_front.tsv"),
        landscape=temp("results/twins/{twins_of}/{fit}_part-{part}_landscape.npz"),
    log:
        "logs/twin_fits/{twins_of}_{fit}_part-{part}.log",
    benchmark:
        "results/benchmarks/twin_fits/{twins_of}_{fit}_part-{part}.tsv"
    params:
        units=twin_units,


rule twin_recovery:
    input:
        truth=per_part("results/twins/{fit}/part-{part}_truth.tsv"),
        fits=per_part("results/twins/{fit}/{fit}_part-{part}_fits.tsv"),
        nodes=NODES,
        maps=map_tables(),
    output:
        twins="results/cohort/twins.tsv",
        recovery="results/cohort/twin_recovery.tsv",
        dictionaries=["results/cohort/twins.json", "results/cohort/twin_recovery.json"],
    log:
        "logs/twin_recovery/cohort.log",
    benchmark:
        "results/benchmarks/twin_recovery/cohort.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        fits=FINAL,
        twins=CONFIG["twins"],
        evidence_version=VERSIONS["evidence"],
    script:
        "../workflow_scripts/evidence/twin_recovery.py"
