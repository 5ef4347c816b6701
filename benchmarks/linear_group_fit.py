"""The group fit of cuBNM's paper from linear response: most of the search without simulating.

``python benchmarks/linear_group_fit.py`` does what the protocol `fast2026` does, on the group data of cuBNM's
paper: a search with expected scores, then short simulated searches from its optimum and from its best flagged
candidate in steps of 1 ms, and a re-test at 0.1 ms. See README.md in this folder.
"""

import argparse
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path

import machine
import numpy as np
from group_fit import ALLOWED, FRESH_SEEDS, GROUP, PUBLISHED
from haemodynamics import table
from hcp_group import (
    BOUNDS,
    DATA,
    HEMISPHERES,
    OBJECTIVE,
    PROTOCOL,
    group_data,
    simulate_group,
    summary,
    test_point,
)

from cubnm_core import linear_response
from cubnm_core.fitting.expectations import FLAG_MARKS, Expectations
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.run import FitProblem, MemoryStore, Retest, run_fits
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.measures.objective import Objective

HERE = Path(__file__).resolve().parent
#: Cost of the point that 800 simulations at 0.1 ms found (group_fit.py), which this one may miss by ALLOWED.
FORMER = -0.114
LINEAR = OptimizerSettings(population=16, generations=10, seed=1)
SIMULATED = OptimizerSettings(population=8, generations=5, sigma=0.1, seed=1)
COARSE = {"dt": 1e-3, "hemodynamic_dt": 1e-3}
RETEST = Retest(candidates=2, seeds=5, first_seed=500)
EXPECTED = Objective({"fc_corr": 1.0, "rate_penalty": 0.5}, band=(2.0, 4.0))


def main():
    """Search, compare with the published point, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder with sc, fc and fcd of cuBNM 0.1.0")
    weights, target = group_data(parser.parse_args().data, GROUP)
    fine, coarse = (partial(simulate_group, backend="cpu", **steps) for steps in ({}, COARSE))
    searches, linear_time = timed(search_linear, weights, target, coarse)
    starts = starting_points(searches)
    fits, simulated_time = timed(search_simulated, weights, target, starts, coarse, fine)
    best = min(fits, key=lambda fit: fit.retest_cost)
    points = {
        "published": PUBLISHED,
        "linear optimum": dict(
            zip(BOUNDS, SearchSpace(BOUNDS).coordinates(starts[:1]).values(), strict=True)
        ),
        "ours": best.best_params,
    }
    points = {
        name: {key: float(np.squeeze(value)) for key, value in point.items()}
        for name, point in points.items()
    }
    scores = {
        name: summary(test_point(fine, weights, target, point, FRESH_SEEDS)) for name, point in points.items()
    }
    cost = scores["ours"]["cost"]["mean"]
    flagged = [generation.terms for fit in searches for generation in fit.history]
    share = np.mean([np.any([terms[name] for name in FLAG_MARKS], axis=0).mean() for terms in flagged])
    text = page(points, scores, cost, share, linear_time, simulated_time, searches, fits)
    path = HERE / "results" / "linear_group_fit.md"
    path.write_text(text, encoding="utf-8")
    print(f"{text}\nwritten to {path}")
    return 0 if cost <= FORMER + ALLOWED else 1


def timed(function, *arguments):
    """What a function gives, and its CPU seconds."""
    started = time.process_time()
    return function(*arguments), time.process_time() - started


def search_linear(weights, target, simulate_flagged):
    """Two restarts with expected scores; flagged candidates are simulated."""
    keywords = {
        name: PROTOCOL[name]
        for name in ("repetition_time", "burn_in", "fic", "hemodynamics", "interhemispheric")
    }

    def respond(weights, params, **given):
        return linear_response("rWW", weights, params, hemispheres=HEMISPHERES, **keywords, **given)

    score = Expectations(
        respond, PROTOCOL["duration"], PROTOCOL["burn_in"], PROTOCOL["repetition_time"], simulate_flagged
    )
    problems = [problem(weights, target, EXPECTED, LINEAR, restart) for restart in range(2)]
    return run_fits(problems, score, MemoryStore())


def starting_points(searches):
    """The best candidate, and the best of those that were flagged: (2, parameters), in the unit cube."""
    best = min(searches, key=lambda fit: fit.best_cost).best_point
    history = [generation for fit in searches for generation in fit.history]
    flagged = np.concatenate([np.any([one.terms[name] for name in FLAG_MARKS], axis=0) for one in history])
    points = np.concatenate([one.points for one in history])
    cost = np.where(flagged, np.concatenate([one.cost for one in history]), np.inf)
    return np.stack([best, points[cost.argmin()] if flagged.any() else best])


def search_simulated(weights, target, starts, coarse, fine):
    """Two short searches, and a re-test in fine steps."""
    problems = [
        problem(weights, target, OBJECTIVE, SIMULATED, restart, initial=start, retest=RETEST)
        for restart, start in enumerate(starts)
    ]
    return run_fits(problems, coarse, MemoryStore(), simulate_retest=fine)


def problem(weights, target, objective, optimizer, restart, **more):
    """A search of the three parameters of the group."""
    return FitProblem(
        key=f"{GROUP}-{restart}",
        weights=weights,
        lengths=None,
        target=target,
        space=SearchSpace(BOUNDS),
        objective=objective,
        optimizer=optimizer,
        restart=restart,
        **more,
    )


_PAGE = """\
# The group fit of cuBNM's paper from linear response

{date}, `python benchmarks/linear_group_fit.py`; {processor}, load {load}. Data, protocol and cost of
[the group fit](group_fit_amd-epyc-family-26-model-2.md): {linear} candidates by linear response
({share:.0%} of them flagged and simulated in steps of 1 ms), {simulated} simulations in steps of 1 ms from
its optimum and from its best flagged candidate, {retested} more at 0.1 ms to choose. Mean (SD) over ten
fresh noise seeds at 0.1 ms:

{rows}

Ours is {verdict}: allowed is a mean cost of at most {former} + {allowed}, the former being that of 800
simulations at 0.1 ms. CPU seconds: {linear_time:.0f} for the linear search, {simulated_time:.0f} for the
simulated ones and the re-test.
"""


def page(points, scores, cost, share, linear_time, simulated_time, searches, fits):
    """The result for people."""
    here = machine.describe() | machine.conditions()
    head = ("point", *BOUNDS, "FC r", "FCD KS", "rate penalty", "cost")
    rows = [
        (
            name,
            *(f"{point[key]:.4g}" for key in BOUNDS),
            *(f"{one['mean']:.4f} ({one['sd']:.4f})" for one in scores[name].values()),
        )
        for name, point in points.items()
    ]
    retested = sum(len(fit.retested.cost) * RETEST.seeds for fit in fits if fit.retested is not None)
    return _PAGE.format(
        date=date.today().isoformat(),
        processor=here["processor"],
        load=here["load"],
        linear=sum(fit.evaluations for fit in searches),
        share=share,
        simulated=sum(fit.simulations for fit in fits) - retested,
        retested=retested,
        rows=table(head, rows),
        verdict="good enough" if cost <= FORMER + ALLOWED else "NOT good enough",
        former=FORMER,
        allowed=ALLOWED,
        linear_time=linear_time,
        simulated_time=simulated_time,
    )


if __name__ == "__main__":
    sys.exit(main())
