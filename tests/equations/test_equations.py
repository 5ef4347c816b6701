"""Model files: what they may say, the errors of those that say something else, and integration schemes."""

import dataclasses

import numpy as np
import pytest

from cubnm_core import InputError, load_model, simulate
from cubnm_core.equations.files import model_from_tables
from cubnm_core.equations.lowering import lower

OSCILLATOR = {
    "name": "Linear",
    "title": "Ornstein–Uhlenbeck process",
    "citation": "Uhlenbeck & Ornstein (1930), Phys Rev 36:823",
    "time_unit": "s",
    "observation": "direct",
    "equations": "u = sum(x)\ndx/dt = -k*x + G*u + s*xi",
    "noise": ["xi"],
    "bold_input": "x",
    "record": ["x"],
    "states": {"x": {"initial": 0.0}},
    "parameters": {"G": {"default": 0.0, "regional": False}, "k": {"default": 1.0}, "s": {"default": 1.0}},
}


def changed(**changes):
    return {**OSCILLATOR, **changes}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (changed(equation="x"), "unknown key 'equation'.*did you mean 'equations'"),
        (changed(time_unit="min"), "time_unit is 'min'; allowed are ms, s"),
        (changed(states={"x": {"start": 0}}), r"\[states\] x: unknown key 'start'; allowed are initial"),
        (changed(equations="u = sum(x)\ndx/dt = -q*x + s*xi"), "line 2.*'q' is not defined above"),
        (changed(equations="dx/dt = -k*x + G + s*xi\ndx/dt = k"), "line 2.*given twice"),
        (changed(equations="u = sum(x)"), "no equation 'dx/dt"),
        (changed(equations="u = sum(x)\ndx/dt = -k*x + G*u + s"), "noise: 'xi' is used in no equation"),
        (changed(equations="dx/dt = -k*x + G*sum(x) + s*xi"), "must stand alone"),
        (
            changed(equations="u = sum(2)\ndx/dt = -k*x + G*u + s*xi"),
            "only sum\\(\\) of a number is sum\\(1\\)",
        ),
        (changed(equations="u = xi + k + G\ndx/dt = s*u*x"), "noise 'xi' may stand only in derivatives"),
        (changed(equations="dx/dt = -k*x + G + s*xi*xi"), "one noise in each term"),
        (changed(equations="dx/dt = -k*x + G + s*exp(xi)"), "noise must enter as"),
        (changed(equations="dx/dt = -k*x + G + s*gauss(xi)"), "line 1.*unknown function 'gauss'"),
        (changed(equations="dx/dt = -k*x + G + exp(s, xi)"), "takes 1 argument"),
        (changed(equations="dx/dt = (-k*x"), "line 1.*not an arithmetic expression"),
        (changed(equations="dx/dt = x[0]"), "line 1.*not allowed in an equation"),
        (
            changed(equations="dx/dt = __import__('os').system('true')"),
            "not allowed in an equation|unknown function",
        ),
        (changed(equations="hello"), "line 1.*expected 'name = expression'"),
        (changed(record=["y"]), "record: 'y' is no state"),
        (changed(bold_input="z"), "bold_input: 'z' is not defined"),
        (changed(constants={"k": {"value": 1}}), "'k' stands in parameters and again in constants"),
        (changed(inhibition={"weight": "k"}), "expected all of weight, rate, target"),
    ],
)
def test_errors_point_at_the_line(tables, message):
    with pytest.raises(InputError, match=f"model.toml.*({message})"):
        model_from_tables(tables, "model.toml")


def test_missing_key():
    tables = {key: value for key, value in OSCILLATOR.items() if key != "record"}
    with pytest.raises(InputError, match=r"model\.toml: missing record"):
        model_from_tables(tables, "model.toml")


def test_model_of_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "Mine"\ntitle = "t"\ncitation = "c"\ntime_unit = "s"\nobservation = "direct"\n'
        'equations = "dx/dt = -x + G"\nbold_input = "x"\nrecord = ["x"]\n'
        "[states]\nx = {initial = 2.0}\n[parameters]\nG = {default = 0.0}\n"
    )
    run = simulate(
        path, np.zeros((1, 1)), {}, duration=1.0, repetition_time=0.5, burn_in=0.0, dt=1e-3, record=("bold",)
    )
    np.testing.assert_allclose(run.bold[0, :, 0], 2 * np.exp([-0.5, -1.0]), rtol=1e-3)


def test_constant_parts_are_computed_once():
    program = lower(load_model("rWW"), 1e-4)
    step = {
        name for stage in program.stages for a in stage.temporaries + stage.writes for name in _names(a.value)
    }
    named = {a.name for a in program.coefficients}
    assert step & set(load_model("rWW").parameters) <= named  # no parameter but as a coefficient
    assert len(named) == 5


def _names(expression):
    from cubnm_core.equations.expressions import names

    return names(expression)


def test_ornstein_uhlenbeck_variance():
    """Stationary variance s^2/(2k), up to the bias of the Euler step and the error of a finite sample."""
    model = model_from_tables(OSCILLATOR, "model.toml")
    run = simulate(
        model, np.zeros((200, 200)), {"k": 2.0, "s": 0.6}, duration=60.0, repetition_time=1.0, burn_in=10.0,
        dt=1e-2, hemodynamic_dt=1e-2, record=("bold",),
    )  # fmt: skip
    expected = 0.6**2 / (2 * 2.0) / (1 - 2.0 * 1e-2 / 2)
    assert abs(run.bold[:, 10:].var() / expected - 1) < 0.04


# --- convergence --------------------------------------------------------------------------------------------

GEOMETRIC = changed(equations="dx/dt = -k*x + s*x*xi + G", states={"x": {"initial": 1.0}})


def endpoint_errors(scheme, tables, exact):
    """Mean error at t = 1 for halving steps, all driven by one Brownian path."""
    fine, nodes = 2**12, 400
    increments = np.random.default_rng(0).standard_normal((fine, nodes))
    model = dataclasses.replace(model_from_tables(tables, "model.toml"))
    errors = []
    for level in (5, 6, 7, 8):
        steps = 2**level
        noise = increments.reshape(steps, -1, nodes).sum(axis=1) / np.sqrt(fine // steps)
        run = simulate(
            model, np.zeros((nodes, nodes)), {"k": 1.0, "s": 0.5}, duration=1.0, repetition_time=1.0,
            burn_in=0.0, dt=1 / steps, hemodynamic_dt=1 / steps, scheme=scheme, noise=noise[:, :, None],
            record=("bold",), backend="reference", state_period=1 / steps,
        )  # fmt: skip
        errors.append(np.abs(run.bold[0, 0] - exact(increments.sum(axis=0) / np.sqrt(fine))).mean())
    return errors


@pytest.mark.parametrize(
    ("scheme", "tables", "exact", "order"),
    [
        ("euler_maruyama", GEOMETRIC, lambda W: np.exp(-1.0 - 0.125 + 0.5 * W), 0.5),  # Ito
        ("heun", GEOMETRIC, lambda W: np.exp(-1.0 + 0.5 * W), 1.0),  # Stratonovich
    ],
)
def test_strong_order(scheme, tables, exact, order):
    errors = endpoint_errors(scheme, tables, exact)
    slope = np.polyfit(np.arange(len(errors)), -np.log2(errors), 1)[0]
    assert abs(slope - order) < 0.2
