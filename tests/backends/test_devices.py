"""Which device a process computes on: what fits together, and leases between real processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest

from cubnm_core.backends.cuda import devices
from cubnm_core.backends.cuda.driver import Cuda, Device
from cubnm_core.errors import InputError

CARDS = [Device(i, f"{i:032x}", "NVIDIA A100", (8, 0)) for i in range(2)]
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "SGE_JOB_SPOOL_DIR", "LSB_JOBID", "KUBERNETES_SERVICE_HOST")


class FakeCuda(Cuda):
    """A machine with some cards and a driver that fits."""

    def __init__(self, cards=CARDS, driver=(12, 8), runtime=(12, 9), packages=("cupy-cuda12x",)):
        self.cards, self.driver, self.runtime, self.packages = cards, driver, runtime, list(packages)

    def has_driver(self):
        return True

    def has_cupy(self):
        return bool(self.packages)

    def cupy_packages(self):
        return self.packages

    def cupy_version(self):
        return "14.0.1"

    def runtime_version(self):
        return self.runtime

    def driver_version(self):
        return self.driver

    def driver_release(self):
        return "570.86.10"

    def devices(self):
        return self.cards

    def run_trial(self, device):
        return 42


@pytest.fixture(autouse=True)
def workstation(monkeypatch, tmp_path):
    """No scheduler, and locks of the test's own."""
    for variable in (*SCHEDULERS, "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CUBNM_LEASE_DIR", str(tmp_path / "leases"))


# --- what is there ------------------------------------------------------------------------------------------


def test_a_machine_that_fits_is_available():
    assert devices.unavailable(FakeCuda()) is None
    assert devices.usable_devices(FakeCuda()) == CARDS
    assert devices.unavailable(FakeCuda(driver=(13, 1))) is None


def test_without_a_driver_nothing_is_imported(monkeypatch):
    code = """
    import sys
    from cubnm_core.backends.cuda import devices, driver
    driver.Cuda.has_driver = lambda self: False
    print(devices.unavailable(), "cupy" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.stdout.strip() == "NVIDIA's driver is not installed False"


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_devices_are_not_looked_for(monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert "hides all devices" in devices.unavailable(FakeCuda())


def test_the_message_says_which_extra_brings_cupy():
    with pytest.raises(InputError, match=r"CuPy is not installed; .*\[cuda12\].*\[cuda13\]"):
        devices.usable_devices(FakeCuda(packages=()))
    with pytest.raises(InputError, match="cupy-cuda12x, cupy-cuda13x; uninstall all"):
        devices.usable_devices(FakeCuda(packages=("cupy-cuda12x", "cupy-cuda13x")))


def test_a_driver_that_is_too_old_is_named_with_cupy_and_cuda():
    named = "driver 570.86.10, which supports CUDA up to 12.8; CuPy 14.0.1, built for CUDA 13.0"
    remedy = r"a driver from 580 on, or .* extra cuda12: pip uninstall .*; pip install '.\[cuda12\]'"
    with pytest.raises(InputError, match=f"{named}; install {remedy}"):
        devices.usable_devices(FakeCuda(runtime=(13, 0)))
    with pytest.raises(InputError, match=r"CUDA up to 11\.4; .* install a driver from 525 on$"):
        devices.usable_devices(FakeCuda(driver=(11, 4)))


def test_old_cards_are_passed_over_or_refused():
    kepler, volta = (
        replace(CARDS[0], name=n, compute_capability=c) for n, c in (("K80", (3, 7)), ("V100", (7, 0)))
    )
    assert devices.usable_devices(FakeCuda([kepler, CARDS[1]])) == [CARDS[1]]
    assert devices.usable_devices(FakeCuda([volta])) == [volta]
    with pytest.raises(InputError, match=r"7\.0 or higher is needed; found K80 \(3\.7\)$"):
        devices.usable_devices(FakeCuda([kepler]))
    with pytest.raises(InputError, match=r"7\.5 or higher is needed; found V100 \(7\.0\); CUDA 12 supports"):
        devices.usable_devices(FakeCuda([volta], driver=(13, 0), runtime=(13, 0)))


def test_cuda_that_does_not_start_says_why(monkeypatch):
    def broken(self):
        raise RuntimeError("cudaErrorSystemDriverMismatch")

    assert "finds no device" in devices.unavailable(FakeCuda([]))
    monkeypatch.setattr(FakeCuda, "devices", broken)
    assert "does not start: cudaErrorSystemDriverMismatch; driver 570" in devices.unavailable(FakeCuda())
    monkeypatch.setattr(FakeCuda, "driver_version", broken)
    assert "supports CUDA up to unknown; CuPy 14.0.1" in devices.unavailable(FakeCuda())


def test_a_kernel_that_cannot_be_compiled_or_run_is_told_once_with_the_remedy(monkeypatch):
    asked = []

    def no_compiler(self, device):
        asked.append(device)
        raise RuntimeError("CuPy failed to load libnvrtc.so.12")

    monkeypatch.setattr(FakeCuda, "run_trial", no_compiler)
    cuda = FakeCuda()
    told = devices.unavailable(cuda)
    assert "NVIDIA A100 (RuntimeError: CuPy failed to load libnvrtc.so.12)" in told
    assert "driver 570.86.10" in told and told.endswith("pip install '.[cuda12]'")
    assert devices.unavailable(cuda) == told and asked == CARDS[:1]
    monkeypatch.setattr(FakeCuda, "run_trial", lambda self, device: 0)
    assert "it wrote 0 in place of 42" in devices.unavailable(FakeCuda())


def test_the_trial_leaves_devices_of_other_jobs_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(FakeCuda, "run_trial", lambda self, device: asked.append(device) or 42)
    with devices.lease(FakeCuda()):
        assert devices.unavailable(FakeCuda()) is None and asked == CARDS[1:]
        with devices.lease(FakeCuda()):
            assert devices.unavailable(FakeCuda()) is None and asked == CARDS[1:]
    assert devices.lease(FakeCuda()).device == CARDS[0]


@pytest.mark.parametrize("own", [None, "elsewhere"])
def test_cupy_is_told_where_to_keep_kernels_before_it_is_imported(tmp_path, own):
    (tmp_path / "cupy.py").write_text("import os\nkept = os.environ['CUPY_CACHE_DIR']\n")
    code = "from cubnm_core.backends.cuda import driver; print(driver.import_cupy().kept)"
    variables = {**os.environ, "CUBNM_CACHE_DIR": str(tmp_path / "cache")}
    variables["PYTHONPATH"] = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    variables.pop("CUPY_CACHE_DIR", None)
    variables |= {"CUPY_CACHE_DIR": own} if own else {}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables)
    assert done.stdout.strip() == (own or str(tmp_path / "cache" / "cupy")), done.stderr


def test_a_driver_that_does_not_show_its_release(monkeypatch):
    monkeypatch.setattr(devices.Path, "read_text", lambda self: (_ for _ in ()).throw(FileNotFoundError()))
    assert Cuda().driver_release() == "unknown"


def test_the_real_thing_answers_on_any_machine():
    reason = devices.unavailable()
    assert reason is None or len(reason) > 10


# --- leases -------------------------------------------------------------------------------------------------

JOB = """
import logging, sys, time
sys.path.insert(0, sys.argv[1])
from test_devices import FakeCuda
from cubnm_core.backends.cuda import devices
devices._POLL = 0.05
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")
lease = devices.lease(FakeCuda())
print("got", lease.device.index, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start_job():
    """Start a process that leases a device and keeps it until its input closes."""
    started = []

    def start(**variables):
        here = os.path.dirname(__file__)
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", JOB, here],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def device_of(job):
    """Number of the device a job tells of, and the lines before."""
    lines = []
    for line in job.stdout:
        lines.append(line.strip())
        if line.startswith("got"):
            return int(line.split()[1]), lines
    raise AssertionError(lines)


@pytest.mark.slow
def test_jobs_get_different_devices_and_one_more_waits_for_a_killed_one(start_job):
    first, second = start_job(), start_job()
    held = {device_of(first)[0]: first, device_of(second)[0]: second}
    assert set(held) == {0, 1}
    third = start_job()
    line = third.stdout.readline()
    assert line.startswith("All 2 devices are leased by other jobs")
    time.sleep(0.2)
    assert third.poll() is None
    held[1].send_signal(signal.SIGKILL)
    assert device_of(third)[0] == 1


def test_a_released_device_is_free_again(tmp_path):
    with devices.lease(FakeCuda()) as lease:
        assert lease.device.index == 0
        assert devices.lease(FakeCuda()).device.index == 1
    assert devices.lease(FakeCuda()).device.index == 0


def test_a_forked_child_does_not_hold_the_lock_on(monkeypatch):
    monkeypatch.setattr(devices, "_POLL", 0.05)
    lease = devices.lease(FakeCuda(CARDS[:1]))
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    lease._close()  # as if this process had died
    try:
        assert devices.lease(FakeCuda(CARDS[:1])).device == CARDS[0]
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("variable", SCHEDULERS)
def test_a_scheduler_has_chosen_already(monkeypatch, variable):
    monkeypatch.setenv(variable, "17")
    monkeypatch.delenv("CUBNM_LEASE_DIR")
    assert [devices.lease(FakeCuda()).device.index for _ in range(3)] == [0, 0, 0]


def test_jobs_inside_one_allocation_share_its_devices_out_when_asked(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    kept = [devices.lease(FakeCuda()) for _ in range(2)]
    assert [lease.device.index for lease in kept] == [0, 1]


def test_the_folder_of_locks_follows_the_cache(monkeypatch, tmp_path):
    assert devices.lease_folder() == tmp_path / "leases"
    monkeypatch.delenv("CUBNM_LEASE_DIR")
    monkeypatch.setenv("CUBNM_CACHE_DIR", str(tmp_path / "cache"))
    assert devices.lease_folder() == tmp_path / "cache" / "leases"


def test_a_folder_that_cannot_be_used_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CUBNM_LEASE_DIR", str(tmp_path / "file" / "leases"))
    with pytest.raises(
        InputError, match=r"Files cannot be locked in .*leases .*; name a local folder in CUBNM_LEASE_DIR"
    ):
        devices.lease(FakeCuda())
