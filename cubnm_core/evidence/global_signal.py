"""A model without wiring or neurons: one signal that all regions share, beside noise of their own.

Both are autoregressive of order 1 at the repetition time of the scans. Two numbers are fitted: which share of
the variance is the shared signal's, and the autocorrelation from one volume to the next. The shared signal
reaches every region in proportion to its strength in the connectome. If it reached all of them alike, FC
would be the same everywhere, windows would have nothing in common, and the FCD, which correlates windows over
pairs, would lie around 0: a baseline that any model beats.

Whatever such a model reproduces of FC and FCD is no evidence for the wiring of a connectome or for the
equations of a neural model. That two parameters and a global fluctuation may do as well as a biophysical
model has been shown by Aquino et al. 2022 (doi:10.1016/j.neuroimage.2022.119051); how far autocorrelation and
a constant covariance go towards an FCD by Laumann et al. 2017 (doi:10.1093/cercor/bhw265) and Liégeois et al.
2017 (doi:10.1016/j.neuroimage.2017.09.012).
"""

from dataclasses import dataclass

import numpy as np

from cubnm_core.measures import comparison
from cubnm_core.measures.connectivity import band_pass, pair_indices
from cubnm_core.measures.objective import Objective
from cubnm_core.measures.pieces import Layout, Measurement, lay_out
from cubnm_core.noise import normals
from cubnm_core.simulation.schedule import exact

#: Shares of the variance, and autocorrelations, of the search: close together where results change quickly.
SHARES = (*(np.arange(10) / 10), 0.95)
AUTOCORRELATIONS = (0.0, 0.5, 0.8, 0.9, 0.95)
#: Noise seeds over which the terms of a cost are averaged in the search.
SEARCH_SEEDS = 2
TERMS = (*comparison.FC_TERMS, *comparison.FCD_TERMS)


@dataclass(frozen=True, eq=False)
class Scan:
    """How made BOLD becomes FC and FCD: as that of simulations does.

    Parameters
    ----------
    n_volumes : int
        Without a burn-in, which this model does not need.
    repetition_time : float
        In s.
    n_nodes : int
    measurement : cubnm_core.measures.pieces.Measurement
        Without the filter, which signals have been through before they are mixed.
    layout : cubnm_core.measures.pieces.Layout
        Pieces that are compared with targets.
    band : (low, high) in Hz or None
    """

    n_volumes: int
    repetition_time: float
    n_nodes: int
    measurement: Measurement
    layout: Layout
    band: tuple | None = None

    def features(self, bold, with_fcd=True):
        """FC (1, P) and FCD (1, K), None if it is not wanted, of one scan (T, N) that is filtered already."""
        fc, fcd = self.measurement.measure(bold, self.layout, with_fcd)
        return fc[None], fcd if fcd is None else fcd[None]

    def filtered(self, series):
        """The pieces of a series (T, K), each filtered by itself."""
        if self.band is None:
            return series
        passed = series.copy()
        for piece in self.layout.pieces:
            stretch = slice(piece.start, piece.stop)
            passed[stretch] = band_pass(series[stretch], self.repetition_time, self.band)
        return passed


def make_scan(duration, burn_in, repetition_time, hemispheres, analysis, layout=None):
    """Lay out scans as long as the simulations of a fit, analysed in the same way.

    Parameters
    ----------
    duration, burn_in, repetition_time : float
        Of the simulations, in s.
    hemispheres : (N,) sequence of str
    analysis : dict
        ``pairs``, ``window`` and ``window_step`` in s, ``edges``, ``band_pass`` in Hz or None.
    layout : cubnm_core.measures.pieces.Layout, optional
        Pieces that are compared with targets; all in one by default.

    Returns
    -------
    Scan
    """
    volumes = [int(exact(seconds) / exact(repetition_time)) for seconds in (duration, burn_in)]
    n_volumes = volumes[0] - volumes[1]
    pair_index = pair_indices(len(hemispheres), hemispheres, analysis["pairs"])
    moved = analysis["window"], analysis["window_step"], analysis["edges"]
    return Scan(
        n_volumes,
        repetition_time,
        len(hemispheres),
        Measurement(pair_index, repetition_time, *moved, global_signal=analysis.get("global_signal", "kept")),
        layout or lay_out([n_volumes]),
        None if analysis["band_pass"] is None else tuple(analysis["band_pass"]),
    )


def signals(scan, autocorrelation, seed):
    """Draw the shared signal and the noise of every region, each with a variance of 1 before the filter.

    Parameters
    ----------
    scan : Scan
    autocorrelation : float
        From one volume to the next, 0 to below 1.
    seed : int

    Returns
    -------
    shared : (T, 1) float64 array
    own : (T, N) float64 array
    """
    from scipy.signal import lfilter

    drawn = normals(seed, 0, scan.n_volumes, 1, scan.n_nodes + 1)[:, 0].astype(np.float64)
    innovation = np.sqrt(1 - autocorrelation**2)
    drawn[0] /= innovation  # the first volume already has the variance of all others
    series = lfilter([innovation], [1.0, -autocorrelation], drawn, axis=0)
    series = scan.filtered(series)
    return series[:, -1:], series[:, :-1]


def reach(weights):
    """Say how far the shared signal reaches into every region: its strength, 1 on average.

    Parameters
    ----------
    weights : (N, N) array
        A directed connectome counts with the mean of both directions.

    Returns
    -------
    (N,) float64 array
        1 everywhere in a connectome without connections.
    """
    strengths = (weights.sum(axis=0, dtype=np.float64) + weights.sum(axis=1, dtype=np.float64)) / 2
    mean = strengths.mean()
    return strengths / mean if mean > 0 else np.ones(len(strengths))


def mix(shared, own, share, reaches=1.0):
    """BOLD (T, N) with a variance of 1.

    Parameters
    ----------
    shared : (T, 1) array
    own : (T, N) array
    share : float
        Of the variance that is the shared signal's, 0 to below 1, in a region of average strength.
    reaches : (N,) array or float
        As of :func:`reach`.
    """
    amplitude = np.sqrt(share / (1 - share)) * reaches
    return (amplitude * shared + own) / np.sqrt(1 + amplitude**2)


def bold_objective(weights):
    """Take from a cost the terms that compare FC and FCD; a model without neurons has no firing rates.

    Parameters
    ----------
    weights : dict of str to float
        Of all terms of a cost.

    Returns
    -------
    Objective or None
        None where no such term counts.
    """
    kept = {name: weights[name] for name in TERMS if weights.get(name)}
    return Objective(kept, band=None) if kept else None


def grid():
    """Points of the search: (G, 2) array of shares and autocorrelations."""
    shares, autocorrelations = np.meshgrid(SHARES, AUTOCORRELATIONS)
    return np.stack([shares.ravel(), autocorrelations.ravel()], axis=1)


def search(scan, people, seeds, needed=()):
    """Compare every point of the search with the training scans of everybody.

    Parameters
    ----------
    scan : Scan
    people : sequence of M (reaches, Target)
        How far the shared signal reaches into the regions of a person, (N,), and the training scans.
    seeds : sequence of int
        Over which terms are averaged.
    needed : collection of str
        Terms that some cost counts: ``fcd_ks_binned`` takes time and is computed only if it is among them, or
        a target has no other.

    Returns
    -------
    list of M dicts of str to (G,) arrays
        Terms at the points of :func:`grid`.
    """
    found = [{name: np.zeros(len(grid())) for name in _names(target, needed)} for _, target in people]
    for seed in seeds:
        for first, autocorrelation in enumerate(AUTOCORRELATIONS):
            drawn = signals(scan, autocorrelation, seed)
            for second, share in enumerate(SHARES):
                place = first * len(SHARES) + second
                for (reaches, target), terms in zip(people, found, strict=True):
                    made = scan.features(mix(*drawn, share, reaches), target.binned_fcd is not None)
                    for name, value in comparison.compare(*made, target, list(terms)).items():
                        terms[name][place] += value[0] / len(seeds)
    return found


def best(terms, objective):
    """Index in :func:`grid` of the point of lowest cost; the first of several."""
    return int(np.argmin(objective.costs(terms)[:, 0]))


def score(scan, point, reaches, targets, seeds, needed=()):
    """Simulate one point for a person with several seeds and compare it with every target.

    Parameters
    ----------
    scan : Scan
    point : int
        Index in :func:`grid`.
    reaches : (N,) array
        As of :func:`reach`.
    targets : sequence of M Target
        Scans of the person.
    seeds : sequence of S ints
    needed : collection of str
        As for :func:`search`.

    Returns
    -------
    list of M dicts of str to (S,) arrays
    """
    share, autocorrelation = grid()[point]
    found = [{name: np.empty(len(seeds)) for name in _names(target, needed)} for target in targets]
    for place, seed in enumerate(seeds):
        made = mix(*signals(scan, autocorrelation, seed), share, reaches)
        fc, fcd = scan.features(made, any(target.binned_fcd is not None for target in targets))
        for target, terms in zip(targets, found, strict=True):
            for name, value in comparison.compare(fc, fcd, target, list(terms)).items():
                terms[name][place] = value[0]
    return found


def _names(target, needed):
    """Terms that can be had from a target, the binned distance only where it is wanted."""
    names = comparison.available(target)
    return [name for name in names if name != "fcd_ks_binned" or name in needed or "fcd_ks" not in names]
