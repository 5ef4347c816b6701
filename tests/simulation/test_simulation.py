"""`simulate`: sampling times, shapes, memory of what was asked, and errors a user can act on."""

import numpy as np
import pytest

from cubnm_core import InputError, simulate
from cubnm_core.simulation.schedule import make_schedule

pytestmark = pytest.mark.slow

WEIGHTS = np.array([[0, 0.02, 0.01], [0.02, 0, 0.03], [0.01, 0.03, 0]])
SETTINGS = {
    "duration": 4.0,
    "repetition_time": 0.5,
    "burn_in": 1.0,
    "dt": 1e-3,
    "window": 1.0,
    "window_step": 0.5,
    "hemodynamics": "cubnm-1.5T",
}


def run(**settings):
    params = {"G": 0.5, **settings.pop("params", {})}
    return simulate("rWW", settings.pop("weights", WEIGHTS), params, **{**SETTINGS, **settings})


@pytest.mark.parametrize("repetition_time", [0.7, 0.72, 0.82, 1.14, 1.4, 1.9, 2.8, 0.1, 3.0])
def test_volumes_are_taken_at_multiples_of_the_repetition_time(repetition_time):
    """cuBNM 0.1.0 is one millisecond early for 597 whole-millisecond values, 0.7 and 1.4 s among them."""
    schedule = make_schedule(600.0, repetition_time, 1e-4, 1e-3)
    volumes = np.arange(1, int(round(600 / repetition_time, 9)) + 1)
    np.testing.assert_array_equal(schedule.bold_steps, np.rint(volumes * repetition_time * 1000))


@pytest.mark.parametrize(
    ("step", "every"), [(1e-3, 10), (2.5e-3, 4), (1e-2, 1), (6e-3, 2), (3e-3, 4), (0.02, 1)]
)
def test_states_are_sampled_every_10_ms_or_at_the_first_multiple_of_the_step(step, every):
    assert make_schedule(60.0, 0.72, step, step).state_interval == every
    with pytest.raises(InputError, match=r"state_period \(0.015 s\) must be a whole multiple"):
        make_schedule(60.0, 0.72, 1e-2, 1e-2, state_period=0.015)


def test_a_repetition_time_between_steps_does_not_drift():
    schedule = make_schedule(900.0, 0.7205, 1e-4, 1e-3)
    volumes = np.arange(1, len(schedule.bold_steps) + 1)
    assert np.abs(schedule.bold_steps * 1e-3 - volumes * 0.7205).max() <= 0.5e-3 + 1e-9


def test_shapes():
    found = run(
        params={"G": [0.2, 0.4]}, record=("bold", "fc", "fcd", "state_means", "states"), state_period=0.25
    )
    assert found.bold.shape == (2, 8, 3)
    assert found.n_burn_in == 2
    assert found.fc.shape == (2, 3)
    assert found.fcd.shape == (2, 6)
    assert found.state_means["S_E"].shape == (2, 3)
    assert found.states["S_E"].shape == (2, 16, 3)
    assert found.params["G"].tolist() == [0.2, 0.4]


def test_state_means_are_those_of_the_samples_after_the_burn_in():
    found = run(record=("states", "state_means"), state_period=0.01)
    np.testing.assert_allclose(found.state_means["r_E"], found.states["r_E"][:, 100:].mean(axis=1), rtol=1e-6)


def test_intrahemispheric_pairs():
    found = run(interhemispheric=False, hemispheres=["L", "L", "R"], record=("fc",))
    everything = run(record=("fc",))
    assert found.fc.shape == (1, 1)
    assert found.fc[0, 0] == everything.fc[0, 0]


def test_band_pass_comes_before_fc():
    plain = run(duration=40.0, record=("fc", "bold"))
    filtered = run(duration=40.0, record=("fc", "bold"), band_pass=(0.05, 0.5))
    np.testing.assert_array_equal(plain.bold, filtered.bold)
    assert np.abs(plain.fc - filtered.fc).max() > 1e-3


def test_only_what_is_recorded_is_kept():
    found = run(record=("fc",))
    assert found.bold is None
    assert found.fcd is None
    assert not found.state_means


NAN = WEIGHTS.copy()
NAN[0, 1] = np.nan


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"params": {"Gg": 1}}, "no parameter 'Gg'; it has G, w_p, J_N, wIE, sigma; did you mean 'G'"),
        ({"params": {"G": [1, 2, 3, 4, 5], "w_p": [1, 2]}}, "number of simulations differs"),
        ({"params": {"G": np.ones((2, 3))}}, "parameter 'G' has shape"),
        ({"params": {"w_p": np.nan}}, "not finite"),
        ({"weights": NAN}, "not finite, the first in connectome, row, column"),
        ({"weights": np.ones(3)}, r"weights must be \(N, N\) or \(S, N, N\)"),
        ({"weights": np.stack([WEIGHTS, WEIGHTS])}, "2 connectomes are given"),
        ({"connectome": [3]}, "allowed are 0 to 0"),
        ({"dt": 3e-4}, "whole multiple of dt"),
        ({"burn_in": 5.0}, "duration .4 s. must exceed burn_in"),
        ({"repetition_time": 9.0}, "repetition_time .9 s. must lie between"),
        ({"window": 30.0}, "30 s takes"),
        ({"state_period": 0.0015}, "whole multiple of hemodynamic_dt"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"noise": np.zeros((3, 3, 2))}, r"noise must have shape \(steps, N, noise terms\) = \(4000, 3, 2\)"),
        ({"record": ("bolt",)}, "record: 'bolt' is unknown; allowed are bold, fc"),
        ({"precision": "half"}, "precision: 'half' is unknown"),
        ({"backend": "gpu"}, "backend: 'gpu' is unknown"),
        ({"noise_step": 3e-4}, r"noise_step \(0.0003 s\) must divide dt \(0.001 s\) without remainder"),
        ({"noise_step": 2e-3}, "must divide dt"),
        ({"noise_step": 1e-4, "noise": np.zeros((4000, 3, 2))}, "leave out noise or noise_step"),
        ({"scheme": "rk4"}, "unknown integration scheme 'rk4'; known are euler_maruyama, heun"),
        ({"hemodynamics": "friston"}, "known are friston-3T, friston-1.5T, cubnm-3T, cubnm-1.5T"),
        ({"hemodynamics": {"kapa": 1}}, "unknown haemodynamic constant"),
        ({"interhemispheric": False}, "hemisphere"),
        ({"lengths": WEIGHTS}, "needs a value for 'v'"),
        ({"lengths": -WEIGHTS, "params": {"v": 1.0}}, "lengths must be 0 or more"),
        ({"lengths": WEIGHTS[:2], "params": {"v": 1.0}}, "must be that of weights"),
        ({"lengths": WEIGHTS, "params": {"v": 1.0}, "scheme": "heun"}, "euler_maruyama only"),
    ],
)
def test_errors_name_what_is_wrong_and_what_is_allowed(settings, message):
    with pytest.raises(InputError, match=message):
        run(**settings)


def test_unknown_model():
    with pytest.raises(InputError, match=r"no model 'rvw'; known models are .*rWW"):
        simulate("rvw", WEIGHTS, {}, **SETTINGS)
