"""The haemodynamic model against known answers: response, published coefficients, regional constants."""

from functools import cache

import numpy as np
import pytest

from cubnm_core import simulate
from cubnm_core.equations.files import model_from_tables
from cubnm_core.equations.hemodynamics import (
    HEMODYNAMICS,
    hemodynamic_constants,
    name_of,
    signal_coefficients,
)
from cubnm_core.errors import InputError

# One region that is excited for some 20 ms.
PULSE = {
    "name": "Pulse",
    "title": "A pulse",
    "citation": "none",
    "time_unit": "s",
    "equations": "dx/dt = -50*x",
    "bold_input": "x",
    "record": ["x"],
    "states": {"x": {"initial": 0.01}},
    "parameters": {},
}
STEP = 0.05  # s, between samples of the response


@cache
def response(hemodynamics):
    """The response to a pulse, by the reference."""
    run = simulate(
        model_from_tables(PULSE, "pulse.toml"), np.zeros((1, 1)), {}, duration=30.0, repetition_time=STEP,
        burn_in=0.0, dt=1e-2, hemodynamic_dt=1e-2, hemodynamics=hemodynamics, record=("bold",),
        backend="reference",
    )  # fmt: skip
    return run.bold[0, :, 0]


def peak(hemodynamics):
    """Time of the peak in s."""
    return STEP * (1 + np.argmax(response(hemodynamics)))


def fast_share(hemodynamics):
    """Share of the power above 0.1 Hz, of white noise that goes through the response."""
    count = 2**15  # zeros behind the response, for frequencies that lie close enough to part them at 0.1 Hz
    power = np.abs(np.fft.rfft(response(hemodynamics), count)) ** 2
    return power[np.fft.rfftfreq(count, STEP) > 0.1].sum() / power.sum()


@pytest.mark.slow
@pytest.mark.parametrize("tesla", ["3T", "1.5T"])
def test_the_response_peaks_later_with_the_published_rates_and_has_less_fast_power(tesla):
    published, reciprocal = f"friston-{tesla}", f"cubnm-{tesla}"
    assert peak(published) - peak(reciprocal) == pytest.approx(1.4, abs=0.1)
    assert fast_share(published) == pytest.approx(0.17, abs=0.02)
    assert fast_share(reciprocal) == pytest.approx(0.50, abs=0.02)


def flow_peak(kappa, gamma):
    """Peak of the flow's response to a pulse in s: atan(w/(kappa/2))/w with w^2 = gamma - kappa^2/4."""
    w = np.sqrt(complex(gamma - kappa**2 / 4))
    return (np.arctan(w / (kappa / 2)) / w).real


def test_the_published_rates_are_those_of_a_resonance_near_a_tenth_of_a_hertz():
    """Friston et al. 2003: autoregulation and decay make a damped oscillation of about 0.1 Hz."""
    constants = HEMODYNAMICS["friston-3T"]
    assert (constants["kappa"], constants["gamma"]) == (0.65, 0.41)
    assert np.sqrt(constants["gamma"]) / (2 * np.pi) == pytest.approx(0.1, abs=0.003)
    reciprocal = HEMODYNAMICS["cubnm-3T"]
    assert reciprocal["kappa"] * constants["kappa"] == pytest.approx(1.0)
    assert reciprocal["gamma"] * constants["gamma"] == pytest.approx(1.0)
    gain = flow_peak(0.65, 0.41) - flow_peak(reciprocal["kappa"], reciprocal["gamma"])
    assert 0.9 < gain < 1.5


def test_coefficients_follow_from_the_scanner_as_published():
    """Rounded, those of 30 ms are cuBNM's; those of 33.1 ms are CBIG's of Zhang et al. 2024."""
    rounded = {name: HEMODYNAMICS["cubnm-3T"][name] for name in ("k1", "k2", "k3")}
    assert signal_coefficients(3.0, 0.030) == pytest.approx(rounded, abs=2e-3)
    found = hemodynamic_constants({"field_strength": 3, "echo_time": 0.0331})
    assert (found["k1"], found["k2"], found["k3"]) == pytest.approx((4.1034, 0.58183, 0.53), abs=5e-5)
    assert found["kappa"] == 0.65 and name_of(found) is None
    assert name_of(hemodynamic_constants({"field_strength": 3.0, "echo_time": 0.030})) == "friston-3T"
    stated = {"field_strength": 7.0, "echo_time": 0.025, "r0": 300.0, "epsilon": 0.1, "rho": 0.4}
    assert hemodynamic_constants(stated)["k2"] == pytest.approx(0.1 * 300 * 0.4 * 0.025)


def test_a_mapping_takes_from_a_set_what_it_leaves_out_and_no_more():
    own = hemodynamic_constants({"set": "cubnm-1.5T", "kappa": 0.7})
    assert own == {**HEMODYNAMICS["cubnm-1.5T"], "kappa": 0.7}
    whole = {"kappa": 0.65, "gamma": 0.41, "k1": 2.0, "k2": 1.0, "k3": 0.5}
    shared = {"tau": 0.98, "alpha": 0.32, "rho": 0.34, "V0": 2.0}
    assert hemodynamic_constants(whole) == {**whole, **shared}
    assert name_of(HEMODYNAMICS["cubnm-3T"]) == "cubnm-3T"


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("friston2003", ["'cubnm-1.5T'", "'friston-1.5T'"]),
        ("heinzle2016-3T", ["'cubnm-3T'", "'friston-3T'"]),
        ({"set": "friston2003", "kappa": 0.7}, ["'cubnm-1.5T'"]),
        ("friston", ["known are friston-3T"]),
        (3, ["no name and no mapping"]),
        ({"kappa": 0.65}, ["gamma, k1, k2, k3 missing", "set: NAME"]),
        ({"kapa": 0.65}, ["kapa", "allowed are kappa"]),
        ({"field_strength": 3.0}, ["echo_time missing", "in s"]),
        ({"field_strength": 3.0, "echo_time": 30}, ["seconds", "write 0.03"]),
        ({"field_strength": 3.0, "echo_time": 0.03, "k1": 2.0}, ["k1 and field_strength", "give one"]),
        ({"field_strength": 7.0, "echo_time": 0.02}, ["for 7 T state r0 and epsilon", "3 T"]),
        ({"set": "friston-3T", "rho": 1.0}, ["rho", "below 1"]),
        ({"set": "friston-3T", "tau": "fast"}, ["tau must be a number above 0; found 'fast'"]),
        ({"set": "friston-3T", "kappa": float("nan")}, ["kappa must be a number above 0"]),
        ({"set": "friston-3T", "k2": True}, ["k2 must be a finite number"]),
    ],
)
def test_constants_that_cannot_be_are_refused(stated, words):
    with pytest.raises(InputError) as refused:
        hemodynamic_constants(stated)
    assert all(word in str(refused.value) for word in words), str(refused.value)


WEIGHTS = np.array([[0, 0.02, 0.01], [0.02, 0, 0.03], [0.01, 0.03, 0]])
SHORT = {"duration": 4.0, "repetition_time": 0.5, "burn_in": 1.0, "dt": 2e-3, "hemodynamic_dt": 1e-2}


@pytest.mark.slow
def test_bold_needs_constants_and_states_do_not():
    with pytest.raises(InputError, match=r"rWW needs the constants.*friston-3T.*cubnm-1.5T.*echo_time"):
        simulate("rWW", WEIGHTS, {"G": 0.5}, **SHORT)
    means = [
        simulate(
            "rWW", WEIGHTS, {"G": 0.5}, record=("state_means",), backend="reference", hemodynamics=constants,
            **SHORT,
        ).state_means["S_E"]
        for constants in (None, "friston-3T")
    ]  # fmt: skip
    np.testing.assert_array_equal(*means)


REGIONAL = {
    "kappa": np.array([0.5, 0.65, 0.8]),
    "alpha": np.array([0.3, 0.32, 0.375]),
    "rho": np.array([0.3, 0.34, 0.4]),
    "V0": np.array([1.0, 2.0, 4.0]),
    "k2": np.array([0.4, 0.5, 2.0]),
}


def regional(backend, precision=None, **constants):
    """BOLD of two simulations of three regions."""
    return simulate(
        "rWW", WEIGHTS, {"G": [0.5, 1.0]}, seed=[1, 2], record=("bold",), backend=backend,
        precision=precision, hemodynamics={"set": "friston-3T", **REGIONAL, **constants}, **SHORT,
    ).bold  # fmt: skip


@pytest.mark.slow
def test_every_region_responds_with_its_own_constants():
    """Each as if all had its constants, for BOLD does not act back on activity."""
    together = regional("reference")
    for node in range(3):
        alone = regional("reference", **{name: float(values[node]) for name, values in REGIONAL.items()})
        np.testing.assert_allclose(together[..., node], alone[..., node], rtol=0, atol=1e-12)
    assert np.abs(together - regional("reference", kappa=0.65)).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-9), ("single", 2e-4)])
def test_regional_constants_on_the_cpu_are_those_of_the_reference(precision, tolerance):
    expected = regional("reference")
    np.testing.assert_allclose(regional("cpu", precision), expected, rtol=0, atol=tolerance)


@pytest.mark.slow
def test_simulations_may_differ_in_their_constants():
    kappa = np.array([[0.5, 0.65, 0.8], [0.8, 0.65, 0.5]])
    found = regional("reference", kappa=kappa)
    for row in range(2):
        np.testing.assert_allclose(
            found[row], regional("reference", kappa=kappa[row])[row], rtol=0, atol=1e-12
        )
    with pytest.raises(InputError, match=r"kappa has shape \(2,\).*\(N,\) = \(3,\).*\(B, N\) = \(2, 3\)"):
        regional("reference", kappa=np.array([0.5, 0.6]))
