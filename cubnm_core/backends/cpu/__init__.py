"""Numba with explicit SIMD vectors: simulations side by side in the lanes, one tile a thread."""

from cubnm_core.backends.cpu.runtime import run

__all__ = ["run"]
