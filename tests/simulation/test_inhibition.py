"""Feedback inhibition control: the analytical solution, plasticity, and what counts as failed."""

import numpy as np
import pytest
from scipy.optimize import brentq

from cubnm_core import InputError, load_model, simulate
from cubnm_core.equations.files import MODELS_FOLDER
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


def complete(model, **values):
    """Values of all parameters for two regions of one simulation."""
    values = {name: p.default for name, p in model.parameters.items() if p.default is not None} | values
    return {name: np.broadcast_to(np.asarray(value, float), (1, 2)) for name, value in values.items()}


def test_analytical_weights_balance_the_current_at_rest():
    """With the weights found, the excitatory current at rest is what rest means."""
    model, weights = load_model("rWW"), np.array([[0, 0.3], [0.1, 0]])
    J_N = np.array([[0.15, 0.2]])
    wIE, found = analytical(model, weights, complete(model, G=0.7, J_N=J_N))
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
    model = load_model("rWW")
    wIE, found = analytical(model, np.zeros((2, 2)), complete(model, G=0.0, w_p=-5.0, J_N=0.5))
    assert not found[0]
    np.testing.assert_array_equal(wIE, 1.0)


def edited(tmp_path, **replacements):
    """rWW with some of its text replaced."""
    text = (MODELS_FOLDER / "rWW.toml").read_text(encoding="utf-8")
    for old, new in replacements.values():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "edited.toml"
    path.write_text(text, encoding="utf-8")
    return path


def gating(I_I):
    """Inhibitory gating at rest under a current in nA."""
    transfer = 615 * I_I - 177
    return 0.01 * transfer / (1 - np.exp(-0.087 * transfer))


E_TO_I = {
    "equation": ("J_N*S_E - w_II*S_I", "w_EI*J_N*S_E - w_II*S_I"),
    "parameter": ("[parameters]", '[parameters]\nw_EI = {default = 1.0, description = "E to I"}'),
}


def test_weights_follow_from_the_equations_of_the_model_itself(tmp_path):
    """A model of another name, or of the same with a weight from E to I, is not solved as if it were rWW."""
    weights = np.array([[0, 0.3], [0.3, 0]])
    for name in ("rWW", "mine"):
        renamed = {"name": ('name = "rWW"', f'name = "{name}"')}
        model = load_model(edited(tmp_path, **E_TO_I, **renamed))
        for w_EI in (1.0, 2.0, 3.0):
            wIE, found = analytical(model, weights, complete(model, G=1.0, w_EI=w_EI))
            S_E = 0.1647572075
            drive = 0.7 * 0.382 + w_EI * 0.15 * S_E
            current = brentq(
                lambda I_I, drive: drive - gating(I_I) - I_I, 0.1, 1.0, args=(drive,), xtol=1e-15
            )
            expected = (0.382 + 0.15 * S_E * (1.4 + 0.3) - 0.3773805650) / gating(current)
            np.testing.assert_allclose(wIE, expected, rtol=1e-12)
            assert found.all()


def test_without_an_operating_point_the_rate_is_held_at_its_target(tmp_path):
    """From the weights found, a run without noise stays at 3 Hz, whatever it starts from nearby."""
    line = next(
        row for row in (MODELS_FOLDER / "rWW.toml").read_text().splitlines() if row.startswith("rest")
    )
    model = load_model(edited(tmp_path, rest=(line, "")))
    weights = np.array([[0, 0.3], [0.1, 0]])
    quiet = {"duration": 8.0, "repetition_time": 1.0, "burn_in": 7.0, "record": ("state_means",), "dt": 1e-3}
    run = simulate(model, weights, {"G": 0.7, "sigma": 0.0}, fic="analytical", backend="reference", **quiet)
    np.testing.assert_allclose(run.state_means["r_E"], 3.0, rtol=1e-9)


def test_other_models_are_held_at_their_target_too(tmp_path):
    """Wilson and Cowan's model: weights from I to E that hold the excitatory activity, a state, at .1."""
    text = (MODELS_FOLDER / "WC.toml").read_text(encoding="utf-8")
    path = tmp_path / "balanced.toml"
    path.write_text(text + '\n[inhibition]\nweight = "c_IE"\nrate = "E"\ntarget = 0.1\n', encoding="utf-8")
    model, weights = load_model(path), np.array([[0, 0.3], [0.1, 0]])
    c_IE, found = analytical(model, weights, complete(model, G=1.0))
    assert found.all()
    value = {name: constant.value for name, constant in model.constants.items()}
    value |= {name: float(given[0, 0]) for name, given in complete(model, G=1.0).items()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-value["gain"] * (x - value["threshold"])))

    from_E = value["c_EI"] * 0.1 + value["P_I"]
    inhibitory = brentq(lambda x: (1 - x) * sigmoid(from_E - value["c_II"] * x) - x, 0, 1, xtol=1e-15)
    drive = np.log(0.1 / 0.9 / (1 - 0.1 / 0.9)) / value["gain"] + value["threshold"]  # where (1 - E) F = E
    known = value["c_EE"] * 0.1 + 0.1 * weights.sum(axis=0) + value["P_E"]
    np.testing.assert_allclose(c_IE[0], (known - drive) / inhibitory, rtol=1e-10)


@pytest.mark.parametrize("rest", ["{}", "{S_E = 0.1, S_I = 0.1}", "{I_E = 0.3, r_E = 3.0}", "{I_X = 0.3}"])
def test_operating_points_that_say_too_little_or_too_much(tmp_path, rest):
    line = next(
        row for row in (MODELS_FOLDER / "rWW.toml").read_text().splitlines() if row.startswith("rest")
    )
    with pytest.raises(InputError, match="holds either one state"):
        load_model(edited(tmp_path, rest=(line, f"rest = {rest}")))


def test_equations_without_a_derivative_are_refused_by_their_line(tmp_path):
    kink = {
        "rate": ("r_E     = explinear(d_E*(a_E*I_E - b_E))/d_E", "r_E     = max(a_E*I_E - b_E, 0) + 0*d_E")
    }
    model = load_model(edited(tmp_path, **kink))
    with pytest.raises(InputError, match=r"equations line 4.*max\(\) has no derivative everywhere"):
        analytical(model, np.zeros((2, 2)), complete(model, G=0.5))


def test_plasticity_starts_from_a_constant_where_equations_have_no_derivative(tmp_path, caplog):
    kink = {
        "rate": ("r_E     = explinear(d_E*(a_E*I_E - b_E))/d_E", "r_E     = max(a_E*I_E - b_E, 0) + 0*d_E")
    }
    caplog.set_level("INFO")
    short = {"duration": 0.5, "repetition_time": 0.1, "burn_in": 0.1, "record": ("state_means",), "dt": 5e-4}
    fic = {"method": "plasticity", "warm_up": 0.5}
    run = simulate(load_model(edited(tmp_path, **kink)), np.zeros((2, 2)), {"G": 0.5}, fic=fic, **short)
    assert "starts from a constant weight" in caplog.text
    assert np.isfinite(run.params["wIE"]).all()


def test_numerical_method_is_refused_where_its_current_is_missing(tmp_path):
    current = {"record": ('record = ["I_E", ', "record = [")}
    with pytest.raises(InputError, match="rWW has no I_E; choose plasticity or analytical"):
        simulate(load_model(edited(tmp_path, **current)), np.zeros((2, 2)), {"G": 1}, fic="numerical", **LONG)


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
