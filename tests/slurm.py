"""A real Slurm on this machine: one node that pretends to have two GPUs, for as long as a test needs it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SWITCH = "CUBNM_TEST_SLURM"
# Jobs lose the variables of Slurm, SLURM_CONF among them, and look here.
SYSTEM_CONF = Path("/etc/slurm/slurm.conf")
OWNER = "owner.pid"  # beside the settings: the process that the daemons belong to
PACKAGES = ("slurm-wlm", "munge")
PLUGIN = ("snakemake-executor-plugin-slurm", "snakemake-executor-plugin-slurm-jobstep", "throttler")
SETTINGS = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MinJobAge=300
KillWait=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=4000 Gres=gpu:fake:2
PartitionName=cpu Nodes={host} Default=YES State=UP
PartitionName=gpu Nodes={host} State=UP
"""
CARDS = """
NodeName={host} Name=gpu Type=fake File=/dev/null
NodeName={host} Name=gpu Type=fake File=/dev/zero
"""


def obstacle():
    """Say why there can be no Slurm here; None where there can."""
    if os.environ.get("CI") != "true" and SWITCH not in os.environ:
        return f"installs Slurm from Debian: set {SWITCH}=1, or CI=true, to allow it"
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "a Slurm of its own needs root on Linux"
    if missing() and shutil.which("apt-get") is None:
        return "no slurmctld, and no apt-get to install it with"
    if os.path.lexists(SYSTEM_CONF) and not _left_behind():
        return f"this machine has a Slurm already ({SYSTEM_CONF})"
    return None


def _left_behind():
    """Whether the machine's settings are a link that a run of these tests left when it was killed."""
    if not SYSTEM_CONF.is_symlink():
        return False
    owner = Path(os.readlink(SYSTEM_CONF)).parent / OWNER
    if not SYSTEM_CONF.exists():
        return True
    return owner.exists() and not Path("/proc", owner.read_text(encoding="utf-8")).exists()


def missing():
    """Programs that are not installed."""
    return [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if shutil.which(name) is None]


def install(folder):
    """Install Slurm from Debian where it is missing, and Snakemake's plugin into a folder of its own.

    Next to a Slurm that does not answer, the plugin slows every start of Snakemake by ten seconds; so it is
    kept out of the environment of the tests. Raises CalledProcessError where something cannot be had.
    """
    if missing():
        quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "check": True}
        subprocess.run(["apt-get", "update", "-qq"], capture_output=True, text=True, **quiet)
        get = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        subprocess.run(get, capture_output=True, text=True, **quiet)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PLUGIN]
    subprocess.run(pip, check=True, capture_output=True, text=True)


class LocalSlurm:
    """Daemons of one node; started by `with`, stopped by their process ids.

    Attributes
    ----------
    environment : dict of str to str
        For programs that are to talk to this Slurm.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.daemons = []
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def __enter__(self):
        # First of all: a link that was left behind may point to the very folder that is filled here.
        if _left_behind():
            SYSTEM_CONF.unlink()
        host = socket.gethostname().split(".")[0]
        facts = {"host": host, "folder": self.folder, "ports": _free_ports(2), "cores": os.cpu_count()}
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "slurm.conf").write_text(SETTINGS.format(**facts), encoding="utf-8")
        (self.folder / "gres.conf").write_text(CARDS.format(**facts), encoding="utf-8")
        (self.folder / OWNER).write_text(str(os.getpid()), encoding="utf-8")
        SYSTEM_CONF.symlink_to(self.folder / "slurm.conf")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        munge = ["munged", "-F", "--force", f"--socket={self.folder}/munge.socket", f"--key-file={key}"]
        munge += [f"--{name}-file={self.folder}/munged.{name}" for name in ("pid", "log", "seed")]
        try:
            self._start(munge)
            self._wait((self.folder / "munge.socket").exists)
            self._start(["slurmctld", "-D"])
            self._start(["slurmd", "-D", "-N", host])
            self._wait(self._is_idle)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        SYSTEM_CONF.unlink(missing_ok=True)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _start(self, command):
        with open(self.folder / f"{command[0]}.out", "wb") as out:
            self.daemons.append(
                subprocess.Popen(command, env=self.environment, stdout=out, stderr=subprocess.STDOUT)
            )

    def _is_idle(self):
        shown = ["sinfo", "--noheader", "--format=%T"]
        found = subprocess.run(shown, env=self.environment, capture_output=True, text=True)
        return "idle" in found.stdout

    def _wait(self, ready, seconds=90):
        until = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > until or any(daemon.poll() is not None for daemon in self.daemons):
                logs = "\n".join(path.read_text(errors="replace") for path in self.folder.glob("*.out"))
                raise RuntimeError(f"Slurm does not come up:\n{logs}")
            time.sleep(0.1)


def _free_ports(count):
    """Find ports that nobody listens on."""
    found = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in found]
    for server in found:
        server.close()
    return ports
