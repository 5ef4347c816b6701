"""Pieces of a simulation that count as the runs of a scan do: as many, as long, without the same volumes.

The FCD of a long series and that of a short one differ in distribution even where the dynamics are the same,
and so does that of a series whose censored volumes are left out. A simulation is therefore cut into pieces as
long as the runs it is compared with; every piece is filtered as a whole, then loses the volumes that the run
has lost.
"""

from dataclasses import dataclass, field

import numpy as np

from cubnm_core.measures import connectivity


@dataclass(frozen=True)
class Piece:
    """Volumes `start` to `stop` - 1 after the burn-in.

    Attributes
    ----------
    start, stop : int
    kept : bytes or None
        One byte for every volume, 1 for those that count; None where all do.
    """

    start: int
    stop: int
    kept: bytes | None = None

    @property
    def mask(self):
        """Which volumes count, a (stop - start,) bool array."""
        if self.kept is None:
            return np.ones(self.stop - self.start, dtype=bool)
        return np.frombuffer(self.kept, dtype=bool)


@dataclass(frozen=True)
class Layout:
    """What counts of a simulation.

    Attributes
    ----------
    pieces : tuple of Piece
    censored_share : float
        Windows in which a larger share of volumes does not count stay out of the FCD.
    """

    pieces: tuple
    censored_share: float = 0.5

    @property
    def n_volumes(self):
        """Volumes after the burn-in that a simulation must have."""
        return max(piece.stop for piece in self.pieces)

    def is_whole(self, n_volumes):
        """Whether all of a simulation of so many volumes counts, in one piece."""
        return self.pieces == (Piece(0, n_volumes),)


def lay_out(volumes, kept=None, censored_share=0.5):
    """Lay pieces one behind the other.

    Parameters
    ----------
    volumes : sequence of int
        Of every piece.
    kept : (sum of volumes,) bool array, optional
        Which count; all by default.
    censored_share : float, optional

    Returns
    -------
    Layout
    """
    stops = np.cumsum(volumes).tolist()
    starts = [0, *stops[:-1]]
    found = []
    for start, stop in zip(starts, stops, strict=True):
        mine = None if kept is None else np.asarray(kept[start:stop], dtype=bool)
        found.append(Piece(start, stop, None if mine is None or mine.all() else mine.tobytes()))
    return Layout(tuple(found), censored_share)


@dataclass(frozen=True, eq=False)
class Cut:
    """A piece as it is measured.

    Attributes
    ----------
    start, stop : int
        Volumes after the burn-in that are filtered together.
    places : (V,) int array or None
        Of these, the ones that count; None where all do.
    starts, stops : (W,) int arrays
        Windows over the volumes that count; empty without an FCD.
    """

    start: int
    stop: int
    places: np.ndarray | None
    starts: np.ndarray
    stops: np.ndarray

    @property
    def kept(self):
        """Which volumes count, a (stop - start,) bool array, or None where all do."""
        if self.places is None:
            return None
        kept = np.zeros(self.stop - self.start, dtype=bool)
        kept[self.places] = True
        return kept

    @property
    def n_counted(self):
        """Number of volumes that count."""
        return self.stop - self.start if self.places is None else len(self.places)


@dataclass(frozen=True, eq=False)
class Measurement:
    """How BOLD becomes FC and FCD.

    Attributes
    ----------
    pair_index : tuple of (P,) int arrays
        From :func:`cubnm_core.measures.connectivity.pair_indices`.
    repetition_time, window, window_step : float
        In s.
    window_edges : {"drop", "keep"}
    band_pass : (low, high) in Hz, or (low, high, order), or None
    global_signal : {"kept", "regressed"}
        Whether it is regressed out of every piece, after the filter.
    """

    pair_index: tuple
    repetition_time: float
    window: float
    window_step: float
    window_edges: str = "drop"
    band_pass: tuple | None = None
    global_signal: str = "kept"
    _cuts: dict = field(default_factory=dict, repr=False)

    def windows(self, n_volumes):
        """First volume of every window, and the one after its last, of a series of so many volumes."""
        return connectivity.sliding_windows(
            n_volumes, self.repetition_time, self.window, self.window_step, self.window_edges
        )

    def prepare(self, bold):
        """Give the BOLD (T, N) that a piece is measured on: filtered, without the global signal."""
        return connectivity.prepare_bold(bold, self.repetition_time, self.band_pass, self.global_signal)

    def cuts(self, layout, with_fcd):
        """Give the pieces of a layout as they are measured.

        Parameters
        ----------
        layout : Layout
        with_fcd : bool

        Returns
        -------
        list of Cut

        Raises
        ------
        InputError
            If a piece has too few windows, or is too short for the filter.
        """
        key = layout, with_fcd
        if key not in self._cuts:
            self._cuts[key] = [self._cut(piece, layout, with_fcd) for piece in layout.pieces]
        return self._cuts[key]

    def _cut(self, piece, layout, with_fcd):
        kept = piece.mask
        if self.band_pass is not None:
            connectivity.band_pass_sections(len(kept), self.repetition_time, self.band_pass)
        places = None if piece.kept is None else np.flatnonzero(kept)
        starts = stops = np.empty(0, dtype=int)
        if with_fcd:
            windows = self.windows(len(kept))
            windows = connectivity.uncensored_windows(*windows, kept, layout.censored_share)
            counted = np.concatenate([[0], np.cumsum(kept)])
            starts, stops = (counted[edge] for edge in windows)
        return Cut(piece.start, piece.stop, places, starts, stops)

    def n_window_pairs(self, layout):
        """Number of values of the FCD of a layout."""
        return sum(len(cut.starts) * (len(cut.starts) - 1) // 2 for cut in self.cuts(layout, True))

    def measure(self, bold, layout, with_fcd=True):
        """Compute FC and FCD of one simulation.

        Parameters
        ----------
        bold : (T, N) array
            Without its burn-in.
        layout : Layout
        with_fcd : bool, optional

        Returns
        -------
        fc : (P,) float64 array
            Averaged over pieces through Fisher's z, each with the weight of its volumes.
        fcd : (K,) float64 array or None
            Of all pieces; no window reaches from one into another.
        """
        cuts, fcs, fcds = self.cuts(layout, with_fcd), [], []
        for cut in cuts:
            series = self.prepare(bold[cut.start : cut.stop])
            series = series if cut.places is None else series[cut.places]
            with np.errstate(invalid="ignore"):  # of a simulation that diverged
                fcs.append(connectivity.functional_connectivity(series, self.pair_index))
            if with_fcd:
                windows = cut.starts, cut.stops
                fcds.append(connectivity.functional_connectivity_dynamics(series, self.pair_index, *windows))
        fcd = np.concatenate(fcds) if with_fcd else None
        if len(cuts) == 1:
            return fcs[0], fcd
        return connectivity.average_fc(fcs, [cut.n_counted for cut in cuts]), fcd
