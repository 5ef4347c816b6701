"""The machine a figure was measured on."""

import os
import platform
import re
from pathlib import Path


def describe():
    """Model and number of cores of the processor.

    Returns
    -------
    dict
    """
    fields = _processor_fields()
    return {
        "processor": fields.get("model name", platform.processor() or platform.machine()),
        "family": fields.get("cpu family", ""),
        "model": fields.get("model", ""),
        "has": [name for name in ("avx2", "fma", "avx512f") if name in fields.get("flags", "").split()],
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
    }


def conditions():
    """What else the machine was doing, and how urgent we were.

    Returns
    -------
    dict
        Processes that wanted to run during the last minute, on average; scheduling of this process.
    """
    ordinary = os.sched_getscheduler(0) == os.SCHED_OTHER
    return {
        "load": round(os.getloadavg()[0], 1),
        "scheduling": f"nice {os.nice(0)}" if ordinary else "real time",
    }


def slug(machine):
    """Name of a machine's kind, for file names."""
    words = [machine["processor"]]
    words += [f"family-{machine['family']}-model-{machine['model']}"] if machine["family"] else []
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def _processor_fields():
    """Of the first processor."""
    try:
        text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
