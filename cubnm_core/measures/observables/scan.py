"""One scan or simulation as observables see it, and the regions it is of."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import functional_connectivity, pair_indices

#: Volumes at both ends without a phase: the Hilbert transform knows one side of them only.
ENDS = 10
#: Fewest volumes that count, for any observable.
FEWEST = 20


@dataclass(frozen=True, eq=False)
class Regions:
    """What observables need to know of nodes.

    Attributes
    ----------
    hemispheres : (N,) sequence of "L", "R" or "B"
    pairs : {"all", "intrahemispheric"}
        As for FC.
    networks : (N,) sequence of str, optional
    homologues : (M, 2) int array, optional
        Places of regions of the left hemisphere and of those that correspond to them in the right one.
    """

    hemispheres: tuple
    pairs: str = "all"
    networks: tuple | None = None
    homologues: np.ndarray | None = None

    @cached_property
    def pair_index(self):
        """Pairs of nodes that count, two (P,) int arrays."""
        return pair_indices(len(self.hemispheres), self.hemispheres, self.pairs)

    @cached_property
    def blocks(self):
        """Nodes among which all pairs count: one (n,) int array, or one for each hemisphere."""
        if self.pairs == "all":
            return [np.arange(len(self.hemispheres))]
        sides = np.asarray(self.hemispheres)
        return [places for side in "LR" if len(places := np.flatnonzero(sides == side)) > 1]


@dataclass(frozen=True, eq=False)
class Scan:
    """BOLD that FC is computed from: after the burn-in, filtered.

    Attributes
    ----------
    bold : (T, N) float64 array
        May be NaN in volumes that do not count.
    repetition_time : float
        In s.
    regions : Regions
    kept : (T,) bool array, optional
        False for a censored volume, which enters no statistic; where a series in time is needed, its values
        are interpolated.
    """

    bold: np.ndarray
    repetition_time: float
    regions: Regions
    kept: np.ndarray | None = None

    @cached_property
    def counted(self):
        """(T,) bool array: the volumes that count."""
        return np.ones(len(self.bold), dtype=bool) if self.kept is None else np.asarray(self.kept, dtype=bool)

    @cached_property
    def filled(self):
        """(T, N) float64 array: volumes that do not count interpolated linearly in time."""
        series = np.ascontiguousarray(self.bold, dtype=np.float64)
        if self.counted.all():
            return series
        times, known = np.arange(len(series)), np.flatnonzero(self.counted)
        return np.stack([np.interp(times, known, node[known]) for node in series.T], axis=1)

    @cached_property
    def standard(self):
        """(C, N) float64 array: the volumes that count, every node with mean 0 and variance 1."""
        series = np.ascontiguousarray(self.bold, dtype=np.float64)[self.counted]
        centred = series - series.mean(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return centred / np.sqrt(np.mean(centred**2, axis=0))

    @cached_property
    def phasors(self):
        """(V, N) complex array: exp(i phase) of the Hilbert transform, without both ends.

        Volumes that do not count are left out after the transform.

        Raises
        ------
        InputError
            If too few volumes are left.
        """
        from scipy.signal import hilbert

        within = np.zeros(len(self.bold), dtype=bool)
        within[ENDS : len(self.bold) - ENDS] = True
        self.check_volumes(
            np.count_nonzero(within & self.counted), f", after {ENDS} at both ends are left out"
        )
        analytic = hilbert(self.filled - self.filled.mean(axis=0), axis=0)[within & self.counted]
        with np.errstate(invalid="ignore", divide="ignore"):
            return analytic / np.abs(analytic)

    @cached_property
    def fc(self):
        """(N, N) float64 array: correlations of all nodes."""
        n_nodes = self.bold.shape[1]
        rows, cols = np.tril_indices(n_nodes, -1)
        matrix = np.eye(n_nodes)
        series = np.ascontiguousarray(self.bold, dtype=np.float64)[self.counted]
        matrix[rows, cols] = matrix[cols, rows] = functional_connectivity(series, (rows, cols))
        return matrix

    def check_volumes(self, found, note=""):
        """Refuse a scan of too few volumes that count."""
        if found < FEWEST:
            raise InputError(
                f"{found} volumes count{note}; an observable needs at least {FEWEST}: simulate longer, give "
                "a longer scan, or do without it"
            )
