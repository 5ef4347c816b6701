"""The page about haemodynamic constants: spectra whose answer is known, and every figure in its place."""

import numpy as np
import pytest

PARAMETERS = {"G": 1.5, "w_p": 2.0, "J_N": 0.2}
SPECTRUM = {"fast": 0.09, "fast above the floor": 0.08, "peak": 0.0109, "slopes": [-1.25, -6.5]}


@pytest.fixture
def page(monkeypatch, repository):
    monkeypatch.syspath_prepend(repository / "benchmarks")
    import haemodynamics

    return haemodynamics


def test_white_noise_has_its_share_of_fast_frequencies(page):
    found = page.spectral_row(np.random.default_rng(1).normal(size=(1200, 100)))
    nyquist = 0.5 / page.REPETITION_TIME
    assert found["fast"] == pytest.approx((nyquist - 0.1) / nyquist, abs=0.02)


def test_a_random_walk_has_a_slope_of_minus_two(page):
    bold = np.cumsum(np.random.default_rng(1).normal(size=(1200, 100)), axis=0)
    slow, fast = page.spectral_row(bold)["slopes"]
    assert slow == pytest.approx(-2, abs=0.2)
    assert -2.6 < fast < -2.1  # steeper, since its power from 0.5 Hz on is taken for a floor


def test_a_slow_wave_under_noise_is_the_peak_and_the_floor_takes_the_noise_away(page):
    rng, time = np.random.default_rng(1), page.REPETITION_TIME * np.arange(1200)
    phases = rng.uniform(0, 2 * np.pi, 100)
    bold = 100 + 0.01 * time[:, None] + np.sin(2 * np.pi * 0.05 * time[:, None] + phases)
    noisy = page.spectral_row(bold + rng.normal(size=bold.shape))
    assert noisy["peak"] == pytest.approx(0.05, abs=0.003)
    assert noisy["fast"] > 0.5  # two thirds of the variance are noise, most of it fast
    assert noisy["fast above the floor"] == pytest.approx(0, abs=0.02)


def test_every_search_is_also_simulated_under_the_other_constants(page):
    fits = page.fits({"protocol": "quick", "model": "rWW"}, {"generations": 12, "restarts": 2})
    assert {name: page.sets_of(name) for name in fits} == {
        "cubnm-3T": ("cubnm-3T", "cubnm-3T"),
        "friston-3T": ("friston-3T", "friston-3T"),
        "cubnm-3T-under-friston-3T": ("cubnm-3T", "friston-3T"),
        "friston-3T-under-cubnm-3T": ("friston-3T", "cubnm-3T"),
    }
    for name, fit in fits.items():
        own, simulated = page.sets_of(name)
        assert fit["hemodynamics"] == simulated and "protocol" not in fit
        assert fit["optimizer"]["generations"] == (12 if own == simulated else 1)
        assert fit.get("start", {}).get("from") == (None if own == simulated else own)


def test_the_page_tells_bounds_missing_scores_and_prices(page):
    fit = {"person": "1", "parameters": PARAMETERS, "at_bounds": "w_p (upper)", "cost": -0.25}
    fit |= {"cohort": "kong2021", "spectrum": SPECTRUM}
    fit["scores"] = {"train": {"FC r": [0.4, 0.01], "FCD KS": [0.15, 0.02], "cost": [-0.2, 0.03]}}
    fits = [{**fit, "searched": name, "simulated": name} for name in page.SETS]
    result = {
        "date": "2026-12-01",
        "machine": {"processor": "a processor"},
        "search": page.SEARCH,
        "seeds": 10,
        "scans": [{"person": "100206", "of": "scan, train", **SPECTRUM}],
        "fits": fits,
        "missing": ["kong2021: cubnm-3T-under-friston-3T"],
        "costs": [{"cohort": "kong2021", "job": "fit", "fit": "cubnm-3T", "cpu": 120.0, "wall": 90.0}],
    }
    text = page.markdown(result)
    assert "| 100206 | scan, train | 0.09 | 0.08 | 0.011 | −1.25 | −6.50 |" in text
    assert "| kong2021 sub1 | simulation, friston-3T | 0.09 |" in text
    assert "| 1.500 | 2.000* | 0.200 | −0.250 | 0.400 ± 0.010 |" in text and "n/a |" in text
    assert "| kong2021 sub1 | cubnm-3T | 1.5385 | 2.439 |" in text and "k1 4.103" in text
    assert "not on this page:** kong2021: cubnm-3T-under-friston-3T." in text
    assert "Together 2 CPU minutes" in text
