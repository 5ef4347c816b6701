"""JSON files beside data files, and the repetition times that they and their like state."""

import json
import os
import re
from functools import lru_cache, partial
from pathlib import Path

from cubnm_core.errors import InputError
from workflow_scripts.files import pointers
from workflow_scripts.files.cells import is_missing
from workflow_scripts.readers.matrix import reading

TOLERANCE = 1e-3  # s: two statements of a repetition time that differ by less agree
ENDINGS = (".ptseries.nii", ".dtseries.nii", ".pconn.nii", ".shape.gii", ".func.gii", ".dense.tsv", ".nii.gz")
# Keys that tell of filters; and those by which XCP-D's own files are known, whether or not it filtered.
FILTERS = ("SoftwareFilters", "Freq Band")
DENOISED = ("NuisanceParameters", "nuisance parameters", "nuissance parameters")
# What one run of XCP-D calls its files; the parts that the denoised scan does not have.
XCPD_PARTS = re.compile(r"_(atlas|seg|stat|den|hash)-[A-Za-z0-9+]+")


def beside(path):
    """Name the JSON file that describes a file: the same name, with another ending."""
    path = str(path)
    ending = next((ending for ending in ENDINGS if path.endswith(ending)), Path(path).suffix)
    return path.removesuffix(ending) + ".json"


def read(path):
    """Read a JSON file that describes data.

    Parameters
    ----------
    path : str

    Returns
    -------
    dict
        Empty if there is no such file.

    Raises
    ------
    InputError
        If it is no JSON object, or states two values of one key.
    """
    if not Path(path).is_file():
        return {}
    pointers.check_fetched(path)
    with reading(path, "a JSON file"):
        text = Path(path).read_text(encoding="utf-8-sig")
        found = json.loads(text, object_pairs_hook=partial(_stated_once, path, text))
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds {type(found).__name__}, but a JSON object is needed")
    return found


def _stated_once(path, text, pairs):
    """Make a dict of the keys and values of an object; equal values of a key that stands twice do no harm."""
    found = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            word = re.compile(rf"{re.escape(json.dumps(key))}\s*:")
            lines = [str(text.count("\n", 0, match.start()) + 1) for match in word.finditer(text)]
            raise InputError(
                f"{path}: the key {key!r} has two values, {found[key]!r} and {value!r} (lines "
                f"{' and '.join(lines)}); delete one of them"
            )
        found[key] = value
    return found


def repetition_time(path):
    """Find the repetition time in a JSON file.

    Parameters
    ----------
    path : str

    Returns
    -------
    float or None
        ``RepetitionTime`` in s, or one over ``SamplingFrequency`` in Hz where that is a number; XCP-D writes
        the word TR there, which says nothing.

    Raises
    ------
    InputError
        If it is no number of seconds.
    """
    found = read(path)
    time, frequency = found.get("RepetitionTime"), found.get("SamplingFrequency")
    if time is None and _is_number(frequency) and frequency > 0:
        time = 1 / frequency
    return None if time is None else checked(time, f"{path}: RepetitionTime")


def band(found):
    """Give the band-pass filter that a scan has been through.

    Parameters
    ----------
    found : dict
        Content of a JSON file. ``SoftwareFilters`` is read as XCP-D writes it: filters by name, each with its
        cut-offs in Hz; ``Freq Band`` as its first releases did.

    Returns
    -------
    low, high : float or None
        Cut-offs in Hz; None where nothing is cut off.
    """
    low = high = None
    first = found.get("Freq Band")
    if isinstance(first, list) and len(first) == 2 and all(map(_is_number, first)):
        low, high = (float(edge) if edge > 0 else None for edge in first)
    filters = found.get("SoftwareFilters")
    for name, settings in filters.items() if isinstance(filters, dict) else ():
        for key, value in settings.items() if isinstance(settings, dict) else ():
            if not _is_number(value) or "cutoff" not in key.lower():
                continue
            words = f"{name} {key}".lower() if key.lower().startswith("cutoff") else key.lower()
            if "high-pass" in words:
                low = float(value)
            elif "low-pass" in words:
                high = float(value)
    return low, high


def filter_order(found):
    """Give the order of that filter in each direction, half of what XCP-D states; None if unknown."""
    filters = found.get("SoftwareFilters")
    stated = {
        settings.get("Filter order")
        for settings in (filters.values() if isinstance(filters, dict) else ())
        if isinstance(settings, dict)
    }
    order = stated.pop() if len(stated) == 1 else None
    return int(order) // 2 if _is_number(order) and order >= 2 and order % 2 == 0 else None


def says_filter(found):
    """Say whether a JSON file tells of filters: XCP-D leaves the key out, or empty, where it applied none.

    Filters without cut-offs that can be read say nothing: whether the scan was filtered stays unknown.
    """
    stated = [found.get(word) for word in FILTERS]
    is_empty = all(not value or (isinstance(value, str) and is_missing(value)) for value in stated)
    numbers = found.get("Freq Band")
    is_read = isinstance(numbers, list) and len(numbers) == 2 and all(map(_is_number, numbers))
    if not is_empty and band(found) == (None, None) and not is_read:
        return False
    return any(word in found for word in (*FILTERS, *DENOISED))


def stated_filter(path):
    """Find what the JSON files of a scan say of the filter that it has been through.

    Parameters
    ----------
    path : str
        Of the scan.

    Returns
    -------
    source : str or None
        The JSON file; None where none tells of filters.
    band : (low, high)
        As of :func:`band`.
    order : int or None
        As of :func:`filter_order`.

    Raises
    ------
    InputError
        If a file is no JSON object.
    """
    for name in descriptions(path):
        found = read(name)
        if says_filter(found):
            return name, band(found), filter_order(found)
    return None, (None, None), None


def descriptions(path):
    """Name the JSON files that describe a scan, that of the denoised scan first, as far as there are any."""
    return [name for name in (*denoised_beside(path)[0], beside(path)) if os.path.isfile(name)]


def checked(seconds, place):
    """Refuse a repetition time that cannot be one in seconds.

    Raises
    ------
    InputError
        Naming `place`.
    """
    if not _is_number(seconds) or not 0 < seconds <= 20:
        raise InputError(f"{place} is {seconds!r}, not a number of seconds between 0 and 20; correct it")
    return float(seconds)


def denoised_beside(path):
    """Name the files beside a time series of XCP-D that may state its repetition time.

    Parameters
    ----------
    path : str

    Returns
    -------
    descriptions : list of str
        JSON files of the denoised scan.
    ptseries : str or None
        The time series in CIFTI.
    """
    folder, name = os.path.split(path)
    bare = XCPD_PARTS.sub("", re.sub(r"_timeseries.*$", "", name)) + "_"
    place = folder or "."
    names = _denoised(place, os.stat(place).st_mtime_ns) if os.path.isdir(place) else ()
    found = [os.path.join(folder, other) for other in names if other.startswith(bare)]
    ptseries = re.sub(r"\.tsv$", ".ptseries.nii", path)
    return found, ptseries if os.path.isfile(ptseries) else None


@lru_cache(maxsize=16)
def _denoised(folder, changed):
    """Name the JSON files of denoised scans in a folder as of a time; one folder may hold a whole cohort."""
    return tuple(
        sorted(name for name in os.listdir(folder) if name.endswith("_bold.json") and "desc-denoised" in name)
    )


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
