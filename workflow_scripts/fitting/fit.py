"""Rule fit: search the parameters of a batch of people on their training scans.

The histories (see :mod:`workflow_scripts.fitting.histories`) are the checkpoint: a job that was killed, or
that came near its time limit and stopped itself, goes on where it was.
"""

from pathlib import Path

from workflow_scripts.cohort import units
from workflow_scripts.configuration.parameters import beyond_bounds
from workflow_scripts.files import job
from workflow_scripts.fitting import durations, fit_rows, guest_fits, landscapes, starting_points
from workflow_scripts.fitting.fit_problems import make_problems, problems_of
from workflow_scripts.fitting.histories import FileStore
from workflow_scripts.fitting.people import People
from workflow_scripts.fitting.searching import search
from workflow_scripts.fitting.simulators import CohortSimulator


def main(sm):
    """Fit the units of a batch; write rows per restart, generation and front, and every candidate."""
    logger = job.start(sm)
    settings, fit, asked = sm.params.settings, sm.wildcards.fit, units.from_records(sm.params.units)
    for text in beyond_bounds(settings):
        logger.warning("%s", text)
    people, unusable = People(sm.input.connectomes, sm.input.targets, settings=settings).read_all(asked)
    for name, row in unusable.items():
        logger.warning("%s is not fitted (%s): %s", name, row["status"], row["reason"])
    for text in durations.warnings(people.values(), settings):
        logger.warning("%s", text)
    simulator = CohortSimulator.of_job(sm)
    space = simulator.space
    begin, missing = starting_points.read_starting_points(sm.input, fit, settings, space, asked)
    for name in [name for name in people if name in missing]:
        logger.error("%s: %s", name, missing[name])
        unusable[name] = {"status": "failed", "reason": missing[name]}
        del people[name]
    problems, histories = make_problems(people, simulator, begin)
    store = FileStore(Path(sm.resources.histories) / fit, histories)
    with guest_fits.share_packs(sm, people, simulator) as guests:
        found = search(simulator, problems, people, store, sm.resources, logger, guests)
    rows, convergence, fronts, candidates = [], [], [], {}
    for unit in asked:
        keys, mine = {**unit.ids, "fit": fit}, problems_of(problems, unit.name)
        if unit.name in unusable:
            rows.append({**keys, **unusable[unit.name], "selected": False})
        rows += fit_rows.unit_rows(keys, mine, found, histories)
        fronts += fit_rows.front_rows(keys, mine, found.results)
        for problem in mine:
            convergence += fit_rows.convergence_rows(keys, problem, found.results.get(problem.key))
        ended = [problem for problem in mine if problem.key in found.results]
        candidates[unit.name] = [(problem.restart, found.results[problem.key]) for problem in ended]
    job.write_tsv(sm.output.fits, rows, columns=fit_rows.fits_columns(settings, space))
    job.write_tsv(sm.output.convergence, convergence, columns=fit_rows.CONVERGENCE)
    job.write_tsv(sm.output.front, fronts, columns=fit_rows.front_columns(settings, space))
    landscapes.write(sm.output.landscape, space, candidates)


if "snakemake" in globals():
    main(snakemake)
