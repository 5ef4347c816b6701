"""Symbolic derivatives against differences, and rest points against the equations themselves."""

import numpy as np
import pytest

from cubnm_core import InputError, load_model
from cubnm_core.equations import rest_points
from cubnm_core.equations.derivatives import differentiate
from cubnm_core.equations.evaluation import evaluate, explinear, explinear_slope
from cubnm_core.equations.expressions import ZERO, parse

EXPRESSIONS = [
    "3*x + y", "x*y - x/y", "(x + y)/(1 + x*x)", "x**3", "2**x", "x**y", "exp(-x*y)", "expm1(x)",
    "log(1 + x)", "sqrt(x + y)", "sin(x*y)", "cos(x)", "tanh(2*x)", "logistic(x - y)",
    "explinear(x*y - 1)", "powm1(x, 3.1)", "x*sin(x)*exp(y)", "-x", "1/(1 - exp(-x))",
    "explinear(5*(x - 0.7))/5",
]  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_derivatives_are_those_of_differences(text):
    expression, step = parse(text), 1e-6
    at = {"x": np.array([0.3, 0.7, 1.4]), "y": np.array([0.9, 0.4, 1.1])}
    for name in at:
        up, down = ({**at, name: at[name] + sign * step} for sign in (1, -1))
        wanted = (evaluate(expression, up) - evaluate(expression, down)) / (2 * step)
        found = np.broadcast_to(evaluate(differentiate(expression, name), at), 3)
        np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-9)


def test_what_does_not_depend_has_the_derivative_zero():
    assert differentiate(parse("max(y, 0)*3 + exp(z)"), "x") == ZERO


@pytest.mark.parametrize(
    "text", ["abs(x)", "min(x, 1)", "max(0, x)", "fmod(x, 3)", "clip(x, 0, 1)", "powm1(2, x)"]
)
def test_kinks_and_jumps_are_refused_by_name(text):
    with pytest.raises(InputError, match=rf"^{text.split('(')[0]}\(\) has"):
        differentiate(parse(text), "x")


def test_the_slope_of_explinear_has_no_step_where_its_series_takes_over():
    x = np.concatenate([-np.geomspace(1e-6, 30, 200), [0.0], np.geomspace(1e-6, 30, 200)])
    step = 1e-5
    wanted = (explinear(x + step) - explinear(x - step)) / (2 * step)
    np.testing.assert_allclose(explinear_slope(x), wanted, atol=2e-10)
    np.testing.assert_allclose(
        explinear_slope(np.array([-0.999e-3, 0.0])), 0.5 + np.array([-0.999e-3, 0]) / 6, rtol=1e-9
    )


@pytest.mark.parametrize("name", ["rWW", "rWWEx", "WC", "MPR", "Hopf", "JR"])
def test_slopes_of_whole_models_are_those_of_differences(name):
    model = load_model(name)
    flow = rest_points.make_flow(model, tuple(model.states))
    rng = np.random.default_rng(3)
    values = {key: constant.value for key, constant in model.constants.items()}
    values |= {key: rng.uniform(0.1, 0.5, 4) for key in (*model.parameters, *model.states)}
    values |= {key: rng.uniform(0.1, 0.5, 4) for key, _ in flow.sums}
    found, slopes = flow.linearise(values)
    for state in model.states:
        up, down = (flow.linearise({**values, state: values[state] + h})[0] for h in (1e-6, -1e-6))
        for other in map(rest_points.derivative, model.states):
            wanted = (up[other] - down[other]) / 2e-6
            near = np.broadcast_to(slopes[other].get(state, 0.0), 4)
            np.testing.assert_allclose(near, wanted, rtol=2e-6, atol=1e-8 * (1 + np.abs(found[other]).max()))


def test_a_network_at_its_rest_point_does_not_move():
    """Excitatory rWW of ten coupled regions: all derivatives vanish, sums over sources included."""
    model, rng = load_model("rWWEx"), np.random.default_rng(4)
    weights = rng.random((10, 10)) * 0.1
    values = {name: np.full((3, 10), p.default or 0.0) for name, p in model.parameters.items()}
    values["G"] = np.repeat([[0.0], [0.2], [0.5]], 10, axis=1)
    found, solved = rest_points.solve(model, values, weights, held={}, conditions={})
    assert solved.all()
    flow = rest_points.make_flow(model, tuple(model.states))
    everything = {name: constant.value for name, constant in model.constants.items()} | values | found
    everything |= {name: evaluate(sent, everything) @ weights for name, sent in flow.sums}
    for state in model.states:
        assert np.abs(flow.linearise(everything)[0][rest_points.derivative(state)]).max() < 1e-12


def test_where_nothing_rests_it_is_said():
    """A drive that no inhibitory weight can hold has no solution within the bounds of the states."""
    model = load_model("rWWEx")
    values = {name: np.full((1, 2), p.default or 0.0) for name, p in model.parameters.items()}
    found, solved = rest_points.solve(
        model, values, np.zeros((2, 2)), held={"S": 0.5}, conditions={"r": -1.0}, free=("w",)
    )
    assert not solved.any()
    assert set(found) == {"w"}


def test_no_rest_point_depends_on_the_others_of_its_batch():
    """The same bits whatever the batch, sums over sources included."""
    model, rng = load_model("rWWEx"), np.random.default_rng(4)
    weights = rng.random((60, 60)) * 0.01
    values = {name: np.full((9, 60), p.default or 0.0) for name, p in model.parameters.items()}
    values["G"] = np.repeat(np.linspace(0.0, 1.2, 9)[:, None], 60, axis=1)
    whole, solved = rest_points.solve(model, values, weights, held={}, conditions={})
    assert solved.any()
    for size in (1, 3, 5):
        some = {name: value[:size] for name, value in values.items()}
        part, works = rest_points.solve(model, some, weights, held={}, conditions={})
        np.testing.assert_array_equal(part["S"], whole["S"][:size])
        np.testing.assert_array_equal(works, solved[:size])
