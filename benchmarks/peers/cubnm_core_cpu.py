"""cubnm_core on the CPU, as a program to be measured; see protocol.py."""

import platform
import sys

import llvmlite
import numba
import numpy as np
from protocol import serve

import cubnm_core
from cubnm_core.backends.cpu import runtime
from cubnm_core.equations.files import load_model


def prepare(
    model, connectome, batch, precision, seconds, observation, lengths=None, velocity=None, threads=1
):
    """Everything a fit needs of a simulation: noise, feedback inhibition, BOLD, FC and FCD.

    Without windows among the observations, FC and FCD are left out.
    """
    delays = {} if velocity is None else {"v": velocity}
    results = ("bold", "state_means", *(("fc", "fcd") if "window" in observation else ()))

    def run():
        result = cubnm_core.simulate(
            model,
            np.load(connectome),
            {"G": np.linspace(0.3, 0.8, batch), **delays},
            lengths=None if lengths is None else np.load(lengths),
            duration=seconds,
            fic="analytical" if load_model(model).inhibition else None,
            record=results,
            hemodynamics="cubnm-1.5T",
            backend="cpu",
            precision=precision,
            threads=threads,
            **observation,
        )
        if not np.isfinite(result.bold).all():
            raise RuntimeError("a simulation diverged")

    return run


def describe():
    return {
        "version": cubnm_core.__version__,
        "python": platform.python_version(),
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "numpy": np.__version__,
        "register_bits": runtime.register_bits(),
        "registers in machine code": _registers(),
    }


def _registers():
    """Widest vector registers in the machine code of the kernels compiled in this process."""
    kernels = [module for name, module in sys.modules.items() if name.startswith("cubnm_core_kernels.")]
    text = "".join("".join(kernel.advance.inspect_asm().values()) for kernel in kernels)
    return next((name for name in ("zmm", "ymm", "xmm") if f"%{name}" in text), "none")


if __name__ == "__main__":
    serve(prepare, describe)
