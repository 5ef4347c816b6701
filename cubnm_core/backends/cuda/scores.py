"""Scores of simulations whose FC and FCD lie on the device: only they are copied back."""

import numpy as np

from cubnm_core.measures.comparison import FC_TERMS
from cubnm_core.measures.distances import CDF_BINS

_THREADS = 128
_BLOCK = 256  # threads that go through one simulation


class Scores:
    """Compares the simulations of a slice, each with its own target.

    Parameters
    ----------
    device : device
    module : compiled text
        With the kernels of ``scores.cu``.
    comparison : cubnm_core.measures.comparison.Comparison
    rows : (simulations,) int array
        Their places in the batch.
    """

    def __init__(self, device, module, comparison, rows):
        self.device, self.module, self.comparison = device, module, comparison
        targets, self._host_index = comparison.targets, comparison.index[rows]
        self._fc = device.to_device(np.stack([target.fc for target in targets]))
        if "fcd_ks" in comparison.terms:
            values = [np.empty(0) if target.fcd is None else target.sorted_fcd for target in targets]
            sizes = [len(one) for one in values]
            self._sorted = device.to_device(np.concatenate([*values, [np.nan]]))
            self._first = device.to_device(np.append(0, np.cumsum(sizes)).astype(np.int32))
            self._width = 1 + max(sizes)
        if "fcd_ks_binned" in comparison.terms:
            missing = np.zeros(CDF_BINS)
            values = [missing if target.binned_fcd is None else target.binned_fcd for target in targets]
            self._binned = device.to_device(np.stack(values))

    @property
    def bytes_each(self):
        """Memory that the comparison of a simulation needs."""
        counts = 2 * self._width if "fcd_ks" in self.comparison.terms else 0
        counts += CDF_BINS if "fcd_ks_binned" in self.comparison.terms else 0
        return 4 * counts + 8 * (len(FC_TERMS) + 4)

    def of_fc(self, places, fc):
        """Terms of the FC of some simulations, by their (size,) places: a dict of arrays on the host."""
        size, pairs = len(fc), fc.shape[-1]
        found = self.device.empty((size, len(FC_TERMS)), np.float64)
        index = self._targets_of(places)
        self._launch("compare_fc", (size,), _BLOCK, fc, self._fc, index, found, np.int32(pairs))
        columns = self.device.to_host(found).T
        return {name: column for name, column in zip(FC_TERMS, columns, strict=True) if self._asks_for(name)}

    def _targets_of(self, places):
        return self.device.to_device(self._host_index[places].astype(np.int32))

    def of_fcd(self, places, fcd):
        """Terms of the FCD, likewise; NaN where the target or the simulation does not allow them."""
        measures = {"fcd_ks": self._exact, "fcd_ks_binned": self._in_bins}
        found = {}
        for name in filter(self._asks_for, measures):
            odd = self.device.zeros((len(fcd),), np.int32)
            index = self._targets_of(places)
            distances = self.device.to_host(measures[name](fcd, index, odd))
            allowed = [name in self.comparison.terms_of(target) for target in self.comparison.targets]
            usable = np.array(allowed)[self._host_index[places]]
            found[name] = np.where(usable & (self.device.to_host(odd) == 0), distances, np.nan)
        return found

    def _exact(self, fcd, index, odd):
        size, values = fcd.shape
        counts = self.device.zeros((size, 2, self._width), np.int32)
        found, numbers = self.device.empty((size,), np.float64), (np.int32(values), np.int32(self._width))
        ranked = (fcd, self._sorted, self._first, index, counts, odd, *numbers)
        self._launch("rank_values", (-(-values // _THREADS), size), _THREADS, *ranked)
        self._launch("largest_distance", (size,), _BLOCK, counts, self._first, index, found, *numbers)
        return found

    def _in_bins(self, fcd, index, odd):
        size, values = fcd.shape
        counts = self.device.zeros((size, CDF_BINS), np.int32)
        found, numbers = self.device.empty((size,), np.float64), (np.int32(values), np.int32(CDF_BINS))
        self._launch("bin_values", (-(-values // _THREADS), size), _THREADS, fcd, counts, odd, *numbers)
        self._launch("largest_binned_distance", (size,), _BLOCK, counts, self._binned, index, found, *numbers)
        return found

    def _asks_for(self, name):
        return name in self.comparison.terms

    def _launch(self, name, grid, threads, *arguments):
        self.module.get_function(name)(grid, (threads,), arguments)
