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
