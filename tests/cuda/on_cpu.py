"""Runs the source text of CUDA kernels on the CPU, so that they can be tested without a GPU.

`CpuDevice` stands where a CUDA device would: it compiles a text, launches its kernels, holds arrays.
What a source keeps to is said at the top of on_cpu.h.
"""

import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
COMPILER = os.environ.get("CXX", "g++")
MAX_THREADS = 1024  # of a block
STACK_BYTES = 64 * 4043  # of a thread; odd multiple of 64, so that stacks do not share sets of the caches
FLAGS = ("-std=c++20", "-O1", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fPIC")
FLAGS += ("-fvisibility=hidden", "-Wno-unknown-pragmas", "-Wno-attributes", f"-I{HERE}")
FLAGS += (f"-DSTACK_BYTES={STACK_BYTES}", f"-Werror=frame-larger-than={STACK_BYTES // 2}")
#: The compiler announces every memory access to functions of these sanitizers; on_cpu_checks.h has its own.
CHECK_FLAGS = ("-O1", "-g", "-fsanitize=thread,alignment", "--param=tsan-instrument-func-entry-exit=0")
PLAIN_SHARED_MEMORY = 48 * 1024  # bytes a kernel may ask for without saying so beforehand, as on a device


class CudaError(RuntimeError):
    """What would be an error, a hang or a wrong number on a device."""


class LaunchRefused(CudaError):
    """What a device refuses to run: nothing has run then."""


def missing():
    """Why kernels cannot be compiled here; None if they can."""
    return None if shutil.which(COMPILER) else f"{COMPILER} is not installed"


class CpuDevice:
    """A device that is this CPU.

    Parameters
    ----------
    folder : Path
        Compiled kernels are kept here.
    order_seed : int
        Threads of a block run in random order, another one for every seed; 0 keeps one order.
    workers : int, optional
        Blocks that run side by side; by default as many as there are cores.
    shared_memory_per_block : int
        Bytes that a block may ask for.
    checked : bool
        Whether every memory access is looked at: outside of all arrays, misaligned, shared memory read before
        it is written, races between threads. Some 20 times slower.
    """

    name = "this CPU"
    multiprocessors = 4
    compute_capability = (9, 0)

    def __init__(self, folder, order_seed=0, workers=None, shared_memory_per_block=227 * 1024, checked=False):
        self.folder = Path(folder)
        self.order_seed = order_seed
        self.workers = 1 if checked else workers or len(os.sched_getaffinity(0))
        self.checked = checked
        self.shared_memory_per_block = shared_memory_per_block

    def compile(self, source, options=()):
        """Compile a text; options for definitions (``-DNAME=VALUE``) are used, others are for devices."""
        definitions = tuple(option for option in options if option.startswith("-D"))
        return Module(self, _build(source, definitions, self.folder, self.checked))

    def empty(self, shape, dtype=np.float32):
        """An array of NaN (of -1 for integers): memory of a device starts with anything."""
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        memory = np.full(size + 256, 0xFF, np.uint8)  # cut so that it begins at a multiple of 256 bytes
        return memory[-memory.ctypes.data % 256 :][:size].view(dtype).reshape(shape)

    def zeros(self, shape, dtype=np.float32):
        """An array of zeros."""
        array = self.empty(shape, dtype)
        array[...] = 0
        return array

    def to_device(self, values):
        """A copy of an array."""
        values = np.asarray(values)
        array = self.empty(values.shape, values.dtype)
        array[...] = values
        return array

    def to_host(self, array):
        """A copy of an array."""
        return array.copy()

    def refuses(self, error):
        """Whether an error says that nothing has run."""
        return isinstance(error, LaunchRefused)

    def mark(self):
        """Now, in seconds: launches return when they are done."""
        return time.perf_counter()

    def seconds_between(self, start, end):
        """Seconds between two marks."""
        return end - start

    def synchronize(self):
        """Nothing is left to wait for when a launch returns."""

    def free_memory(self):
        """Bytes."""
        return 1 << 30


class Module:
    """A compiled text."""

    def __init__(self, device, path):
        self.device, self.path = device, path
        self.libraries = _loaded(path)

    def get_function(self, name):
        """One of its kernels."""
        if not hasattr(self.libraries[0], f"launch_{name}"):
            raise CudaError(f"there is no kernel {name}")
        return Kernel(self, name)

    def copies(self, count):
        """Copies of the library, each with static variables of its own: one runs one block at a time."""
        while len(self.libraries) < count:
            with tempfile.NamedTemporaryFile(dir=self.path.parent, suffix=".so") as copy:
                shutil.copyfile(self.path, copy.name)
                self.libraries.append(ctypes.CDLL(copy.name))
        return self.libraries[:count]


@cache
def _loaded(path):
    """Copies of a library in this process, which never lets go of any: at first the library itself."""
    return [ctypes.CDLL(str(path))]


_LAUNCHING = threading.Lock()  # libraries and stacks serve one launch at a time


@cache
def _stacks(worker):
    """Stacks for the threads of a block; the system gives only those pages that are used."""
    memory = np.empty(MAX_THREADS * STACK_BYTES + 64, np.uint8)
    return memory[-memory.ctypes.data % 64 :]


@cache
def _pool(workers):
    return ThreadPoolExecutor(workers)


class _Array(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("bytes", ctypes.c_ulonglong), ("argument", ctypes.c_uint))


class _Launch(ctypes.Structure):
    _fields_ = (
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("dynamic_shared_bytes", ctypes.c_ulonglong),
        ("first_block", ctypes.c_uint),
        ("block_stride", ctypes.c_uint),
        ("order_seed", ctypes.c_uint),
        ("stacks", ctypes.c_void_p),
        ("arrays", ctypes.c_void_p),
        ("n_arrays", ctypes.c_uint),
    )


class Kernel:
    """A kernel, launched as one of CuPy is: ``kernel(grid, block, arguments, shared_mem=bytes)``."""

    def __init__(self, module, name):
        self.module, self.name = module, name
        self.max_dynamic_shared_size_bytes = PLAIN_SHARED_MEMORY
        signature = getattr(module.libraries[0], f"signature_of_{name}")
        signature.restype = ctypes.c_char_p
        self.parameters = signature().decode().split()

    def __call__(self, grid, block, args, shared_mem=0):
        self._check_shared_memory(shared_mem)
        grid, block = ((*sizes, 1, 1)[:3] for sizes in (grid, block))
        if min(grid) < 1 or max(grid[1:]) > 65535:
            raise LaunchRefused(f"{self.name}: a device refuses the grid {grid}")
        values = self._check_arguments(args)
        addresses = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        device = self.module.device
        workers = min(device.workers, int(np.prod(grid)))
        arrays = [_Array(a.ctypes.data, a.nbytes, i) for i, a in enumerate(args) if isinstance(a, np.ndarray)]
        arrays = (_Array * len(arrays))(*arrays)

        def run(first, library):
            function = getattr(library, f"launch_{self.name}")
            function.restype = ctypes.c_char_p
            stacks = _stacks(first).ctypes.data
            order = first, workers, device.order_seed
            launch = _Launch(grid, block, shared_mem, *order, stacks, ctypes.addressof(arrays), len(arrays))
            return function(ctypes.byref(launch), addresses)

        with _LAUNCHING:
            each = _pool(workers).map if workers > 1 else map
            messages = list(each(run, range(workers), self.module.copies(workers)))
        for message in filter(None, messages):
            raise CudaError(f"{self.name}: {_with_line(message.decode(), self.module.path)}")

    def _check_shared_memory(self, asked):
        available = self.module.device.shared_memory_per_block
        if max(asked, self.max_dynamic_shared_size_bytes) > available:
            raise LaunchRefused(
                f"{self.name}: asks for {asked} bytes of shared memory, a block has {available}"
            )
        if asked > self.max_dynamic_shared_size_bytes:
            raise LaunchRefused(
                f"{self.name}: {asked} bytes of shared memory, max_dynamic_shared_size_bytes is less"
            )

    def _check_arguments(self, args):
        """ctypes values for arguments; NumPy types must be exactly the kernel's: a device takes bytes."""
        if len(args) != len(self.parameters):
            raise CudaError(f"{self.name}: {len(args)} arguments, it has {len(self.parameters)} parameters")
        places = (f"{self.name}: argument {i}" for i in range(len(args)))
        return list(map(self._argument, places, self.parameters, args))

    def _argument(self, place, parameter, value):
        kind, dtype = parameter[: -len(parameter.lstrip("*&"))], np.dtype(parameter.lstrip("*&"))
        if not isinstance(value, np.ndarray if kind else np.generic):
            wanted = "an array" if kind else "a NumPy number"
            raise CudaError(f"{place} is a {type(value).__name__}, not {wanted}")
        if value.dtype != dtype:
            raise CudaError(f"{place} has type {value.dtype}, the kernel takes {dtype}")
        if not kind:
            return np.ctypeslib.as_ctypes_type(dtype)(value.item())
        if not value.flags.c_contiguous:
            raise CudaError(f"{place} is not contiguous")
        if kind == "*" and not value.flags.writeable:
            raise CudaError(f"{place} is read-only, the kernel may write it")
        return ctypes.c_void_p(value.ctypes.data)


# --- compiling ----------------------------------------------------------------------------------------------


def _build(source, definitions, folder, checked):
    """Path of the library of a text, compiled unless it lies there."""
    runtime = _runtime(folder, checked)
    path = folder / f"{_digest(source, *definitions, runtime.name)}.so"
    with _alone(path) as missing:
        if not missing:
            return path
        unit = ["#include <on_cpu.h>", "#include <on_cpu_launch.h>"]
        unit += ["namespace {", '#line 1 "kernel.cu"', source, "}"]
        unit += [f"EXPORT_KERNEL({name})" for name in kernel_names(source, definitions)]
        extra = (*CHECK_FLAGS, "-nodefaultlibs", "-lm", "-lc", "-lgcc") if checked else ()
        _compile("\n".join(unit), (*definitions, "-shared", str(runtime), *extra), path)
    return path


def _runtime(folder, checked):
    """Path of the compiled scheduler of threads."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ("-c", "-DCHECKED") if checked else ("-c",)
    texts = [path.read_text() for path in sorted(HERE.glob("on_cpu*.[hc]*"))]
    path = folder / f"{_digest(*texts, *options, _version())}.o"
    with _alone(path) as missing:
        if not missing:
            return path
        _compile((HERE / "on_cpu_runtime.cpp").read_text(), options, path)
    return path


@contextmanager
def _alone(path):
    """Whether a file is missing; who finds it missing makes it, while other processes wait."""
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not path.is_file()


def _with_line(message, library):
    """A message in which an address of code has become a line of the kernel's text."""
    found = re.search(r"@(\w+)", message)
    if not found:
        return message
    command = ["addr2line", "-e", str(library), hex(int(found[1], 16) - 1)]  # the address is that of a return
    done = subprocess.run(command, capture_output=True, text=True)
    line = re.search(r":(\d+)", done.stdout)
    return message.replace(found[0], f"(line {line[1]})" if line else "")


def _digest(*parts):
    return hashlib.sha256("\n".join((*parts, *FLAGS)).encode()).hexdigest()[:20]


@cache
def _version():
    """Compiler and processor, on which machine code depends."""
    asked = [COMPILER, "-march=native", "-Q", "--help=target", "--version"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def _compile(text, options, path):
    """Complete or not at all, also with several processes writing at once."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    os.close(handle)
    command = [COMPILER, *FLAGS, "-x", "c++", "-", "-x", "none", *options, "-o", temporary]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        os.remove(temporary)
        raise CudaError(f"the text does not compile:\n{done.stderr}")
    os.replace(temporary, path)


def kernel_names(source, definitions=()):
    """Names of the kernels that are left after the preprocessor."""
    command = [COMPILER, "-E", "-P", "-x", "c++", "-DCUDA_ON_CPU", *definitions, "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    if done.returncode:
        raise CudaError(f"the text does not pass the preprocessor:\n{done.stderr}")
    bounds = r"__launch_bounds__\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
    text = re.sub(bounds, " ", done.stdout)
    return list(dict.fromkeys(re.findall(r"__global__\s+(?:\w+\s+)*?void\s+(\w+)\s*\(", text)))
