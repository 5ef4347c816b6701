"""What is kept of simulations: each tile is observed as soon as it has run, so that memory stays bounded."""

import numpy as np

from cubnm_core.backends.task import Request
from cubnm_core.errors import InputError
from cubnm_core.measures import connectivity
from cubnm_core.measures.pieces import Measurement


class Observer:
    """Turns tiles of BOLD and states into the requested results of a whole batch.

    Parameters
    ----------
    record : tuple of str
    shape : tuple of int
        Simulations B and nodes N of the batch.
    n_volumes, n_burn_in : int
        Volumes of a simulation, and those of the burn-in.
    pair_index : tuple of int arrays, or None if neither FC nor FCD is recorded
        See `connectivity.pair_indices`.
    repetition_time, window, window_step : float
        In s.
    window_edges : {"drop", "keep"}
        See `connectivity.sliding_windows`.
    band_pass : (low, high) in Hz, or (low, high, order), or None
    dtype : type
        Of BOLD, FC and FCD as kept, and as compared.
    comparison : Comparison, optional
        What each simulation is compared with.
    panel : cubnm_core.measures.observables.panel.Panel, optional
        Observables that are recorded or compared.
    global_signal : {"kept", "regressed"}, optional
        See `connectivity.prepare_bold`.
    """

    def __init__(
        self,
        record,
        shape,
        n_volumes,
        n_burn_in,
        pair_index,
        repetition_time,
        window,
        window_step,
        window_edges,
        band_pass,
        dtype,
        comparison=None,
        panel=None,
        global_signal="kept",
    ):
        size, nodes = shape
        self.n_burn_in, self.pair_index = n_burn_in, pair_index
        self.repetition_time, self.band_pass = repetition_time, band_pass
        self.global_signal = global_signal
        self.finite, self.dtype = np.zeros(size, bool), dtype
        self.size, self.state_means, self.states = size, {}, {}
        self.comparison, self.scores, self.windows = comparison, None, None
        self.panel, self.observables = panel, {}
        self._kept = panel.names if panel is not None and "observables" in record else ()
        self._wanted = self._kept
        self.measurement = Measurement(
            pair_index, repetition_time, window, window_step, window_edges, band_pass, global_signal
        )
        if comparison is not None:
            self.scores = {name: np.full(size, np.nan) for name in comparison.terms}
            self._wanted = {*self._kept, *comparison.observables}
            self._check_layouts(n_volumes - n_burn_in)
        self.bold = np.empty((size, n_volumes, nodes), dtype) if "bold" in record else None
        if "fcd" in record or (comparison is not None and comparison.wants_fcd):
            self.windows = self.measurement.windows(n_volumes - n_burn_in)
        self.fc = self._room(size, self._n_pairs) if "fc" in record else None
        self.fcd = self._room(size, self._n_window_pairs) if "fcd" in record else None

    @property
    def _n_pairs(self):
        return len(self.pair_index[0])

    @property
    def _n_window_pairs(self):
        count = len(self.windows[0])
        return count * (count - 1) // 2

    def _room(self, simulations, numbers):
        return np.full((simulations, numbers), np.nan, self.dtype)

    @property
    def request(self):
        """What a backend should give."""
        return Request(
            wants_bold=self.bold is not None or bool(self._wanted),
            wants_fc=self.fc is not None,
            wants_fcd=self.fcd is not None,
            comparison=self.comparison,
            n_burn_in=self.n_burn_in,
            pair_index=self.pair_index,
            windows=self.windows,
            band_pass=self.band_pass,
            repetition_time=self.repetition_time,
            global_signal=self.global_signal,
            measurement=self.measurement,
        )

    def _check_layouts(self, n_volumes):
        """Refuse targets that ask for more of a simulation than there is."""
        layouts = {target.layout for target in self.comparison.targets} - {None}
        longest = max((layout.n_volumes for layout in layouts), default=0)
        if longest > n_volumes:
            raise InputError(
                f"A target is compared with {longest} volumes, and simulations have {n_volumes} after the "
                "burn-in: simulate longer."
            )

    def add(self, rows, result):
        """Observe one tile; `rows` are its places in the batch. Tiles may come from several threads."""
        self.finite[rows] = result.finite
        if result.bold is not None:
            self.finite[rows] &= np.isfinite(result.bold).all(axis=(1, 2))
        if self.bold is not None:
            self.bold[rows] = result.bold
        self._keep(self.state_means, rows, result.state_means)
        self._keep(self.states, rows, result.states or {})
        finite = self.finite[rows]
        if self._wanted and finite.any():
            self._read_out(rows[finite], result.bold[finite, self.n_burn_in :])
        if result.is_observed:
            self._take(rows[finite], *(_only(finite, found) for found in (result.fc, result.fcd)))
            for name, values in (result.scores or {}).items():
                self.scores[name][rows[finite]] = values[finite]
        elif result.bold is not None and finite.any():
            self._observe(rows[finite], result.bold[finite, self.n_burn_in :])

    def _take(self, rows, fc, fcd):
        """Keep what was asked for."""
        if self.fc is not None:
            self.fc[rows] = fc
        if self.fcd is not None:
            self.fcd[rows] = fcd

    def _keep(self, kept, rows, values):
        for variable, array in values.items():
            store = kept.setdefault(variable, np.empty((self.size, *array.shape[1:])))
            store[rows] = array

    def _prepared(self, series):
        return connectivity.prepare_bold(series, self.repetition_time, self.band_pass, self.global_signal)

    def _read_out(self, rows, bold):
        """Observables of some simulations, one after the other, from their BOLD after the burn-in."""
        for row, series in zip(rows, bold, strict=True):
            layout = None if self.comparison is None else self.comparison.layout_of(row)
            found = self.panel.measure_simulation(series, self.measurement, layout, self._wanted)
            for name in [name for name in self._kept if name in found]:
                room = np.full((self.size, found[name].size), np.nan)
                self.observables.setdefault(name, room)[row] = found[name]
            if self.comparison is not None:
                for name, distance in self.comparison.observable_scores(row, found).items():
                    self.scores[name][row] = distance

    def _observe(self, rows, bold):
        """FC, FCD and scores of some simulations from their BOLD after the burn-in."""
        if self.fc is not None or self.fcd is not None:
            self._take(rows, *self._whole(bold, self.fc is not None, self.fcd is not None))
        if self.comparison is None:
            return
        for layout, places, with_fcd in self.comparison.by_layout(rows):
            if layout is None:
                fc, fcd = self._whole(bold[places], True, with_fcd)
            else:
                fc, fcd = measure_all(self.measurement, bold[places], layout, with_fcd, self.dtype)
            for name, values in self.comparison.scores(rows[places], fc, fcd).items():
                self.scores[name][rows[places]] = values

    def _whole(self, bold, with_fc, with_fcd):
        """FC and FCD of simulations as they are, as far as they are asked for."""
        fc = self._room(len(bold), self._n_pairs) if with_fc else None
        fcd = self._room(len(bold), self._n_window_pairs) if with_fcd else None
        for place, series in enumerate(bold):
            series = self._prepared(series)
            if with_fc:
                fc[place] = connectivity.functional_connectivity(series, self.pair_index)
            if with_fcd:
                fcd[place] = connectivity.functional_connectivity_dynamics(
                    series, self.pair_index, *self.windows
                )
        return fc, fcd


def measure_all(measurement, bold, layout, with_fcd, dtype):
    """Measure pieces of simulations.

    Parameters
    ----------
    measurement : cubnm_core.measures.pieces.Measurement
    bold : (L, T, N) array
        Without the burn-in.
    layout : cubnm_core.measures.pieces.Layout
    with_fcd : bool
    dtype : type
        Of the result.

    Returns
    -------
    fc : (L, P) array
    fcd : (L, K) array or None
    """
    found = [measurement.measure(series, layout, with_fcd) for series in bold]
    fc = np.array([mine for mine, _ in found], dtype)
    return fc, np.array([mine for _, mine in found], dtype) if with_fcd else None


def _only(rows, values):
    return None if values is None else values[rows]
