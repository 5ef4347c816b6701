"""The reference backend against outputs of cuBNM 0.1.0, driven by cuBNM's own noise."""

import importlib.util
import json

import numpy as np
import pytest

from cubnm_core import simulate
from cubnm_core.equations.files import load_model
from cubnm_core.simulation.inhibition import analytical
from cubnm_core.simulation.parameters import complete, regional

pytestmark = pytest.mark.slow


class Case:
    """One stored run of cuBNM."""

    def __init__(self, folder, name):
        self.file = np.load(folder / f"{name}.npz")
        self.common = np.load(folder / "common.npz")
        self.config = json.loads(str(self.file["config_json"]))
        spec = importlib.util.spec_from_file_location("cubnm_noise", folder / "noise.py")
        self.generator = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.generator)

    def params(self, names, nodes=100):
        values = {name: self.file[f"param_{name}"] for name in names}
        return {name: v[:, 0] if v.ndim == 2 and v.shape[1] == 1 else v for name, v in values.items()}

    def noise(self, seconds, n_noise):
        """cuBNM's noise of the first seconds, (steps, N, n_noise)."""
        config, outer = self.config, round(seconds * 1000)
        inner, nodes = config["inner_it"], config["nodes"]
        # normals are drawn in order, and the shuffles say which milliseconds of the segment are used
        flat = self.generator.segment(config["sim_seed"], int(self.file["noise_size"]))
        full = self.generator.full(
            flat, self.file["shuffled_nodes"], self.file["shuffled_ts"], outer, inner, nodes, n_noise
        )
        return full.reshape(outer * inner, nodes, n_noise)

    def trajectory(self, seconds, record, **settings):
        """The reference backend run like this case; as long as `seconds`, from the start."""
        config = self.config
        model = load_model(config["model"])
        settings = {"state_period": config["states_sampling"], **settings}
        params = self.params(model.parameters)
        if config["do_delay"]:
            settings["lengths"] = self.common["sc_dist"]
            params["v"] = self.file["param_v"]
        return simulate(
            model,
            self.file["sc_directed"] if "sc_directed" in self.file else self.common["sc"],
            params,
            duration=seconds,
            repetition_time=config["TR"],
            burn_in=0.0,
            dt=float(config["dt"]) * 1e-3,
            noise=self.noise(seconds, len(model.noise)),
            record=record,
            backend="reference",
            hemodynamics="cubnm-1.5T",
            **settings,
        )


@pytest.fixture
def case(shared):
    return lambda name: Case(shared / "reference" / "cubnm", name)


@pytest.mark.parametrize("name", ["e1_rww_fic_traj", "e7_rww_sigma0"])
def test_rww_trajectories(case, name):
    stored = case(name)
    seconds = min(stored.config["duration"], 2.0)
    run = stored.trajectory(seconds, ("bold", "states"))
    samples = run.states["S_E"].shape[1]
    for state in ("S_E", "S_I"):
        expected = stored.file[f"state_{state}"][:, :samples]
        np.testing.assert_allclose(run.states[state], expected, rtol=0, atol=1e-12)
    for variable in ("I_E", "I_I", "r_E", "r_I"):
        expected = stored.file[f"state_{variable}"][:, :samples]
        np.testing.assert_allclose(run.states[variable], expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(run.bold, stored.file["sim_bold"][:, : run.bold.shape[1]], rtol=0, atol=1e-10)


def test_rww_bold_with_feedback_inhibition(case):
    stored = case("a1_rww_fic")
    run = stored.trajectory(5.0, ("bold",))
    np.testing.assert_allclose(run.bold, stored.file["sim_bold"][:, :5], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["a1_rww_fic", "f1_rww_gof_grid"])
def test_analytical_inhibition(case, name):
    stored = case(name)
    params = stored.params(["G", "w_p", "J_N"])
    model = load_model("rWW")
    used = complete(model, params, [0] * len(params["G"]), 100)
    wide = {key: regional(value, 100) for key, value in used.items()}
    wIE, found = analytical(model, stored.common["sc"], wide)
    np.testing.assert_array_equal(found, ~stored.file["fic_unstable"].astype(bool))
    # cuBNM's root search stops early, by an amount that grows with wIE; ours is exact
    np.testing.assert_allclose(wIE, stored.file["param_wIE"], rtol=0, atol=1e-6)


#: Stored trajectories, their states, and the seconds compared.
TRAJECTORIES = {
    "e2_rwwex_traj": (["S"], 1.0),
    "e3_kuramoto_traj": (["theta"], 1.0),
    "e4_jr_traj": (["y0", "y1", "y2", "y3", "y4", "y5"], 0.5),
    "e5_wc_traj": (["E", "I"], 1.0),
    "e6_rwwex_delay_traj": (["S"], 0.5),
    "e8_rwwex_directed_sigma0": (["S"], 2.0),
}


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_trajectories_of_other_models(case, name):
    stored, (states, seconds) = case(name), TRAJECTORIES[name]
    run = stored.trajectory(seconds, ("bold", "states"))
    for state in states:
        found = run.states[state]
        np.testing.assert_allclose(
            found, stored.file[f"state_{state}"][:, : found.shape[1]], rtol=0, atol=1e-12
        )
    np.testing.assert_allclose(run.bold, stored.file["sim_bold"][:, : run.bold.shape[1]], rtol=0, atol=1e-10)


#: Stored batches and how many of their simulations are compared: the third of two of them (Kuramoto at G = 20
#: per ms, WC at G = 3) is chaotic, and rounding alone parts two correct programs within a second.
BATCHES = {"b1_rwwex": 3, "b2_kuramoto": 2, "b3_jr": 3, "b4_wc": 2, "c2_rwwex_delay_dt01": 3}


@pytest.mark.parametrize("name", BATCHES)
def test_bold_of_other_models(case, name):
    stored, rows = case(name), BATCHES[name]
    run = stored.trajectory(1.0 if stored.config["do_delay"] else 2.0, ("bold",))
    expected = stored.file["sim_bold"][:rows, : run.bold.shape[1]]
    np.testing.assert_allclose(run.bold[:rows], expected, rtol=0, atol=1e-10)
