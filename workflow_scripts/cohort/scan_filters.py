"""The filter that scans have been through, as the JSON files beside them say, against the settings."""

from math import isclose

from cubnm_core.errors import InputError
from workflow_scripts.readers import sidecar

UNKNOWN = "unknown"
LOOKED_AT = 100  # scans, spread over the cohort, before the first job


def problems(rows, options):
    """Find out before the first job that the settings fit no scan; single scans exclude their person later.

    Parameters
    ----------
    rows : list of dict
        Of the manifest.
    options : dict
        As of :func:`check_filter`.

    Returns
    -------
    list of str
    """
    scans = [row for row in rows if row["kind"] == "bold"]
    found, agree = {}, False
    for row in scans[:: max(1, len(scans) // LOOKED_AT)]:
        try:
            agree |= check_filter(row["path"], options) != UNKNOWN
        except InputError as error:
            found[row["path"]] = str(error)
    if agree or not found:
        return []
    more = f" (the same of {len(found) - 1} other scans)" if len(found) > 1 else ""
    return [next(iter(found.values())) + more]


def check_filter(path, options):
    """Compare what is known of the filter of a scan with the settings.

    Parameters
    ----------
    path : str
        Of the scan.
    options : dict
        ``filtered`` and ``band_pass``, (low, high) in Hz or None, as of the configuration.

    Returns
    -------
    str
        What the JSON files say: ``none``, a band such as ``0.01-0.08``, or ``unknown``.

    Raises
    ------
    InputError
        If they contradict the settings.
    """
    source, band, order = sidecar.stated_filter(path)
    if source is None:
        return UNKNOWN
    problem = disagreement(band, order, options)
    if problem is not None:
        raise InputError(f"{path}: {source} says {problem}")
    return words(band)


def disagreement(band, order, options):
    """Say how the filter of a scan contradicts the settings, and what to do; None where it does not.

    An open side of a filter is not compared: simulations need a band, whose other edge may be as far out as
    the sampling rate allows.
    """
    asked = options["filtered"]
    if band == (None, None):
        if asked is None:
            return None
        return (
            f"that it was not filtered, but bold.filtered is {asked}; set bold.filtered: null, or "
            "bold.band_pass to filter scans and simulations here, or give the filtered scan"
        )
    if asked is not None and all(
        edge is None or isclose(edge, other, rel_tol=1e-3) for edge, other in zip(band, asked, strict=True)
    ):
        return None
    found = f"that it was filtered ({words(band)} Hz), but bold.filtered is {asked or 'null'}"
    if asked is None and options["band_pass"] is not None:
        found += f" and bold.band_pass is {options['band_pass']}, which would filter it again"
    elif asked is None:
        found += ", so that simulations would not be"
    return f"{found}; {_remedy(band, order)}"


def words(band):
    """Write a filter as tables do."""
    low, high = band
    if low is None and high is None:
        return "none"
    return f"{low or 0:g}-{'any' if high is None else f'{high:g}'}"


def _remedy(band, order):
    """Say which setting goes with a filter."""
    low, high = band
    if low is None or high is None:
        return (
            f"set bold.filtered: [{low or 'LOW'}, {high or 'HIGH'}], with an open side as far out as the "
            "sampling rate allows"
        )
    more = "" if order in (None, 2) else f" and bold.filtered_order: {order}"
    return (
        f"set bold.filtered: [{low:g}, {high:g}]{more} and bold.band_pass: null, or, if the others are as "
        "the settings say, give this scan filtered as they are"
    )
