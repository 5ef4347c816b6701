"""A GPU through CuPy: memory, compilation, launches. The tests put a CPU in its place."""

from functools import cache

import numpy as np

from cubnm_core.backends.cuda import devices
from cubnm_core.backends.cuda.driver import import_cupy
from cubnm_core.errors import InputError

#: Errors of CUDA's driver that say so before a kernel runs: invalid value, invalid image, no machine code for
#: this device, invalid PTX or newer than the driver, out of resources.
_REFUSALS = (1, 200, 209, 218, 222, 701)


def current_card():
    """The card of this process, leased on the first call and kept; made the current one of this thread.

    Raises
    ------
    InputError
        If there is no usable device; the message says why.
    """
    card = _lease_card()
    card.use()
    return card


@cache
def _lease_card():
    if reason := devices.unavailable():
        raise InputError(f"backend 'cuda' cannot be used here: {reason}. Backend 'cpu' needs no GPU.")
    return Card(devices.current())


class Card:
    """A device of CUDA.

    Parameters
    ----------
    device : devices.Device
    """

    def __init__(self, device):
        self._cupy = cupy = import_cupy()
        self._device = cupy.cuda.Device(device.index)
        attributes = self._device.attributes
        self.name, self.compute_capability = device.name, device.compute_capability
        self.multiprocessors = attributes["MultiProcessorCount"]
        self.shared_memory_per_block = attributes["MaxSharedMemoryPerBlockOptin"]
        self._modules = {}

    def use(self):
        """Send what this thread asks of CuPy to this card."""
        self._device.use()

    def compile(self, source, options=()):
        """Compile a text once; CuPy keeps the result on disk, for other processes."""
        key = source, tuple(options)
        if key not in self._modules:
            self._modules[key] = self._cupy.RawModule(code=source, options=tuple(options))
        return self._modules[key]

    def empty(self, shape, dtype=np.float32):
        """An array that starts with anything."""
        return self._cupy.empty(shape, dtype)

    def zeros(self, shape, dtype=np.float32):
        """An array of zeros."""
        return self._cupy.zeros(shape, dtype)

    def to_device(self, values):
        """A copy of a NumPy array, contiguous."""
        return self._cupy.asarray(np.ascontiguousarray(values))

    def to_host(self, array):
        """A copy as NumPy array; waits for the kernels before it."""
        return self._cupy.asnumpy(array)

    def refuses(self, error):
        """Whether an error says that a kernel cannot be compiled or launched as asked: nothing has run."""
        cuda = self._cupy.cuda
        if isinstance(error, cuda.compiler.CompileException):
            return True
        return isinstance(error, cuda.driver.CUDADriverError) and error.status in _REFUSALS

    def mark(self):
        """A moment in the course of the kernels; see `seconds_between`."""
        event = self._cupy.cuda.Event()
        event.record()
        return event

    def seconds_between(self, start, end):
        """Seconds that the device needed from one mark to another; waits for both."""
        end.synchronize()
        return self._cupy.cuda.get_elapsed_time(start, end) / 1e3

    def synchronize(self):
        """Wait for all kernels."""
        self._cupy.cuda.get_current_stream().synchronize()

    def free_memory(self):
        """Bytes, with those that CuPy holds but does not use."""
        free, _ = self._cupy.cuda.runtime.memGetInfo()
        return free + self._cupy.get_default_memory_pool().free_bytes()
