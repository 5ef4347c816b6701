"""The same scan or connectome twice: in one person, who would be tested on it, and between people.

Files are compared by path and content, numbers by what rounding, scale and format leave as it is.
"""

import os

import numpy as np

from cubnm_core.measures import copies
from workflow_scripts.files import job

WINDOW = 50  # volumes at both ends of a scan by which truncated copies are found
SETTLING = 10  # volumes at the start that look alike in everybody
PURPOSE = {"train": "fit", "test": "hold out"}


def within_person(rows, scans):
    """Find runs of a person that are there twice; those that train stay, and of others the first.

    Parameters
    ----------
    rows : dict of str to dict
        By run, the rows of the manifest.
    scans : dict of str to workflow_scripts.preparation.prepare_bold.Scan
        Those that could be read.

    Returns
    -------
    dict of str to (str, str)
        Run that is left out, to the run that it repeats, and the reason.
    """
    order = sorted(rows, key=lambda name: rows[name]["role"] == "test")
    found = {}
    for place, name in enumerate(order):
        for other in (other for other in order[:place] if other not in found):
            if (same := _same_run(name, other, rows, scans)) is not None:
                found[name] = other, f"{rows[name]['path']}: {same}"
                break
    return found


def _same_run(name, other, rows, scans):
    """Say how a run repeats another one, or None."""
    mine, its = rows[name]["path"], rows[other]["path"]
    variables = rows[name]["variable"], rows[other]["variable"]
    if _real(mine) == _real(its) and variables[0] == variables[1]:
        return f"the same file as run {other}"
    if name not in scans or other not in scans:
        return None
    if variables[0] == variables[1] and job.sha256(mine) == job.sha256(its):
        return f"the same bytes as run {other} ({its})"
    bold = [scans[run].bold for run in (name, other)]
    common = copies.shared_volumes(*bold)
    if not common:
        return None
    return f"{common} of its {len(bold[0])} volumes are those of run {other} ({its}), whatever their order"


def _real(path):
    return os.path.realpath(path)


def lost_roles(rows, twice):
    """Say why a person cannot be used of whom every run that trains, or is held out, is left out."""
    kept = {row["role"] for name, row in rows.items() if name not in twice}
    return [
        f"run {name}: {reason}, so nothing is left to {PURPOSE[rows[name]['role']]}: a model would be tested "
        "on the scan that it was fitted to; name another file in the manifest, or hold out halves (holdout: "
        "split_half)"
        for name, (_, reason) in twice.items()
        if rows[name]["role"] in PURPOSE and not kept & {rows[name]["role"], "both", None}
    ]


def notes(record):
    """Say which runs of a person were left out because they are there twice."""
    return [f"run {name} is left out: {reason}" for name, reason in (record.get("twice") or {}).items()]


def sketches(bold):
    """Sketch the FC of a scan, of its beginning and of its end: copies have one of them in common.

    Parameters
    ----------
    bold : (V, N) array
        Volumes that count; NaN for missing nodes.

    Returns
    -------
    list of list of float
    """
    parts = bold, bold[SETTLING : SETTLING + WINDOW], bold[-WINDOW:]
    return [copies.sketch(_fc(part)).tolist() for part in parts]


def _fc(bold):
    """FC as a vector; NaN for missing nodes."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(bold.T)[np.tril_indices(bold.shape[1], -1)]


def between_people(units, connectomes, scans):
    """Find scans and connectomes that several units have.

    Parameters
    ----------
    units : list of str
        In the order of the cohort: of two, the first one is the original.
    connectomes, scans : workflow_scripts.files.archives.Archive
        Aligned connectomes, and prepared scans.

    Returns
    -------
    list of dict
        ``kind`` ("scan" or "connectome"), ``unit``, ``other`` (which comes first) and ``told``, in words. One
        file that is named for several people as their connectome is none (see :func:`shared_connectomes`).
    """
    return [*_same_scans(units, scans), *_same_connectomes(units, connectomes)]


def shared_connectomes(units, connectomes):
    """Find connectomes that the manifest names for several participants: dict of path to list of units."""
    found = {}
    for unit in units:
        for key in _files(connectomes.records[unit]):
            found.setdefault(key, []).append(unit)
    participants = {unit: connectomes.records[unit]["participant_id"] for unit in units}
    return {
        path: members
        for (path, _), members in found.items()
        if len({participants[unit] for unit in members}) > 1
    }


def _files(record):
    """Paths and variables of the weights of a person."""
    return [(source["path"], source["variable"]) for source in record["sources"] if source["kind"] == "sc"]


def _same_scans(units, scans):
    runs = [
        (unit, name, run) for unit in units for name, run in (scans.records[unit].get("runs") or {}).items()
    ]
    sketches = [run["sketches"] for _, _, run in runs]
    marks = [(run["sha256"], run["variable"]) for _, _, run in runs]

    def compare(one, other):
        return None if runs[one][0] == runs[other][0] else _same_numbers(scans, runs[one], runs[other])

    found, seen = [], set()
    for one, other, how in _groups(marks, zip(*sketches, strict=True), compare):
        (first, its, original), (unit, name, run) = runs[one], runs[other]
        if first != unit and (first, unit) not in seen:
            seen.add((first, unit))
            where = f"its run {name} ({run['path']}) is run {its} of {first} ({original['path']})"
            found.append({"kind": "scan", "unit": unit, "other": first, "told": f"{where}: {how}"})
    return found


def _same_numbers(scans, one, other):
    """Say how many volumes two runs have in common, or None; each a unit, a run and its facts."""
    bold = [scans.arrays(unit).get(f"run-{name}") for unit, name, _ in (one, other)]
    common = 0 if any(each is None for each in bold) else copies.shared_volumes(*bold)
    return f"{common} volumes in common, whatever their rounding and order" if common else None


def _same_connectomes(units, connectomes):
    owners = {}  # one unit for every set of files: several with the same ones share a connectome
    for unit in units:
        if connectomes.records[unit].get("sketch"):
            owners.setdefault(tuple(_files(connectomes.records[unit])), unit)
    names = list(owners.values())
    records = [connectomes.records[unit] for unit in names]
    marks = [
        tuple((each["sha256"], each["variable"]) for each in record["sources"] if each["kind"] == "sc")
        for record in records
    ]

    def compare(one, other):
        equal = copies.are_equal(*(_vector(connectomes, names[place]) for place in (one, other)))
        return "the same numbers but for rounding and scale" if equal else None

    found = []
    for one, other, how in _groups(marks, [[record["sketch"] for record in records]], compare):
        if records[one]["participant_id"] != records[other]["participant_id"]:
            original, path = (_files(records[place])[0][0] for place in (one, other))
            told = f"its connectome ({path}) is that of {names[one]} ({original}): {how}"
            pair = {"kind": "connectome", "unit": names[other], "other": names[one]}
            found.append({**pair, "told": told})
    return found


def same_fc(units, targets):
    """Find FC computed elsewhere that several participants have; of scans, these themselves are compared.

    Parameters
    ----------
    units : list of str
        In the order of the cohort.
    targets : dict of str to workflow_scripts.files.archives.Archive
        By split.

    Returns
    -------
    list of dict
        As of :func:`between_people`, with the kind "FC".
    """
    things = [
        (unit, split)
        for unit in units
        for split, archive in targets.items()
        if archive.records[unit].get("precomputed") and archive.records[unit]["status"] == "ok"
    ]
    vectors = [targets[split].arrays(unit)["fc"] for unit, split in things]

    def compare(one, other):
        equal = copies.are_equal(vectors[one], vectors[other])
        return "the same numbers but for rounding and scale" if equal else None

    sketches = [[copies.sketch(vector).tolist() for vector in vectors]]
    found, seen = [], set()
    for one, other, how in _groups(list(range(len(things))), sketches, compare):
        (first, its), (unit, split) = things[one], things[other]
        ids = [targets[which].records[name]["participant_id"] for name, which in (things[one], things[other])]
        if ids[0] != ids[1] and (first, unit) not in seen:
            seen.add((first, unit))
            told = f"its FC ({split}) is that of {first} ({its}): {how}"
            found.append({"kind": "FC", "unit": unit, "other": first, "told": told})
    return found


def _vector(connectomes, unit):
    weights = connectomes.arrays(unit)["weights"]
    return weights[np.tril_indices(len(weights), -1)]


def _groups(marks, sketches, compare):
    """Put equal things together, each with the first of its group.

    Parameters
    ----------
    marks : list
        Equal for things of equal content.
    sketches : iterable of list of sketches
        Things that are alike in one of them are compared.
    compare : callable
        From two places to how their numbers are equal, in words, or None.

    Returns
    -------
    list of (int, int, str)
        The first one, another one, and how they are equal.
    """
    first, found = {}, []
    for place, mark in enumerate(marks):
        if (original := first.setdefault(mark, place)) != place:
            found.append((original, place, "the same bytes"))
    root = {place: original for original, place, _ in found}
    pairs = {pair for each in sketches for pair in copies.alike(list(each))}
    for one, other in sorted(pairs):
        one, other = sorted((root.get(one, one), root.get(other, other)))
        if one != other and (how := compare(one, other)) is not None:
            found.append((one, other, how))
            root |= {place: one for place in [other, *(each for each in root if root[each] == other)]}
    return found


def excluded(found):
    """Exclude whoever has what an earlier one has: dict of unit to reason."""
    reasons = {}
    for each in found:
        if each["other"] not in reasons:
            told = f"{each['told']}; of such people the first stays in (bold.duplicates: exclude)"
            reasons.setdefault(each["unit"], told)
    return reasons


def flags(found):
    """Say of every unit what it has in common with others: dict of unit to list of str."""
    told = {}
    for each in found:
        for unit, other in ((each["unit"], each["other"]), (each["other"], each["unit"])):
            told.setdefault(unit, []).append(
                f"the same {each['kind']} as {other}: find out whose it is, and remove the other row"
            )
    return told
