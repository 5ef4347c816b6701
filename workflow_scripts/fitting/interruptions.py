"""How a fit is interrupted without losing anything: a time limit that comes near, and requests to end."""

import logging
import os
import signal
import sys
import time

LOGGER = logging.getLogger(__name__)

#: Exit status of a job that left its fits to a later one (EX_TEMPFAIL of sysexits.h).
PAUSED = 75
#: Set in the jobs of schedulers that enforce time limits.
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
#: Set in jobs that Snakemake submitted, not in those it starts itself inside an allocation of the user's.
SUBMITTED = "CUBNM_SUBMITTED"
MARGIN = 60.0  # s, for writing tables and for the start of the job before its script
_REQUESTS = (signal.SIGTERM, signal.SIGINT)


class TimeLimit:
    """The end of a job that a scheduler would kill, and whether there is time for more before it.

    Parameters
    ----------
    minutes : float or None
        That the job asked for; counts only where this job alone was given to a scheduler.
    environment : mapping, optional
        The environment of the process.
    """

    def __init__(self, minutes, environment=os.environ):
        self._asked = self._longest = None
        ends = []
        if "SLURM_JOB_END_TIME" in environment:
            ends.append(float(environment["SLURM_JOB_END_TIME"]))
        if minutes and SUBMITTED in environment and any(name in environment for name in SCHEDULERS):
            ends.append(time.time() + 60 * minutes)
        self._end = min(ends, default=None)

    def pause(self):
        """Say why to stop before the next pack, or give None; called before every pack."""
        now = time.time()
        if self._asked is not None:
            self._longest = max(self._longest or 0.0, now - self._asked)
        self._asked = now
        if self._end is None:
            return None
        needed = 1.5 * (self._longest or 0.0) + MARGIN
        if now + needed <= self._end:
            return None
        return (
            f"{max(self._end - now, 0):.0f} s are left of the time limit, and another pack of simulations "
            f"may take {needed:.0f} s"
        )


def end_at_once():
    """Let SIGTERM and SIGINT end the process at once, without waiting for simulations that run.

    Every generation is on the disk as soon as it is complete, so that nothing else is lost than those that
    were running.

    Returns
    -------
    callable
        Puts the handlers back that were there before.
    """
    before = {request: signal.signal(request, _end) for request in _REQUESTS}

    def restore():
        for request, handler in before.items():
            signal.signal(request, handler)

    return restore


def _end(request, _):
    """Drop the simulations that run."""
    LOGGER.critical(
        "%s: the generations that are running are dropped, all others are kept; start again to go on",
        signal.Signals(request).name,
    )
    logging.shutdown()
    sys.stderr.flush()
    os._exit(PAUSED)
