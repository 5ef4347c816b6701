"""Personalised brain network models of a cohort: a table of contents. The wiring is in rules/, the work in workflow_scripts/."""

from snakemake.utils import min_version

min_version("9.19")

# A configuration of the user's takes the place of the demo's: merged, its cohort would be a mixture of both.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/preparation.smk"
include: "rules/fitting.smk"
include: "rules/evidence_baselines.smk"
include: "rules/evidence_cross.smk"
include: "rules/evidence_reliability.smk"
include: "rules/evidence_identifiability.smk"
include: "rules/evidence_nulls.smk"
include: "rules/evidence_twins.smk"
include: "rules/experiments.smk"
include: "rules/statistics.smk"
include: "rules/export.smk"
include: "rules/report.smk"
include: "rules/planning.smk"


# Keeps who is in which batch, what jobs need of the cohort, and the settings of fits that they share; removes what killed jobs have
# left. A dry run and a plan leave no trace.
onstart:
    if "plan" not in workflow.dag_settings.targets:
        COHORT.write()
        primary_record.write(CONFIG)
        claims.write(CONFIG["histories"]["folder"], FITS)
        writing.remove_left("results")


localrules:
    all,
    prepare,
    time_steps,
    fits,
    evaluations,
    cohort,
    twins,
    plan,
    forget_failed,


# The whole way: from the manifest to the report.
rule all:
    default_target: True
    input:
        "results/report/index.html",


# Connectomes, scans and empirical targets only, who lacks which node, and quality control: to be looked at before any fit.
rule prepare:
    input:
        connectomes(),
        targets(),
        "results/cohort/missing_nodes.tsv",
        "results/cohort/qc.tsv",


# The time steps of fits with simulation.dt: auto, to be chosen before the fits.
rule time_steps:
    input:
        chosen_steps,


# Every fit, no evaluation.
rule fits:
    input:
        per_batch("results/fits/{fit}/batch-{batch}_fits.tsv"),


# Every fit and its scores on training and held-out scans.
rule evaluations:
    input:
        per_batch("results/evaluation/{fit}/batch-{batch}_evaluation.tsv"),


# The tables of the cohort, no report.
rule cohort:
    input:
        rules.cohort_tables.output,
        rules.compare_fits.output,
        rules.statistics.output,


# Would these settings find the truth? Costs as many fits as there are twins; the next report shows it.
rule twins:
    input:
        rules.twin_recovery.output,
