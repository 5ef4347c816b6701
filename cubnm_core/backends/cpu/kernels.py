"""Compiled kernels: printed once, kept in the user's cache folder, loaded from there by later processes.

What lies in the cache is used only if it is what was written: the source if it is the text that is printed
now, Numba's machine code if it has the checksums noted after it was compiled. Everything else is made again.
"""

import hashlib
import json
import logging
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock
from types import ModuleType

import llvmlite
import numba

from cubnm_core.backends.caches import VARIABLE, find_cache_folder, find_temporary_folder
from cubnm_core.backends.cpu import printer

logger = logging.getLogger(__name__)


class Kernel:
    """A printed module whose `advance` is compiled, or read from the cache, at its first call.

    Parameters
    ----------
    source : str
        Text of the module.
    folder : Path
        Where it is kept.
    """

    def __init__(self, source, folder):
        self.path = _keep(source, folder)
        self._cached = _CachedCode(self.path)
        self._cached.discard_unknown()
        # The text itself is run; the file is there for Numba, which keys its cache by it, and for readers.
        self._module = ModuleType(f"cubnm_core_kernels.{self.path.stem}")
        self._module.__file__ = str(self.path)
        sys.modules[self._module.__name__] = self._module
        exec(compile(source, self.path, "exec"), self._module.__dict__)
        self._compiled, self._lock = set(), Lock()

    def advance(self, *arguments):
        """Advance a tile; see the printed function for the arguments."""
        signature = tuple(numba.typeof(argument) for argument in arguments)
        if signature not in self._compiled:
            with self._lock:
                self._compile(signature)
        self._module.advance(*arguments)

    def _compile(self, signature):
        if signature in self._compiled:
            return
        try:
            self._module.advance.compile(signature)
            self._cached.note_checksums()
        except OSError as error:  # after it was compiled: it runs, and is compiled again by the next process
            logger.warning("%s: %s; the kernel is not kept (%s names another folder)",
                           self.path.parent, error.strerror, VARIABLE)  # fmt: skip
        self._compiled.add(signature)


@cache
def load(program, hemodynamics, layout, precision):
    """Give the kernel of a program.

    Parameters
    ----------
    program : Program
    hemodynamics : HemodynamicProgram or None
    layout : Layout
    precision : {"single", "double"}

    Returns
    -------
    Kernel

    Raises
    ------
    OSError
        If neither the cache folder nor that of temporary files can be written to.
    """
    source = printer.module(program, hemodynamics, layout, precision)
    folder = find_cache_folder("kernels")
    try:
        return Kernel(source, folder)
    except OSError as error:
        temporary = find_temporary_folder("kernels")
        logger.warning("%s: %s; kernels are kept in %s (%s names another folder)",
                       folder, error.strerror, temporary, VARIABLE)  # fmt: skip
        return Kernel(source, temporary)


def _keep(source, folder):
    """Write a text to the file that its digest names, unless it is there already; give the path."""
    path = folder / f"kernel_{_digest(source)}.py"
    try:
        kept = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        kept = None
    if kept != source:
        _write(path, source)
    return path


def _digest(source):
    """Hash everything the machine code depends on; Numba itself keys its files by CPU."""
    here = Path(__file__).parent
    parts = [source, numba.__version__, llvmlite.__version__, sys.version]
    parts += [(here / file).read_text(encoding="utf-8") for file in ("vectors.py", "noise.py")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _write(path, text):
    """Write complete or not at all, also with several jobs writing at once or a machine that loses power."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class _CachedCode:
    """What Numba keeps of a module, and the checksums of it that were noted when it was whole."""

    def __init__(self, path):
        self.folder, self.stem = path.parent / "__pycache__", path.stem
        self.checksums = path.with_suffix(".sha256")

    def discard_unknown(self):
        """Remove machine code without its checksum, as an interrupted job or a broken disk leaves it."""
        known, found = self._noted(), self._found()
        if any(known.get(path.name) != _checksum(path) for path in found):
            for path in [*found, self.checksums]:
                path.unlink(missing_ok=True)

    def note_checksums(self):
        """Flush machine code to the disk and note its checksums."""
        found = {path.name: _checksum(path) for path in self._found()}
        if found == self._noted():
            return
        for name in found:
            with open(self.folder / name, "rb") as file:
                os.fsync(file.fileno())
        _write(self.checksums, json.dumps(found))

    def _found(self):
        return sorted(self.folder.glob(f"{self.stem}.*.nb[ci]"))

    def _noted(self):
        try:
            noted = json.loads(self.checksums.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}


def _checksum(path):
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
