"""Everything the rules share: the checked configuration, the units of the cohort, and functions of wildcards."""

import os

import cubnm_core
from workflow_scripts import readers
from workflow_scripts.cohort import batches, folds, last_run, statistical_models, tables, twin_parts
from workflow_scripts.cohort.precomputed_rows import KINDS
from workflow_scripts.configuration import bold, configuration, connectome, messages, start
from workflow_scripts.configuration.analysis import resolve_analysis
from workflow_scripts.configuration.fit_settings import model_files, resolve_fit
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
NUMERICS = cubnm_core.NUMERICS_VERSION
SETTLED = last_run.had_settings(CONFIG, HOLDOUT, NUMERICS)
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


def connectome_rows(wildcards):
    """Rows of the manifest with the connectomes of a batch, by unit."""
    return {unit: in_order(UNITS[unit]["connectome"]) for unit in BATCHES[wildcards.batch]}


def bold_rows(wildcards):
    """Rows of the manifest with the scans of a batch, by unit."""
    return {unit: in_order(UNITS[unit]["bold"]) for unit in BATCHES[wildcards.batch]}


def in_order(rows):
    """Rows of a unit in an order of their own, so that nothing depends on that of the manifest."""
    return sorted(rows, key=lambda row: (row["kind"], row["run_id"] or "", row["path"]))


def connectome_files(wildcards):
    """Files of the connectomes of a batch, and those that name their nodes."""
    return files_of(row for rows in connectome_rows(wildcards).values() for row in rows)


def bold_files(wildcards):
    """Scans of a batch, and what is read beside them: JSON files, names of nodes."""
    return files_of(row for rows in bold_rows(wildcards).values() for row in rows)


def precomputed_rows(wildcards):
    """Rows of the manifest with FC and FCD computed elsewhere, of the units of a batch that have any."""
    rows = bold_rows(wildcards)
    found = {unit: [row for row in mine if row["kind"] in KINDS] for unit, mine in rows.items()}
    return {unit: mine for unit, mine in found.items() if mine}


def precomputed_files(wildcards):
    """FC and FCD computed elsewhere, of a batch, and what is read beside them."""
    return files_of(row for rows in precomputed_rows(wildcards).values() for row in rows)


def files_of(rows):
    """Every file that is read for some rows of the manifest, once."""
    return list(dict.fromkeys(path for row in rows for path in readers.sources(row)))


def ids(unit):
    """Unit with its participant and session, as they stand in every table."""
    return {"unit": unit, **{key: UNITS[unit][key] for key in ("participant_id", "session_id")}}


def aligned(batches, ending="npz"):
    """Connectomes in the order of the node table."""
    return [f"results/aligned/batch-{batch}_connectome.{ending}" for batch in batches]


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


def node_set(wildcards):
    """Digest of what was decided for the whole cohort, as far as it is decided yet."""
    return tables.node_set(COMMON)


def all_units():
    """Units of the cohort, batch by batch, each with its participant and session."""
    return [ids(unit) for members in BATCHES.values() for unit in members]


def fit_settings(wildcards):
    """Resolved settings of a fit."""
    return FITS[wildcards.fit]


def fold_group(wildcards):
    """Training people of a fold, as a unit."""
    return folds.group_of(wildcards.fold)


def training_units(wildcards):
    """Units that are not held out in a fold."""
    return [found for found in all_units() if found["unit"] not in FOLDS[wildcards.fold]]


def fold_averages(wildcards):
    """Averages of the training people of all folds; groups that have grown are not fitted again."""
    together = start.starts_from_group(FITS[wildcards.fit])
    kind = FITS[wildcards.fit]["start"]["connectome"] if together else "mean"
    return [lasting(f"results/folds/fold-{fold}_{kind}.npz") for fold in FOLDS]


def fold_settings(wildcards):
    """Settings of the fit of the training people of a fold."""
    return start.fold_settings(FITS[wildcards.fit])


def batch_units_with_folds(wildcards):
    """Units of a batch, each with the fold it is held out in."""
    held_out = {unit: fold for fold, members in FOLDS.items() for unit in members}
    return [{**ids(unit), "fold": held_out[unit]} for unit in BATCHES[wildcards.batch]]


def profiled_units(wildcards):
    """Units of a batch with profiles of the cost: one of every person who came into the cohort first."""
    chosen = batches.first_of_people(BATCHES, CONFIG["evaluation"]["profile"]["people"])
    return [unit for unit in BATCHES[wildcards.batch] if unit in chosen]


def group_average(wildcards):
    """Average of the group that a fit with two levels begins with."""
    return f"results/group/{FITS[wildcards.fit]['start']['connectome']}.npz"


def group_settings(wildcards):
    """Settings of the fit of the group."""
    return start.group_settings(FITS[wildcards.fit])


def fit_start(wildcards):
    """Fit that people start from; a group that has grown does not make them start again."""
    stated = FITS[wildcards.fit]["start"]
    if stated is None:
        return []
    if stated["from"] == start.FROM_GROUP:
        return lasting(f"results/group/{wildcards.fit}_fits.tsv")
    return f"results/fits/{stated['from']}/batch-{wildcards.batch}_fits.tsv"


def group_fits():
    """Fits of the group that people start from."""
    stated = {fit: FITS[fit]["start"] or {} for fit in FITS}
    return [f"results/group/{fit}_fits.tsv" for fit in FITS if stated[fit].get("from") == start.FROM_GROUP]


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


def of_fits(pattern):
    """Paths of every fit, of the batch of a job."""
    return [pattern.replace("{fit}", fit) for fit in FITS]


def of_all_batches(pattern):
    """A function that gives the files of one fit, one for every batch."""
    return lambda wildcards: [pattern.format(fit=wildcards.fit, batch=batch) for batch in BATCHES]


def global_signal_settings():
    """What a global signal beside each fit depends on: its cost, the length of simulations, the analysis."""
    keys = ("objective", "objectives", "analysis")
    lengths = ("duration", "burn_in")
    return {
        fit: {key: stated[key] for key in keys}
        | {"simulation": {key: stated["simulation"][key] for key in lengths}}
        for fit, stated in FITS.items()
    }


def data_dictionaries():
    """The JSON files that describe the columns of the tables of the cohort."""
    made = ["fits", "convergence", "front", "evaluation", "states", "regional_parameters", "baselines"]
    made += ["reliability", "identifiability", "parameter_correlations", "profiles"]
    made += ["nulls", "null_tests", "rewiring"]
    made += ["cross", "contrasts", "identification", "held_out_people"]
    made += ["coupling", "qc", "exclusions", "missing_nodes", "nodes"] + (
        ["recovery"] if CONFIG["truth"] else []
    )
    return [f"results/cohort/{name}.json" for name in made]


def per_part(pattern):
    """A file for every fit and part of its synthetic twins."""
    return [pattern.format(fit=fit, part=part) for fit in FITS for part in TWINS]


def twin_units(wildcards):
    """Synthetic twins of a part, as units."""
    return [twin_parts.unit_of(number) for number in TWINS[wildcards.part]]


def twin_start(wildcards):
    """Fit that twins start from as people do: that of the group, or another one of the same twins."""
    stated = FITS[wildcards.fit]["start"]
    if stated is None:
        return []
    if stated["from"] == start.FROM_GROUP:
        return f"results/group/{wildcards.fit}_fits.tsv"
    return f"results/twins/{wildcards.twins_of}/{stated['from']}_part-{wildcards.part}_fits.tsv"


def tables_of_fits():
    """Every table of fits, each with the tables behind it that do not notice when it changes."""
    made = per_batch("results/fits/{fit}/batch-{batch}_fits.tsv")
    made += per_batch("results/nulls/{fit}/batch-{batch}_fits.tsv")
    made += [*group_fits(), *per_part("results/twins/{fit}/{fit}_part-{part}_fits.tsv")]
    held_out = "results/folds/{fit}_batch-{batch}_held_out_people.tsv"
    behind = {fit: [held_out.format(fit=fit, batch=batch) for batch in BATCHES] for fit in FITS}
    return {path: [] for path in made} | {f"results/folds/{fit}_fits.tsv": behind[fit] for fit in FITS}


def given(path):
    """A table that need not exist: its path, or nothing."""
    return [] if path is None else path
