"""Feedback inhibition control: the analytical solution, plasticity, and what counts as failed."""

import numpy as np
import pytest

from cubnm_core import InputError, load_model, simulate
from cubnm_core.simulation.inhibition import adjust, analytical, plastic_model, settings

pytestmark = pytest.mark.slow

LONG = {"duration": 90.0, "repetition_time": 1.0, "record": ("state_means",), "hemodynamics": "cubnm-1.5T"}


@pytest.fixture
def connectome(shared):
    return np.load(shared / "reference" / "cubnm" / "common.npz")["sc"]


def test_plasticity_holds_every_node_at_its_rate(connectome):
    """HCP connectome, w_p 1.4, J_N 0.15: every node's mean over 60 fresh seconds within 0.5 Hz of 3 Hz."""
    run = simulate("rWW", connectome, {"G": [0.5, 1.0, 1.5]}, fic="plasticity", seed=1, **LONG)
    rates = run.state_means["r_E"]
    assert np.abs(rates - 3.0).max() < 0.5
    assert (run.status == 0).all()


def test_failed_inhibition_raises_its_status(connectome):
    """Where the network is close to a switch, no constant weights hold it: said, not hidden."""
    run = simulate("rWW", connectome, {"G": [2.0, 3.0]}, fic="plasticity", seed=1, **LONG)
    outside = np.abs(run.state_means["r_E"] - 3.0).max(axis=1) > 0.5
    np.testing.assert_array_equal(run.status, np.where(outside, 2, 0))
    analytic = simulate("rWW", connectome, {"G": [0.3, 2.0]}, fic="analytical", seed=1, **LONG)
    assert analytic.status.tolist() == [0, 2]


def test_fitted_weights_give_the_same_simulation_again(connectome):
    """An evaluation hands over the weights that a fit found; nothing is tuned again."""
    short = {**LONG, "duration": 5.0, "burn_in": 1.0, "record": ("bold",)}
    fic = {"method": "plasticity", "warm_up": 3.0}
    tuned = simulate("rWW", connectome, {"G": [0.5, 0.8]}, fic=fic, **short)
    again = simulate("rWW", connectome, tuned.params, **short)
    np.testing.assert_array_equal(again.bold, tuned.bold)


def test_plasticity_is_the_same_on_both_backends():
    weights = np.array([[0, 0.02, 0.01], [0.02, 0, 0.03], [0.01, 0.03, 0]])
    short = {"duration": 0.5, "repetition_time": 0.1, "burn_in": 0.1, "record": ("bold",), "dt": 5e-4}
    short |= {"hemodynamics": "cubnm-1.5T"}
    fic = {"method": "plasticity", "warm_up": 1.0}
    expected = simulate("rWW", weights, {"G": [0.5, 1.0]}, fic=fic, backend="reference", **short)
    found = simulate("rWW", weights, {"G": [0.5, 1.0]}, fic=fic, precision="double", **short)
    np.testing.assert_allclose(found.params["wIE"], expected.params["wIE"], rtol=1e-10)
    assert np.ptp(found.params["wIE"]) > 0


def test_learning_rule_of_the_plastic_model():
    model = plastic_model(load_model("rWW"), settings("plasticity"))
    assert model.states["wIE"].initial == "start_weight"
    assert "wIE" not in model.parameters


def test_numerical_adjustment_follows_cubnm():
    """Weights fall by a shrinking step where the current is low, rise by a constant one where it is high."""
    threshold = 125 / 310
    current = np.array([[threshold - 0.026, threshold - 0.1, threshold + 0.1, threshold - 0.032]])
    weight, step = adjust(load_model("rWW"), current, np.ones((1, 4)), np.array([[0.02, 0.02, 0.02, 0.001]]))
    np.testing.assert_allclose(weight, [[1.0, 0.98, 1.02, 0.999]])
    np.testing.assert_allclose(step, [[0.02, 0.019, 0.02, 0.001]])


def test_numerical_inhibition_ends_on_target(connectome):
    """The second simulation is given too few trials; the mean current says which one is on target."""
    short = {"duration": 10.0, "repetition_time": 1.0, "burn_in": 1.0, "state_period": 1e-3, "dt": 2e-4}
    short["record"] = ("state_means",)
    run = simulate("rWW", connectome, {"G": [0.4, 1.5]}, fic={"method": "numerical", "trials": 3}, **short)
    start = simulate("rWW", connectome, {"G": [0.4, 1.5]}, fic="analytical", **short)
    off = np.abs(run.state_means["I_E"] - 125 / 310 + 0.026) > 0.005
    assert off.any(axis=1).tolist() == [False, True]
    assert run.status[1] == 2
    moved = np.abs(run.params["wIE"] - start.params["wIE"])
    assert moved[1].max() > moved[0].max() > 0.01


def test_analytical_weights_balance_the_current_at_rest():
    """With the weights found, the excitatory current at rest is what rest means."""
    model, weights = load_model("rWW"), np.array([[0, 0.3], [0.1, 0]])
    w_p, J_N = np.full((1, 2), 1.4), np.array([[0.15, 0.2]])
    wIE, found = analytical(model, weights, np.array([0.7]), w_p, J_N)
    S_E = 0.1647572075
    current = np.linspace(0.2, 0.4, 2_000_001)
    for node in range(2):
        transfer = 615 * current - 177
        S_I = 0.01 * transfer / (1 - np.exp(-0.087 * transfer))
        balance = 0.7 * 0.382 + J_N[0, node] * S_E - S_I - current
        S_I = S_I[np.abs(balance).argmin()]
        I_E = 0.382 + J_N[0, node] * S_E * (1.4 + 0.7 * weights[:, node].sum()) - wIE[0, node] * S_I
        assert abs(I_E - 0.3773805650) < 1e-6
    assert found.all()


def test_no_solution_is_reported():
    model, weights = load_model("rWW"), np.zeros((2, 2))
    wIE, found = analytical(model, weights, np.array([0.0]), np.full((1, 2), -5.0), np.full((1, 2), 0.5))
    assert not found[0]
    np.testing.assert_array_equal(wIE, 1.0)


@pytest.mark.parametrize(
    ("fic", "message"),
    [
        ("analytic", "unknown method 'analytic'; allowed are None, analytical, plasticity, numerical"),
        ({"method": "analytical", "warm_up": 3}, "analytical has no setting 'warm_up'"),
        ({"method": "plasticity", "target": -1}, "must be above 0"),
        ({"method": "plasticity", "rate_band": (4, 2)}, "the lower one first"),
    ],
)
def test_wrong_settings(fic, message):
    with pytest.raises(InputError, match=message):
        settings(fic)


def test_model_without_inhibition():
    with pytest.raises(InputError, match="rWWEx has no"):
        simulate("rWWEx", np.zeros((2, 2)), {"G": 1}, fic="plasticity", **LONG)
