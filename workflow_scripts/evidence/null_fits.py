"""Rule null_fits: the whole search of a fit again, on null models of a batch of people and training scans.

Settings, noise, restarts and histories are those of rule fit; only the connectome or the map is another one.
"""

from pathlib import Path

from cubnm_core.errors import InputError
from workflow_scripts.cohort import units
from workflow_scripts.evidence.null_models import KEYS, NullModels
from workflow_scripts.files import job
from workflow_scripts.fitting import fit_rows, starting_points
from workflow_scripts.fitting.fit_problems import make_problems, problems_of
from workflow_scripts.fitting.histories import FileStore
from workflow_scripts.fitting.people import People
from workflow_scripts.fitting.searching import search
from workflow_scripts.fitting.simulators import CohortSimulator


def main(sm):
    """Fit the null models of a batch and write one row per person, null model and restart."""
    logger = job.start(sm)
    settings, fit, asked = sm.params.settings, sm.wildcards.fit, units.from_records(sm.params.units)
    archives = People(sm.input.connectomes, sm.input.targets, settings=settings)
    people, _ = archives.read_usable(asked)
    simulator = CohortSimulator.of_job(sm)
    nodes, space = simulator.nodes, simulator.space
    begin, missing = starting_points.read_starting_points(sm.input, fit, settings, space, asked)
    stated = sm.params.nulls
    models = NullModels(people, archives.connectomes, nodes, space, stated, stated["refits"])
    for kind, reason in models.without.items():
        logger.warning("no null models of kind %s: %s", kind, reason)
    nulls = {}
    for unit in [unit for unit in people if unit not in missing]:
        try:
            nulls |= {null.name: null for null in models.of(unit)}
        except InputError as error:
            logger.warning("%s has no null models: %s", unit, error)
    problems, histories = null_problems(nulls, simulator, begin)
    store = FileStore(Path(sm.resources.histories) / fit / "nulls", histories)
    persons = {name: null.person for name, null in nulls.items()}
    found = search(simulator, problems, persons, store, sm.resources, logger)
    rows = []
    for name, null in nulls.items():
        keys = {**null.person.unit.ids, "fit": fit, "null": null.kind, "index": null.index}
        rows += fit_rows.unit_rows(keys, problems_of(problems, name), found, histories)
    columns = fit_rows.fits_columns(settings, space)
    job.write_tsv(sm.output[0], rows, columns=[*KEYS, *(key for key in columns if key not in KEYS)])


def null_problems(nulls, simulator, begin):
    """State what is searched for every null model, and what its history belongs to.

    Parameters
    ----------
    nulls : dict of str to NullModel
        By the name of its fit.
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
    begin : dict of str to dict
        Where the problems of a person start, by name of the unit (see
        :func:`workflow_scripts.fitting.starting_points.read_starting_points`).

    Returns
    -------
    problems, histories
        As of :func:`workflow_scripts.fitting.fit_problems.make_problems`.
    """
    by_space = {}
    for name, null in nulls.items():
        by_space.setdefault(id(null.space), {})[name] = null
    problems, histories = {}, {}
    for members in by_space.values():
        persons = {name: null.person for name, null in members.items()}
        starts = {name: begin.get(null.person.unit.name, {}) for name, null in members.items()}
        space = next(iter(members.values())).space
        made, belonging = make_problems(persons, simulator, starts, space)
        problems |= made
        histories |= belonging
    return problems, histories


if "snakemake" in globals():
    main(snakemake)
