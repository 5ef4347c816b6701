"""Rule held_out_people: score parameters that were fitted to other people.

Everybody is simulated on their own connectome, with the parameters of a group that they were no part of;
feedback inhibition control finds its weights for this connectome.
"""

from cubnm_core.errors import InputError
from workflow_scripts.cohort import folds, noise_seeds
from workflow_scripts.cohort.units import Unit
from workflow_scripts.evidence.score_tables import HELD_OUT_PEOPLE
from workflow_scripts.files import job
from workflow_scripts.fitting import best_fits, scoring
from workflow_scripts.fitting.people import UNREADABLE, Excluded, People, tell
from workflow_scripts.fitting.simulators import CohortSimulator

NOT_SCORED = "%s is not scored with parameters of others: %s"
NO_FIT = "the group without them has no fit"


def main(sm):
    """Score every person of a batch with the parameters of the group without them."""
    logger = job.start(sm)
    settings, fit = sm.params.settings, sm.wildcards.fit
    simulator = CohortSimulator.of_job(sm)
    best = best_fits.best_coordinates(sm.input.fits, fit)
    people = People(sm.input.connectomes, sm.input.targets, sm.params.splits, settings)
    models, held_out, rows = [], [], []

    def leave_out(unit, fold, reason):
        logger.warning(NOT_SCORED, unit, reason)
        keys = {**unit.ids, "fit": fit, "fold": fold}
        return scoring.missing_rows(keys, dict.fromkeys(sm.params.splits, reason), settings)

    for record in sm.params.units:
        unit, fold = Unit.from_record(record), record["fold"]
        values = best.get(Unit.from_record(folds.group_of(fold)).key)
        try:
            if values is None:
                raise Excluded([NO_FIT])
            person = people.read(unit)
        except UNREADABLE as error:
            rows += leave_out(unit, fold, tell(error))
            continue
        seeds = noise_seeds.range_of_session(sm.params.first_seed, sm.params.seeds, unit.session_id)
        models.append((person, person.candidate(best_fits.compose(simulator.space, values), seeds)))
        held_out.append(fold)
    for (person, _), fold, found in zip(models, held_out, simulator.evaluate(models), strict=True):
        unit = person.unit
        if isinstance(found, InputError):
            rows += leave_out(unit, fold, str(found))
            continue
        _, evaluated = found
        keys = {**unit.ids, "fit": fit, "fold": fold}
        rows += scoring.score_rows(keys, evaluated, settings)
        rows += scoring.missing_rows(keys, person.without, settings)
        logger.info("%s, fold %s: %s", unit, fold, scoring.describe(evaluated))
    job.write_tsv(sm.output[0], rows, columns=HELD_OUT_PEOPLE)


if "snakemake" in globals():
    main(snakemake)
