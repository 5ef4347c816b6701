"""What this package asks of CUDA and CuPy: devices, versions, and whether a small kernel runs."""

import ctypes
import importlib.metadata
import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from cubnm_core.backends.caches import find_cache_folder

#: Of the compiler. Fused operations are written out, so that all forms round alike.
OPTIONS = ("-std=c++17", "--fmad=false")
_TRIAL = 'extern "C" __global__ void trial(int* out) { out[threadIdx.x] = 42; }'
_NO_DEVICE = 100  # cudaErrorNoDevice


@dataclass(frozen=True)
class Device:
    """A CUDA device that this process sees.

    Attributes
    ----------
    index : int
        Among the devices that ``CUDA_VISIBLE_DEVICES`` leaves.
    uuid : str
        The same in every process, whatever that variable says.
    name : str
    compute_capability : tuple of int
    """

    index: int
    uuid: str
    name: str
    compute_capability: tuple


class Cuda:
    """All that is asked of CUDA and CuPy here; tests put something else in its place."""

    def has_driver(self):
        """Whether NVIDIA's driver is installed; costs nothing."""
        try:
            ctypes.CDLL("libcuda.so.1")
        except OSError:
            return False
        return True

    def has_cupy(self):
        """Whether CuPy is installed; it is not imported."""
        return importlib.util.find_spec("cupy") is not None

    def cupy_packages(self):
        """Names of the installed packages that bring CuPy."""
        names = (distribution.metadata["Name"] for distribution in importlib.metadata.distributions())
        return sorted({name for name in names if re.fullmatch(r"cupy(-cuda\d+x?)?", name or "")})

    def cupy_version(self):
        """Of CuPy."""
        return import_cupy().__version__

    def runtime_version(self):
        """CUDA that CuPy is built for: (major, minor)."""
        return _version(import_cupy().cuda.runtime.runtimeGetVersion())

    def driver_version(self):
        """Latest CUDA that the driver supports: (major, minor)."""
        return _version(import_cupy().cuda.runtime.driverGetVersion())

    def driver_release(self):
        """The driver's own number, such as 550.54.14."""
        try:
            text = Path("/proc/driver/nvidia/version").read_text()
        except OSError:  # not shown in some containers
            return "unknown"
        found = re.search(r"\b\d{3,}\.\d+(\.\d+)?", text)
        return found[0] if found else "unknown"

    def devices(self):
        """Devices that this process sees; RuntimeError where CUDA does not start."""
        runtime = import_cupy().cuda.runtime
        try:
            count = runtime.getDeviceCount()
        except runtime.CUDARuntimeError as error:
            if error.status == _NO_DEVICE:
                return []
            raise
        return [_device(index, runtime.getDeviceProperties(index)) for index in range(count)]

    def run_trial(self, device):
        """Compile a tiny kernel and run it on a device, as all others are; raises what CuPy raises.

        Returns
        -------
        int
            What the kernel wrote: 42.
        """
        cupy = import_cupy()
        with cupy.cuda.Device(device.index):
            kernel = cupy.RawModule(code=_TRIAL, options=OPTIONS).get_function("trial")
            written = cupy.zeros(1, "int32")
            kernel((1,), (1,), (written,))
            return int(written.get()[0])


CUDA = Cuda()


def import_cupy():
    """CuPy, which keeps compiled kernels in the cache folder: it asks for its own when it is imported."""
    if "cupy" not in sys.modules:
        os.environ.setdefault("CUPY_CACHE_DIR", str(find_cache_folder("cupy")))
    import cupy

    return cupy


def _version(number):
    return number // 1000, number % 1000 // 10


def _device(index, properties):
    uuid = bytes(properties["uuid"]).hex()
    capability = properties["major"], properties["minor"]
    return Device(index, uuid, properties["name"].decode(), capability)
