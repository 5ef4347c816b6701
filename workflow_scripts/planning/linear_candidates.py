"""Candidates that linear response scores: counted apart from simulations, at a price of their own."""

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from cubnm_core.fitting.expectations import FLAG_MARKS
from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.objective import Target
from workflow_scripts.configuration.method import is_linear
from workflow_scripts.fitting import linear_planes
from workflow_scripts.fitting.simulators import CohortSimulator
from workflow_scripts.planning import estimates

PLANES = "expected_landscapes"  # the rule
#: Candidates of a measurement, and the nodes from which they are fewer.
MEASURED, LARGE, FEW = 32, 150, 8


@dataclass(frozen=True)
class Price:
    """What a candidate takes.

    Attributes
    ----------
    seconds : float
        Of a core.
    flagged : float
        Share of the candidates that linear response flagged.
    """

    seconds: float
    flagged: float


def plane_stages(jobs, fits, batches, landscapes, size):
    """Count the candidates of the planes of everybody.

    Parameters
    ----------
    jobs : sequence of (str, dict)
        Rule and wildcards of the jobs that are to run.
    fits : dict of str to dict
        Resolved settings by name.
    batches : dict of str to list of str
        Units of every batch.
    landscapes : dict
        Section ``evaluation.landscapes``.
    size : int
        Number of nodes.

    Returns
    -------
    list of workflow_scripts.planning.estimates.Stage
        Of the fits that have planes; without a cost.
    """
    people = {}
    for rule, wildcards in jobs:
        if rule == PLANES:
            people.setdefault(wildcards["fit"], []).append(len(batches[wildcards["batch"]]))
    return [
        estimates.Stage(
            fit,
            PLANES,
            sum(counts) * linear_planes.count_candidates(fits[fit], landscapes["points"]),
            0.0,
            len(counts),
            is_linear=True,
        )
        for fit, counts in people.items()
        if linear_planes.why_not(fits[fit], landscapes, size) is None
    ]


def measure(settings, nodes, repetition_time):
    """Measure linear response at random points of the bounds, on a synthetic connectome.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit, by linear response or not.
    nodes : list of dict
        Rows of the node table.
    repetition_time : float
        In s.

    Returns
    -------
    Price
    """
    settings = settings if is_linear(settings) else linear_planes.linear_settings(settings)
    size, generator = len(nodes), np.random.default_rng(0)
    count = MEASURED if size < LARGE else FEW
    weights = estimates.synthetic_connectomes(generator, 1, size)
    lengths = np.full(weights.shape, 90.0) if settings["delays"] else None
    simulator = CohortSimulator({**settings, "flagged": "worst"}, nodes, threads=None)
    terms = tuple(name for name in FC_TERMS if simulator.objective.terms.get(name)) or FC_TERMS[:1]
    pairs = size * (size - 1) // 2
    if settings["analysis"]["pairs"] != "all":
        sides = np.array(simulator.hemispheres)
        pairs = int(np.tril(sides[:, None] == sides, -1).sum())
    target = Target(fc=generator.uniform(0.0, 1.0, pairs))
    respond = simulator.in_search.simulate_batch(repetition_time, ())
    space, owner = simulator.space, np.zeros(count, int)
    params = space.to_parameters(generator.random((count, len(space.names))))

    def run(rows):
        """CPU seconds of some candidates, and what came of them."""
        began = time.process_time()
        some = {name: values[rows] for name, values in params.items()}
        comparison = Comparison([target], owner[rows], terms)
        found = respond(weights, owner[rows], some, owner[rows], lengths, comparison)
        return time.process_time() - began, found

    run(slice(0, 1))  # compiles
    seconds, found = run(slice(None))
    flagged = np.any([found.marks[name] for name in FLAG_MARKS], axis=0)
    return Price(seconds / count, float(flagged.mean()))


def part(stages, fits, prices, seconds):
    """Part the stages of fits by linear response into candidates and simulations.

    Parameters
    ----------
    stages : list of workflow_scripts.planning.estimates.Stage
        With every candidate counted as a simulation.
    fits : dict of str to dict
        Resolved settings by name.
    prices : dict of str to Price
        By fit.
    seconds : dict of str to float
        Of one simulation here, by fit.

    Returns
    -------
    list of workflow_scripts.planning.estimates.Stage
        Where linear response scores, one of the candidates, and one of simulations: those of the share that
        was flagged, if these are simulated, and the re-test.
    """
    found = []
    for stage in stages:
        settings = fits[stage.fit]
        if stage.is_linear:
            cost = prices[stage.fit].seconds / seconds[stage.fit]
            found.append(replace(stage, cost=cost))
            continue
        if not is_linear(settings) or stage.rule not in estimates.SEARCHES:
            found.append(stage)
            continue
        price, again = prices[stage.fit], estimates.retest_share(settings) * stage.simulations
        candidates = stage.simulations - round(again)
        linear = price.seconds / seconds[stage.fit]
        found.append(replace(stage, simulations=candidates, seconds=0.0, cost=linear, is_linear=True))
        simulates = settings.get("flagged", "simulate") == "simulate"
        flagged = math.ceil(candidates * price.flagged) if simulates else 0
        if count := flagged + round(again):
            cost = (flagged * estimates.coarser(settings) + again) / count
            each = stage.seconds / stage.simulations
            found.append(replace(stage, simulations=count, seconds=count * each, cost=cost))
    return found


def remarks(stages, prices):
    """Say what the candidates of linear response take and how many of them are simulated."""
    names = dict.fromkeys(stage.fit for stage in stages if stage.is_linear)
    searched = {stage.fit for stage in stages if stage.is_linear and stage.rule in estimates.SEARCHES}
    simulated = {stage.fit for stage in stages if not stage.is_linear and stage.rule in estimates.SEARCHES}
    return [
        f"{name}: linear candidates take {prices[name].seconds:.2g} s of a core each, measured now"
        + (_flagged_remark(prices[name]) if name in searched & simulated else "")
        for name in names
    ]


def _flagged_remark(price):
    return (
        f"; {price.flagged:.0%} of them were flagged at random points of the bounds on a synthetic "
        "connectome, and as many are counted as simulated: an estimate, no upper limit, since searches may "
        "lead to where more are flagged"
    )
