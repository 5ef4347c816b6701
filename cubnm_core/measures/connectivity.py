"""Functional connectivity (FC), its dynamics (FCD), and the filter both may share.

Everything here is NumPy in float64 and looks at one simulation or scan at a time, so that results are the
same bits whatever else is computed beside it and however the array lies in memory. Empirical and simulated
BOLD go through the same functions.
"""

import numpy as np

from cubnm_core.errors import InputError

PAIRS = ("all", "intrahemispheric")
EDGES = ("drop", "keep")
NOTHING_SHARED = 1e-20  # of the power of a node: below it the global signal is rounding


def pair_indices(n_nodes, hemispheres=None, pairs="all"):
    """Node pairs of an FC vector: the lower triangle, row-major, ``i > j``.

    Parameters
    ----------
    n_nodes : int
    hemispheres : (N,) sequence of "L", "R" or "B" (midline), optional
        Needed for intra-hemispheric pairs.
    pairs : {"all", "intrahemispheric"}

    Returns
    -------
    rows, cols : (P,) int arrays

    Raises
    ------
    InputError
        For an unknown `pairs`, missing or too few hemispheres, or midline nodes in an intra-hemispheric mask.
    """
    rows, cols = np.tril_indices(n_nodes, -1)
    if pairs == "all":
        return rows, cols
    if pairs != "intrahemispheric":
        raise InputError(f"pairs is {pairs!r}; allowed are {', '.join(PAIRS)}.")
    sides = _checked_hemispheres(n_nodes, hemispheres)
    same_side = sides[rows] == sides[cols]
    return rows[same_side], cols[same_side]


def _checked_hemispheres(n_nodes, hemispheres):
    if hemispheres is None:
        raise InputError("Intra-hemispheric pairs need the hemisphere (L, R) of every node; none was given.")
    sides = np.asarray(hemispheres, dtype=str)
    if sides.shape != (n_nodes,):
        raise InputError(f"{sides.size} hemispheres for {n_nodes} nodes; one for each node is needed.")
    odd = np.flatnonzero(~np.isin(sides, ["L", "R"]))
    if odd.size:
        raise InputError(
            f"Node {odd[0]} has hemisphere '{sides[odd[0]]}', but only L and R nodes have intra-hemispheric "
            "pairs: leave midline nodes out of the node table, or use all pairs."
        )
    return sides


def functional_connectivity(bold, pair_index):
    """Pearson correlation of every pair of nodes.

    Parameters
    ----------
    bold : (T, N) array
        One scan or simulation, without its burn-in.
    pair_index : tuple of (P,) int arrays
        From :func:`pair_indices`.

    Returns
    -------
    (P,) float64 array
        NaN where a node does not vary.
    """
    series = _unit_columns(np.ascontiguousarray(bold, dtype=np.float64))
    return (series.T @ series)[pair_index]


def sliding_windows(n_volumes, repetition_time, window, window_step, edges="drop"):
    """Windows for the FCD, as cuBNM 0.1.0 places them.

    The half window is rounded to whole volumes, so a window has an odd number of them, centre included:
    ``2 * round(window / (2 * repetition_time)) + 1``.

    Parameters
    ----------
    n_volumes : int
        Volumes of one scan or simulation, without its burn-in.
    repetition_time, window, window_step : float
        In s.
    edges : {"drop", "keep"}
        ``"drop"`` leaves out windows that reach beyond the scan; ``"keep"`` centres the first on the first
        volume and cuts windows off at both ends of the scan, down to half their length.

    Returns
    -------
    starts, stops : (W,) int arrays
        First volume of every window, and the one after its last.

    Raises
    ------
    InputError
        If fewer than two windows fit (the FCD compares windows), a window holds fewer than three volumes, or
        `edges` is unknown.
    """
    if edges not in EDGES:
        raise InputError(f"edges is {edges!r}; allowed are {', '.join(EDGES)}.")
    half = round(window / (2 * repetition_time))
    length = 2 * half + 1
    step = max(1, round(window_step / repetition_time))
    if half < 1:
        raise InputError(
            f"A window of {window:g} s is shorter than one repetition time either side of its centre "
            f"(repetition time {repetition_time:g} s): ask for at least {2 * repetition_time:g} s."
        )
    complete = np.arange(half, n_volumes - half, step)
    if len(complete) < 2:
        raise InputError(
            f"The FCD needs at least two windows, {len(complete)} fit: {n_volumes} volumes are left after "
            f"the burn-in (duration minus burn-in = {n_volumes * repetition_time:g} s at a repetition time "
            f"of {repetition_time:g} s), and a window of {window:g} s takes {length} of them, moved by "
            f"{step}. Use a longer duration, a shorter burn-in, or a shorter window."
        )
    centres = complete if edges == "drop" else np.arange(0, n_volumes, step)
    return np.maximum(centres - half, 0), np.minimum(centres + half + 1, n_volumes)


def uncensored_windows(starts, stops, kept, largest_share):
    """Leave out windows with many censored volumes.

    Parameters
    ----------
    starts, stops : (W,) int arrays
        From :func:`sliding_windows`.
    kept : (T,) bool array
        False for a censored volume.
    largest_share : float
        Windows with a larger share of censored volumes are left out (cuBNM 0.1.0: 0.5).

    Returns
    -------
    starts, stops : (V,) int arrays

    Raises
    ------
    InputError
        If fewer than two windows are left.
    """
    censored = np.concatenate([[0], np.cumsum(~np.asarray(kept, dtype=bool))])
    usable = censored[stops] - censored[starts] <= largest_share * (stops - starts)
    if np.count_nonzero(usable) < 2:
        raise InputError(
            f"The FCD needs at least two windows, but {np.count_nonzero(usable)} of {len(starts)} have at "
            f"most {largest_share:.0%} of their volumes censored: {censored[-1]} of {len(kept)} volumes are. "
            "Allow a larger share, or do without the FCD."
        )
    return starts[usable], stops[usable]


def functional_connectivity_dynamics(bold, pair_index, starts, stops, kept=None):
    """Similarity of the FC patterns of every two windows.

    Sliding-window FC is described by Hindriks et al. 2016 (doi:10.1016/j.neuroimage.2015.11.055), the FCD
    matrix by Hansen et al. 2015 (doi:10.1016/j.neuroimage.2014.11.001). Windows are rectangular, both
    correlations Pearson's.

    Parameters
    ----------
    bold : (T, N) array
        One scan or simulation, without its burn-in.
    pair_index : tuple of (P,) int arrays
        From :func:`pair_indices`.
    starts, stops : (W,) int arrays
        From :func:`sliding_windows`.
    kept : (T,) bool array, optional
        False for a censored volume, which enters no correlation; all are kept by default.

    Returns
    -------
    (W * (W - 1) / 2,) float64 array
        Lower triangle of the window-by-window correlations, row-major.
    """
    series = np.ascontiguousarray(bold, dtype=np.float64)
    windows = [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
    if kept is None:
        windows = [series[window] for window in windows]
    else:
        windows = [series[window][kept[window]] for window in windows]
    patterns = np.stack([functional_connectivity(window, pair_index) for window in windows])
    patterns = _unit_columns(patterns.T)
    return (patterns.T @ patterns)[np.tril_indices(len(starts), -1)]


def _unit_columns(series):
    """Columns with mean 0 and norm 1, so that their dot products are Pearson correlations."""
    centred = series - series.mean(axis=0)
    norms = np.sqrt(np.sum(centred**2, axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return centred / norms


def band_pass(bold, repetition_time, band):
    """Butterworth filter, run forwards and backwards so that it shifts no phase.

    Parameters
    ----------
    bold : (T, N) array
    repetition_time : float
        In s.
    band : tuple
        Low and high edge in Hz, and, where it is not 2, the order in each direction.

    Returns
    -------
    (T, N) float64 array

    Raises
    ------
    InputError
        If the band is not ``0 < low < high < Nyquist``, or the scan is too short to be filtered.
    """
    from scipy.signal import sosfiltfilt

    series = np.asarray(bold, dtype=np.float64)
    sections = band_pass_sections(len(series), repetition_time, band)
    return sosfiltfilt(sections, series, axis=0, padlen=PADDING)


def regress_global_signal(bold):
    """Subtract from every node what the mean over all nodes explains of it.

    Fox et al. 2009 (doi:10.1152/jn.90777.2008).

    Parameters
    ----------
    bold : (T, N) array

    Returns
    -------
    (T, N) float64 array
        As it was where the nodes have nothing in common but rounding.
    """
    series = np.ascontiguousarray(bold, dtype=np.float64)
    centred = series - series.mean(axis=0)
    shared = centred.mean(axis=1)
    power, own = shared @ shared, np.sum(centred**2, axis=0)
    explained = np.zeros(series.shape[1])
    np.divide(shared @ centred, power, out=explained, where=power > NOTHING_SHARED * own)
    return series - np.outer(shared, explained)


def prepare_bold(bold, repetition_time, band=None, global_signal="kept"):
    """Give the BOLD that FC, FCD and observables are computed from.

    Parameters
    ----------
    bold : (T, N) array
        Of a simulation, without its burn-in.
    repetition_time : float
        In s.
    band : tuple, optional
        As of :func:`band_pass`.
    global_signal : {"kept", "regressed"}
        Whether it is regressed out, after the filter.

    Returns
    -------
    (T, N) array
    """
    filtered = bold if band is None else band_pass(bold, repetition_time, band)
    return regress_global_signal(filtered) if global_signal == "regressed" else filtered


#: Volumes by which a scan is continued at both ends while it is filtered.
PADDING = 15


def filter_order(band):
    """Order of the filter in each direction, as many as it has second-order sections; see `band_pass`."""
    return band[2] if len(band) > 2 else 2


def band_pass_sections(n_volumes, repetition_time, band):
    """Second-order sections of the filter, (order, 6), after a check that it suits the scan."""
    from scipy.signal import butter

    low, high = band[:2]
    nyquist = 0.5 / repetition_time
    if not 0 < low < high < nyquist:
        raise InputError(
            f"The band {low:g} to {high:g} Hz cannot be used: edges must rise and lie between 0 and "
            f"{nyquist:g} Hz, half the sampling frequency at a repetition time of {repetition_time:g} s."
        )
    if n_volumes <= PADDING:
        raise InputError(
            f"{n_volumes} volumes are too few for the band-pass filter; it needs more than {PADDING}."
        )
    return butter(filter_order(band), (low, high), btype="bandpass", fs=1 / repetition_time, output="sos")


def average_fc(fcs, lengths=None):
    """Mean FC through Fisher's z (Fisher 1915, doi:10.2307/2331838).

    Parameters
    ----------
    fcs : sequence of (P,) arrays
        Runs of one person, or people of one group.
    lengths : sequence of float, optional
        Weights: the longer a run, the more precise its z. All count alike by default.

    Returns
    -------
    (P,) float64 array
    """
    largest = np.nextafter(1.0, 0.0)  # a correlation of exactly 1 would have an infinite z
    z = [np.arctanh(np.clip(np.asarray(fc, dtype=np.float64), -largest, largest)) for fc in fcs]
    if lengths is None or len(set(lengths)) == 1:
        return np.tanh(np.mean(z, axis=0))
    return np.tanh(np.average(z, axis=0, weights=lengths))
