"""The device a process computes on: what is there and fits together, and leases, so that jobs share none."""

import fcntl
import logging
import os
import time
from functools import cache
from pathlib import Path

from cubnm_core.backends.caches import wanted_cache_folder
from cubnm_core.backends.cuda.driver import CUDA
from cubnm_core.errors import InputError

logger = logging.getLogger(__name__)

OLDEST = (7, 0)  #: compute capability
_OLDEST_OF_CUDA_13 = (7, 5)
_OLDEST_DRIVERS = {12: "525", 13: "580"}  # on Linux, by CUDA major version
_EXTRAS = tuple(_OLDEST_DRIVERS)
#: Variables that a scheduler sets in its jobs. It has allocated the devices that a job sees.
_SCHEDULERS = {
    "SLURM_JOB_ID": "Slurm",
    "PBS_JOBID": "PBS",
    "SGE_JOB_SPOOL_DIR": "Grid Engine",
    "LSB_JOBID": "LSF",
    "KUBERNETES_SERVICE_HOST": "Kubernetes",
}
_POLL = 1.0  # s between looks whether a device is free
_REMINDER = 600.0  # s between lines of the log while waiting


# --- what is there ------------------------------------------------------------------------------------------


def unavailable(cuda=CUDA):
    """Why no device can be used, in words for a user; None if one can.

    Without a driver or without CuPy the answer comes at once; CuPy is imported only where both are there.
    Then a tiny kernel is compiled and run, once in a process: compilers and headers may be missing, too.
    """
    if not cuda.has_driver():
        return "NVIDIA's driver is not installed"
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1", "NoDevFiles"):
        return "CUDA_VISIBLE_DEVICES hides all devices"
    try:
        return _try_kernel(tuple(usable_devices(cuda)), cuda)
    except InputError as error:
        return str(error)


@cache
def _try_kernel(usable, cuda):
    """Why a device that is free cannot run a tiny kernel; None if it can, or if other jobs hold all."""
    with _first_lease(usable) as free:
        if free.device is None:
            return None
        try:
            written = cuda.run_trial(free.device)
        except Exception as error:  # CuPy's own classes are known only where it is installed
            failure = f"{type(error).__name__}: {error}"
        else:
            failure = None if written == 42 else f"it wrote {written} in place of 42"
    if failure is None:
        return None
    major = cuda.runtime_version()[0]
    return (
        f"A small kernel cannot be compiled and run on {free.device.name} ({failure.strip()}); "
        f"{_installed(cuda)}. If NVIDIA's compiler NVRTC or CUDA's headers are missing, the extra "
        f"cuda{major} brings them: pip install '.[cuda{major}]'"
    )


def _first_lease(usable):
    """A lease of the device that this process would get now; of none if other jobs hold all."""
    if _scheduler():
        return Lease(usable[0])
    try:
        return _first_free(usable, lease_folder()) or Lease(None)
    except InputError:  # of the folder; told when a lease is needed
        return Lease(usable[0])


def usable_devices(cuda=CUDA):
    """Devices that this process sees and this package supports.

    Returns
    -------
    list of Device

    Raises
    ------
    InputError
        If there is none, or if driver, CuPy and CUDA do not fit together.
    """
    _check_packages(cuda)
    try:
        _check_driver(cuda)
        found = cuda.devices()
    except (RuntimeError, ImportError, OSError) as error:
        raise InputError(f"CUDA does not start: {error}; {_installed(cuda)}") from error
    if not found:
        raise InputError(f"CUDA finds no device; CUDA_VISIBLE_DEVICES is {_visible()}; {_installed(cuda)}")
    return _supported(found, cuda)


def _check_packages(cuda):
    if not cuda.has_cupy():
        raise InputError(f"CuPy is not installed; install this package with {_extras()}")
    packages = cuda.cupy_packages()
    if len(packages) > 1:
        raise InputError(
            f"Several packages bring CuPy and overwrite each other: {', '.join(packages)}; "
            "uninstall all of them, then install this package with " + _extras()
        )


def _check_driver(cuda):
    (driver, _), (wanted, _) = cuda.driver_version(), cuda.runtime_version()
    if driver >= wanted:
        return
    remedy = f"install a driver from {_OLDEST_DRIVERS.get(wanted, 'CUDA ' + str(wanted))} on"
    if driver in _EXTRAS:
        remedy += f", or replace CuPy by the one of the extra cuda{driver}: {_install(driver)}"
    raise InputError(f"The driver is too old for CuPy: {_installed(cuda)}; {remedy}")


def _supported(found, cuda):
    cuda_13 = cuda.runtime_version() >= (13, 0)
    oldest = _OLDEST_OF_CUDA_13 if cuda_13 else OLDEST
    usable = [device for device in found if device.compute_capability >= oldest]
    if usable:
        return usable
    listed = ", ".join(f"{d.name} ({_dotted(d.compute_capability)})" for d in found)
    message = f"Compute capability {_dotted(oldest)} or higher is needed; found {listed}"
    if max(device.compute_capability for device in found) >= OLDEST:
        message += f"; CUDA 12 supports such devices: {_install(12)}"
    raise InputError(message)


def _installed(cuda):
    """What is installed, for messages."""
    return (
        f"driver {_told(cuda.driver_release)}, which supports CUDA up to {_told(cuda.driver_version)}; "
        f"CuPy {_told(cuda.cupy_version)}, built for CUDA {_told(cuda.runtime_version)}"
    )


def _told(ask):
    try:
        answer = ask()
    except (RuntimeError, ImportError, OSError):
        return "unknown"
    return answer if isinstance(answer, str) else _dotted(answer)


def _dotted(numbers):
    return ".".join(map(str, numbers))


def _visible():
    return os.environ.get("CUDA_VISIBLE_DEVICES", "not set")


def _install(major):
    return f"pip uninstall {' '.join(f'cupy-cuda{m}x' for m in _EXTRAS)}; pip install '.[cuda{major}]'"


def _extras():
    return " or ".join(f"pip install '.[cuda{major}]'" for major in _EXTRAS)


# --- leases -------------------------------------------------------------------------------------------------


class Lease:
    """A device for this process alone, as far as processes of this package on this machine go.

    The operating system ends it with the process, however that ends.
    """

    def __init__(self, device, file=None):
        self.device, self._file = device, file
        # A forked child that outlives this process would hold the lock on.
        os.register_at_fork(after_in_child=self._close)

    def release(self):
        """Let others have the device."""
        if self._file:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._close()

    def _close(self):
        if self._file:
            self._file.close()
        self._file = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.release()


def current():
    """The device of this process, kept until its end.

    Returns
    -------
    Device

    Raises
    ------
    InputError
        See `usable_devices`.
    """
    return _kept().device


@cache
def _kept():
    return lease()


def lease(cuda=CUDA):
    """Take a device that no other process holds, and wait for one if need be.

    Under a scheduler the first device it has allocated is taken without a lock, unless ``CUBNM_LEASE_DIR``
    is set: several jobs inside one allocation then share its devices out.

    Returns
    -------
    Lease

    Raises
    ------
    InputError
        See `usable_devices`; if locks cannot be used in the folder for them.
    """
    devices = usable_devices(cuda)
    if scheduler := _scheduler():
        logger.info("Using the first device that %s has allocated: %s", scheduler, devices[0].name)
        return Lease(devices[0])
    folder = lease_folder()
    next_line = time.monotonic()
    while (taken := _first_free(devices, folder)) is None:
        if time.monotonic() >= next_line:
            logger.info("All %d devices are leased by other jobs (%s); waiting", len(devices), folder)
            next_line = time.monotonic() + _REMINDER
        time.sleep(_POLL)
    logger.info("Leased device %d: %s (%s)", taken.device.index, taken.device.name, taken.device.uuid)
    return taken


def _scheduler():
    """The scheduler that has allocated the devices; None if jobs share them out themselves."""
    if "CUBNM_LEASE_DIR" in os.environ:
        return None
    return next((name for variable, name in _SCHEDULERS.items() if os.environ.get(variable)), None)


def lease_folder():
    """Folder of the locks, the same for all processes of a user.

    ``$CUBNM_LEASE_DIR``, else ``leases`` in the cache folder (:mod:`cubnm_core.backends.caches`).
    """
    chosen = os.environ.get("CUBNM_LEASE_DIR")
    folder = Path(chosen) if chosen else wanted_cache_folder() / "leases"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(_no_locks(folder, error)) from error
    return folder


def _first_free(devices, folder):
    for device in devices:
        if file := _lock(folder / f"{device.uuid}.lock"):
            return Lease(device, file)
    return None


def _lock(path):
    """The locked file; None if another process holds it."""
    try:
        file = path.open("a")
    except OSError as error:
        raise InputError(_no_locks(path.parent, error)) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:
        file.close()
        raise InputError(_no_locks(path.parent, error)) from error
    return file


def _no_locks(folder, error):
    return f"Files cannot be locked in {folder} ({error}); name a local folder in CUBNM_LEASE_DIR"
