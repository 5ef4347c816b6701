"""Averages of simulations, scored as one: FC averaged, FCD pooled, runs with other firing rates left out."""

from types import SimpleNamespace

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.evidence.evaluation import evaluate_models
from cubnm_core.fitting.averages import Averaging, Run, average, sets
from cubnm_core.fitting.candidates import Candidate, score_candidates
from cubnm_core.fitting.fits import FitProblem, Retest
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.packing import Packer
from cubnm_core.fitting.run import MemoryStore, run_fits
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.measures.distances import binned_cdf
from cubnm_core.measures.objective import DIVERGED, FIC_FAILED, Objective, Target

PAIRS, WINDOWS, NODES = 10, 45, 5
TRUE_FC = np.linspace(-0.5, 0.9, PAIRS)
TARGET = Target(TRUE_FC, np.random.default_rng(0).uniform(-0.3, 0.9, 200))
BAND = (2.7, 3.3)
MEASURES = {"fc_corr": 1.0, "fc_diff": 1.0, "fcd_ks_binned": 1.0}
OBJECTIVE = Objective(MEASURES, band=BAND, averaged=3)
OUT_OF_BAND, DIVERGES = 98, 99  # seeds


def made(seed, shift=0.0):
    """FC, FCD and rates of one made-up simulation."""
    draws = np.random.default_rng(int(seed))
    rates = np.full(NODES, 3.0) + 0.1 * draws.uniform(-1, 1, NODES)
    rates[0] += seed == OUT_OF_BAND
    fc = np.tanh(TRUE_FC + shift + 0.3 * draws.standard_normal(PAIRS))
    return fc * (np.nan if seed == DIVERGES else 1.0), draws.uniform(-0.5, 1.0, WINDOWS), rates


def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
    """A made-up simulator; what is compared elsewhere cannot be averaged."""
    assert comparison is None
    fc, fcd, rates = zip(*map(made, seed, np.broadcast_to(params["a"], len(seed))), strict=True)
    return SimpleNamespace(
        bold=None,
        fc=np.stack(fc),
        fcd=np.stack(fcd),
        observables={},
        state_means={"r_E": np.stack(rates)},
        params=params,
        status=np.where(np.asarray(seed) == DIVERGES, DIVERGED, 0),
    )


def expected(seeds, shift=0.0):
    """Scores of one average as Kong et al. and Zhang et al. compute them, from what is left of it."""
    runs = [made(seed, shift) for seed in seeds if seed not in (OUT_OF_BAND, DIVERGES)]
    fc = np.mean([run[0] for run in runs], axis=0)
    cdf = np.mean([binned_cdf(run[1]) for run in runs], axis=0)
    return {
        "fc_corr": np.corrcoef(fc, TRUE_FC)[0, 1],
        "fc_diff": abs(fc.mean() - TRUE_FC.mean()),
        "fcd_ks_binned": np.abs(cdf - TARGET.binned_fcd).max(),
    }


def problem(**changes):
    """A fit over three seeds, whose re-test takes four."""
    settings = {
        "key": "sub-01",
        "weights": np.ones((NODES, NODES)),
        "lengths": None,
        "target": TARGET,
        "space": SearchSpace({"a": (-0.5, 0.5)}, {}),
        "objective": OBJECTIVE,
        "optimizer": OptimizerSettings(name="random", population=4, generations=2),
        "replicates": 3,
        "retest": Retest(2, 4, 500),
    }
    return FitProblem(**(settings | changes))


@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [(20, 10, [10, 10]), (3, 10, [3]), (10, 10, [10]), (25, 10, [13, 12]), (1, 1, [1])],
)
def test_simulations_are_parted_into_whole_averages(count, size, sizes):
    assert np.bincount(sets(count, size)).tolist() == sizes
    assert (np.diff(sets(count, size)) >= 0).all()


@pytest.mark.parametrize("seeds", [[1, 2, 3], [1, OUT_OF_BAND, 3], [DIVERGES, 2, 3]])
@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_a_candidate_is_scored_by_its_average_whatever_the_pack(seeds, size):
    points = np.array([[0.2], [0.5], [0.9]])
    ((terms, status),) = Packer(simulate_batch, size).score_points([(problem(), points, seeds)])
    for row, point in enumerate(points[:, 0]):
        for name, value in expected(seeds, point - 0.5).items():
            assert terms[name][row] == pytest.approx(value, rel=1e-12)
    assert status.tolist() == [0, 0, 0]


def test_scores_of_averages_are_not_averages_of_scores():
    points, seeds = np.array([[0.5]]), [1, 2, 3]
    ((averaged, _),) = Packer(simulate_batch).score_points([(problem(), points, seeds)])
    single = np.mean([np.corrcoef(made(seed)[0], TRUE_FC)[0, 1] for seed in seeds])
    assert averaged["fc_corr"][0] > single + 0.01


@pytest.mark.parametrize(
    ("seeds", "status"), [([OUT_OF_BAND], FIC_FAILED), ([DIVERGES, OUT_OF_BAND], DIVERGED)]
)
def test_a_candidate_without_a_simulation_left_counts_as_the_worst(seeds, status):
    ((terms, found),) = Packer(simulate_batch).score_points([(problem(), np.array([[0.5]]), seeds)])
    assert {name: terms[name][0] for name in MEASURES} == {
        "fc_corr": -1.0,
        "fc_diff": 2.0,
        "fcd_ks_binned": 1.0,
    }
    assert found.tolist() == [status]


def test_without_limits_of_rates_only_what_diverged_is_left_out():
    free = Objective(MEASURES, band=None, averaged=3)
    ((terms, _),) = Packer(simulate_batch).score_points(
        [(problem(objective=free), np.array([[0.5]]), [1, OUT_OF_BAND])]
    )
    fc = np.mean([made(1)[0], made(OUT_OF_BAND)[0]], axis=0)
    assert terms["fc_corr"][0] == pytest.approx(np.corrcoef(fc, TRUE_FC)[0, 1], rel=1e-12)


@pytest.mark.parametrize("by_seed", [False, True])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_models_are_scored_by_averages_of_their_seeds(size, by_seed):
    weights, seeds = np.ones((NODES, NODES)), [[1, 2, 3, 4, 5, OUT_OF_BAND], [7, 8, 9]]
    candidates = [
        Candidate(weights, {"a": 0.1 * place}, {"train": TARGET}, mine) for place, mine in enumerate(seeds)
    ]
    board = score_candidates(candidates, Packer(_without_comparison, size), OBJECTIVE, by_seed)
    for place, mine in enumerate(seeds):
        scores = board.scores(place)["train"]
        wanted = [expected(mine[first : first + 3], 0.1 * place) for first in range(0, len(mine), 3)]
        for name in MEASURES:
            assert scores[name] == pytest.approx([one[name] for one in wanted], rel=1e-12)
        assert board.status(place).shape == (len(mine),)


def test_an_evaluation_has_a_score_per_average_and_shows_a_simulation_of_the_median_one():
    weights, seeds = np.ones((NODES, NODES)), [1, 2, 3, DIVERGES, 5, 6, 7, 8, 9]
    candidate = Candidate(weights, {"a": 0.0}, {"train": TARGET, "test": Target(TRUE_FC[::-1].copy())}, seeds)
    (result,) = evaluate_models(
        [candidate], Packer(_without_comparison), Objective({"fc_corr": 1.0}, averaged=3)
    )
    cost = result.scores["train"]["cost"]
    assert cost.shape == result.scores["test"]["cost"].shape == (3,) and len(result.seeds) == 9
    middle = int(np.argsort(cost)[1])
    assert result.median == 3 * middle + (middle == 1)  # the first of the second average diverged
    np.testing.assert_array_equal(result.fc, made(seeds[result.median])[0])
    mean, sd = result.score_summary("train")["cost"]
    assert (mean, sd) == (pytest.approx(cost.mean()), pytest.approx(cost.std(ddof=1)))


def _without_comparison(weights, connectome, params, seed, lengths):
    return simulate_batch(weights, connectome, params, seed, lengths)


def test_simulations_that_come_again_after_memory_ran_out_count_once():
    taken = []
    gather = Averaging(
        np.array([0, 0, 1, 1]), [None, None], lambda rows, run: taken.append((rows[0], run.fc[0]))
    )
    whole = simulate_batch(None, None, {"a": 0.0}, np.array([1, 2, 3, 4]), None)
    for rows in ([0, 1, 2], [0, 1], [2, 3]):
        part = SimpleNamespace(
            status=whole.status[rows], fc=whole.fc[rows], fcd=whole.fcd[rows], state_means={}
        )
        gather(np.array(rows), part)
    assert [number for number, _ in taken] == [0, 1]
    np.testing.assert_allclose(taken[1][1], (whole.fc[2] + whole.fc[3]) / 2)


def test_the_distribution_of_a_pooled_fcd_is_the_mean_of_the_distributions():
    runs = [Run(np.zeros(1, int), *(part[None] for part in made(seed)[:2]), {}) for seed in (1, 2, 3)]
    pooled = average(runs).fcd[0]
    np.testing.assert_allclose(
        binned_cdf(pooled), np.mean([binned_cdf(run.fcd[0]) for run in runs], axis=0), atol=1e-15
    )


def test_a_retest_is_simulated_by_its_own_simulator_and_the_search_by_its_own():
    asked = {"search": set(), "retest": set()}

    def of(name):
        def simulate(*given):
            asked[name] |= set(map(int, given[3]))
            return simulate_batch(*given)

        return simulate

    (result,) = run_fits([problem()], of("search"), MemoryStore(), simulate_retest=of("retest"))
    assert asked == {"search": {0, 1, 2}, "retest": {500, 501, 502, 503}}
    assert result.retest_cost is not None
    place = int(np.argmin(result.retested.cost))
    shift = problem().space.to_parameters(result.retested.points)["a"][place]
    for name, value in expected(range(500, 504), shift).items():
        assert result.retested.terms[name][place] == pytest.approx(value, rel=1e-12)


def test_an_average_of_nothing_is_refused():
    with pytest.raises(InputError, match="at least one simulation, not of 0"):
        sets(10, 0)
