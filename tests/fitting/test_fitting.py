"""Many fits in one batch: the same bits alone, interleaved, sliced or resumed."""

# ruff: noqa: NPY002, foreign draws from the global generator are what is tested

import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.fitting.optimisers import OptimizerSettings, derive_seed, make_search
from cubnm_core.fitting.run import FitProblem, MemoryStore, run_fits
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.fitting.searches import CmaesSearch
from cubnm_core.measures.objective import Objective, Target

PAIRS = np.linspace(-1, 1, 30)
SPACE = SearchSpace({"a": (0.0, 2.0), "b": (-1.0, 1.0)}, {"c": 0.5})


def pattern(a, b, strength):
    """A made-up FC that depends smoothly on two parameters and on the connectome."""
    return np.tanh(np.sin(3 * a * PAIRS + b) * strength)


def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
    """A made-up simulator: analytic, but it draws from the global generators as foreign code may."""
    np.random.rand(len(seed))
    random.random()
    values = zip(params["a"], params["b"], connectome, strict=True)
    fc = np.stack([pattern(a, b, weights[index].mean()) for a, b, index in values])
    return SimpleNamespace(fc=fc, fcd=None, state_means={}, status=np.zeros(len(seed), dtype=int))


def make_problem(person=0, restart=0, **settings):
    """The fit of one made-up person; every person has another connectome and other true parameters."""
    return FitProblem(
        key=f"sub-{person}_restart-{restart}",
        weights=np.full((3, 3), 1.0 + 0.1 * person),
        lengths=None,
        target=Target(pattern(0.7 + 0.1 * person, 0.2, 1.0 + 0.1 * person)),
        space=SPACE,
        objective=Objective({"fc_corr": 1.0, "fc_normec": 1.0}),
        optimizer=OptimizerSettings(**{"population": 8, "generations": 12} | settings),
        noise_seed=person,
        restart=restart,
    )


def fit_one(problem, store=None, **options):
    """Fit one problem alone."""
    return run_fits([problem], simulate_batch, store or MemoryStore(), **options)[0]


def assert_same_bits(one, other):
    """Two results of one fit are equal, bit by bit."""
    assert one.generations == other.generations
    for here, there in zip(one.history, other.history, strict=True):
        np.testing.assert_array_equal(here.points, there.points)
        np.testing.assert_array_equal(here.cost, there.cost)
        np.testing.assert_array_equal(here.status, there.status)
        for term, values in here.terms.items():
            np.testing.assert_array_equal(values, there.terms[term])
    assert one.best_params == other.best_params
    assert one.best_cost == other.best_cost
    assert one.stopped == other.stopped


def test_cmaes_finds_the_parameters():
    result = fit_one(make_problem(person=2, population=16, generations=60, tolerance=1e-6))
    assert result.best_params == pytest.approx({"a": 0.9, "b": 0.2, "c": 0.5}, abs=1e-3)
    assert result.best_cost == pytest.approx(-1, abs=1e-4)
    assert result.best_terms["fc_corr"] == pytest.approx(1, abs=1e-5)
    assert result.simulations == sum(len(generation.cost) for generation in result.history)
    assert result.at_bounds == {}


def test_cmaes_starts_from_a_latin_hypercube():
    first = fit_one(make_problem(generations=1)).history[0]
    assert first.points.shape == (8, 2)
    for column in first.points.T:
        assert sorted(np.floor(column * 8)) == list(range(8))


@pytest.mark.parametrize(
    "max_simulations", [24, *(pytest.param(number, marks=pytest.mark.slow) for number in (5, 1000))]
)
def test_fits_together_are_the_fits_alone(max_simulations):
    problems = [make_problem(person, restart) for person in range(3) for restart in range(2)]
    together = run_fits(problems, simulate_batch, MemoryStore(), max_simulations)
    for problem, result in zip(problems, together, strict=True):
        assert result.key == problem.key
        assert_same_bits(result, fit_one(problem))


def simulate_rww(weights, connectome, params, seed, lengths, comparison=None):
    """The real engine, with everything made short."""
    from cubnm_core import simulate

    settings = {"duration": 20.0, "burn_in": 5.0, "repetition_time": 0.5, "dt": 1e-3, "fic": "analytical"}
    settings |= {"window": 4.0, "window_step": 1.0, "backend": "cpu", "hemodynamics": "cubnm-1.5T"}
    return simulate("rWW", weights, params, connectome=connectome, seed=seed, **settings)


@pytest.mark.slow
def test_real_simulations_together_are_those_alone_and_resumed():
    rng = np.random.default_rng(4)
    problems = []
    for person in range(3):
        problem = make_problem(person, population=6, generations=3)
        weights = rng.lognormal(-5, 1, (8, 8)) * (1 - np.eye(8))
        problems.append(
            replace(
                problem,
                weights=weights,
                target=Target(rng.uniform(-0.2, 0.8, 28), rng.uniform(0, 1, 50)),
                space=SearchSpace({"G": (0.1, 5.0), "w_p": (0.0, 2.0)}, {"J_N": 0.15}),
                objective=Objective(),
            )
        )
    store = MemoryStore()
    together = run_fits(problems, simulate_rww, store, max_simulations=11)
    for problem, result in zip(problems, together, strict=True):
        assert_same_bits(result, run_fits([problem], simulate_rww, MemoryStore())[0])
        half = MemoryStore({problem.key: result.history[:1]})
        assert_same_bits(result, run_fits([problem], simulate_rww, half)[0])


def test_fits_of_different_length_leave_the_batch_one_by_one():
    sizes = []

    def counted(weights, connectome, params, seed, lengths, comparison=None):
        sizes.append((len(weights), len(seed)))
        return simulate_batch(weights, connectome, params, seed, lengths)

    short, long = make_problem(0, generations=2), make_problem(1, generations=4)
    run_fits([short, long], counted, MemoryStore())
    assert sizes == [(2, 16), (2, 16), (1, 8), (1, 8)]


def test_a_shared_connectome_is_sent_once():
    one = make_problem(0, 0)
    seen = []

    def watched(weights, connectome, params, seed, lengths, comparison=None):
        seen.append((len(weights), set(connectome), set(seed)))
        return simulate_batch(weights, connectome, params, seed, lengths)

    other = replace(one, key="other", noise_seed=7)
    run_fits([one, other], watched, MemoryStore())
    assert seen[0] == (1, {0}, {0, 7})


def test_a_fit_leaves_the_global_generators_as_it_found_them():
    np.random.seed(3)
    random.seed(3)
    search = CmaesSearch(OptimizerSettings(population=4), 2, 1, seed=5)
    for _ in range(3):
        search.tell(np.sum(search.ask() ** 2, axis=1, keepdims=True))
    drawn = np.random.rand(), random.random()
    np.random.seed(3)
    random.seed(3)
    assert drawn == (np.random.rand(), random.random())


@pytest.mark.parametrize("kept", range(0, 13, 2))
def test_resuming_from_any_generation_gives_the_same_bits(kept):
    problem = make_problem(tolerance=0.0)
    whole = fit_one(problem)
    store = MemoryStore({problem.key: whole.history[:kept]})
    computed = []
    resumed = fit_one(problem, store, on_generation=lambda problem, history: computed.append(history[-1]))
    assert_same_bits(whole, resumed)
    assert [generation.number for generation in computed] == list(range(kept, whole.generations))
    assert len(store.load(problem.key)) == whole.generations


def test_resuming_after_a_crash_between_two_generations():
    problem = make_problem()
    whole, store = fit_one(problem), MemoryStore()

    def crash(problem, history):
        if len(history) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_one(problem, store, on_generation=crash)
    assert len(store.load(problem.key)) == 5
    assert_same_bits(whole, fit_one(problem, store))


def test_a_larger_budget_goes_on_from_a_finished_fit():
    finished = fit_one(make_problem(tolerance=0.0))
    longer = make_problem(tolerance=0.0, generations=20)
    resumed = fit_one(longer, MemoryStore({longer.key: finished.history}))
    assert resumed.generations == 20
    assert_same_bits(resumed, fit_one(longer))


def test_points_from_another_cpu_are_accepted_with_a_note(caplog):
    problem = make_problem()
    whole = fit_one(problem)
    moved = [replace(generation, points=generation.points + 1e-13) for generation in whole.history[:4]]
    with caplog.at_level("INFO"):
        resumed = fit_one(problem, MemoryStore({problem.key: moved}))
    assert "replayed points differ by 1.0e-13" in caplog.text
    np.testing.assert_array_equal(resumed.history[5].points, whole.history[5].points)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda g: {"points": g.points + 1e-8}, "points lie up to 1.0e-08 from"),
        (lambda g: {"points": g.points * np.nan}, "points lie up to nan from"),
        (lambda g: {"points": g.points[:5], "cost": g.cost[:5]}, r"shape \(5, 2\) where the search asks"),
        (lambda g: {"cost": g.cost * np.nan}, "cost that is not finite"),
        (lambda g: {"number": 7}, "generation 3 should come here"),
    ],
)
def test_foreign_or_torn_histories_are_refused(damage, complaint):
    problem = make_problem()
    history = fit_one(problem).history
    history[3] = replace(history[3], **damage(history[3]))
    with pytest.raises(InputError, match=complaint):
        fit_one(problem, MemoryStore({problem.key: history}))


def test_a_smaller_budget_uses_the_beginning_of_a_longer_history():
    history = fit_one(make_problem(tolerance=0.0)).history
    problem = make_problem(tolerance=0.0, generations=5)
    assert_same_bits(fit_one(problem, MemoryStore({problem.key: history})), fit_one(problem))


def test_a_history_that_goes_on_after_its_search_ended_is_refused():
    whole = fit_one(make_problem(generations=200, tolerance=0.05))
    further = replace(whole.history[-1], number=whole.generations)
    problem = make_problem(generations=200, tolerance=0.05)
    with pytest.raises(InputError, match="the search ended before it"):
        fit_one(problem, MemoryStore({problem.key: [*whole.history, further]}))


def failing(weights, connectome, params, seed, lengths, comparison=None):
    """A simulator whose every simulation diverges."""
    run = simulate_batch(weights, connectome, params, seed, lengths)
    run.fc[:] = np.nan
    run.status[:] = 1
    return run


def test_a_search_of_nothing_but_failures_ends_with_a_reason():
    result = run_fits([make_problem(generations=200)], failing, MemoryStore())[0]
    assert result.best_cost == Objective({"fc_corr": 1.0, "fc_normec": 1.0}).worst_cost
    assert result.best_status == 1
    assert result.generations < 10
    assert "tolfun" in result.stopped


def test_some_failures_do_not_stop_a_search():
    def half_failing(weights, connectome, params, seed, lengths, comparison=None):
        run = simulate_batch(weights, connectome, params, seed, lengths)
        run.fc[params["a"] > 1] = np.nan
        return run

    result = run_fits([make_problem(generations=40, tolerance=1e-6)], half_failing, MemoryStore())[0]
    assert result.best_params["a"] == pytest.approx(0.7, abs=0.01)


def test_tolerance_ends_a_search_and_is_named():
    result = fit_one(make_problem(generations=200, tolerance=0.05))
    assert result.stopped == "costs differ by less than the tolerance of 0.05 (tolfun)"
    assert result.generations < 100


def test_budget_ends_a_search_and_is_named():
    assert fit_one(make_problem(generations=3)).stopped == "all 3 generations done"


def test_seeds_tell_restarts_people_and_settings_apart_and_0_is_a_seed():
    seeds = {derive_seed(seed, restart, key) for seed in (0, 1) for restart in (0, 1) for key in ("p", "q")}
    assert len(seeds) == 8
    assert 0 not in seeds
    one, again = (fit_one(make_problem(seed=0)) for _ in range(2))
    assert_same_bits(one, again)


def test_searches_refuse_nan():
    search = CmaesSearch(OptimizerSettings(population=4), 2, 1, seed=5)
    search.ask()
    with pytest.raises(ValueError, match="4 finite costs"):
        search.tell([[0.0], [np.nan], [1.0], [2.0]])


def test_cmaes_of_one_parameter_is_refused():
    with pytest.raises(InputError, match="search one with a grid"):
        make_search(OptimizerSettings(), ["G"], "key", 0)


def test_grid_is_the_full_product_first_parameter_slowest():
    settings = {"name": "grid", "shape": {"b": 2, "a": 3}, "population": 4}
    result = fit_one(make_problem(**settings))
    points = np.concatenate([generation.points for generation in result.history])
    assert points.tolist() == [[0, 0], [0, 1], [0.5, 0], [0.5, 1], [1, 0], [1, 1]]
    assert [len(generation.cost) for generation in result.history] == [4, 2]
    assert result.stopped == "all 6 points of the grid done"
    assert result.best_cost == min(generation.cost.min() for generation in result.history)


def test_grid_resumes():
    problem = make_problem(name="grid", shape={"a": 5, "b": 5})
    whole = fit_one(problem)
    assert_same_bits(whole, fit_one(problem, MemoryStore({problem.key: whole.history[:2]})))


@pytest.mark.parametrize("shape", [None, {"a": 3}, {"a": 3, "b": 3, "G": 3}, {"a": 3, "b": 0}])
def test_grids_that_do_not_fit_the_parameters_are_refused(shape):
    with pytest.raises(InputError, match="shape of the grid"):
        fit_one(make_problem(name="grid", shape=shape))


@pytest.mark.parametrize(
    "wrong",
    [{"patience": 0}, {"population": 2}, {"generations": 0}, {"sigma": 0.0}, {"tolerance": -1}, {"seed": -1}],
)
def test_optimiser_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))} of the optimiser"):
        OptimizerSettings(**wrong)


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        ({"weights": np.ones((4, 4))}, (4, 4)),
        ({"lengths": np.ones((3, 3))}, (3, 3)),
        ({"space": SearchSpace({"a": (0.0, 2.0), "b": (-1.0, 1.0)})}, (3, 3)),
    ],
)
def test_problems_of_another_shape_go_into_calls_of_their_own(change, shape):
    calls = []

    def watched(weights, connectome, params, seed, lengths, comparison=None):
        calls.append((weights.shape[1:], sorted(params), lengths is None))
        return simulate_batch(weights, connectome, params, seed, lengths)

    problems = [make_problem(0), replace(make_problem(1), **change)]
    for problem, result in zip(problems, run_fits(problems, watched, MemoryStore()), strict=True):
        assert_same_bits(result, fit_one(problem))
    assert calls[0][0] == (3, 3) and calls[1][0] == shape and calls[0] != calls[1]


def test_two_problems_with_one_key_are_refused():
    with pytest.raises(InputError, match="share the key sub-0_restart-0"):
        run_fits([make_problem(0), make_problem(0)], simulate_batch, MemoryStore())
