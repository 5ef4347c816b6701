"""The cpu backend against the reference, and against itself under other packings."""

import numpy as np
import pytest

from cubnm_core import simulate
from cubnm_core.backends.cpu import functions, runtime
from cubnm_core.noise import summed_normals

pytestmark = pytest.mark.slow

HEMODYNAMICS = {"hemodynamics": "cubnm-1.5T"}
SHORT = {"repetition_time": 0.25, "burn_in": 0.5, "window": 1.0, "window_step": 0.5, **HEMODYNAMICS}


def connectome(nodes, seed=0):
    """A symmetric connectome with mean 0.01 and no self-connections."""
    weights = np.random.default_rng(seed).lognormal(0, 1.5, (nodes, nodes))
    weights = np.triu(weights, 1)
    weights = weights + weights.T
    return weights / weights.mean() * 0.01


def run(nodes=20, batch=3, duration=3.0, **settings):
    params = {"G": np.linspace(0.2, 1.0, batch), "w_p": 1.4, "J_N": 0.15}
    settings = {"fic": "analytical", "dt": 5e-4, **SHORT, **settings}
    return simulate("rWW", connectome(nodes), params, duration=duration, **settings)


@pytest.mark.parametrize("nodes", [1, 7, 33])
@pytest.mark.parametrize("batch", [1, 6, 20])
def test_double_precision_matches_reference(nodes, batch):
    weights = connectome(nodes) if nodes > 1 else np.zeros((1, 1))
    params = {"G": np.linspace(0.2, 1.0, batch), "w_p": 1.4, "J_N": np.linspace(0.1, 0.2, nodes)[None]}
    settings = {
        "duration": 0.6,
        "repetition_time": 0.1,
        "burn_in": 0.2,
        "record": ("bold", "states", "state_means"),
    }
    settings |= {"state_period": 0.005, "fic": "analytical", **HEMODYNAMICS}
    expected = simulate("rWW", weights, params, backend="reference", **settings)
    found = simulate("rWW", weights, params, backend="cpu", precision="double", **settings)
    for name, values in expected.states.items():
        np.testing.assert_allclose(found.states[name], values, rtol=0, atol=1e-10 * max(1, abs(values).max()))
        np.testing.assert_allclose(found.state_means[name], expected.state_means[name], rtol=1e-11)
    np.testing.assert_allclose(found.bold, expected.bold, rtol=0, atol=1e-12)
    assert set(found.status) <= {0, 2}
    np.testing.assert_array_equal(found.status, expected.status)


def test_hundred_nodes_ten_seconds_double(shared):
    weights = np.load(shared / "reference" / "cubnm" / "common.npz")["sc"]
    params = {"G": 0.8, "w_p": 1.4, "J_N": 0.15}
    settings = {"duration": 10.0, "repetition_time": 0.5, "burn_in": 2.0, "window": 3.0, "window_step": 1.0}
    settings |= {"fic": "analytical", **HEMODYNAMICS}
    expected = simulate("rWW", weights, params, backend="reference", **settings)
    found = simulate("rWW", weights, params, backend="cpu", precision="double", **settings)
    np.testing.assert_allclose(found.state_means["S_E"], expected.state_means["S_E"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.bold, expected.bold, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.fc, expected.fc, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.fcd, expected.fcd, rtol=0, atol=1e-9)


def test_hundred_nodes_sixty_seconds_single(shared):
    """Single against double precision of this backend; double is held to the reference above."""
    weights = np.load(shared / "reference" / "cubnm" / "common.npz")["sc"]
    params = {"G": np.linspace(0.1, 0.9, 8), "w_p": 1.4, "J_N": 0.15}
    settings = {
        "duration": 60.0,
        "repetition_time": 1.0,
        "fic": "analytical",
        "window": 10.0,
        "window_step": 2.0,
    }
    settings |= {"record": ("fc", "state_means", "states"), **HEMODYNAMICS}
    double = simulate("rWW", weights, params, precision="double", **settings)
    single = simulate("rWW", weights, params, precision="single", **settings)
    slow = double.state_means["r_E"].max(axis=1) < 10
    assert slow.sum() >= 6
    assert np.abs(single.states["S_E"] - double.states["S_E"])[slow].max() < 1e-5
    assert np.abs(single.fc - double.fc)[slow].max() < 1e-3


@pytest.mark.parametrize("precision", ["single", "double"])
def test_packing_changes_no_bit(precision, monkeypatch):
    """Alone, in wide or narrow tiles, on one thread or two, with other lanes beside it: the same bits."""
    whole = run(batch=41, precision=precision, threads=1)
    other = run(batch=41, precision=precision, threads=2)
    np.testing.assert_array_equal(whole.fc, other.fc)
    np.testing.assert_array_equal(whole.fcd, other.fcd)
    for row in (0, 17, 40):
        params = {name: values[row : row + 1] for name, values in whole.params.items()}
        alone = simulate("rWW", connectome(20), params, duration=3.0, dt=5e-4, precision=precision, **SHORT)
        np.testing.assert_array_equal(alone.bold[0], whole.bold[row])
        np.testing.assert_array_equal(alone.fcd[0], whole.fcd[row])


def test_blocks_and_register_size_change_no_bit(monkeypatch):
    expected = run(batch=20)
    bits = runtime.register_bits()
    monkeypatch.setattr(runtime, "register_bits", lambda: 768 - bits)  # 256 for 512 and the reverse
    np.testing.assert_array_equal(run(batch=20).bold, expected.bold)


def test_seeds_and_connectomes_of_one_batch_are_independent():
    weights = np.stack([connectome(20, seed) for seed in range(3)])
    which = np.arange(30) % 3
    seeds = np.arange(30) // 6
    settings = {"duration": 3.0, "dt": 5e-4, **SHORT}
    params = {"G": np.linspace(0.2, 1.0, 30)}
    batch = simulate("rWW", weights, params, connectome=which, seed=seeds, **settings)
    for row in (0, 8, 29):
        own = {"G": params["G"][row]}
        alone = simulate("rWW", weights[which[row]], own, seed=int(seeds[row]), **settings)
        np.testing.assert_array_equal(alone.bold[0], batch.bold[row])
    assert not np.array_equal(batch.bold[0], batch.bold[6])


def test_same_noise_array_as_seed():
    from cubnm_core.noise import normals

    given = normals(4, 0, 6000, 2, 20).transpose(0, 2, 1)
    np.testing.assert_array_equal(run(batch=6, noise=given).bold, run(batch=6, seed=4).bold)


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("scheme", ["euler_maruyama", "heun"])
def test_a_coarse_step_takes_the_noise_of_the_finer_path(backend, scheme):
    settings = {"dt": 1e-3, "duration": 1.0, "backend": backend, "precision": "double", "scheme": scheme}
    settings |= {"seed": 7, "batch": 2, "record": ("bold",)}
    steps = summed_normals(7, 0, 1000, 2, 20, 10).astype(float).transpose(0, 2, 1)
    given = run(noise=steps, **settings)
    np.testing.assert_array_equal(run(noise_step=1e-4, **settings).bold, given.bold)
    np.testing.assert_array_equal(run(noise_step=1e-3, **settings).bold, run(**settings).bold)
    assert not np.array_equal(run(**settings).bold, given.bold)


@pytest.mark.parametrize("scheme", ["euler_maruyama", "heun"])
def test_steps_on_one_path_come_closer_to_each_other_the_finer_they_are(scheme):
    """Strong convergence; steps that draw noise of their own stay apart."""
    settings = {"duration": 1.0, "hemodynamic_dt": 4e-3, "precision": "double", "scheme": scheme, "seed": 3}

    def activity(dt, **noise):
        return run(dt=dt, record=("states",), **settings, **noise).states["S_E"]

    finest = activity(1e-4)
    distances = [np.sqrt(np.mean((activity(dt, noise_step=1e-4) - finest) ** 2)) for dt in (5e-4, 1e-3, 2e-3)]
    apart = np.sqrt(np.mean((activity(5e-4) - finest) ** 2))
    assert distances[0] < distances[1] < distances[2] < apart / 5


def test_one_diverging_simulation_does_not_touch_the_others():
    """Currents overflow in single precision; the gating variables are clipped to [0, 1] all the same."""
    calm = run(batch=9, fic=None)
    params = {name: values.copy() for name, values in calm.params.items()}
    params["G"][4] = 1e39
    found = simulate("rWW", connectome(20), params, duration=3.0, dt=5e-4, **SHORT)
    assert found.status.tolist() == [0] * 4 + [1] + [0] * 4
    assert np.isnan(found.fc[4]).all()
    np.testing.assert_array_equal(np.delete(found.fc, 4, axis=0), np.delete(calm.fc, 4, axis=0))


def test_no_nan_where_the_transfer_function_is_0_over_0(shared):
    """1,000 simulations whose inputs cross the singularity of x/(1 - exp(-x)) again and again."""
    weights = np.load(shared / "reference" / "cubnm" / "common.npz")["sc"]
    rng = np.random.default_rng(1)
    params = {
        "G": rng.uniform(0, 3, 1000),
        "w_p": rng.uniform(0, 2, 1000),
        "J_N": rng.uniform(0.05, 0.4, 1000),
    }
    settings = {"duration": 1.0, "repetition_time": 0.5, "burn_in": 0.0, "state_period": 0.1}
    settings |= HEMODYNAMICS
    found = simulate("rWW", weights, params, record=("bold", "states"), **settings)
    assert (found.status == 0).all()
    crossings = (310 * found.states["I_E"] - 125 > 0).mean()
    assert 0.05 < crossings < 0.95


def _explinear(x):
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, safe / -np.expm1(-safe))


ELEMENTARY = {
    "exp": np.exp,
    "expm1": np.expm1,
    "explinear": _explinear,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "log": lambda x: np.log(x),
}


@pytest.mark.parametrize(("precision", "dtype"), [("single", np.float32), ("double", np.float64)])
def test_elementary_functions(precision, dtype, tmp_path):
    """Printed vector functions against NumPy; the argument's own rounding grows with its size."""
    x = np.concatenate([np.linspace(-80, 80, 4001), np.linspace(-1e-3, 1e-3, 999)]).astype(dtype)
    functions_of = _elementwise(precision, tmp_path)
    for name, expected in ELEMENTARY.items():
        argument = np.exp(x) if name == "log" else x
        found = np.empty_like(argument)
        getattr(functions_of, name)(argument, found)
        truth = expected(argument.astype(float))
        allowed = (
            np.finfo(dtype).eps
            * (4 + np.abs(x))
            * np.maximum(np.abs(truth), 1e-3 * (name in ("tanh", "log")))
        )
        assert (np.abs(found - truth) <= allowed).all(), name


def _elementwise(precision, folder):
    """Compiled loops over arrays for each printed function."""
    import importlib.util

    from cubnm_core.backends.cpu import printer

    source = printer._HEADER.format(
        name="functions", width=8, local_width=8, delay_block=8
    ) + functions.source(precision)
    for name in ELEMENTARY:
        source += f"\n\n_{name} = {name}\n\n\n@plain\ndef {name}(x, y):\n    for at in range(0, x.size, 8):\n"
        source += f"        store(y, at, _{name}(load(x, at)))\n"
    path = folder / f"functions_{precision}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
