"""What several stages share: the checked configuration, the units of the cohort, and functions of wildcards."""

import os
import sys

from workflow_scripts import readers
from workflow_scripts.cohort import (
    batches,
    folds,
    last_run,
    planned_cohort,
    primary_record,
    start_checks,
    statistical_models,
    tables,
    twin_parts,
)
from workflow_scripts.cohort.precomputed_rows import KINDS
from workflow_scripts.configuration import (
    bold,
    configuration,
    connectome,
    first_fits,
    method,
    objectives,
    simulation,
    start,
)
from workflow_scripts.configuration.analysis import resolve_analysis
from workflow_scripts.configuration.fit_settings import model_files, resolve_fit
from workflow_scripts.files import refusals, versions, writing
from workflow_scripts.fitting import claims, interruptions, time_steps

with refusals.shown_plainly():
    # The run that a user starts reads and checks everything; the jobs it starts find what concerns them in an index.
    if workflow.is_main_process:
        CONFIG, COHORT = start_checks.check_start(config, workflow.configfiles)
    else:
        CONFIG = configuration.validate(config)
        COHORT = planned_cohort.read_index(CONFIG) or planned_cohort.PlannedCohort(CONFIG)
    CONFIG = {**CONFIG, "batch_size": COHORT.batch_size}
    FITS = {name: time_steps.settle(resolve_fit(CONFIG, name), name) for name in CONFIG["fits"]}
# Fits that a protocol makes before another one are steps towards it: evidence is of the fits that are asked for.
STEPS = first_fits.steps(CONFIG["fits"])
FINAL = {name: settings for name, settings in FITS.items() if name not in STEPS}
HOLDOUT = COHORT.holdout
SPLITS = ["train"] if HOLDOUT == "none" else ["train", "test"]
ANALYSIS = resolve_analysis(CONFIG)
NULLS = CONFIG["evaluation"]["nulls"]
TWINS = twin_parts.split_twins(CONFIG["twins"]["count"], CONFIG["batch_size"])
NEEDS_FCD = configuration.needs_fcd(CONFIG)
# Targets hold the scans themselves where a term of the cost asks for them.
TARGETS_ANALYSIS = {**ANALYSIS, "keeps_bold": True} if objectives.wants_scans(FITS.values()) else ANALYSIS
VERSIONS = versions.parameters()
# What is recorded of the last run decides what is planned; a job was planned already.
SETTLED = workflow.is_main_process and last_run.had_settings(CONFIG, HOLDOUT)
CONNECTOME_READING = connectome.select_reading(CONFIG)
CONNECTOME_SCALING = connectome.select_scaling(CONFIG)
BOLD_READING = bold.select_preparation(CONFIG)
# The node table of the analysis, and what else was decided for the whole cohort.
NODES, COMMON = "results/cohort/nodes.tsv", "results/cohort/common_nodes.json"
GROUP_CONNECTOME = "results/cohort/average_connectome.npz"

# A default that was written down gives way to a protocol, which is said.
if workflow.is_main_process:
    for text in simulation.remark_defaults(CONFIG, config.get("simulation") or {}):
        print(f"Note: {text}", file=sys.stderr)


# Too few people for a statistical model are told before the first job as well.
if workflow.is_main_process and statistical_models.has_people(CONFIG):
    from workflow_scripts.statistics import planned_designs  # slow to import

    with refusals.shown_plainly():
        for text in planned_designs.check(CONFIG, COHORT.units()):
            print(f"Note: {text}", file=sys.stderr)


# Scripts of a job that was submitted end before its time is over.
if workflow.remote_exec:
    os.environ[interruptions.SUBMITTED] = "1"


wildcard_constraints:
    split="train|test",
    fit="[A-Za-z0-9-]+",
    average="mean|consensus",
    batch=r"\d+",
    part=r"\d+",
    twins_of="[A-Za-z0-9-]+",
    fold=r"\d+",


include: "functions/preparation.smk"
include: "functions/fitting.smk"
include: "functions/evidence.smk"
include: "functions/export.smk"
include: "functions/planning.smk"


def connectomes(ending="npz"):
    """A function that gives the prepared connectomes of all batches."""
    return of_all_batches(f"results/prepared/batch-{{batch}}_connectome.{ending}")


def scans(ending="npz"):
    """A function that gives the prepared scans of all batches."""
    return of_all_batches(f"results/prepared/batch-{{batch}}_bold.{ending}")


def targets(splits=SPLITS, ending="npz"):
    """A function that gives the empirical targets of all batches, the split changing fastest."""
    return lambda wildcards: [
        f"results/targets/batch-{batch}_split-{split}_target.{ending}"
        for batch in COHORT.batches
        for split in splits
    ]


def batch_connectomes(wildcards):
    """Prepared connectomes of a batch."""
    return [f"results/prepared/batch-{wildcards.batch}_connectome.npz"]


def batch_train_targets(wildcards):
    """Targets a fit may see: those of the training split."""
    return [f"results/targets/batch-{wildcards.batch}_split-train_target.npz"]


def batch_targets(wildcards):
    """Targets an evaluation may see: those of every split."""
    return [f"results/targets/batch-{wildcards.batch}_split-{split}_target.npz" for split in SPLITS]


def batch_units(wildcards):
    """Units of a batch, each with its participant and session."""
    return COHORT.people(wildcards.batch)


def lasting(path):
    """What was made of the whole cohort, as an input that makes nobody run again because people were added.

    Behind such an input Snakemake overlooks changed parameters of the job itself, so settings must be those of
    the last complete run.
    """
    return ancient(path) if SETTLED else path


def all_units(wildcards):
    """Units of the cohort, batch by batch, each with its participant and session."""
    return COHORT.people()


def families_of_people(wildcards):
    """Family of every participant whose family is known."""
    return folds.families(CONFIG)


def fit_settings(wildcards):
    """Resolved settings of a fit."""
    return time_steps.require(FITS[wildcards.fit], wildcards.fit)


def fit_map_table(wildcards):
    """Table of maps, for a fit whose parameters follow maps."""
    maps = FITS[wildcards.fit]["maps"]
    return [] if maps is None else maps["path"]


def map_tables():
    """Table of maps, if any fit needs it."""
    return sorted({fit["maps"]["path"] for fit in FITS.values() if fit["maps"] is not None})


def term_files(wildcards):
    """Files with terms of the user's own that enter the cost of a fit."""
    return [term["file"] for term in FITS[wildcards.fit]["terms"].values()]


def all_term_files():
    """Files with terms of the user's own, of all fits."""
    return sorted({term["file"] for fit in FITS.values() for term in fit["terms"].values()})


def model_file(wildcards):
    """File with a model of the user's own."""
    return model_files(FITS[wildcards.fit])


def all_model_files():
    """Files with models of the user's own, of all fits."""
    return sorted({path for fit in FITS.values() for path in model_files(fit)})


def growing(amount):
    """An amount of memory or minutes that grows with every attempt at a job."""
    return lambda wildcards, attempt: amount * attempt


def cards(wildcards):
    """GPUs of a job: one where the fit asks for the engine that needs it; for others the profile says so."""
    return int(FITS[wildcards.fit]["simulation"]["backend"] == "cuda")


def per_batch(pattern):
    """A function that gives a file for every fit and batch."""
    return lambda wildcards: [
        pattern.format(fit=fit, batch=batch) for fit in FITS for batch in COHORT.batches
    ]


def per_final(pattern):
    """A function that gives a file for every batch and every fit that is no step towards another."""
    return lambda wildcards: [
        pattern.format(fit=fit, batch=batch) for fit in FINAL for batch in COHORT.batches
    ]


def of_all_batches(pattern):
    """A function that gives a file for every batch, the other wildcards being those of the job."""
    return lambda wildcards: [pattern.format(batch=batch, **wildcards) for batch in COHORT.batches]


def given(path):
    """A table that need not exist: its path, or nothing."""
    return [] if path is None else path


def of_fits(pattern):
    """Paths of every fit that is no step towards another, of the batch of a job."""
    return [pattern.replace("{fit}", fit) for fit in FINAL]
