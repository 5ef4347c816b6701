"""What is kept of simulations: each tile is observed as soon as it has run, so that memory stays bounded."""

import numpy as np

from cubnm_core import connectivity
from cubnm_core.backends.task import Request


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
    band_pass : (low, high) in Hz or None
    dtype : type
        Of BOLD, FC and FCD as kept.
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
    ):
        size, nodes = shape
        self.n_burn_in, self.pair_index = n_burn_in, pair_index
        self.repetition_time, self.band_pass = repetition_time, band_pass
        self.finite = np.zeros(size, bool)
        self.size, self.state_means, self.states = size, {}, {}
        self.bold = np.empty((size, n_volumes, nodes), dtype) if "bold" in record else None
        self.fc = np.full((size, len(pair_index[0])), np.nan, dtype) if "fc" in record else None
        self.fcd, self.windows = None, None
        if "fcd" in record:
            after = n_volumes - n_burn_in
            self.windows = connectivity.sliding_windows(
                after, repetition_time, window, window_step, window_edges
            )
            count = len(self.windows[0])
            self.fcd = np.full((size, count * (count - 1) // 2), np.nan, dtype)

    @property
    def request(self):
        """What a backend should give."""
        return Request(
            wants_bold=self.bold is not None,
            wants_fc=self.fc is not None,
            wants_fcd=self.fcd is not None,
            n_burn_in=self.n_burn_in,
            pair_index=self.pair_index,
            windows=self.windows,
            band_pass=self.band_pass,
            repetition_time=self.repetition_time,
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
        if result.fc is not None or result.fcd is not None:
            self._take(rows[self.finite[rows]], self.finite[rows], result)
        elif result.bold is not None:
            for row, bold in zip(rows, result.bold, strict=True):
                if self.finite[row]:
                    self._observe_bold(row, bold[self.n_burn_in :])

    def _take(self, rows, finite, result):
        """Keep what the backend has computed."""
        if self.fc is not None:
            self.fc[rows] = result.fc[finite]
        if self.fcd is not None:
            self.fcd[rows] = result.fcd[finite]

    def _keep(self, kept, rows, values):
        for variable, array in values.items():
            store = kept.setdefault(variable, np.empty((self.size, *array.shape[1:])))
            store[rows] = array

    def _observe_bold(self, row, bold):
        if self.fc is None and self.fcd is None:
            return
        if self.band_pass is not None:
            bold = connectivity.band_pass(bold, self.repetition_time, self.band_pass)
        if self.fc is not None:
            self.fc[row] = connectivity.functional_connectivity(bold, self.pair_index)
        if self.fcd is not None:
            self.fcd[row] = connectivity.functional_connectivity_dynamics(
                bold, self.pair_index, *self.windows
            )
