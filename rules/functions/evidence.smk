"""What the rules of the evidence need: folds, profiles, synthetic twins."""


def global_signal_settings():
    """What a global signal beside each fit depends on: its cost, the length of simulations, the analysis."""
    keys = ("objective", "objectives", "analysis")
    lengths = ("duration", "burn_in")
    return {
        fit: {key: stated[key] for key in keys}
        | {"simulation": {key: stated["simulation"][key] for key in lengths}}
        for fit, stated in FINAL.items()
    }


def fold_groups(wildcards):
    """Training people of all folds, as units."""
    return [folds.group_of(fold) for fold in COHORT.folds]


def fold_group(wildcards):
    """Training people of a fold, as a unit."""
    return folds.group_of(wildcards.fold)


def training_units(wildcards):
    """Units that are not held out in a fold."""
    held_out = set(COHORT.folds[wildcards.fold])
    return [ids for ids in COHORT.people() if ids["unit"] not in held_out]


def fold_averages(wildcards):
    """Averages of the training people of all folds; groups that have grown are not fitted again."""
    together = start.starts_from_group(FITS[wildcards.fit])
    kind = FITS[wildcards.fit]["start"]["connectome"] if together else "mean"
    return [lasting(f"results/folds/fold-{fold}_{kind}.npz") for fold in COHORT.folds]


def fold_settings(wildcards):
    """Settings of the fit of the training people of a fold."""
    return start.fold_settings(fit_settings(wildcards))


def fold_start(wildcards):
    """Fit of the same training people that a fold starts from, where people start from another fit."""
    stated = FITS[wildcards.fit]["start"]
    if stated is None or start.starts_from_group(FITS[wildcards.fit]):
        return []
    return f"results/folds/{stated['from']}_fits.tsv"


def fold_candidates(wildcards):
    """All candidates of the fit that a fold starts from, where restarts begin at some of them."""
    return _landscape(fold_start(wildcards)) if start.flagged_restarts(FITS[wildcards.fit]) else []


def batch_units_with_folds(wildcards):
    """Units of a batch, each with the fold it is held out in."""
    held_out = {unit: fold for fold, members in COHORT.folds.items() for unit in members}
    return [{**ids, "fold": held_out[ids["unit"]]} for ids in COHORT.people(wildcards.batch)]


def held_out_people(wildcards):
    """Tables of the people held out, where there are folds."""
    made = per_final("results/folds/{fit}_batch-{batch}_held_out_people.tsv")
    return made(wildcards) if COHORT.folds else []


def profiled_units(wildcards):
    """Units of a batch with profiles of the cost: one of every person who came into the cohort first."""
    chosen = batches.first_of_people(COHORT.batches, CONFIG["evaluation"]["profile"]["people"])
    return [unit for unit in COHORT.batches[wildcards.batch] if unit in chosen]


def landscape_paths(wildcards):
    """Expected costs over pairs of parameters of all fits and batches; none where nobody wants them."""
    made = per_final("results/landscapes/{fit}/batch-{batch}_landscapes.tsv")
    return made(wildcards) if CONFIG["evaluation"]["landscapes"]["compute"] != "never" else []


def batch_landscapes(wildcards):
    """The same of a batch."""
    return [path for path in landscape_paths(wildcards) if f"batch-{wildcards.batch}_" in path]


def linear_version(wildcards):
    """Version of linear response, whatever scores the search of a fit."""
    return method.linear_version()


def per_part(pattern):
    """A file for every fit and part of its synthetic twins."""
    return [pattern.format(fit=fit, part=part) for fit in FINAL for part in TWINS]


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


def twin_candidates(wildcards):
    """All candidates of the fit that twins start from, where restarts begin at some of them."""
    return _landscape(twin_start(wildcards)) if start.flagged_restarts(FITS[wildcards.fit]) else []
