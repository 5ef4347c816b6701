"""FC, FCD and scores of simulations whose BOLD lies on the device, in slices that fit its memory."""

import logging

import numpy as np

from cubnm_core.backends.cuda.driver import OPTIONS
from cubnm_core.backends.cuda.printer import functions, source
from cubnm_core.backends.cuda.scores import Scores
from cubnm_core.measures.connectivity import NOTHING_SHARED, PADDING, band_pass_sections, filter_order

logger = logging.getLogger(__name__)

_THREADS = 128
_SHARE = 0.8  # of the free memory
_TILE = 16  # windows that a block compares with as many others


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
        names = ("take_bold", "mean_over_nodes", "regress_shared")
        self.take, self.mean, self.regress = map(module.get_function, names)
        self.rows, self.cols = (self.device.to_device(i.astype(np.int32)) for i in request.pair_index)
        after = self.bold.shape[1] - request.n_burn_in
        if request.band_pass is not None:
            self._prepare_filter(after)
        first = 0 if prepared else request.n_burn_in  # what is prepared starts after the burn-in
        self.whole = self._windows([first], [first + after])
        if request.computes_fcd:
            self.sliding = self._windows(*(edge + first for edge in request.windows))
        self.scores = None
        if request.comparison is not None:
            self.scores = Scores(self.device, module, request.comparison, self.rows_of_batch)

    def _prepare_filter(self, volumes):
        from scipy.signal import sosfilt_zi

        sections = band_pass_sections(volumes, self.request.repetition_time, self.request.band_pass)
        self.sections, self.steady = map(self.device.to_device, (sections, sosfilt_zi(sections)))

    def _filtered(self, bold):
        """BOLD after the burn-in through the band-pass filter, double."""
        simulations, volumes, nodes = bold.shape
        after = volumes - self.request.n_burn_in
        filtered = self.device.empty((simulations, after, nodes), np.float64)
        work = self.device.empty((simulations, after + 2 * PADDING, nodes), np.float64)
        numbers = map(np.int32, (self.request.n_burn_in, volumes, PADDING, simulations))
        grid = (-(-simulations * nodes // _THREADS),)
        self.filter(grid, (_THREADS,), (bold, filtered, work, self.sections, self.steady, *numbers))
        return filtered

    def _taken(self, bold):
        """BOLD after the burn-in, double."""
        simulations, volumes, nodes = bold.shape
        first = self.request.n_burn_in
        taken = self.device.empty((simulations, volumes - first, nodes), np.float64)
        numbers = map(np.int32, (first, volumes, simulations))
        self.take((self._blocks(taken.size),), (_THREADS,), (bold, taken, *numbers))
        return taken

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
        return max(1, min(len(self.bold), 65535, int(_SHARE * self.device.free_memory() / each)))

    def _observe(self, done, bold):
        """What was asked for of the simulations from number `done` on, on the host."""
        request, scores, found = self.request, self.scores, {}
        if request.is_prepared:
            bold = self._taken(bold) if request.band_pass is None else self._filtered(bold)
        if request.global_signal == "regressed":
            self._regress(bold)
        if request.computes_fc:
            fc = self._correlations(bold, *self.whole)
            found |= {"fc": self.device.to_host(fc)[:, 0]} if request.wants_fc else {}
            found |= scores.of_fc(done, fc) if scores is not None else {}
            del fc  # its memory goes to the FCD
        if request.computes_fcd:
            fcd = self._dynamics(bold)
            found |= {"fcd": self.device.to_host(fcd)} if request.wants_fcd else {}
            found |= scores.of_fcd(done, fcd) if scores is not None else {}
        return found

    def _correlations(self, bold, starts, stops):
        """Correlations of all pairs in every window, double (simulations, windows, pairs)."""
        simulations, volumes, nodes = bold.shape
        windows, pairs = len(starts), len(self.rows)
        moments = self.device.empty((simulations, windows, nodes, 2), np.float64)
        patterns = self.device.empty((simulations, windows, pairs), np.float64)
        blocks = -(-simulations * windows * nodes // _THREADS)
        sizes = tuple(map(np.int32, (simulations, volumes, windows)))
        self.moments((blocks,), (_THREADS,), (bold, starts, stops, moments, *sizes))
        self.patterns(
            (-(-pairs // _THREADS), windows, simulations),
            (_THREADS,),
            (bold, starts, stops, moments, self.rows, self.cols, patterns, *sizes[1:], np.int32(pairs)),
        )
        return patterns

    def _dynamics(self, bold):
        """Correlations of the patterns of every two windows, (simulations, window pairs)."""
        patterns = self._correlations(bold, *self.sliding)
        simulations, windows, pairs = patterns.shape
        fcd = self.device.empty((simulations, windows * (windows - 1) // 2), self.plan.real)
        self.normalise((simulations * windows,), (256,), (patterns, np.int32(pairs)))
        tiles = -(-windows // _TILE)
        self.compare((tiles, tiles, simulations), (256,), (patterns, fcd, np.int32(windows), np.int32(pairs)))
        return fcd
