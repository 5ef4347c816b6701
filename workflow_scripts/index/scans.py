"""What a few scans of a cohort say of all: length, repetition time, filters, censored volumes."""

import os
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts import readers
from workflow_scripts.files.cells import finite
from workflow_scripts.readers import sidecar

LOOKED_AT = 12  # scans, spread over the cohort


@dataclass
class ScanFacts:
    """What the scans that were looked at have in common.

    Attributes
    ----------
    n_scans : int
        Number of scans that could be read.
    seconds : float or None
        Median length, as far as volumes and repetition times are known.
    repetition_times : set of float
    bands : set of tuple of (float or None, float or None)
        Filters that JSON files state: low and high cut-off in Hz.
    field_strengths : set of float
        In tesla.
    echo_times : set of float
        In s.
    removed : bool
        Whether volumes that masks call censored are missing in every scan that has any.
    """

    n_scans: int = 0
    seconds: float | None = None
    repetition_times: set = field(default_factory=set)
    bands: set = field(default_factory=set)
    field_strengths: set = field(default_factory=set)
    echo_times: set = field(default_factory=set)
    removed: bool = False


def look(rows):
    """Read a few scans, their masks and the JSON files beside them.

    Parameters
    ----------
    rows : list of dict
        Of the manifest; paths as found.

    Returns
    -------
    ScanFacts
    """
    scans = [row for row in rows if row["kind"] == "bold"]
    masks = {_key(row): row for row in rows if row["kind"] == "mask"}
    places = (
        np.unique(np.linspace(0, len(scans) - 1, min(LOOKED_AT, len(scans))).astype(int)) if scans else []
    )
    facts, lengths, treated = ScanFacts(), [], []
    for row in (scans[place] for place in places):
        for path in _descriptions(row["path"]):
            _add_description(facts, path)
        try:
            matrix = readers.read(
                {
                    **row,
                    "repetition_time": _number(row["repetition_time"]),
                    "labels_file": None,
                    "volumes": None,
                }
            )
        except (InputError, OSError):
            continue  # the workflow says why, and excludes its person
        facts.n_scans += 1
        time = matrix.repetition_time or _number(row["repetition_time"])
        volumes = matrix.values.shape[0] if matrix.orientation == "TxN" else matrix.values.shape[1]
        recorded = volumes
        if _key(row) in masks and (censored := _censored(masks[_key(row)])) is not None:
            if censored.any() and len(censored) != volumes:
                treated.append(volumes == np.count_nonzero(~censored))
            elif censored.any():
                treated.append(False)
            recorded = len(censored)
        if time is not None and matrix.orientation is not None:
            facts.repetition_times.add(round(time, 6))
            lengths.append(recorded * time)
    facts.seconds = median(lengths) if lengths else None
    facts.removed = bool(treated) and all(treated)
    return facts


def _key(row):
    return row["participant_id"], row["session_id"], row["run_id"]


def _number(value):
    """Give a repetition time as a number; what the user stated is text."""
    return finite(str(value)) if value is not None else None


def _censored(row):
    """Read a mask; None where it is none."""
    try:
        values = readers.read(row).values
    except (InputError, OSError):
        return None
    return values.ravel() == 1 if 1 in values.shape else None


def _descriptions(path):
    """Name the JSON files that describe a scan."""
    found = [sidecar.beside(path), *sidecar.denoised_beside(path)[0]]
    return [name for name in found if os.path.isfile(name)]


def _add_description(facts, path):
    """Take filter, field strength and echo time from a JSON file."""
    try:
        told = sidecar.read(path)
    except InputError:
        return
    strength = told.get("MagneticFieldStrength")
    if isinstance(strength, (int, float)) and 0 < strength < 20:
        facts.field_strengths.add(float(strength))
    echo_time = told.get("EchoTime")
    if isinstance(echo_time, (int, float)) and 0 < echo_time < 0.5:
        facts.echo_times.add(float(echo_time))
    if "SoftwareFilters" in told:
        facts.bands.add(sidecar.band(told))
