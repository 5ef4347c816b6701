"""How long simulations will be whose duration is to match the scans, as far as it is known beforehand."""

from pathlib import Path
from statistics import mean

from workflow_scripts.configuration.simulation import MATCH
from workflow_scripts.files.archives import Archive

FOLDER = Path("results/targets")
ASSUMED = 900.0  # s, where no scan has been read


def scan_seconds(batches, synthetic, folder=FOLDER):
    """Seconds of scan that the simulations of every person have to match: those of the longest split.

    Parameters
    ----------
    batches : iterable of str
    synthetic : dict or None
        Section ``synthetic`` of a completed configuration.
    folder : path, optional
        With the targets of the splits.

    Returns
    -------
    list of float
        Empty where no targets have been made yet and nothing else says it.
    """
    longest = {}
    for batch in batches:
        for path in sorted(Path(folder).glob(f"batch-{batch}_split-*_target.json")):
            for unit, record in Archive(path).records.items():
                if record.get("run_volumes"):
                    seconds = sum(record["run_volumes"]) * record["repetition_time"]
                    longest[unit] = max(longest.get(unit, 0.0), seconds)
    if not longest and synthetic is not None:
        return [synthetic["scan_duration"]]
    return list(longest.values())


def with_durations(fits, seconds):
    """Put a number where the duration is to match the scans: the mean over people, burn-in included.

    Parameters
    ----------
    fits : dict of str to dict
        Resolved settings by name.
    seconds : list of float
        As of :func:`scan_seconds`.

    Returns
    -------
    dict of str to dict
    """
    matched = mean(seconds) if seconds else ASSUMED
    found = {}
    for name, settings in fits.items():
        simulation = settings["simulation"]
        if simulation["duration"] == MATCH:
            simulation = {**simulation, "duration": simulation["burn_in"] + matched}
        found[name] = {**settings, "simulation": simulation}
    return found


def remarks(fits, seconds):
    """Say what the lengths of matched simulations rest on.

    Parameters
    ----------
    fits, seconds
        As of :func:`with_durations`.

    Returns
    -------
    list of str
        Empty where every duration is stated.
    """
    names = [name for name, settings in fits.items() if settings["simulation"]["duration"] == MATCH]
    if not names:
        return []
    if not seconds:
        known = f"{ASSUMED:g} s of scan a person are assumed; after snakemake prepare they are known"
    elif min(seconds) == max(seconds):
        known = f"{seconds[0]:g} s of scan a person"
    else:
        known = f"{min(seconds):g} to {max(seconds):g} s of scan a person, {mean(seconds):g} s on average"
    return [f"duration: match ({', '.join(names)}): {known}, those of the longer split, and the burn-in"]
