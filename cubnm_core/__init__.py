"""Personalised brain network models, simulated in large batches.

Not affiliated with cuBNM. Importing this package is light: compilers, CuPy and optimisers are loaded when
first used.
"""

from importlib import import_module

__version__ = "0.1.0"

#: Raised whenever a change alters simulated numbers; part of every fingerprint, so that old and new results
#: never mix.
NUMERICS_VERSION = 1

_LAZY = {
    "simulate": "simulation.simulation",
    "Simulation": "simulation.simulation",
    "load_model": "equations.files",
    "Model": "equations.model",
    "InputError": "errors",
}

__all__ = ["NUMERICS_VERSION", "__version__", *_LAZY]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__():
    return sorted(__all__)
