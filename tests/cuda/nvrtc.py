"""Compiles CUDA sources for any architecture with NVIDIA's run-time compiler: its wheel, no driver, no GPU.

Called through its C interface, which has not changed since CUDA 8.
"""

import ctypes
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class CompilationError(RuntimeError):
    """What NVRTC has to say about a source."""


@dataclass(frozen=True)
class Usage:
    """What a kernel takes: registers of a thread, and bytes."""

    registers: int
    spill_stores: int
    spill_loads: int
    stack: int
    static_shared: int


@dataclass(frozen=True)
class Compiled:
    """Machine code of a source, what its kernels take by name, and the compiler's log."""

    cubin: bytes
    kernels: dict
    log: str


def missing():
    """Why nothing can be compiled here; None if it can."""
    return None if _path() else "the package nvidia-cuda-nvrtc-cu12 is not installed"


def version():
    """Of NVRTC: (major, minor)."""
    numbers = ctypes.c_int(), ctypes.c_int()
    _call("nvrtcVersion", *map(ctypes.byref, numbers))
    return tuple(number.value for number in numbers)


def architectures(first=70):
    """Compute capabilities that NVRTC knows, times ten, from the first one on: 70, 75, ..."""
    count = ctypes.c_int()
    _call("nvrtcGetNumSupportedArchs", ctypes.byref(count))
    known = (ctypes.c_int * count.value)()
    _call("nvrtcGetSupportedArchs", known)
    return [architecture for architecture in known if architecture >= first]


def compile(source, architecture, options=()):
    """Compile a source to machine code.

    Parameters
    ----------
    source : str
    architecture : int
        Compute capability times ten.
    options : sequence of str
        As CuPy is given.

    Returns
    -------
    Compiled

    Raises
    ------
    CompilationError
        With NVRTC's log.
    """
    options = (f"--gpu-architecture=sm_{architecture}", "--ptxas-options=-v", *options)
    program = ctypes.c_void_p()
    _call("nvrtcCreateProgram", ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    try:
        texts = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        status = _library().nvrtcCompileProgram(program, len(options), texts)
        log = _read(program, "ProgramLog").rstrip(b"\0").decode()
        if status:
            raise CompilationError(f"sm_{architecture}: {_reason(status)}\n{log}")
        return Compiled(_read(program, "CUBIN"), usage(log), log)
    finally:
        _call("nvrtcDestroyProgram", ctypes.byref(program))


def usage(log):
    """What each kernel takes, read from the log of a compilation with ``--ptxas-options=-v``."""
    entries = re.split(r"Compiling entry function '(\w+)'", log)
    return {name: _usage(name, text) for name, text in zip(entries[1::2], entries[2::2], strict=True)}


def _usage(name, text):
    own = text[text.index(f"Function properties for {name}") :]  # before it: functions that were not inlined

    def number(pattern):
        found = re.search(rf"(\d+) {pattern}", own)
        return int(found[1]) if found else 0

    return Usage(
        registers=number("registers"),
        spill_stores=number("bytes spill stores"),
        spill_loads=number("bytes spill loads"),
        stack=number("bytes stack frame"),
        static_shared=number("bytes smem"),
    )


# --- the library --------------------------------------------------------------------------------------------


@cache
def _path():
    """The compiler inside NVIDIA's wheel, the newest where there are several."""
    package = importlib.util.find_spec("nvidia")
    folders = package.submodule_search_locations if package else ()
    found = (path for folder in folders for path in Path(folder).glob("*/lib/libnvrtc.so.*"))
    return max(found, key=lambda path: int(path.name.split(".")[2]), default=None)


@cache
def _library():
    library = ctypes.CDLL(str(_path()))
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    return library


def _reason(status):
    return _library().nvrtcGetErrorString(status).decode()


def _call(name, *arguments):
    status = getattr(_library(), name)(*arguments)
    if status:
        raise RuntimeError(f"{name}: {_reason(status)}")


def _read(program, what):
    size = ctypes.c_size_t()
    _call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    _call(f"nvrtcGet{what}", program, buffer)
    return buffer.raw
