"""What the rules of the planning need: every table of fits, and the effects that would be found."""


def detectable_effects(wildcards):
    """Lines on the effects that the statistical models would find."""
    from workflow_scripts.statistics import detectable  # slow to import

    units = {unit: found for batch in COHORT.batches for unit, found in COHORT.units(batch).items()}
    return detectable.lines(CONFIG, units)


def group_fits():
    """Fits of the group that people start from."""
    stated = {fit: FITS[fit]["start"] or {} for fit in FINAL}
    return [f"results/group/{fit}_fits.tsv" for fit in stated if stated[fit].get("from") == start.FROM_GROUP]


def tables_of_fits(wildcards):
    """Every table of fits, each with the tables behind it that do not notice when it changes."""
    made = per_batch("results/fits/{fit}/batch-{batch}_fits.tsv")(wildcards)
    made += per_final("results/nulls/{fit}/batch-{batch}_fits.tsv")(wildcards)
    made += [*group_fits(), *per_part("results/twins/{fit}/{fit}_part-{part}_fits.tsv")]
    held_out = "results/folds/{fit}_batch-{batch}_held_out_people.tsv"
    behind = {fit: [held_out.format(fit=fit, batch=batch) for batch in COHORT.batches] for fit in FINAL}
    return {path: [] for path in made} | {f"results/folds/{fit}_fits.tsv": behind[fit] for fit in FINAL}
