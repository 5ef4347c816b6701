"""Rule evaluate: score the best fit of every person with fresh noise, on training and held-out scans."""

from cubnm_core import load_model
from cubnm_core.errors import InputError
from workflow_scripts.cohort import noise_seeds, units
from workflow_scripts.cohort.observables import OBSERVABLE
from workflow_scripts.files import job
from workflow_scripts.fitting import best_fits, scoring
from workflow_scripts.fitting.people import UNREADABLE, People
from workflow_scripts.fitting.simulators import CohortSimulator

STATES = (*scoring.KEYS, "label", "hemisphere", "variable", "mean", "sd", "unit")


def main(sm):
    """Simulate every fitted person again and write scores, regional states and one simulation each."""
    logger = job.start(sm)
    simulator = CohortSimulator.of_job(sm)
    settings, nodes, model = simulator.settings, simulator.nodes, load_model(simulator.settings["model"])
    models = fitted_models(sm, simulator, logger)
    evaluation, states, regional, arrays = [], [], [], {}

    def leave_out(unit, reason):
        logger.error("%s cannot be evaluated: %s", unit, reason)
        reasons = dict.fromkeys(sm.params.splits, reason)
        return scoring.missing_rows({**unit.ids, "fit": sm.wildcards.fit}, reasons, settings)

    for (person, _), found in zip(models, simulator.evaluate(models), strict=True):
        unit = person.unit
        if isinstance(found, InputError):
            evaluation += leave_out(unit, str(found))
            continue
        candidate, evaluated = found
        keys = {**unit.ids, "fit": sm.wildcards.fit}
        evaluation += scoring.score_rows(keys, evaluated, settings)
        evaluation += scoring.missing_rows(keys, person.without, settings)
        states += state_rows(keys, evaluated, nodes, model)
        regional += best_fits.regional_rows(keys, candidate.params, nodes, model)
        shown = {name: getattr(evaluated, name) for name in ("bold", "fc", "fcd")}
        arrays |= {f"{unit}/{name}": values for name, values in shown.items() if values is not None}
        arrays |= {f"{unit}/{OBSERVABLE}{name}": found for name, found in evaluated.observables.items()}
        logger.info("%s: %s", unit, scoring.describe(evaluated))
    for unit, reason in unreadable_people(sm, settings, [person.unit for person, _ in models]).items():
        evaluation += leave_out(unit, reason)
    job.write_tsv(sm.output.evaluation, evaluation, columns=scoring.EVALUATION)
    job.write_tsv(sm.output.states, states, columns=STATES)
    job.write_tsv(sm.output.regional_parameters, regional, columns=best_fits.REGIONAL)
    job.write_npz(sm.output.simulations, **arrays)


def fitted_models(sm, simulator, logger):
    """Read the people of the batch who have a fit, with the models that it found: (Person, Candidate)."""
    best = best_fits.best_coordinates(sm.input.fits, sm.wildcards.fit)
    people = People(sm.input.connectomes, sm.input.targets, sm.params.splits, simulator.settings)
    models = []
    for unit in units.from_records(sm.params.units):
        if unit.key not in best:
            logger.warning("%s has no fit and is not evaluated", unit)
            continue
        try:
            person = people.read(unit)
        except UNREADABLE:  # told below
            continue
        seeds = noise_seeds.range_of_session(sm.params.first_seed, sm.params.seeds, unit.session_id)
        params = best_fits.compose(simulator.space, best[unit.key])
        models.append((person, person.candidate(params, seeds)))
    return models


def unreadable_people(sm, settings, readable):
    """Say why people of the batch who have a fit cannot be read any more: dict of Unit to str."""
    best = best_fits.best_coordinates(sm.input.fits, sm.wildcards.fit)
    fitted = [unit for unit in units.from_records(sm.params.units) if unit.key in best]
    people = People(sm.input.connectomes, sm.input.targets, sm.params.splits, settings)
    _, unusable = people.read_usable([unit for unit in fitted if unit not in readable])
    return {unit: unusable[unit.name]["reason"] for unit in fitted if unit.name in unusable}


def state_rows(keys, evaluated, nodes, model):
    """Make one row per region and variable."""
    return [
        {
            **keys,
            "label": node["label"],
            "hemisphere": node["hemisphere"],
            "variable": variable,
            "mean": mean[index],
            "sd": sd[index],
            "unit": model.unit(variable),
        }
        for variable, (mean, sd) in evaluated.regional_summary().items()
        for index, node in enumerate(nodes)
    ]


if "snakemake" in globals():
    main(snakemake)
