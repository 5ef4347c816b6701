"""Plans of fits by linear response: candidates apart from simulations, at a price of their own."""

import pytest
from test_plan import resolved

from workflow_scripts.planning import estimates, linear_candidates, plan

LINEAR = {"method": "linear", "objective": {"fc_corr": 1.0}}


def staged(**changes):
    """Stages of one search of ten people, a quarter of whose candidates are flagged."""
    settings = resolved(**LINEAR, **changes)
    count = 10 * estimates.most_simulations(settings)
    stages = [
        estimates.Stage("one", "fit", count, 60.0 * count, 1),
        estimates.Stage("one", "evaluate", 50, 3000.0, 1),
    ]
    price = {"one": linear_candidates.Price(0.1, 0.25)}
    return linear_candidates.part(stages, {"one": settings}, price, {"one": 2.0})


def test_candidates_cost_what_was_measured_and_flagged_ones_are_simulated():
    candidates, simulated, evaluated = staged()
    assert candidates.is_linear and (candidates.simulations, candidates.seconds) == (240, 0.0)
    assert candidates.simulations * candidates.cost * 2.0 == pytest.approx(240 * 0.1)
    assert (simulated.simulations, simulated.seconds, simulated.cost) == (60, 3600.0, 1.0)
    assert (evaluated.simulations, evaluated.is_linear) == (50, False)


def test_re_tests_are_simulated_in_full_and_worst_candidates_are_not():
    steps = {"search_steps": {"dt": 2e-3, "hemodynamic_dt": 2e-3}}
    retest = {"retest": {"candidates": 2, "seeds": 3}}
    candidates, simulated, _ = staged(**steps, **retest)
    assert (candidates.simulations, simulated.simulations) == (240, 60 + 120)
    assert simulated.cost == pytest.approx((60 * 0.5 + 120) / 180)
    assert [stage.is_linear for stage in staged(flagged="worst")] == [True, False]


def test_the_table_counts_candidates_as_no_simulations():
    rows = plan.stage_rows(staged(), {"here": {"one": 2.0}})
    assert [row[2] for row in rows] == ["240 linear", 60, 50, 110]
    assert rows[0][4] == f"{24 / 3600:,.3g}"
    assert (
        "25% of them were flagged"
        in linear_candidates.remarks(staged(), {"one": linear_candidates.Price(0.1, 0.25)})[0]
    )


def test_planes_of_everybody_are_counted_where_they_are_computed():
    settings = resolved(free={"G": [0.5, 3.0], "w_p": [0.2, 2.0]}, objective={"fc_corr": 1.0})
    jobs = [("expected_landscapes", {"fit": "one", "batch": "1"}), ("fit", {"fit": "one", "batch": "1"})]
    stated = {"compute": "auto", "points": 4}
    counted = {"fits": {"one": settings}, "batches": {"1": ["a", "b"]}, "landscapes": stated}
    [found] = linear_candidates.plane_stages(jobs, size=20, **counted)
    assert (found.simulations, found.jobs, found.is_linear) == (2 * (1 + 16), 1, True)
    price = {"one": linear_candidates.Price(0.1, 0.25)}
    [priced] = linear_candidates.part([found], {"one": settings}, price, {"one": 2.0})
    assert priced.simulations * priced.cost * 2.0 == pytest.approx(34 * 0.1)
    assert "flagged" not in linear_candidates.remarks([priced], price)[0]
    assert linear_candidates.plane_stages(jobs, size=9000, **counted) == []
    assert linear_candidates.plane_stages(jobs[1:], size=20, **counted) == []


@pytest.mark.slow
def test_a_price_is_measured():
    nodes = [{"index": place, "label": f"n{place}", "hemisphere": "LR"[place // 4]} for place in range(8)]
    found = linear_candidates.measure(resolved(**LINEAR, fic="analytical"), nodes, 1.0)
    assert found.seconds > 0 and 0 <= found.flagged <= 1


def test_experiments_are_counted_with_what_they_are_compared_with():
    stated = {
        "one": {"lesion": {"nodes": ["a"]}, "candidates": 4, "seeds": 5},
        "two": {"change": {}, "candidates": 4, "seeds": 5},
        "each": {"lesion": {"each_region": True}, "candidates": 2, "seeds": 3},
    }
    evaluation = {"experiments": stated, "nodes": [{}] * 8}
    counted = estimates.SIMULATIONS["perform_experiments"]({}, 3, evaluation)
    assert counted == 3 * ((20 + 6) + 20 + 20 + 8 * 6)
