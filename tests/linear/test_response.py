"""Linear response of whole models: against simulation, and where there is nothing to linearise."""

import numpy as np
import pytest
from linear_models import random_network, write_ou

from cubnm_core import InputError, linear_response, load_model, simulate
from cubnm_core.equations import rest_points
from cubnm_core.linear.fixed_points import Network, relax
from cubnm_core.linear.linearisation import linearise
from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.objective import Target

NODES = 10
SCAN = {"duration": 130.0, "burn_in": 10.0, "repetition_time": 1.0, "hemodynamics": "friston-3T"}
SHORT = {**SCAN, "dt": 1e-3, "hemodynamic_dt": 1e-3, "backend": "cpu"}


def compare(size, seed=3):
    """A comparison of `size` simulations with one target."""
    fc = np.random.default_rng(seed).uniform(0.0, 0.5, NODES * (NODES - 1) // 2)
    return Comparison([Target(fc=fc)], np.zeros(size, int), FC_TERMS)


@pytest.mark.slow
@pytest.mark.parametrize("delays", [False, True])
def test_expected_scores_are_those_of_simulations(delays):
    """Reduced Wong-Wang networks away from the instability, with FIC: no simulated score is looked at."""
    weights, _, _ = random_network(NODES)
    weights, seeds = weights * 0.8, 60
    params = {"G": np.array([2.0, 1.0]), "w_p": np.array([0.2, 0.6])}
    more, scheme = {"fic": "analytical"}, "heun"
    if delays:
        params["v"] = np.array([5.0, 2.0])
        more["lengths"] = np.random.default_rng(4).uniform(20, 120, weights.shape)
        scheme = "euler_maruyama"
    many = {name: np.repeat(value, seeds) for name, value in params.items()}
    more_seeds = {"scheme": scheme, "seed": np.arange(2 * seeds), "comparison": compare(2 * seeds)}
    run = simulate("rWW", weights, many, **SHORT, **more, **more_seeds)
    linear = linear_response("rWW", weights, params, **SHORT, **more, comparison=compare(2), seed=5000)
    assert not linear.flagged.any()
    for term in FC_TERMS:
        scores = run.scores[term].reshape(2, seeds)
        error = linear.expected[term] - scores.mean(axis=1)
        assert np.abs(error).max() < 0.45 * scores.std(axis=1).max()
        np.testing.assert_allclose(linear.sampling_sd[term], scores.std(axis=1), rtol=0.35)
    pattern = np.corrcoef(linear.fc[0], run.fc[:seeds].mean(axis=0))[0, 1]
    assert pattern > 0.9
    rates = run.state_means["r_E"].reshape(2, seeds, NODES).mean(axis=1)
    np.testing.assert_allclose(linear.state_means["r_E"], rates, rtol=0.1)


@pytest.mark.parametrize("name", ["rWW", "rWWEx", "WC", "JR", "MPR", "Hopf"])
def test_networks_rest_where_relaxation_ends(name):
    model, (weights, _, _) = load_model(name), random_network(NODES)
    linearisation = linearise(model)
    values = {key: np.full((2, NODES), p.default or 0.0) for key, p in model.parameters.items()}
    values["G"] = np.repeat([[0.0], [0.1]], NODES, axis=1)
    values |= {"J": np.full((2, NODES), 70.0)} if name == "JR" else {}
    network = Network(linearisation, values, weights[None], np.zeros(2, int))
    start = np.full((len(model.states), 2, NODES), 0.05)
    found = relax(network, start)
    assert found.found.all()
    drift = linearisation.slopes(network.values(found.states)).drift
    assert np.abs(drift).max() < 1e-9 * np.abs(found.states).max() + 1e-14


def test_relaxed_networks_are_at_a_rest_point_of_newtons_method():
    model, (weights, _, _) = load_model("rWWEx"), random_network(NODES)
    values = {key: np.full((1, NODES), p.default or 0.0) for key, p in model.parameters.items()}
    values |= {"G": np.full((1, NODES), 0.3), "w": np.full((1, NODES), 0.4)}
    network = Network(linearise(model), values, weights[None], np.zeros(1, int))
    wanted, solved = rest_points.solve(model, values, weights, held={}, conditions={})
    assert solved.all()
    found = relax(network, np.full((1, 1, NODES), 0.001))
    np.testing.assert_allclose(found.states[0], wanted["S"], rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("Hopf", {"G": 0.1, "a": 0.3}),  # above the bifurcation
        ("Kuramoto", {"G": 1.0}),
        ("JR", {"G": 0.0, "J": 135.0}),  # in its limit cycle
    ],
)
def test_oscillations_are_named_and_have_no_scores(name, params):
    weights, _, _ = random_network(NODES)
    settings = SHORT | ({"dt": 0.01, "hemodynamic_dt": 0.01} if load_model(name).time_unit == "s" else {})
    found = linear_response(name, weights, params, **settings, starts=("initial",), comparison=compare(1))
    assert found.flags["no_fixed_point"].all() or found.flags["unstable"].all()
    assert found.flagged.all()
    assert np.isnan(found.fc).all() and np.isnan(found.expected["fc_corr"]).all()


def test_two_branches_are_named():
    """Excitatory rWW with strong recurrence rests at low and at high activity."""
    weights, _, _ = random_network(NODES)
    params = {"G": 0.02, "w": 1.3, "I0": 0.3, "sigma": 0.001}
    both = linear_response("rWWEx", weights, params, **SHORT, starts=("initial", "high"))
    assert both.flags["several"].all()
    assert both.state_means["S"].max() < 0.3  # the first start decides
    high = linear_response("rWWEx", weights, params, **SHORT, starts=("high", "initial"))
    assert high.state_means["S"].min() > 0.3


def test_noise_near_an_instability_is_named():
    weights, _, _ = random_network(NODES)
    params = {"G": 0.02, "a": np.array([-0.5, -0.01]), "sigma": 0.05}
    settings = SHORT | {"dt": 0.01, "hemodynamic_dt": 0.01}
    found = linear_response("Hopf", weights, params, **settings)
    assert found.flags["nonlinear"].tolist() == [False, True]


def test_no_result_depends_on_batch_or_threads():
    weights, _, _ = random_network(NODES)
    params = {"G": np.linspace(0.1, 1.0, 5), "w_p": np.linspace(0.2, 1.4, 5)}
    settings = SHORT | {"fic": "analytical", "starts": ("initial",)}
    whole = linear_response("rWW", weights, params, **settings, comparison=compare(5), threads=2)
    for row in range(5):
        some = {name: value[[row]] for name, value in params.items()}
        part = linear_response("rWW", weights, some, **settings, comparison=compare(1), threads=1)
        np.testing.assert_array_equal(part.fc[0], whole.fc[row])
        assert part.expected["fc_corr"][0] == whole.expected["fc_corr"][row]


def test_regional_parameters_and_constants_reach_their_nodes():
    """Nodes with more noise have more power, and slower vessels less of it at high frequencies."""
    weights = np.zeros((2, 2))
    constants = {"set": "friston-3T", "tau": np.array([0.98, 2.0])}
    settings = SHORT | {"hemodynamics": constants, "starts": ("initial",)}
    found = linear_response("rWWEx", weights, {"G": 0.0, "sigma": np.array([[0.001, 0.002]])}, **settings)
    covariance = found.lagged_covariance(0)
    assert covariance[1, 1] > 2 * covariance[0, 0] and abs(covariance[0, 1]) < 1e-12 * covariance[0, 0]
    spectra = found.networks[0].cross_spectra(np.array([0.02, 0.3]))
    ratio = np.abs(spectra[:, 1, 1] / spectra[:, 0, 0])
    assert ratio[1] < ratio[0]


def test_what_linear_response_cannot_give_is_refused_by_name(tmp_path):
    weights, _, _ = random_network(NODES)
    dynamics = Comparison(compare(1).targets, np.zeros(1, int), ("fcd_ks",))
    with pytest.raises(InputError, match="fcd_ks can only be had by simulation"):
        linear_response("rWWEx", weights, {"G": 0.1}, **SHORT, comparison=dynamics)
    with pytest.raises(InputError, match="starts: nowhere; allowed are noisy, initial"):
        linear_response("rWWEx", weights, {"G": 0.1}, **SHORT, starts=("nowhere",))
    with pytest.raises(InputError, match="hemodynamics: rWWEx needs the constants"):
        linear_response("rWWEx", weights, {"G": 0.1}, **SHORT | {"hemodynamics": None})
    kinked = write_ou(tmp_path)
    kinked.write_text(kinked.read_text().replace("-decay*x", "-decay*abs(x)"))
    with pytest.raises(InputError, match=r"abs\(\) has no derivative everywhere"):
        linear_response(kinked, weights, {"G": 0.1}, **SHORT)
