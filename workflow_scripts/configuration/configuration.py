"""The configuration: checked as a whole before the first job, completed, resolved to settings per fit."""

from cubnm_core.errors import InputError
from workflow_scripts.configuration import (
    bold,
    evaluation,
    experiments,
    first_fits,
    fit_settings,
    inhibition,
    method,
    names,
    objectives,
    optimizer,
    parameters,
    simulation,
    sources,
    start,
    synthetic,
    twins,
)
from workflow_scripts.configuration.fit_settings import resolve_fit
from workflow_scripts.configuration.messages import raise_problems, schema_problems
from workflow_scripts.configuration.schemas import complete, schema, whole_numbers

TITLE = "The configuration cannot be used"


def validate(config, files=()):
    """Check a configuration and complete it with defaults; fits stay as written (see `fit_settings`).

    Fits that a protocol makes beside them are added (see `first_fits`).

    Parameters
    ----------
    config : dict
        As read from a config file.
    files : sequence of str or Path, optional
        Files that it was read from. Their keys stand once, and messages name the line.

    Returns
    -------
    dict
        A completed copy.

    Raises
    ------
    InputError
        Listing every problem, each with its place, what was found and what is allowed.
    """
    written = [sources.read(path) for path in files]
    raise_problems(TITLE, [text for source in written for text in source.problems])
    _refuse(names.check_text(config), written)
    refused, config = bold.refuse_field_strength(config), bold.without_field_strength(config)
    _refuse(refused + schema_problems(config, schema("config")) + names.check(config), written)
    _refuse(first_fits.check(config), written)
    completed = whole_numbers(first_fits.with_first_fits(config), schema("config"))
    fits = completed.pop("fits")
    complete(completed, schema("config"))
    completed["fits"] = fits
    problems = synthetic.check(completed) + bold.check(completed) + simulation.check_effect(completed)
    problems += experiments.check(completed)
    for name in fits:
        problems += _check_fit(completed, name)
    _refuse(list(dict.fromkeys(problems)), written)
    return completed


def _refuse(problems, written):
    """Raise what is wrong, with the places in the files where it stands."""
    raise_problems(TITLE, [sources.locate(problem, written) for problem in problems])


def needs_fcd(config):
    """Say whether every fit weighs the distance of the FCD, so that people without one are of no use."""
    costs = [resolve_fit(config, name)["objective"] for name in config["fits"]]
    return all(cost.get("fcd_ks") or cost.get("fcd_ks_binned") for cost in costs)


def _check_fit(config, name):
    """Find what is wrong with one fit: as written, then completed, then the fit of the group before it."""
    place, stated = f"fits.{name}", config["fits"][name]
    if found := fit_settings.check(stated, place):
        return found
    try:
        fit = resolve_fit(config, name)
    except InputError as error:
        return [str(error)]  # the haemodynamics, of this fit or of all
    found = _check_settings(fit, config, place) or start.check(fit, config["fits"], name)
    if found or not start.starts_from_group(fit):
        return found
    return list(dict.fromkeys(_check_settings(start.group_settings(fit), config, f"{place}.start")))


def _check_settings(fit, config, place):
    """Find what is wrong with the resolved settings of a fit, section by section."""
    try:
        model = parameters.simulated_model(fit)
    except InputError as error:
        found = [f"{place}: {error}"]
    else:
        found = parameters.check(fit, model, place) + optimizer.check(fit, place)
        found += objectives.check(fit, model, place) + inhibition.check(fit, model, place)
        found += simulation.check_delays(fit, model, place) + method.check(fit, model, place)
    found += simulation.check(fit, config, place)
    return found + evaluation.check(fit, config, place) + twins.check(fit, config, place)
