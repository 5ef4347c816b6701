"""Every model, with and without delays, on the cpu backend against the reference; properties of models."""

import numpy as np
import pytest

from cubnm_core import simulate
from cubnm_core.equations.files import MODELS_FOLDER, load_model
from cubnm_core.noise import normals

pytestmark = pytest.mark.slow

#: Parameters at which a model neither rests nor runs away, its time step (s), and (states) the range of a
#: typical state.
HEMODYNAMICS = {"hemodynamics": "cubnm-1.5T"}
MODELS = {
    "rWW": ({"G": [0.3, 0.8]}, 1e-4, "S_E"),
    "rWWEx": ({"G": [0.3, 0.8]}, 1e-4, "S"),
    "Hopf": ({"G": [0.3, 0.8], "a": -0.2, "sigma": 0.05}, 1e-3, "x"),
    "WC": ({"G": [0.3, 0.8]}, 1e-4, "E"),
    "JR": ({"G": [0.3, 0.8]}, 1e-4, "y1"),
    "Kuramoto": ({"G": [0.1, 0.3], "omega": 0.06, "sigma": 0.05}, 1e-4, "theta"),
    "MPR": ({"G": [0.1, 0.3]}, 5e-5, "r"),
    "pFIC": ({"G": [0.3, 0.8], "sigma": 0.02}, 1e-4, "S_E"),
}
NODES = 18


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(3)
    weights = rng.lognormal(0, 1, (NODES, NODES)) * (rng.random((NODES, NODES)) < 0.7)
    np.fill_diagonal(weights, 0)
    lengths = rng.uniform(
        0, 60, (NODES, NODES)
    )  # asymmetric; some arrive within a block of steps, some later
    return weights / weights.mean() * 0.01, lengths


def run(model, network, delayed, duration=0.2, **settings):
    params, dt, _ = MODELS[model]
    weights, lengths = network
    if delayed:
        settings["lengths"] = lengths
        params = {**params, "v": [2.0, 10.0]}
    settings = {"record": ("bold", "states"), "state_period": 0.01, **HEMODYNAMICS, **settings}
    return simulate(
        model,
        weights,
        params,
        duration=duration,
        repetition_time=0.1,
        burn_in=0.0,
        dt=dt,
        seed=[1, 2],
        **settings,
    )


def test_every_model_is_tested():
    assert set(MODELS) == {path.stem for path in MODELS_FOLDER.glob("*.toml")}


@pytest.mark.parametrize("delayed", [False, True], ids=["prompt", "delayed"])
@pytest.mark.parametrize("model", MODELS)
def test_cpu_matches_reference(model, delayed, network):
    expected = run(model, network, delayed, backend="reference")
    assert (expected.status == 0).all()
    for precision, tolerance, percent in (("double", 1e-9, 0.0), ("single", 1e-3, 1e-6)):
        found = run(model, network, delayed, backend="cpu", precision=precision)
        assert (found.status == 0).all()
        for name, values in expected.states.items():
            spread = np.ptp(values) + 1e-12
            difference = found.states[name] - values
            if model == "Kuramoto":
                difference = np.angle(np.exp(1j * difference))
                spread = 1.0
            assert np.abs(difference).max() < tolerance * spread, (precision, name)
        if model != "Kuramoto":  # the wrapped phase jumps, and BOLD with it
            allowed = tolerance * (np.ptp(expected.bold) + 1e-12) + percent
            assert np.abs(found.bold - expected.bold).max() < allowed


@pytest.mark.parametrize("model", MODELS)
def test_heun_cpu_matches_reference(model, network):
    expected = run(model, network, False, duration=0.1, backend="reference", scheme="heun")
    found = run(model, network, False, duration=0.1, precision="double", scheme="heun")
    for name, values in expected.states.items():
        np.testing.assert_allclose(
            found.states[name], values, rtol=0, atol=1e-10 * max(1, np.abs(values).max())
        )


@pytest.mark.parametrize("delayed", [False, True], ids=["prompt", "delayed"])
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_permuting_nodes_permutes_results(backend, delayed, network):
    weights, lengths = network
    order = np.random.default_rng(0).permutation(NODES)
    noise = normals(7, 0, 4000, 2, NODES).transpose(0, 2, 1)
    settings = {
        "duration": 0.4,
        "repetition_time": 0.1,
        "burn_in": 0.0,
        "record": ("bold",),
        "precision": "double",
        **HEMODYNAMICS,
    }
    params = {"G": 0.8, "J_N": np.linspace(0.1, 0.2, NODES)[None]}
    permuted = {"G": 0.8, "J_N": params["J_N"][:, order]}
    delays = {"lengths": lengths} if delayed else {}
    if delayed:
        params["v"] = permuted["v"] = 3.0
    plain = simulate("rWW", weights, params, noise=noise, backend=backend, **delays, **settings)
    delays = {"lengths": lengths[np.ix_(order, order)]} if delayed else {}
    other = simulate(
        "rWW",
        weights[np.ix_(order, order)],
        permuted,
        noise=noise[:, order],
        backend=backend,
        **delays,
        **settings,
    )
    np.testing.assert_allclose(other.bold, plain.bold[:, :, order], rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_zero_coupling_isolates_nodes(model, network):
    params, dt, state = MODELS[model]
    settings = {
        "duration": 0.1,
        "repetition_time": 0.05,
        "burn_in": 0.0,
        "dt": dt,
        "precision": "double",
        "seed": 3,
    }
    settings |= {"record": ("bold", "states"), **HEMODYNAMICS}
    params = {**params, "G": 0.0}
    apart = simulate(model, 0 * network[0], {**params, "G": 1.0}, **settings)
    coupled = simulate(model, network[0], params, **settings)
    np.testing.assert_allclose(coupled.states[state], apart.states[state], rtol=0, atol=1e-12)


def test_delays_of_one_step_are_no_delays(network):
    prompt = run("rWW", network, False, precision="double")
    weights, _ = network
    params, dt, _ = MODELS["rWW"]
    near = simulate(
        "rWW", weights, {**params, "v": 10.0}, lengths=np.full((NODES, NODES), 0.1), duration=0.2, dt=dt,
        repetition_time=0.1, burn_in=0.0, seed=[1, 2], record=("bold",), precision="double", **HEMODYNAMICS,
    )  # fmt: skip
    np.testing.assert_allclose(near.bold, prompt.bold, rtol=0, atol=1e-12)


def test_delay_is_counted_in_steps(network):
    """What one source sends arrives after exactly rint(length / (v dt)) steps; v in m/s is mm/ms."""
    weights = np.zeros((2, 2))
    weights[0, 1] = 1.0
    lengths = np.array([[0.0, 7.3], [0.0, 0.0]])
    noise = np.zeros((2, 200, 2, 1))
    noise[1, 0, 0] = 1e3  # a kick to node 0 in the first step, in one of two runs
    settings = {"duration": 0.02, "repetition_time": 0.01, "burn_in": 0.0, "state_period": 1e-4}
    settings |= {"hemodynamic_dt": 1e-4, "record": ("states",), "precision": "double", "lengths": lengths}
    calm, kicked = (simulate("rWWEx", weights, {"G": 5.0, "v": 1.0}, noise=n, **settings) for n in noise)
    difference = (
        kicked.states["x"][0, :, 1] - calm.states["x"][0, :, 1]
    )  # x is that of the start of each step
    assert np.flatnonzero(difference)[0] == 73  # node 0 is changed after one step, the target 73 steps later


def test_splitting_a_delayed_batch_changes_no_bit(network):
    both = run("WC", network, True, precision="single")
    weights, lengths = network
    alone = simulate(
        "WC", weights, {"G": 0.8, "v": 10.0}, lengths=lengths, duration=0.2, repetition_time=0.1, burn_in=0.0,
        dt=1e-4, seed=2, record=("bold",), **HEMODYNAMICS,
    )  # fmt: skip
    np.testing.assert_array_equal(alone.bold[0], both.bold[1])


def test_fixed_point_of_rww():
    """One region under analytical FIC rests where Deco et al. (2014) put it."""
    run = simulate(
        "rWW", np.zeros((1, 1)), {"G": 0.0, "sigma": 0.0}, fic="analytical", duration=10.0,
        repetition_time=1.0, burn_in=5.0, record=("state_means",), backend="reference", dt=1e-3,
    )  # fmt: skip
    assert 0.1641 < run.state_means["S_E"][0, 0] < 0.1648
    assert 2.9 < run.state_means["r_E"][0, 0] < 3.1


def test_divergence_is_not_hidden_by_clipping():
    for model in ("rWW", "rWWEx", "WC"):
        noise = np.zeros((100, 2, len(load_model(model).noise)))
        noise[50, 0] = np.inf
        for backend in ("reference", "cpu"):
            run = simulate(
                model, np.zeros((2, 2)), {"G": 1.0}, noise=noise, duration=0.1, repetition_time=0.02,
                burn_in=0.0, dt=1e-3, record=("bold",), backend=backend, **HEMODYNAMICS,
            )  # fmt: skip
            assert run.status.tolist() == [1], (model, backend)


@pytest.mark.parametrize("model", MODELS)
def test_first_second_in_single_precision(model, network):
    """Within 1e-3 of a state's range of double precision, which is held to the reference above."""
    double, single = (
        run(model, network, False, duration=1.0, precision=precision) for precision in ("double", "single")
    )
    state = MODELS[model][2]
    difference = single.states[state] - double.states[state]
    if model == "Kuramoto":
        assert np.abs(np.angle(np.exp(1j * difference))).max() < 1e-3
    else:
        assert np.abs(difference).max() < 1e-3 * np.ptp(double.states[state])


@pytest.mark.parametrize(("model", "G", "state"), [("rWWEx", 0.5, "S"), ("WC", 0.5, "E")])
def test_a_minute_in_single_precision(model, G, state, shared):
    """HCP connectome, 100 nodes: gating within 1e-5 at all times, every entry of FC within 1e-3."""
    weights = np.load(shared / "reference" / "cubnm" / "common.npz")["sc"]
    settings = {"duration": 60.0, "repetition_time": 1.0, "record": ("fc", "states"), "state_period": 0.5}
    settings |= HEMODYNAMICS
    double, single = (
        simulate(model, weights, {"G": G}, precision=precision, **settings)
        for precision in ("double", "single")
    )
    assert np.abs(single.states[state] - double.states[state]).max() < 1e-5
    assert np.abs(single.fc - double.fc).max() < 1e-3
