"""Packs of fits: places, memory, errors of single fits; re-tests, fronts, other devices, pauses."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.fitting import packing
from cubnm_core.fitting.course import retest_key
from cubnm_core.fitting.fronts import distance_to_ideal, non_dominated
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.run import FitProblem, MemoryStore, Paused, Retest, run_fits
from cubnm_core.fitting.search_space import Prior, SearchSpace
from cubnm_core.measures.objective import DIVERGED, Objective, Target

PAIRS = np.linspace(-1, 1, 30)
SPACE = SearchSpace({"a": (0.0, 2.0), "b": (-1.0, 1.0)})


def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
    """A made-up simulator whose FC depends on parameters, connectome and noise seed."""
    noise = np.stack([np.random.default_rng(int(one)).standard_normal(30) for one in seed])
    own = weights[connectome, 0, 0][:, None]
    fc = np.sin(3 * params["a"][:, None] * PAIRS + params["b"][:, None]) * own + 0.2 * noise
    size = len(seed)
    return SimpleNamespace(fc=fc, fcd=None, state_means={}, status=np.zeros(size, dtype=int))


def problem(person=0, optimizer=None, **changes):
    settings = {"population": 8, "generations": 6, "tolerance": 0.0} | (optimizer or {})
    stated = FitProblem(
        key=f"sub-{person}_restart-0",
        weights=np.full((3, 3), 1.0 + 0.1 * person),
        lengths=None,
        target=Target(np.sin(3 * (0.7 + 0.1 * person) * PAIRS + 0.2)),
        space=SPACE,
        objective=Objective({"fc_corr": 1.0, "fc_normec": 1.0}),
        optimizer=OptimizerSettings(**settings),
        noise_seed=3,
    )
    return replace(stated, **changes)


def costs_of(result):
    return [generation.cost.tolist() for generation in result.history]


@pytest.mark.parametrize("size", [1, 8, 20, 1000])
def test_the_size_of_the_pack_changes_nothing(size):
    problems = [problem(person, {"generations": 2 + person}, retest=Retest(2, 3, 50)) for person in range(3)]
    for one, result in zip(problems, run_fits(problems, simulate_batch, MemoryStore(), size), strict=True):
        alone = run_fits([one], simulate_batch, MemoryStore())[0]
        assert costs_of(result) == costs_of(alone)
        assert result.retest_cost == alone.retest_cost and result.best_params == alone.best_params


def test_fits_that_have_ended_make_room_for_those_that_wait():
    taking_part = []

    def watched(weights, connectome, params, seed, lengths, comparison=None):
        taking_part.append(sorted(np.round(10 * weights[:, 0, 0] - 10).astype(int).tolist()))
        return simulate_batch(weights, connectome, params, seed, lengths)

    problems = [problem(person, {"generations": count}) for person, count in enumerate((1, 4, 2, 1))]
    run_fits(problems, watched, MemoryStore(), max_simulations=16)
    assert taking_part == [[0, 1], [1, 2], [1, 2], [1, 3]]


def test_replicates_are_averaged_over_their_seeds():
    several = run_fits([problem(replicates=3)], simulate_batch, MemoryStore())[0]
    assert several.simulations == 3 * 6 * 8
    first = several.history[0]
    for seed in (3, 4, 5):
        alone = run_fits(
            [problem(noise_seed=seed, optimizer={"generations": 1})], simulate_batch, MemoryStore()
        )
        np.testing.assert_array_equal(alone[0].history[0].points, first.points)
    fc_corr = [
        run_fits([problem(noise_seed=seed, optimizer={"generations": 1})], simulate_batch, MemoryStore())[0]
        .history[0]
        .terms["fc_corr"]
        for seed in (3, 4, 5)
    ]
    np.testing.assert_allclose(first.terms["fc_corr"], np.mean(fc_corr, axis=0))
    np.testing.assert_allclose(first.cost, first.terms["fc_normec"] - first.terms["fc_corr"])


def test_a_retest_chooses_by_fresh_seeds_and_is_recorded():
    seen, store = set(), MemoryStore()

    def watched(weights, connectome, params, seed, lengths, comparison=None):
        seen.update(seed.tolist())
        return simulate_batch(weights, connectome, params, seed, lengths)

    one = problem(retest=Retest(4, 5, 70))
    result = run_fits([one], watched, store)[0]
    assert seen == {3, 70, 71, 72, 73, 74}
    assert result.generations == 6 and result.simulations == 6 * 8 + 4 * 5
    points = np.concatenate([generation.points for generation in result.history])
    cost = np.concatenate([generation.cost for generation in result.history])
    np.testing.assert_array_equal(result.retested.points, points[np.argsort(cost, kind="stable")[:4]])
    chosen = int(np.argmin(result.retested.cost))
    np.testing.assert_array_equal(result.best_point, result.retested.points[chosen])
    assert result.retest_cost == result.retested.cost[chosen]
    assert result.best_cost == np.sort(cost)[chosen]

    def refuse(*_):
        raise AssertionError("something was simulated")

    again = run_fits([one], refuse, store)[0]
    assert again.retest_cost == result.retest_cost and len(store.load(retest_key(one.key))) == 1


def test_a_retest_of_other_candidates_is_refused():
    one, store = problem(retest=Retest(3, 2, 70)), MemoryStore()
    run_fits([one], simulate_batch, store)
    (recorded,) = store.histories[retest_key(one.key)]
    store.histories[retest_key(one.key)] = [replace(recorded, points=recorded.points[::-1])]
    with pytest.raises(InputError, match="points lie up to"):
        run_fits([one], simulate_batch, store)


def test_a_retest_that_was_recorded_serves_a_search_whose_end_was_lost():
    one, store = problem(retest=Retest(3, 2, 70)), MemoryStore()
    whole = run_fits([one], simulate_batch, store)[0]
    del store.histories[one.key][4:]
    again = run_fits([one], simulate_batch, store)[0]
    assert again.retest_cost == whole.retest_cost and len(store.load(retest_key(one.key))) == 1


def two_objectives(**changes):
    groups = ({"fc_corr": 1.0}, {"fc_diff": 1.0})
    objective = Objective({"fc_corr": 1.0, "fc_diff": 1.0}, groups=groups)
    return problem(objective=objective, optimizer={"name": "nsga2"}, **changes)


def test_several_objectives_give_a_front_and_one_candidate_of_it():
    result = run_fits([two_objectives()], simulate_batch, MemoryStore())[0]
    terms = {name: np.concatenate([g.terms[name] for g in result.history]) for name in ("fc_corr", "fc_diff")}
    everything = np.stack([-terms["fc_corr"], terms["fc_diff"]], axis=1)
    for costs in result.objectives:
        assert not ((everything <= costs).all(axis=1) & (everything < costs).any(axis=1)).any()
    distance = distance_to_ideal(result.objectives, result.objectives)
    assert (np.diff(distance) >= 0).all()
    np.testing.assert_array_equal(result.chosen_objectives, result.objectives[0])
    number, row = result.front[0]
    np.testing.assert_array_equal(result.best_point, result.history[number].points[row])


@pytest.mark.parametrize("kept", range(0, 7, 2))
def test_fits_with_several_objectives_and_a_retest_resume(kept):
    one = two_objectives(retest=Retest(3, 2, 70))
    whole = run_fits([one], simulate_batch, MemoryStore())[0]
    resumed = run_fits([one], simulate_batch, MemoryStore({one.key: whole.history[:kept]}))[0]
    assert costs_of(whole) == costs_of(resumed) and whole.retest_cost == resumed.retest_cost
    np.testing.assert_array_equal(whole.best_point, resumed.best_point)


def test_fronts_leave_out_what_is_beaten_or_repeated():
    costs = np.array([[1.0, 4.0], [2.0, 2.0], [2.0, 2.0], [3.0, 3.0], [4.0, 1.0], [4.0, 1.5]])
    front = non_dominated(costs)
    assert front.tolist() == [0, 1, 4]
    np.testing.assert_allclose(distance_to_ideal(costs[front], costs[front]), [1, np.sqrt(2) / 3, 1])
    assert distance_to_ideal(costs[:1], costs[:1]).tolist() == [0]


def test_a_prior_draws_a_fit_towards_its_centre_and_is_recorded():
    centre = np.array([0.9, 0.9])
    free = run_fits([problem(optimizer={"generations": 20})], simulate_batch, MemoryStore())[0]
    one = problem(optimizer={"generations": 20}, prior=Prior(centre, 50.0))
    store = MemoryStore()
    drawn = run_fits([one], simulate_batch, store)[0]
    assert np.abs(drawn.best_point - centre).max() < 0.1 < np.abs(free.best_point - centre).max()
    generation = drawn.history[-1]
    expected = ((generation.points - centre) ** 2).mean(axis=1)
    np.testing.assert_allclose(generation.terms["shrinkage"], expected)
    assert costs_of(run_fits([one], simulate_batch, store)[0]) == costs_of(drawn)


def test_an_initial_point_is_the_first_generation():
    initial = np.array([0.35, 0.6])
    result = run_fits([problem(initial=initial)], simulate_batch, MemoryStore())[0]
    np.testing.assert_array_equal(result.history[0].points, [initial])


def test_too_large_a_pack_is_halved_until_it_fits(caplog):
    sizes = []

    def small(weights, connectome, params, seed, lengths, comparison=None):
        sizes.append(len(seed))
        if len(seed) > 5:
            raise MemoryError
        return simulate_batch(weights, connectome, params, seed, lengths)

    problems = [problem(person, {"generations": 2}) for person in range(2)]
    found = run_fits(problems, small, MemoryStore(), max_simulations=16)
    assert sizes[:4] == [16, 8, 4, 4] and set(sizes[4:]) == {4}
    assert "8 simulations do not fit into memory; going on with 4" in caplog.text
    for one, result in zip(problems, found, strict=True):
        assert costs_of(result) == costs_of(run_fits([one], simulate_batch, MemoryStore())[0])


def test_one_simulation_too_large_for_memory_ends_in_words():
    def none(*_):
        raise MemoryError

    with pytest.raises(MemoryError, match="one simulation alone does not fit into memory"):
        run_fits([problem()], none, MemoryStore(), on_failure=lambda *_: None)


def test_a_fit_that_raises_is_left_out_and_the_others_keep_their_bits():
    problems = [problem(person) for person in range(3)]
    bad = replace(problems[1], target=Target(np.ones(7) + np.arange(7)))
    failed = {}
    found = run_fits(
        [problems[0], bad, problems[2]],
        simulate_batch,
        MemoryStore(),
        on_failure=lambda one, error: failed.update({one.key: str(error)}),
    )
    assert list(failed) == ["sub-1_restart-0"] and "30 pairs and the target 7" in failed["sub-1_restart-0"]
    assert [result.key for result in found] == ["sub-0_restart-0", "sub-2_restart-0"]
    for one, result in zip([problems[0], problems[2]], found, strict=True):
        assert costs_of(result) == costs_of(run_fits([one], simulate_batch, MemoryStore())[0])


@pytest.mark.slow
def test_an_algorithm_that_gives_up_on_the_costs_of_one_fit_stops_no_other():
    """AGE-MOEA2 divides by the spread of the costs, and a person's every simulation may diverge."""

    def diverging(weights, connectome, params, seed, lengths, comparison=None):
        run = simulate_batch(weights, connectome, params, seed, lengths)
        run.status[weights[connectome, 0, 0] > 1.05] = DIVERGED
        return run

    good = two_objectives()
    bad = two_objectives(key="sub-1_restart-0", weights=np.full((3, 3), 1.1))
    bad = replace(bad, optimizer=replace(bad.optimizer, name="agemoea2"))
    failed, store = {}, MemoryStore()
    keep = {"on_failure": lambda one, error: failed.update({one.key: str(error)})}
    found = run_fits([bad, good], diverging, store, **keep)
    assert list(failed) == [bad.key] and "choose another optimizer" in failed[bad.key]
    (alone,) = run_fits([good], simulate_batch, MemoryStore())
    assert [costs_of(result) for result in found] == [costs_of(alone)]
    assert list(store.histories) == [good.key]


def test_a_pause_leaves_everything_to_the_next_run():
    store, calls = MemoryStore(), []

    def pause():
        calls.append(1)
        return "time is up" if len(calls) > 3 else None

    problems = [problem(0), problem(1, {"generations": 2})]
    with pytest.raises(Paused, match="time is up; 1 of 2 searches are unfinished"):
        run_fits(problems, simulate_batch, store, pause=pause)
    assert [len(store.load(one.key)) for one in problems] == [3, 2]
    for one, result in zip(problems, run_fits(problems, simulate_batch, store), strict=True):
        assert costs_of(result) == costs_of(run_fits([one], simulate_batch, MemoryStore())[0])


def test_a_history_of_another_device_is_resumed_with_a_warning_or_refused(caplog):
    one = problem()
    whole = run_fits([one], simulate_batch, MemoryStore(), device="cpu A")[0]
    assert {generation.device for generation in whole.history} == {"cpu A"}
    half = whole.history[:3]
    resumed = run_fits([one], simulate_batch, MemoryStore({one.key: half}), device="cpu B")[0]
    assert "another kind of device (cpu A; here cpu B)" in caplog.text
    assert len([line for line in caplog.messages if "another kind" in line]) == 1
    assert [generation.device for generation in resumed.history] == ["cpu A"] * 3 + ["cpu B"] * 3
    with pytest.raises(InputError, match="another kind of device"):
        run_fits(
            [one], simulate_batch, MemoryStore({one.key: half}), device="cpu B", accepts_other_device=False
        )


def test_packs_are_sized_by_threads_and_memory():
    assert packing.batch_size("cpu", threads=2, result_bytes=1000) == 32 * 2 * packing.TILES_PER_THREAD
    assert packing.batch_size("cpu", threads=64, result_bytes=2**28) == 4
    assert packing.batch_size("cpu", threads=1, result_bytes=2**40) == 1
    assert packing.device_name("cpu").startswith("cpu with vectors of ")
