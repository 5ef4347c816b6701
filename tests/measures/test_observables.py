"""Observables: known answers, masks, censored volumes, and simulations that give what their BOLD gives."""

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import pair_indices
from cubnm_core.measures.distances import binned_cdf
from cubnm_core.measures.observables import edges, gradients, phases
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from cubnm_core.measures.observables.panel import Panel, pool_runs, summarise
from cubnm_core.measures.observables.scan import ENDS, Regions, Scan

N_NODES, N_VOLUMES = 8, 300
HEMISPHERES = ("L",) * 4 + ("R",) * 4
NETWORKS = ("a", "a", "b", "c", "a", "b", "b", "c")
HOMOLOGUES = np.array([[0, 4], [1, 5], [2, 6], [3, 7]])
REGIONS = {pairs: Regions(HEMISPHERES, pairs, NETWORKS, HOMOLOGUES) for pairs in ("all", "intrahemispheric")}
ALL = tuple(OBSERVABLES)


def noise(seed=0, volumes=N_VOLUMES, memory=0.7):
    """BOLD of nodes that share a little: an AR(1) process of every node and one of all."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(seed)
    drawn = lfilter([1.0], [1.0, -memory], rng.standard_normal((volumes, N_NODES + 1)), axis=0)
    return drawn[:, :-1] + 0.5 * drawn[:, -1:]


def scan(bold, pairs="all", repetition_time=1.0, kept=None):
    return Scan(bold, repetition_time, REGIONS[pairs], kept)


def oscillations(offsets, period=20.0, volumes=400):
    """Sines of one period, each node with a phase of its own."""
    times = np.arange(volumes)[:, None]
    return np.sin(2 * np.pi * times / period + np.asarray(offsets))


def test_oscillations_in_step_are_synchronous_and_not_metastable():
    together = scan(oscillations(np.zeros(N_NODES)))
    assert phases.synchrony(together) == pytest.approx(1.0)
    assert phases.metastability(together) == pytest.approx(0.0, abs=1e-6)
    spread = scan(oscillations(2 * np.pi * np.arange(N_NODES) / N_NODES))
    assert phases.synchrony(spread) == pytest.approx(0.0, abs=1e-3)


def test_two_groups_that_drift_apart_have_the_order_parameter_of_their_phase_difference():
    """R(t) = |cos(difference / 2)|; over whole turns its mean is 2 / pi and its mean square 1 / 2."""
    times = np.arange(4000)[:, None]
    rates = np.where(np.arange(N_NODES) < 4, 0.05, 0.05 + 1 / 200)
    found = scan(np.sin(2 * np.pi * rates * times))
    assert phases.synchrony(found) == pytest.approx(2 / np.pi, abs=0.01)
    assert phases.metastability(found) == pytest.approx(np.sqrt(0.5 - (2 / np.pi) ** 2), abs=0.01)


def test_within_hemispheres_the_order_parameter_is_theirs():
    """Hemispheres in opposite phase, each in step."""
    opposite = oscillations(np.where(np.arange(N_NODES) < 4, 0.0, np.pi))
    assert phases.synchrony(scan(opposite)) == pytest.approx(0.0, abs=1e-3)
    assert phases.synchrony(scan(opposite, "intrahemispheric")) == pytest.approx(1.0)


@pytest.mark.parametrize("pairs", ["all", "intrahemispheric"])
def test_the_phase_fcd_is_that_of_patterns_of_all_pairs(pairs):
    found = scan(noise(), pairs)
    angles = np.angle(found.phasors)
    rows, cols = pair_indices(N_NODES, HEMISPHERES, pairs)
    patterns = np.cos(angles[:, rows] - angles[:, cols])
    patterns = np.stack([patterns[t : t + 3].mean(axis=0) for t in range(len(patterns) - 2)])
    patterns /= np.linalg.norm(patterns, axis=1)[:, None]
    expected = (patterns @ patterns.T)[np.tril_indices(len(patterns), -1)]
    np.testing.assert_allclose(phases.phase_fcd(found), binned_cdf(expected), atol=1e-4)
    assert OBSERVABLES["phase_fcd"].summary(binned_cdf(expected), 1.0) == pytest.approx(
        expected.mean(), abs=2e-4
    )


@pytest.mark.parametrize("pairs", ["all", "intrahemispheric"])
def test_edge_time_series_are_products_of_standardised_nodes(pairs):
    found = scan(noise(), pairs)
    standard = (found.bold - found.bold.mean(axis=0)) / found.bold.std(axis=0)
    rows, cols = pair_indices(N_NODES, HEMISPHERES, pairs)
    series = standard[:, rows] * standard[:, cols]
    amplitude = np.sqrt(np.mean(series**2, axis=1))
    np.testing.assert_allclose(edges.edge_amplitude(found), np.quantile(amplitude, edges.SHARES))
    expected = np.corrcoef(series)[np.tril_indices(len(series), -1)]
    np.testing.assert_allclose(edges.edge_fcd(found), binned_cdf(expected), atol=1e-4)
    # the mean of an edge time series over time is the FC of the edge
    np.testing.assert_allclose(series.mean(axis=0), np.corrcoef(found.bold.T)[rows, cols])


def test_a_signal_that_follows_another_one_volume_later_has_their_lagged_covariance():
    rng = np.random.default_rng(3)
    bold = rng.standard_normal((20000, N_NODES))
    bold[1:, 5] = 0.8 * bold[:-1, 2] + 0.6 * bold[1:, 5]
    found = OBSERVABLES["lagged_covariance"].measure(scan(bold))
    rows, cols = pair_indices(N_NODES)
    place = int(np.flatnonzero((rows == 5) & (cols == 2))[0])
    assert found[place] == pytest.approx(0.8, abs=0.02)  # from 2 to 5
    assert np.abs(np.delete(found, place)).max() < 0.04
    assert len(found) == 2 * len(rows)


def test_spectra_show_the_frequency_of_an_oscillation_and_sum_to_one():
    shares = OBSERVABLES["power_spectrum"].measure(
        scan(oscillations(np.zeros(N_NODES), 25.0), repetition_time=2.0)
    )
    assert shares.sum() == pytest.approx(1.0)
    assert (1 + np.argmax(shares)) / 100 == pytest.approx(0.02)  # 25 volumes of 2 s
    assert OBSERVABLES["power_spectrum"].summary(shares, 2.0) == pytest.approx(0.02, abs=0.002)
    with pytest.raises(InputError, match="40 volumes are fewer than the 100"):
        OBSERVABLES["power_spectrum"].measure(scan(noise(volumes=40)))


@pytest.mark.parametrize("memory", [0.5, 0.9])
def test_time_scales_are_those_of_exponential_forgetting(memory):
    bold = noise(volumes=40000, memory=memory)
    found = OBSERVABLES["timescales"].measure(scan(bold, repetition_time=0.8))
    expected = 0.8 * (1 / (1 - memory) - 0.5)
    assert found.mean() == pytest.approx(expected, rel=0.06)
    np.testing.assert_allclose(found, expected, rtol=0.25)


def test_fc_of_networks_and_of_homologues_are_means_of_the_fc():
    found = scan(noise())
    fc = np.corrcoef(found.bold.T)
    networks = OBSERVABLES["network_fc"].measure(found)
    within_a = [fc[i, j] for i, j in ((0, 1), (0, 4), (1, 4))]
    between = [fc[i, j] for i in (0, 1, 4) for j in (2, 5, 6)]
    np.testing.assert_allclose(networks[:2], [np.mean(within_a), np.mean(between)])
    assert len(networks) == 6  # a, ab, b, ac, bc, c
    within = OBSERVABLES["network_fc"].measure(scan(found.bold, "intrahemispheric"))
    assert len(within) == 5  # c has one node in each hemisphere
    np.testing.assert_allclose(within[0], fc[0, 1])
    np.testing.assert_allclose(OBSERVABLES["homotopic_fc"].measure(found), [fc[i, i + 4] for i in range(4)])


def ring(n_nodes, shift=0.0, volumes=3000):
    """BOLD whose FC falls off along a ring: the gradients are a sine and a cosine."""
    rng = np.random.default_rng(1)
    angles = 2 * np.pi * (np.arange(n_nodes) + shift) / n_nodes
    basis = np.stack([np.cos(k * angles) for k in range(4)] + [np.sin(k * angles) for k in range(1, 4)])
    return rng.standard_normal((volumes, 7)) @ (basis * np.array([0, 4, 2, 1, 4, 2, 1])[:, None] ** 0.5)


def test_gradients_of_a_ring_go_around_it():
    regions = Regions(("L",) * 40)
    values = gradients.fc_gradients(Scan(ring(40), 1.0, regions)).reshape(40, 3)
    angles = 2 * np.pi * np.arange(40) / 40
    around = np.stack([np.cos(angles), np.sin(angles)])
    explained = np.linalg.lstsq(around.T, values[:, :2] - values[:, :2].mean(axis=0), rcond=None)[1]
    assert (explained / values[:, :2].var(axis=0) / 40 < 0.05).all()


def test_gradients_are_compared_after_rotation_and_reflection():
    rng = np.random.default_rng(2)
    target = rng.standard_normal((30, 3))
    turned = target @ np.linalg.qr(rng.standard_normal((3, 3)))[0] * 4 + 2
    other = rng.standard_normal((30, 3))
    found = gradients.misalignment(np.stack([turned.ravel(), other.ravel()]), target.ravel())
    assert found[0] == pytest.approx(0.0, abs=1e-9) and 0.3 < found[1] < 1.0
    pooled = gradients.pool_gradients([target.ravel(), turned.ravel() / 4], [1, 1])
    assert gradients.misalignment(pooled[None], target.ravel())[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_every_observable_is_at_no_distance_from_itself_and_no_further_than_its_worst(name):
    panels = [Panel(ALL, REGIONS["all"]).measure(noise(seed), 1.0)[name] for seed in range(4)]
    mine, others = panels[0], np.stack(panels[1:])
    observable = OBSERVABLES[name]
    assert observable.distance(mine[None], mine)[0] == pytest.approx(0.0, abs=1e-9)
    distances = observable.distance(others, mine)
    assert distances.shape == (3,) and (distances > 0).all() and (distances <= observable.worst).all()
    assert np.isfinite(observable.summary(mine, 1.0))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("pairs", ["all", "intrahemispheric"])
def test_bold_has_neither_scale_nor_offset(name, pairs):
    if name == "fc_gradients" and pairs != "all":
        pytest.skip("four nodes of a hemisphere have no three gradients")
    panel = Panel((name,), REGIONS[pairs])
    bold = noise()
    one, other = (panel.measure(series, 1.0)[name] for series in (bold, 3.0 * bold + 100.0))
    np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_censored_volumes_do_not_count(name):
    """Whatever stands in them, even nothing."""
    bold, kept = noise(), np.ones(N_VOLUMES, dtype=bool)
    kept[[30, 31, 100, 200, 201, 202]] = False
    panel, spoilt, removed = Panel((name,), REGIONS["all"]), bold.copy(), bold.copy()
    spoilt[~kept], removed[~kept] = 50.0, np.nan
    one, other = (panel.measure(series, 1.0, kept)[name] for series in (spoilt, removed))
    np.testing.assert_array_equal(one, other)
    whole = panel.measure(bold, 1.0)[name]
    assert not np.array_equal(one, whole)
    assert OBSERVABLES[name].distance(one[None], whole)[0] < 0.1


def test_too_few_volumes_are_refused():
    short = noise(volumes=2 * ENDS + 15)
    with pytest.raises(InputError, match="15 volumes count, after 10 at both ends are left out"):
        Panel(("metastability",), REGIONS["all"]).measure(short, 1.0)
    kept = np.arange(N_VOLUMES) < 15
    for name in ("edge_fcd", "timescales", "network_fc", "lagged_covariance"):
        with pytest.raises(InputError, match="needs at least 20"):
            Panel((name,), REGIONS["all"]).measure(noise(), 1.0, kept)


def test_runs_count_by_their_volumes():
    panel = Panel(ALL, REGIONS["all"])
    runs = [panel.measure(noise(seed, volumes), 1.0) for seed, volumes in ((0, 300), (1, 100))]
    pooled = pool_runs(runs, [300, 100])
    expected = (3 * runs[0]["metastability"] + runs[1]["metastability"]) / 4
    np.testing.assert_allclose(pooled["metastability"], expected)
    assert set(pooled) == set(ALL) == set(summarise(pooled, 1.0))
    same = pool_runs([runs[0], runs[0]], [1, 1])
    for name in ALL:
        assert OBSERVABLES[name].distance(same[name][None], runs[0][name])[0] == pytest.approx(0.0, abs=1e-9)
