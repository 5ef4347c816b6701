"""Scores that come with a simulation have the bits of those computed from its FC and FCD."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cubnm_core import simulate
from cubnm_core.errors import InputError
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.run import FitProblem, MemoryStore, run_fits
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.measures.comparison import Comparison
from cubnm_core.measures.distances import binned_cdf
from cubnm_core.measures.objective import Objective, Target
from cubnm_core.measures.user_terms import UserTerm

SETTINGS = {
    "duration": 14.0, "burn_in": 2.0, "repetition_time": 0.5, "dt": 1e-3, "window": 4.0, "window_step": 1.0,
    "hemodynamics": "cubnm-1.5T",
}  # fmt: skip
OBJECTIVE = Objective({"fc_corr": 1.0, "fcd_ks_binned": 1.0, "rate_penalty": 0.5})
SIZE = 45  # tiles of several widths


def connectomes(nodes=6):
    rng = np.random.default_rng(4)
    return rng.lognormal(-5, 1, (2, nodes, nodes)) * (1 - np.eye(nodes))


def target(person, kind="fcd"):
    rng = np.random.default_rng(person)
    found = {"fcd": {"fcd": rng.uniform(-0.5, 1, 80 + person)}, "none": {}}
    found["cdf"] = {"fcd_cdf": binned_cdf(rng.uniform(-0.5, 1, 200))}
    return Target(rng.uniform(-1, 1, 15), **found[kind])


def run(record, comparison=None, **changes):
    keywords = {**SETTINGS, "connectome": np.arange(SIZE) % 2, "seed": np.arange(SIZE) % 3, **changes}
    params = {"G": np.linspace(0.1, 1.5, SIZE)}
    return simulate(
        "rWW", connectomes(), params, record=record, comparison=comparison, backend="cpu", **keywords
    )


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["single", "double"])
def test_scores_have_the_bits_of_those_of_the_arrays(precision):
    index = np.arange(SIZE) // 2 % 3
    targets = [target(0), target(1, "cdf"), target(2, "none")]
    comparison = Comparison(targets, index, ("fc_corr", "fc_diff", "fc_normec", "fcd_ks", "fcd_ks_binned"))
    whole = run(("fc", "fcd", "state_means"), precision=precision)
    sliced = run(("state_means",), comparison, precision=precision)
    assert sliced.fc is None and sliced.fcd is None
    for place, one in enumerate(targets):
        rows = np.flatnonzero(index == place)
        objective = OBJECTIVE if place < 2 else Objective({"fc_corr": 1.0})
        expected, found = objective.score(whole, one, rows), objective.score(sliced, one, rows)
        assert list(found) == list(expected)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.slow
def test_a_simulation_that_diverged_is_scored_as_the_worst():
    sigma = np.where(np.arange(SIZE) == 7, 4.5e38, 0.01)
    comparison = Comparison([target(0)], np.zeros(SIZE, int), ("fc_corr", "fc_diff", "fc_normec", "fcd_ks"))
    params = {"G": np.linspace(0.1, 1.5, SIZE), "sigma": sigma}
    found = simulate(
        "rWW", connectomes()[0], params, record=("state_means",), comparison=comparison, backend="cpu",
        **SETTINGS,
    )  # fmt: skip
    scores = Objective().score(found, target(0))
    assert found.status[7] == 1 and scores["cost"][7] == Objective().worst_cost
    assert np.isfinite(np.delete(found.scores["fcd_ks"], 7)).all()


def test_a_target_of_other_pairs_is_refused():
    other = Comparison([Target(np.linspace(0, 1, 7))], np.zeros(SIZE, int), ("fc_corr", "fc_normec"))
    with pytest.raises(InputError, match="15 pairs and the target 7"):
        run(("state_means",), other)


def problem(person, objective, **changes):
    stated = FitProblem(
        key=f"sub-{person}_restart-0",
        weights=connectomes()[0],
        lengths=None,
        target=target(person),
        space=SearchSpace({"G": (0.1, 1.5), "w_p": (0.5, 2.0)}),
        objective=objective,
        optimizer=OptimizerSettings(population=5, generations=2, tolerance=0.0),
    )
    return replace(stated, **changes)


def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
    record = ("fc", "fcd", "state_means") if comparison is None else ("state_means",)
    given = {"connectome": connectome, "seed": seed, "comparison": comparison, "backend": "cpu"}
    return simulate("rWW", weights, params, record=record, **given, **SETTINGS)


def test_fits_ask_for_scores_and_have_the_bits_of_those_that_ask_for_arrays():
    def arrays(weights, connectome, params, seed, lengths, comparison):
        assert comparison is not None
        return simulate_batch(weights, connectome, params, seed, lengths)

    problems = [problem(0, OBJECTIVE), problem(1, Objective(), target=target(1))]
    problems += [problem(2, Objective({"fc_corr": 1.0}), target=target(2, "none"))]
    pairs = zip(
        run_fits(problems, simulate_batch, MemoryStore()),
        run_fits(problems, arrays, MemoryStore()),
        strict=True,
    )
    for one, other in pairs:
        for here, there in zip(one.history, other.history, strict=True):
            assert list(here.terms) == list(there.terms)
            assert all(np.array_equal(here.terms[name], there.terms[name]) for name in there.terms)


def test_a_term_of_the_users_own_gets_its_arrays_in_a_call_of_its_own():
    calls = []

    def watched(*arguments):
        calls.append((len(arguments[1]), arguments[5] is None))
        return simulate_batch(*arguments)

    own = Objective(
        {"fc_corr": 1.0, "mine": 1.0}, own={"mine": UserTerm(lambda fc, *_: float(np.abs(fc).mean()))}
    )
    idle = replace(own, terms={"fc_corr": 1.0})  # stated, but without weight
    assert own.compares_arrays and not idle.compares_arrays
    run_fits([problem(0, own), problem(1, idle), problem(2, Objective())], watched, MemoryStore())
    assert sorted(calls) == [(5, True)] * 2 + [(10, False)] * 2


def test_a_run_without_scores_is_scored_from_its_arrays():
    made = SimpleNamespace(
        fc=np.tile(target(0).fc, (2, 1)), fcd=None, state_means={}, status=np.zeros(2, dtype=int)
    )
    assert Objective({"fc_corr": 1.0}).score(made, target(0))["fc_corr"].tolist() == pytest.approx([1.0, 1.0])
