"""Personalised brain network models, simulated in large batches.

Not affiliated with cuBNM. Importing this package is light: compilers, CuPy and optimisers are loaded when
first used.
"""

from importlib import import_module

__version__ = "0.1.0"

#: A stage whose numbers a change alters gets a higher version; it and what depends on it are then computed
#: again. Simulation's is part of every fingerprint of a fit, so that old and new simulations never mix.
STAGE_VERSIONS = {
    "simulation": 1,  # simulations, what they are compared by, searches
    "targets": 3,  # connectomes and empirical targets
    "evidence": 1,  # baselines, null models, exchanges, profiles, reliability, twins
    "statistics": 4,  # models of groups, tests, intervals
}
NUMERICS_VERSION = STAGE_VERSIONS["simulation"]

_LAZY = {
    "simulate": "simulation.simulation",
    "Simulation": "simulation.simulation",
    "STATUS": "simulation.simulation",
    "fit": "interface.exploration",
    "grid": "interface.exploration",
    "score": "interface.scans",
    "connectome": "interface.matrices",
    "lesion": "interface.matrices",
    "to_matrix": "interface.matrices",
    "Outcome": "interface.outcome",
    "Target": "measures.objective",
    "linear_response": "linear.response",
    "LinearResponse": "linear.response",
    "load_model": "equations.files",
    "Model": "equations.model",
    "InputError": "errors",
}

__all__ = ["NUMERICS_VERSION", "STAGE_VERSIONS", "__version__", *_LAZY]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__():
    return sorted(__all__)
