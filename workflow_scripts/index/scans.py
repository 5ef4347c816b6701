"""What scans of a cohort say: filters of all; of a few, length, repetition time and censored volumes."""

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
    bands : dict of (low, high, order) to list of str
        Filters that JSON files of scans state, cut-offs in Hz and order, each None if not given; and whose
        scans have been through them. Of all scans.
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
    bands: dict = field(default_factory=dict)
    field_strengths: set = field(default_factory=set)
    echo_times: set = field(default_factory=set)
    removed: bool = False


def look(rows):
    """Read the JSON files beside all scans, and a few scans with their masks.

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
    for row in scans:
        _add_filter(facts, row)
    for row in (scans[place] for place in places):
        _add_scanner(facts, row["path"])
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


def _add_filter(facts, row):
    """Note whose scans have been through which filter."""
    try:
        source, band, order = sidecar.stated_filter(row["path"])
    except InputError:
        return  # the workflow says why, and excludes its person
    if source is not None:
        people = facts.bands.setdefault((*band, order), [])
        if row["participant_id"] not in people:
            people.append(row["participant_id"])


def _add_scanner(facts, path):
    """Take field strength and echo time from the JSON files of a scan."""
    for name in sidecar.descriptions(path):
        try:
            told = sidecar.read(name)
        except InputError:
            continue
        strength, echo_time = told.get("MagneticFieldStrength"), told.get("EchoTime")
        if isinstance(strength, (int, float)) and 0 < strength < 20:
            facts.field_strengths.add(float(strength))
        if isinstance(echo_time, (int, float)) and 0 < echo_time < 0.5:
            facts.echo_times.add(float(echo_time))
