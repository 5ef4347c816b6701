"""Who writes the histories of a fit and batch: locks that the operating system releases with the process.

The job of the fit comes first: it says by a second lock that it waits, and a job that only borrows the
histories lets go of them. Locks are trusted on local disks alone, and only where no scheduler spreads jobs
over machines.
"""

import fcntl
import logging
import os
from pathlib import Path

from workflow_scripts.files import job
from workflow_scripts.files.damage import Damaged

LOGGER = logging.getLogger(__name__)
FOLDER = ".shared"  # beside the histories
SETTINGS = "settings.json"
#: File systems whose locks all processes of a machine see, and no other machine writes to.
LOCAL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay"}
#: Variables of schedulers that start jobs on other machines.
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "KUBERNETES_SERVICE_HOST")
MOUNTS = Path("/proc/self/mountinfo")


def write(folder, fits):
    """Leave the settings of all fits where jobs find them: as parameters of a job they would rerun it.

    Parameters
    ----------
    folder : path
        Of the histories of all fits.
    fits : dict of str to dict
        Resolved settings.
    """
    job.write_json(Path(folder) / FOLDER / SETTINGS, fits)


def read(folder):
    """Settings of all fits, by name; none where nobody has left them, or the file is damaged."""
    path = Path(folder) / FOLDER / SETTINGS
    try:
        return dict(job.read_json(path)) if path.exists() else {}
    except (Damaged, TypeError, ValueError) as error:
        LOGGER.warning("%s; no packs are shared", error)
        return {}


def allowed(folder, environment=os.environ):
    """Say whether jobs may share their packs, with histories in this folder."""
    return not any(name in environment for name in SCHEDULERS) and _file_system(folder) in LOCAL


def _file_system(folder):
    """Type of the file system of a folder; None where it cannot be known."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return None
    folder, found = Path(folder).resolve(), {}
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        if folder.is_relative_to(point):
            found[point] = after.split()[0]  # the last one mounted there is on top
    return found[max(found, key=lambda point: len(point.parts))] if found else None


class Claim:
    """The right to write the histories of a fit and batch.

    Parameters
    ----------
    folder : path
        Of the histories of all fits.
    fit, batch : str
    """

    def __init__(self, folder, fit, batch):
        self._held, self._wanted = (
            Path(folder) / FOLDER / f"{fit}_batch-{batch}.{kind}" for kind in ("held", "wanted")
        )
        self._files = []

    def take(self):
        """Take it, as the job it belongs to: whoever only borrows it lets go after the pack that runs."""
        self._lock(self._wanted)
        if not self.borrow():
            LOGGER.info("Another job advances these fits in its pack; waiting until this pack has run")
            self._lock(self._held)

    def borrow(self):
        """Take it if nobody has it; say whether."""
        return self._lock(self._held, fcntl.LOCK_NB)

    @property
    def is_wanted(self):
        """Whether the job it belongs to waits for it."""
        if not self._lock(self._wanted, fcntl.LOCK_NB):
            return True
        self._files.pop().close()
        return False

    def release(self):
        """Let others have it."""
        while self._files:
            self._files.pop().close()

    def _lock(self, path, how=0):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | how)
        except BlockingIOError:
            file.close()
            return False
        self._files.append(file)
        return True
