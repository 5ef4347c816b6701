"""Analytical feedback inhibition control: every region of every simulation is solved by a thread."""

import numpy as np

from cubnm_core.backends.cuda.driver import OPTIONS
from cubnm_core.backends.cuda.printer import functions, source

_THREADS = 256


def inhibitory_rest(drive, S_E, w_II, gain, transfer, bracket, J_N, device=None):
    """Steady state of the inhibitory gating; see `cubnm_core.simulation.inhibition.inhibitory_rest`."""
    if device is None:
        from cubnm_core.backends.cuda.card import current_card

        device = current_card()
    text = "#define SINGLE 0\n" + functions("double") + source("inhibition")
    kernel = device.compile(text, OPTIONS).get_function("inhibitory_rest")
    distinct, index = np.unique(J_N, return_inverse=True)
    found = device.empty(distinct.shape, np.float64)
    numbers = map(np.float64, (drive, S_E, w_II, gain, *transfer, *bracket))
    arguments = (device.to_device(distinct), found, np.int32(len(distinct)), *numbers)
    kernel((-(-len(distinct) // _THREADS),), (_THREADS,), arguments)
    S_I = device.to_host(found)[index].reshape(J_N.shape)
    return S_I, np.isfinite(S_I)
