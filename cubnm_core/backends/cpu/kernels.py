"""Compiled kernels: printed once, kept in the user's cache folder, loaded from there by later processes."""

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import cache, lru_cache
from pathlib import Path

import llvmlite
import numba

from cubnm_core.backends.cpu import printer


def cache_folder():
    """Folder for generated kernels: ``$CUBNM_CACHE_DIR``, else the user's cache folder, else a temporary."""
    chosen = os.environ.get("CUBNM_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(chosen) if chosen else base / "cubnm_core"
    try:
        (folder / "kernels").mkdir(parents=True, exist_ok=True)
        return folder / "kernels"
    except OSError:
        if chosen:
            raise
        return Path(tempfile.mkdtemp(prefix="cubnm_core_"))


@cache
def load(program, hemodynamics, layout, precision):
    """The module whose ``advance`` runs a program; compiled at its first call, or read from the cache."""
    source = printer.module(program, hemodynamics, layout, precision)
    name = f"{program.name.lower()}_{_digest(source)}"
    path = _folder() / f"{name}.py"
    if not path.is_file():
        _write(path, source)
    spec = importlib.util.spec_from_file_location(f"cubnm_core_kernels.{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@lru_cache
def _folder():
    return cache_folder()


def _digest(source):
    """Changes with everything the machine code depends on; Numba itself keys its files by CPU."""
    here = Path(__file__).parent
    parts = [source, numba.__version__, llvmlite.__version__, sys.version]
    parts += [(here / file).read_text() for file in ("vectors.py", "noise.py")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _write(path, source):
    """Complete or not at all, also with several jobs writing at once."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        file.write(source)
    os.replace(temporary, path)
