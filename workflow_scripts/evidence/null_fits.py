"""Rule null_fits: the whole search of a fit again, on null models of a batch of people and training scans.

Settings, noise, restarts and histories are those of rule fit; only the connectome or the map is another one.
"""

from pathlib import Path

from workflow_scripts.cohort import tables
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.evidence.null_models import NullModels
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import fit, fit_rows, starting_points
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.histories import FileStore

KEYS = ("participant_id", "session_id", "fit", "null", "index")


def main(sm):
    """Fit the null models of a batch and write one row per person, null model and restart."""
    logger = job.start(sm)
    settings, name = sm.params.settings, sm.wildcards.fit
    people, _ = fit.read_people(sm.params.units, sm.input, settings, logger)
    nodes = tables.read_nodes(sm.input.nodes)
    space = search_space(settings, nodes)
    begin, missing = starting_points.read_starting_points(sm.input, name, settings, space, sm.params.units)
    stated = sm.params.nulls
    models = NullModels(people, Archive(sm.input.connectomes), nodes, space, stated, stated["refits"])
    for kind, reason in models.without.items():
        logger.warning("no null models of kind %s: %s", kind, reason)
    nulls = {null.unit: null for unit in people if unit not in missing for null in models.of(unit)}
    hemispheres = [node["hemisphere"] for node in nodes]
    problems, histories = null_problems(nulls, settings, hemispheres, begin)
    store = FileStore(Path(sm.resources.histories) / name / "nulls", histories)
    persons = {unit: null.person for unit, null in nulls.items()}
    classes = fit.shape_classes(problems, persons, settings, hemispheres, sm.threads)
    found = fit.search(problems, classes, store, logger, fit.search_options(sm.resources, settings))
    rows = []
    for unit, null in nulls.items():
        ids = {key: null.person.ids[key] for key in KEYS[:2]}
        keys = {**ids, "fit": name, "null": null.kind, "index": null.index}
        mine = [problem for problem in problems if problem.key.startswith(f"{unit}_restart-")]
        rows += fit_rows.unit_rows(keys, mine, found, histories)
    columns = fit_rows.fits_columns(settings, space)
    job.write_tsv(sm.output[0], rows, columns=[*KEYS, *(key for key in columns if key not in KEYS)])


def null_problems(nulls, settings, hemispheres, begin):
    """State what is searched for every null model, and what its history belongs to.

    Parameters
    ----------
    nulls : dict of str to NullModel
        By the name of its fit.
    settings : dict
        Resolved settings of a fit.
    hemispheres : list of str
    begin : dict of str to dict
        Where the problems of a person start, by unit (see
        :func:`workflow_scripts.fitting.starting_points.read_starting_points`).

    Returns
    -------
    problems, histories
        As of :func:`workflow_scripts.fitting.fit_problems.make_problems`.
    """
    by_space = {}
    for unit, null in nulls.items():
        by_space.setdefault(id(null.space), {})[unit] = null
    problems, histories = [], {}
    for members in by_space.values():
        persons = {unit: null.person for unit, null in members.items()}
        starts = {unit: begin.get(null.person.ids["unit"], {}) for unit, null in members.items()}
        space = next(iter(members.values())).space
        made, belonging = make_problems(persons, settings, space, hemispheres, starts)
        problems += made
        histories |= belonging
    return problems, histories


if "snakemake" in globals():
    main(snakemake)
