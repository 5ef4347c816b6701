"""The choice of a time step: what is refused and taken, and steps that are simulated."""

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.evidence.time_steps import TERMS, choose_step, judge, score_step
from cubnm_core.measures.objective import Target

STEPS = (1e-4, 5e-4, 1e-3)


def scores(bias=0.0, noise=0.0, seed=0, points=32, seeds=8):
    """Scores of points that vary by 0.1 over seeds, moved by a bias and by noise that a step adds, in SD."""
    rng = np.random.default_rng(5)
    values = rng.uniform(0, 0.5, (points, 1)) + 0.1 * rng.standard_normal((points, seeds))
    added = noise * np.random.default_rng(seed).standard_normal(values.shape)
    return {"fc_corr": values + 0.1 * (np.asarray(bias) + added)}


def choose(**coarse):
    fine = scores()
    return choose_step(lambda dt: coarse.get(f"at_{dt:g}", fine), STEPS)


def test_the_coarsest_step_with_the_same_scores_is_taken():
    choice = choose(**{"at_0.0005": scores(0.05, 0.2), "at_0.001": scores(0.1, 0.3, seed=1)})
    assert choice.dt == 1e-3 and all(reason.startswith("taken") for reason in choice.reasons.values())


def test_a_bias_refuses_a_step_and_the_next_finer_is_taken():
    choice = choose(**{"at_0.0005": scores(0.05, 0.2), "at_0.001": scores(0.6, 0.2)})
    assert choice.dt == 5e-4
    assert choice.reasons[1e-3].startswith("refused: fc_corr")
    (shift, _) = [one for one in choice.shifts if one.dt == 1e-3]
    assert 0.4 < shift.bias < 0.9 and not shift.is_small


def test_nothing_coarser_gives_the_finest():
    choice = choose(**{"at_0.0005": scores(0.8), "at_0.001": scores(-0.8)})
    assert choice.dt == 1e-4 and len(choice.reasons) == 2


def test_without_pairing_nothing_is_shown_and_nothing_is_taken():
    """A step that draws its own noise has no bias, but few seeds cannot tell."""
    (shifts, reason) = judge(scores(), scores(0.0, 3.0), 1e-3)
    assert reason.startswith("refused") and max(shift.error for shift in shifts) > 0.1


def test_biases_of_either_sign_do_not_cancel():
    sign = np.where(np.arange(32) % 2, 1.0, -1.0)[:, None]
    shifts, reason = judge(scores(), scores(sign, 0.1), 1e-3)
    assert abs(shifts[0].bias) < 0.3 < shifts[0].spread and reason.startswith("refused")


def test_a_bias_where_scores_vary_most_is_not_hidden_by_the_others():
    fine = scores()["fc_corr"]
    fine[:8] = fine[:8].mean(axis=1, keepdims=True) + 5 * (fine[:8] - fine[:8].mean(axis=1, keepdims=True))
    coarse = fine.copy()
    coarse[:8] += 0.4 * fine[:8].std(axis=1, ddof=1, keepdims=True)
    shifts, reason = judge({"fcd_ks": fine}, {"fcd_ks": coarse}, 1e-3)
    every, variable = shifts
    assert every.is_small and not variable.is_small and "where it varies most" in reason


def test_divergence_refuses_a_step_and_leaves_out_points_that_diverge_at_any():
    fine, coarse = scores(), scores()
    fine["fc_corr"][0, 0] = coarse["fc_corr"][0, 0] = np.nan
    assert judge(fine, coarse, 1e-3)[1].startswith("taken")
    coarse["fc_corr"][3:5, 1] = np.nan
    assert judge(fine, coarse, 1e-3) == (
        [],
        "refused: simulations of 2 of 31 points diverge or have no fc_corr",
    )


def test_a_score_that_never_varies_may_not_move():
    fine = {"mean r": np.full((4, 3), 2.0)}
    assert judge(fine, fine, 1e-3)[1].startswith("taken")
    assert judge(fine, {"mean r": np.full((4, 3), 2.01)}, 1e-3)[1].startswith("refused")


def test_few_seeds_and_lost_scores_are_told():
    with pytest.raises(InputError, match="2 noise seeds give no SD; simulate 3 or more"):
        judge(scores(seeds=2), scores(seeds=2), 1e-3)
    lost = {"fc_corr": np.full((4, 3), np.nan)}
    with pytest.raises(InputError, match="no point has a score under every seed"):
        judge(lost, lost, 1e-3)


@pytest.mark.slow
def test_steps_of_a_model_are_compared_on_one_path():
    nodes = 12
    rng = np.random.default_rng(2)
    weights = rng.lognormal(0, 1, (nodes, nodes)) / nodes * (1 - np.eye(nodes))
    target = Target(rng.uniform(-0.2, 0.8, nodes * (nodes - 1) // 2), rng.uniform(0, 1, 45))
    points = {"G": np.array([0.3, 0.8]), "a": np.array([-0.5, -0.1])}
    keywords = {"duration": 40.0, "burn_in": 5.0, "repetition_time": 0.5, "hemodynamic_dt": 0.05}
    keywords |= {"window": 10.0, "window_step": 2.0, "noise_step": 1e-3, "seeds": range(3), "states": ("x",)}

    def run(dt, **other):
        return score_step("Hopf", weights, points, target, dt=dt, **{**keywords, **other})

    fine, coarse, apart = run(1e-3), run(5e-3), run(5e-3, noise_step=5e-3)
    assert list(fine) == [*TERMS, "mean x"]
    assert all(values.shape == (2, 3) for values in fine.values())
    for name in ("fc_corr", "fc_diff", "fc_normec"):
        paired, unpaired = (np.abs(other[name] - fine[name]).mean() for other in (coarse, apart))
        assert paired < unpaired / 3, name
