"""Agreement of two scans of a person in an observable, and what may be called reliable."""

import numpy as np
import pytest

from cubnm_core.evidence.observables import FEWEST, RELIABLE, TOO_FEW, UNRELIABLE, scan_agreement


def scans(people, noise, seed=0):
    """Metastability in two scans of people who differ, with noise in every scan."""
    rng = np.random.default_rng(seed)
    true = 0.2 + 0.05 * rng.standard_normal((people, 1))
    return true + noise * rng.standard_normal((people, 2))


def agree(values):
    return scan_agreement("metastability", values, values[:, :1], values[:, 1:])


@pytest.mark.parametrize("noise", [0.001, 0.2])
def test_below_twenty_people_nothing_is_called_reliable(noise):
    found = agree(scans(FEWEST - 1, noise))
    assert found.verdict == TOO_FEW and found.n_people == 19 and np.isfinite(found.icc)


def test_from_twenty_people_on_the_interval_decides():
    good, bad = agree(scans(FEWEST, 0.005)), agree(scans(FEWEST, 0.2))
    assert good.verdict == RELIABLE and good.icc > 0.9 and good.own < good.others / 3
    assert bad.verdict == UNRELIABLE and bad.low < 0.4
    unsure = agree(scans(FEWEST, 0.04))
    assert unsure.icc > 0.4 > unsure.low and unsure.verdict == UNRELIABLE


@pytest.mark.parametrize("people", [0, 1, 2])
def test_hardly_anybody_is_no_error(people):
    found = agree(scans(people, 0.01))
    assert found.verdict == TOO_FEW and np.isnan(found.icc)
    assert np.isnan(found.others) == (people < 2) and np.isnan(found.own) == (people == 0)


def test_distances_are_of_the_second_scan_from_the_first():
    values = np.array([[0.1, 0.2], [0.5, 0.3], [0.4, 0.4]])
    found = agree(values)
    assert found.own == pytest.approx(np.median([0.1, 0.2, 0.0]))
    assert found.others == pytest.approx(np.median([0.3, 0.2, 0.2, 0.1, 0.3, 0.1]))
