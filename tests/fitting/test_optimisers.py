"""Every optimiser by name: bounded, repeatable whatever goes on around it, its options checked."""

# ruff: noqa: NPY002, foreign draws from the global generator are what is tested

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.fitting import catalogue, designs
from cubnm_core.fitting.fits import Generation
from cubnm_core.fitting.optimisers import OptimizerSettings, make_search, reason_to_stop

NAMES = ["a", "b", "c"]
CENTERS = np.array([[0.3, 0.4, 0.5], [0.6, 0.5, 0.4]])


def search_of(name, objectives, initial=None, seed=1, **settings):
    settings = {"population": 12, "generations": 8, "tolerance": 0.0, "seed": seed} | settings
    return make_search(OptimizerSettings(name, **settings), NAMES, "key", 0, objectives, initial)


def costs_of(points, objectives):
    """Distances from one point, or from two that cannot both be reached."""
    return np.stack([((points - center) ** 2).sum(axis=1) for center in CENTERS[:objectives]], axis=1)


def course(search, objectives, generations=8, foreign=False):
    """Points of a few generations; `foreign` code draws random numbers meanwhile."""
    asked = []
    while search.stopped is None and len(asked) < generations:
        if foreign:
            np.random.seed(len(asked))
            np.random.rand(7)
        asked.append(search.ask())
        search.tell(costs_of(asked[-1], objectives))
    return asked


@pytest.mark.slow
@pytest.mark.parametrize("objectives", [1, 2])
def test_every_algorithm_stays_in_bounds_repeats_itself_and_gets_better(objectives):
    names = catalogue.available("single" if objectives == 1 else "multiple")
    assert len(names) > 10
    for name in names:
        one = course(search_of(name, objectives), objectives)
        again = course(search_of(name, objectives), objectives, foreign=True)
        assert len(one) == len(again) and len(one) > 1, name
        for here, there in zip(one, again, strict=True):
            assert here.ndim == 2 and here.shape[1] == 3 and len(here), name
            assert here.min() >= 0 and here.max() <= 1, name
            np.testing.assert_array_equal(here, there, err_msg=name)
        best = [costs_of(points, objectives).sum(axis=1).min() for points in one]
        assert min(best) < best[0] or len(one[0]) == 1, name


@pytest.mark.parametrize("name", ["de", "PSO", "ga", "nsga2", "cmaes", "NelderMead", "sobol", "random"])
def test_an_initial_point_comes_first(name):
    initial = np.array([0.31, 0.39, 0.52])
    first = search_of(name, 2 if name == "nsga2" else 1, initial).ask()
    np.testing.assert_array_equal(first[0], initial)
    assert len(first) == (1 if name == "cmaes" else 12)


def test_cmaes_stays_near_its_initial_point():
    points = course(search_of("cmaes", 1, CENTERS[0] + 0.01, sigma=0.02), 1, generations=3)
    assert np.abs(points[1] - CENTERS[0]).max() < 0.15


def test_seeds_make_searches_differ_and_restarts_too():
    settings = OptimizerSettings("pso", population=8)
    first = [make_search(settings, NAMES, key, restart).ask() for key in "pq" for restart in (0, 1)]
    assert len({points.tobytes() for points in first}) == 4


def test_designs_cover_the_cube():
    for draw in (designs.random, designs.sobol, designs.latin_hypercube):
        points = draw(64, 3, seed=5)
        assert points.shape == (64, 3) and points.min() >= 0 and points.max() < 1
        np.testing.assert_array_equal(points, draw(64, 3, seed=5))
        assert (points != draw(64, 3, seed=6)).any()
    for draw in (designs.sobol, designs.latin_hypercube):
        for column in draw(64, 3, seed=5).T:
            assert sorted(np.floor(column * 64)) == list(range(64))
    search = search_of("sobol", 1, generations=3)
    assert [len(points) for points in course(search, 1)] == [12, 12, 12]
    assert search.stopped == "all 36 points of the sobol design done"


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("cma", {}, "no optimiser 'cma'; did you mean 'CMAES'.* grid, random, sobol and .*PSO"),
        ("MOEAD", {}, "'MOEAD' cannot be used: it asks for one simulation at a time"),
        ("nsga2", {}, "NSGA2 searches for several objectives, and one is stated"),
        ("pso", {"c3": 1.0}, "PSO has no option 'c3'; It takes adaptive, c1, c2"),
        ("pso", {"pop_size": 20}, "'pop_size' is set by other settings"),
        ("ga", {"crossover": "SBX"}, "'crossover' is 'SBX'; a configuration can give numbers"),
        ("de", {"variant": "DE/best/bin"}, "DE refuses its options"),
        ("cmaes", {"CMA_elitists": True}, "CMAES has no option 'CMA_elitists'; did you mean 'CMA_elitist'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(name, options, complaint):
    with pytest.raises(InputError, match=complaint):
        search_of(name, 1, options=options)


def test_an_algorithm_for_one_objective_is_refused_for_two():
    with pytest.raises(InputError, match=r"CMAES searches for one objective, not for 2.*NSGA2"):
        search_of("cmaes", 2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("de", {"CR": 0.9, "F": 0.4}),
        ("pso", {"w": 0.2}),
        ("cmaes", {"CMA_elitist": True}),
        ("ES", {"gamma": 0.5}),
    ],
)
def test_options_reach_the_algorithm(name, options):
    plain, changed = (course(search_of(name, 1, options=stated), 1) for stated in ({}, options))
    assert any(
        (here.shape != there.shape) or (here != there).any()
        for here, there in zip(plain, changed, strict=False)
    )


def test_the_reasons_why_algorithms_cannot_be_used_name_algorithms():
    assert set(catalogue.UNUSABLE) <= set(catalogue._declared())


def made_history(costs, status=0):
    """Generations of one candidate each."""
    return [
        Generation(number, np.zeros((1, 3)), {}, np.array([cost]), np.array([status]))
        for number, cost in enumerate(costs)
    ]


def test_patience_ends_a_search_without_improvement():
    settings = OptimizerSettings("de", generations=50, patience=3, tolerance=0.01)
    assert reason_to_stop(settings, made_history([1.0, 0.5, 0.495, 0.6])) is None
    improving = made_history([1.0, 0.5, 0.495, 0.49, 0.48])
    assert reason_to_stop(settings, improving) is None
    still = made_history([1.0, 0.5, 0.495, 0.6, 0.494])
    assert reason_to_stop(settings, still) == "no improvement of more than 0.01 in 3 generations"


def test_budget_and_failures_end_a_search_but_no_design():
    history = made_history([1.0] * 6, status=1)
    assert "first 6 generations failed" in reason_to_stop(OptimizerSettings("de", generations=9), history)
    assert reason_to_stop(OptimizerSettings("de", generations=6), history) == "all 6 generations done"
    assert reason_to_stop(OptimizerSettings("random", generations=9), history) is None


def test_the_documentation_lists_every_algorithm(repository):
    text = (repository / "docs" / "fitting" / "README.md").read_text(encoding="utf-8")
    for objectives, label in (("single", "one objective: "), ("multiple", "several: ")):
        listed = text.split(f"  - {label}")[1].split("\n  - ")[0].split("\n\n")[0]
        assert sorted(listed.replace("\n", " ").replace(" ", "").split(",")) == sorted(
            catalogue.available(objectives)
        )
