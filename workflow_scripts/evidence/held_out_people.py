"""Rule held_out_people: score parameters that were fitted to other people.

Everybody is simulated on their own connectome, with the parameters of a group that they were no part of;
feedback inhibition control finds its weights for this connectome.
"""

from cubnm_core.errors import InputError
from workflow_scripts.cohort import folds, noise_seeds, tables
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.files import archives, job
from workflow_scripts.fitting import best_fits, evaluate, simulators

NOT_SCORED = "%s is not scored with parameters of others: %s"
COLUMNS = (*evaluate.KEYS, "fold", *evaluate.EVALUATION[len(evaluate.KEYS) :])


def main(sm):
    """Score every person of a batch with the parameters of the group without them."""
    logger = job.start(sm)
    settings, fit = sm.params.settings, sm.wildcards.fit
    nodes = tables.read_nodes(sm.input.nodes)
    space = search_space(settings, nodes)
    best = best_fits.best_coordinates(sm.input.fits, fit)
    connectomes = archives.Archive(sm.input.connectomes)
    targets = archives.by_split(sm.input.targets, sm.params.splits)
    people, rows = [], []
    for ids in sm.params.units:
        group = folds.group_of(ids["fold"])
        values = best.get((group["participant_id"], job.MISSING))
        person = simulators.read_person(ids, connectomes, targets, settings["delays"], settings["objective"])
        if values is None or not isinstance(person, simulators.Person):
            reason = "the group without them has no fit" if values is None else "; ".join(person)
            logger.warning(NOT_SCORED, ids["unit"], reason)
            continue
        first = noise_seeds.of_session(sm.params.first_seed, ids["session_id"])
        people.append((person, best_fits.composed(space, values), range(first, first + sm.params.seeds)))
    found = evaluate.evaluate_people(people, settings, nodes, sm.threads)
    for (person, *_), one in zip(people, found, strict=True):
        ids = person.ids
        if isinstance(one, InputError):
            logger.warning(NOT_SCORED, ids["unit"], one)
            continue
        _, evaluated = one
        keys = {key: ids[key] for key in ("participant_id", "session_id")} | {"fit": fit, "fold": ids["fold"]}
        rows += evaluate.score_rows(keys, evaluated, settings)
        logger.info("%s, fold %s: %s", ids["unit"], ids["fold"], evaluate.describe(evaluated))
    job.write_tsv(sm.output[0], rows, columns=COLUMNS)


if "snakemake" in globals():
    main(snakemake)
