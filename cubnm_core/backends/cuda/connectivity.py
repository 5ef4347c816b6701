"""FC, FCD and scores of simulations whose BOLD lies on the device, in slices that fit its memory."""

import logging
from dataclasses import dataclass

import numpy as np

from cubnm_core.backends.cuda.driver import OPTIONS
from cubnm_core.backends.cuda.printer import functions, source
from cubnm_core.backends.cuda.scores import Scores
from cubnm_core.measures.connectivity import NOTHING_SHARED, PADDING, band_pass_sections, filter_order

logger = logging.getLogger(__name__)

_THREADS = 128
_SHARE = 0.8  # of the free memory
_TILE = 16  # windows that a block compares with as many others


@dataclass(frozen=True, eq=False)
class _Piece:
    """What is measured at once: BOLD (simulations, volumes, N), all of it as a window, windows, weight."""

    bold: object
    whole: tuple
    sliding: tuple
    weight: float = 1.0

    @property
    def n_window_pairs(self):
        return len(self.sliding[0]) * (len(self.sliding[0]) - 1) // 2


class Connectivity:
    """FC, FCD and scores of a slice.

    Parameters
    ----------
    device : device
    plan : Plan
    bold : device array (simulations, volumes, N)
    rows : (simulations,) int array
        Their places in the batch.
    """

    def __init__(self, device, plan, bold, rows):
        self.device, self.plan, self.bold, self.rows_of_batch = device, plan, bold, rows
        self.request = plan.task.request

    def computed(self):
        """What was asked for, of all simulations.

        Returns
        -------
        dict of str to arrays
            ``"fc"`` (simulations, pairs), ``"fcd"`` (simulations, window pairs), and the terms of the
            comparison, (simulations,).
        """
        request = self.request
        if request is None or not (request.computes_fc or request.computes_fcd):
            return {}
        self._prepare()
        size, done, parts = self._simulations_that_fit(), 0, []
        while done < len(self.bold):
            try:
                parts.append(self._observe(done, self.bold[done : done + size]))
            except MemoryError:
                if size == 1:
                    raise
                size //= 2
                logger.warning(
                    "The memory of %s is full; FCD of %d simulations at a time", self.device.name, size
                )
                continue
            done += size
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _prepare(self):
        request, prepared = self.request, self.request.is_prepared
        definitions = {
            "SINGLE": int(self.plan.precision == "single"),
            "N": self.plan.form.nodes,
            "PREPARED": int(prepared),
            "NOTHING_SHARED": NOTHING_SHARED,
            "SECTIONS": filter_order(request.band_pass or ()),
        }
        head = "".join(f"#define {name} {value}\n" for name, value in definitions.items())
        text = head + functions(self.plan.precision) + source("connectivity") + source("scores")
        module = self.device.compile(text, OPTIONS)
        names = ("window_moments", "window_patterns", "normalise_patterns", "compare_windows", "filter_bold")
        self.moments, self.patterns, self.normalise, self.compare, self.filter = map(
            module.get_function, names
        )
        names = (
            "take_volumes",
            "take_prepared",
            "average_pieces",
            "widen",
            "mean_over_nodes",
            "regress_shared",
        )
        self.take_volumes, self.take_prepared, self.average, self.widen, self.mean, self.regress = map(
            module.get_function, names
        )
        self.rows, self.cols = (self.device.to_device(i.astype(np.int32)) for i in request.pair_index)
        after = self.bold.shape[1] - request.n_burn_in
        if request.band_pass is not None:
            self._prepare_filter(after)
        first = 0 if prepared else request.n_burn_in  # what is prepared starts after the burn-in
        self.whole = self._windows([first], [first + after])
        windows = request.windows if request.computes_fcd else ()
        self.sliding = self._windows(*(edge + first for edge in windows)) if windows else ((), ())
        self.scores = None
        if request.comparison is not None:
            self.scores = Scores(self.device, module, request.comparison, self.rows_of_batch)

    def _prepare_filter(self, volumes):
        from scipy.signal import sosfilt_zi

        sections = band_pass_sections(volumes, self.request.repetition_time, self.request.band_pass)
        self.sections, self.steady = map(self.device.to_device, (sections, sosfilt_zi(sections)))

    def _filtered(self, bold, first):
        """BOLD from volume `first` on through the band-pass filter, double."""
        simulations, volumes, nodes = bold.shape
        after = volumes - first
        filtered = self.device.empty((simulations, after, nodes), np.float64)
        work = self.device.empty((simulations, after + 2 * PADDING, nodes), np.float64)
        numbers = map(np.int32, (first, volumes, PADDING, simulations))
        grid = (-(-simulations * nodes // _THREADS),)
        self.filter(grid, (_THREADS,), (bold, filtered, work, self.sections, self.steady, *numbers))
        return filtered

    def _prepared(self, bold, first):
        """BOLD from volume `first` on as FC and FCD are computed from it, double."""
        filtered = self._widened if self.request.band_pass is None else self._filtered
        prepared = filtered(bold, first)
        if self.request.global_signal == "regressed":
            self._regress(prepared)
        return prepared

    def _widened(self, bold, first):
        """BOLD from volume `first` on, double."""
        simulations, volumes, nodes = bold.shape
        wide = self.device.empty((simulations, volumes - first, nodes), np.float64)
        numbers = map(np.int32, (first, volumes, simulations))
        self.widen((self._blocks(wide.size),), (_THREADS,), (bold, wide, *numbers))
        return wide

    def _regress(self, bold):
        """Regress the mean over nodes out of BOLD (simulations, volumes, N), double, in its place."""
        simulations, volumes, nodes = bold.shape
        shared = self.device.empty((simulations, volumes), np.float64)
        numbers = tuple(map(np.int32, (volumes, simulations)))
        self.mean((self._blocks(simulations * volumes),), (_THREADS,), (bold, shared, *numbers))
        self.regress((self._blocks(simulations * nodes),), (_THREADS,), (bold, shared, *numbers))

    @staticmethod
    def _blocks(count):
        return -(-count // _THREADS)

    def _windows(self, starts, stops):
        return tuple(self.device.to_device(np.asarray(edge, np.int32)) for edge in (starts, stops))

    def _simulations_that_fit(self):
        windows = len(self.request.windows[0]) if self.request.computes_fcd else 1
        each = 8 * windows * (len(self.rows) + 2 * self.plan.form.nodes + windows / 2)
        if self.request.is_prepared:
            each += 16 * (self.bold.shape[1] + PADDING) * self.plan.form.nodes
        if self.scores is not None:
            each += self.scores.bytes_each
            if any(target.layout is not None for target in self.request.comparison.targets):
                each += 24 * self.bold.shape[1] * self.plan.form.nodes
        return max(1, min(len(self.bold), 65535, int(_SHARE * self.device.free_memory() / each)))

    def _observe(self, done, bold):
        """What was asked for of the simulations from number `done` on, on the host."""
        request, found = self.request, {}
        if request.wants_fc or request.wants_fcd:
            whole = self._pieces(bold, np.arange(len(bold)), None, request.wants_fcd)
            found |= {"fc": self.device.to_host(self._fc(whole))} if request.wants_fc else {}
            found |= {"fcd": self.device.to_host(self._fcd(whole))} if request.wants_fcd else {}
        return found if self.scores is None else found | self._scored(done, bold)

    def _scored(self, done, bold):
        """Terms of the comparison of the simulations from number `done` on, on the host."""
        comparison = self.request.comparison
        names = [name for name in comparison.terms if name not in comparison.observables]
        found = {name: np.full(len(bold), np.nan) for name in names}
        rows = self.rows_of_batch[done : done + len(bold)]
        for layout, places, with_fcd in comparison.by_layout(rows):
            pieces = self._pieces(bold, places, layout, with_fcd)
            terms = self.scores.of_fc(done + places, self._fc(pieces))
            if with_fcd:
                terms |= self.scores.of_fcd(done + places, self._fcd(pieces))
            for name, values in terms.items():
                found[name][places] = values
        return found

    def _pieces(self, bold, places, layout, with_fcd):
        """The pieces of a layout of some simulations, by their places in the slice."""
        first, is_prepared = self.request.n_burn_in, self.request.is_prepared
        if layout is None:
            if len(places) < len(bold):
                bold = self._taken(self.take_volumes, bold, places, np.arange(bold.shape[1]))
            bold = self._prepared(bold, first) if is_prepared else bold
            return [_Piece(bold, self.whole, self.sliding if with_fcd else ((), ()))]
        pieces, cuts = [], self.request.measurement.cuts(layout, with_fcd)
        for cut in cuts:
            volumes, counted = first + np.arange(cut.start, cut.stop), cut.places
            if counted is not None and not is_prepared:
                volumes, counted = volumes[counted], None
            series = self._taken(self.take_volumes, bold, places, volumes)
            series = self._prepared(series, 0) if is_prepared else series
            if counted is not None:
                series = self._taken(self.take_prepared, series, np.arange(len(places)), counted)
            whole, sliding = self._windows([0], [cut.n_counted]), self._windows(cut.starts, cut.stops)
            share = cut.n_counted / sum(other.n_counted for other in cuts)
            pieces.append(_Piece(series, whole, sliding, share))
        return pieces

    def _taken(self, kernel, bold, rows, volumes):
        """A copy of some volumes of some simulations."""
        size = (len(rows), len(volumes), bold.shape[2])
        taken = self.device.empty(size, bold.dtype)
        indices = [self.device.to_device(np.asarray(one, np.int32)) for one in (rows, volumes)]
        numbers = map(np.int32, (len(rows), bold.shape[1], len(volumes)))
        kernel((self._blocks(int(np.prod(size))),), (_THREADS,), (bold, *indices, taken, *numbers))
        return taken

    def _fc(self, pieces):
        """FC over all pieces, double (simulations, pairs)."""
        simulations, pairs = len(pieces[0].bold), len(self.rows)
        found = self.device.empty((len(pieces), simulations, 1, pairs), np.float64)
        for place, piece in enumerate(pieces):
            self._correlations(piece.bold, *piece.whole, found[place])
        if len(pieces) == 1:
            return found[0, :, 0]
        fc = self.device.empty((simulations, pairs), np.float64)
        weights = self.device.to_device(np.array([piece.weight for piece in pieces]))
        numbers = map(np.int32, (len(pieces), simulations, pairs))
        self.average((-(-simulations * pairs // _THREADS),), (_THREADS,), (found, weights, fc, *numbers))
        return fc

    def _correlations(self, bold, starts, stops, patterns):
        """Correlations of all pairs in every window, written to double (simulations, windows, pairs)."""
        simulations, volumes, nodes = bold.shape
        windows, pairs = len(starts), len(self.rows)
        moments = self.device.empty((simulations, windows, nodes, 2), np.float64)
        blocks = -(-simulations * windows * nodes // _THREADS)
        sizes = tuple(map(np.int32, (simulations, volumes, windows)))
        self.moments((blocks,), (_THREADS,), (bold, starts, stops, moments, *sizes))
        self.patterns(
            (-(-pairs // _THREADS), windows, simulations),
            (_THREADS,),
            (bold, starts, stops, moments, self.rows, self.cols, patterns, *sizes[1:], np.int32(pairs)),
        )

    def _fcd(self, pieces):
        """Correlations of the patterns of every two windows of a piece, (simulations, window pairs)."""
        simulations, pairs = len(pieces[0].bold), len(self.rows)
        values = sum(piece.n_window_pairs for piece in pieces)
        fcd, first = self.device.empty((simulations, values), self.plan.real), 0
        for piece in pieces:
            windows = len(piece.sliding[0])
            patterns = self.device.empty((simulations, windows, pairs), np.float64)
            self._correlations(piece.bold, *piece.sliding, patterns)
            self.normalise((simulations * windows,), (256,), (patterns, np.int32(pairs)))
            numbers, tiles = map(np.int32, (windows, pairs, values, first)), -(-windows // _TILE)
            self.compare((tiles, tiles, simulations), (256,), (patterns, fcd, *numbers))
            first += piece.n_window_pairs
        return fcd
