"""Rule choose_time_step: the coarsest time step that gives the terms of a fit's cost as the finest does.

Simulated are points across the bounds of the fit on the average of the cohort, for every step on the same
Brownian paths.
"""

from dataclasses import asdict

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.evidence.time_steps import Choice, choose_step
from cubnm_core.fitting.designs import sobol
from workflow_scripts.cohort import tables, units
from workflow_scripts.files import job
from workflow_scripts.fitting import time_steps
from workflow_scripts.fitting.people import People
from workflow_scripts.fitting.simulators import CohortSimulator

POINTS, DESIGN_SEED, SEEDS = 32, 0, 8


def main(sm):
    """Choose the step of a fit and write it, with the reasons."""
    logger, settings = job.start(sm), sm.params.settings
    people = People(sm.input.connectomes, sm.input.targets, settings=settings)
    usable, unusable = people.read_all(units.from_records(sm.params.units))
    steps = settings["step_choice"]
    try:
        if unusable:
            raise InputError(f"the cohort has no average: {next(iter(unusable.values()))['reason']}")
        (group,) = usable.values()
        nodes = tables.read_nodes(sm.input.nodes)
        choice = choose_step(lambda dt: scores(group, settings, dt, nodes, sm.threads), steps)
    except InputError as error:
        choice = Choice(steps[0], dict.fromkeys(steps[1:], f"refused: {error}"), ())
    for dt, reason in choice.reasons.items():
        logger.info("a step of %g ms is %s", 1e3 * dt, reason)
    logger.info("simulation.dt of %s is %g s", sm.wildcards.fit, choice.dt)
    record = {"dt": choice.dt, "finest": steps[0], "scheme": settings["simulation"]["scheme"]}
    record |= {"points": POINTS, "seeds": SEEDS, "settings": time_steps.settings_digest(settings)}
    record["steps"] = [{"dt": dt, "reason": reason} for dt, reason in choice.reasons.items()]
    job.write_json(sm.output.json, {**record, "shifts": [asdict(shift) for shift in choice.shifts]})


def scores(person, settings, dt, nodes, threads):
    """Terms of the cost of points across the bounds, at one step.

    Parameters
    ----------
    person : workflow_scripts.fitting.people.Person
    settings : dict
        Resolved settings of a fit with steps to choose from.
    dt : float
        In s.
    nodes : list of dict
        Rows of the node table.
    threads : int

    Returns
    -------
    dict of str to (points, seeds) array
        A failed simulation counts with the worst value of every term, as in a search.

    Raises
    ------
    InputError
        If a point cannot be scored.
    """
    simulation = {**settings["simulation"], "dt": dt, "noise_step": settings["step_choice"][0]}
    simulator = CohortSimulator({**settings, "simulation": simulation}, nodes, threads)
    space, objective = simulator.space, simulator.objective
    params = space.to_parameters(sobol(POINTS, space.dimension, DESIGN_SEED))
    first, count = settings["noise_seed"], SEEDS * settings.get("averaged_runs", 1)
    seeds = [first + number for number in range(count)]
    points = [{name: values[row] for name, values in params.items()} for row in range(POINTS)]
    found = simulator.score([(person, person.candidate(point, seeds)) for point in points])
    for result in found.values():
        if isinstance(result, InputError):
            raise result
    own = [found[row]["train"] for row in range(POINTS)]
    return {name: np.stack([one[name] for one in own]) for name in objective.counted if name in own[0]}


if "snakemake" in globals():
    main(snakemake)
