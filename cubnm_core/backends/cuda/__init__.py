"""CUDA C through CuPy: simulations of a tile share a block of the device."""

from cubnm_core.backends.cuda.runtime import run

__all__ = ["run"]
