"""What several stages share: the checked configuration, the units of the cohort, and functions of wildcards."""

import os

from workflow_scripts import readers
from workflow_scripts.cohort import batches, folds, last_run, statistical_models, tables, twin_parts
from workflow_scripts.cohort.precomputed_rows import KINDS
from workflow_scripts.configuration import bold, configuration, connectome, messages, start
from workflow_scripts.configuration.analysis import resolve_analysis
from workflow_scripts.configuration.fit_settings import model_files, resolve_fit
from workflow_scripts.files import versions
from workflow_scripts.fitting import claims, interruptions

CONFIG = configuration.validate(config)
MANIFEST = tables.read_tables(CONFIG)
UNITS = tables.units(MANIFEST, CONFIG["connectome"]["source"], tables.session_rule(CONFIG))
PACKED = batches.read()  # in earlier runs
BATCHES = batches.pack(UNITS, CONFIG["batch_size"], PACKED)
FITS = {name: resolve_fit(CONFIG, name) for name in CONFIG["fits"]}
FOLDS = folds.parted(
    UNITS,
    batches.joined(BATCHES, CONFIG["batch_size"], PACKED),
    CONFIG["evaluation"]["folds"],
    folds.families(CONFIG),
)
HOLDOUT = tables.resolved_holdout(MANIFEST, CONFIG["holdout"])
SPLITS = ["train"] if HOLDOUT == "none" else ["train", "test"]
ANALYSIS = resolve_analysis(CONFIG)
NULLS = CONFIG["evaluation"]["nulls"]
TWINS = twin_parts.parted(CONFIG["twins"]["count"], CONFIG["batch_size"])
NEEDS_FCD = configuration.needs_fcd(CONFIG)
VERSIONS = versions.parameters()
SETTLED = last_run.had_settings(CONFIG, HOLDOUT)
CONNECTOME_READING = connectome.select_reading(CONFIG)
CONNECTOME_SCALING = connectome.select_scaling(CONFIG)
BOLD_READING = bold.select_preparation(CONFIG)
# The node table of the analysis, and what else was decided for the whole cohort.
NODES, COMMON = "results/cohort/nodes.tsv", "results/cohort/common_nodes.json"
GROUP_CONNECTOME = "results/cohort/average_connectome.npz"

# Only the run that a user starts looks at the files; the jobs it starts need not look again.
if workflow.is_main_process and CONFIG["synthetic"] is None:
    messages.raise_problems(
        "Files of the manifest cannot be read", tables.missing_files(MANIFEST, CONFIG["manifest"])
    )


# Statistical models are read before the first job as well, lest a slip in a formula shows after all fits.
if workflow.is_main_process:
    messages.raise_problems(
        "The statistical models cannot be used", statistical_models.check(CONFIG)
    )


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


def ids(unit):
    """Unit with its participant and session, as they stand in every table."""
    return {"unit": unit, **{key: UNITS[unit][key] for key in ("participant_id", "session_id")}}


def connectomes(batches, ending="npz"):
    """Prepared connectomes."""
    return [f"results/prepared/batch-{batch}_connectome.{ending}" for batch in batches]


def scans(batches, ending="npz"):
    """Prepared scans."""
    return [f"results/prepared/batch-{batch}_bold.{ending}" for batch in batches]


def targets(batches, splits=SPLITS, ending="npz"):
    """Empirical targets, the split changing fastest."""
    names = [f"batch-{batch}_split-{split}" for batch in batches for split in splits]
    return [f"results/targets/{name}_target.{ending}" for name in names]


def batch_connectomes(wildcards):
    """Prepared connectomes of a batch."""
    return connectomes([wildcards.batch])


def batch_train_targets(wildcards):
    """Targets a fit may see: those of the training split."""
    return targets([wildcards.batch], splits=["train"])


def batch_targets(wildcards):
    """Targets an evaluation may see: those of every split."""
    return targets([wildcards.batch])


def batch_units(wildcards):
    """Units of a batch, each with its participant and session."""
    return [ids(unit) for unit in BATCHES[wildcards.batch]]


def lasting(path):
    """What was made of the whole cohort, as an input that makes nobody run again because people were added.

    Behind such an input Snakemake overlooks changed parameters of the job itself, so settings must be those of
    the last complete run.
    """
    return ancient(path) if SETTLED else path


def all_units():
    """Units of the cohort, batch by batch, each with its participant and session."""
    return [ids(unit) for members in BATCHES.values() for unit in members]


def fit_settings(wildcards):
    """Resolved settings of a fit."""
    return FITS[wildcards.fit]


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
    """A file for every fit and batch."""
    return [pattern.format(fit=fit, batch=batch) for fit in FITS for batch in BATCHES]


def of_all_batches(pattern):
    """A function that gives the files of one fit, one for every batch."""
    return lambda wildcards: [pattern.format(fit=wildcards.fit, batch=batch) for batch in BATCHES]


def given(path):
    """A table that need not exist: its path, or nothing."""
    return [] if path is None else path


def of_fits(pattern):
    """Paths of every fit, of the batch of a job."""
    return [pattern.replace("{fit}", fit) for fit in FITS]
