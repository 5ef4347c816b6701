"""Rule quality_control: one row per person on what went in, before any fit; nobody is excluded by it."""

from collections import Counter
from functools import partial

import numpy as np

from cubnm_core.connectomes.scaling import robust_z, similarity_to_others
from cubnm_core.errors import InputError
from workflow_scripts.cohort import tables
from workflow_scripts.cohort.units import Unit, from_records
from workflow_scripts.files import archives, job
from workflow_scripts.preparation import duplicates
from workflow_scripts.preparation.group import use_readable

SHORT_RUN = 300.0  # s
CLEARLY_UNLIKE = 0.1  # of a correlation: smaller distances from the median are no sign of another order
SAME_STRENGTH = 0.01  # share of the median: closer strengths differ by rounding
MOTION_COLUMN = "mean_fd"


def main(sm):
    """Write the table of quality control."""
    logger = job.start(sm)
    connectomes, scans = archives.Archive(sm.input.connectomes), archives.Archive(sm.input.scans)
    targets = archives.by_split(sm.input.targets, sm.params.splits)
    common = job.read_json(sm.input.common)
    check_node_sets([connectomes, *targets.values()], common["node_set"])
    stated = stated_motion(sm.input.participants)
    units = from_records(sm.params.units)
    same_fc = duplicates.same_fc([unit.name for unit in units], targets)
    told = duplicates.flags([*common.get("duplicates", []), *same_fc])
    rows = [row_of(unit, connectomes, scans, targets, stated) for unit in units]
    add_likeness(rows, units, connectomes, targets[sm.params.splits[0]])
    lacking = missing_counts(sm.input.missing)
    for row, unit in zip(rows, units, strict=True):
        row["missing_nodes"] = lacking.get(unit.key, 0)
    add_flags(rows, sm.params.limits)
    shared = {name: len(group) for group in common.get("shared_connectomes", {}).values() for name in group}
    for row, unit in zip(rows, units, strict=True):
        row["sharing_connectome"] = shared.get(unit.name)
        row["flags"] = "; ".join(filter(None, [*told.get(unit.name, ()), row["flags"]]))
        row["reasons"] = "; ".join(why_excluded(unit.name, [connectomes, scans, *targets.values()]))
    job.write_tsv(sm.output[0], rows)
    for row, unit in zip(rows, units, strict=True):
        if row["flags"]:
            logger.warning("%s: %s", unit, row["flags"])
    tell_who_is_in(units, [connectomes, scans, *targets.values()], logger)


def tell_who_is_in(units, archived, logger):
    """Log whose files can be used, and of the others why not: what to look at before anything is fitted."""
    excluded = {unit.name: reasons for unit in units if (reasons := why_excluded(unit.name, archived))}
    for unit, reasons in excluded.items():
        logger.warning("%s cannot be fitted: %s", unit, "; ".join(reasons))
    logger.info("%d of %d units can be fitted", len(units) - len(excluded), len(units))


def why_excluded(unit, archived):
    """Collect why somebody cannot be used, from connectome, scans and targets; nothing for all others."""
    records = [archive.records[unit] for archive in archived]
    return list(dict.fromkeys(text for r in records if r["status"] != "ok" for text in r["reasons"]))


def check_node_sets(archived, node_set):
    """Refuse files that were made for other nodes than the cohort has now.

    Raises
    ------
    InputError
        Naming how many people are concerned.
    """
    old = {
        unit
        for archive in archived
        for unit, record in archive.records.items()
        if record.get("node_set", node_set) != node_set
    }
    if old:
        raise InputError(
            "the nodes that everybody has (or the scale of the connectomes) are others since people were "
            f"added; the files of {len(old)} people were made before: start the workflow again, and they are "
            "made anew"
        )


def row_of(unit, connectomes, scans, targets, stated):
    """Collect what is known of one person's files."""
    name = unit.name
    connectome, bold = connectomes.records[name], scans.records[name]
    weights, runs = connectome.get("qc") or {}, list((bold.get("runs") or {}).values())
    row = {**unit.ids, "connectome": connectome["status"], "bold": bold["status"]}
    row |= {key: weights.get(key) for key in ("nodes", "density", "raw_sum", "largest_component")}
    row["isolated_nodes"] = len(weights["isolated_nodes"]) if "isolated_nodes" in weights else None
    row["scale_factor"] = connectome.get("scale_factor")
    row["runs"] = len(runs)
    row["shortest_run"] = min((run["volumes_kept"] * run["repetition_time"] for run in runs), default=None)
    row["mean_fd"] = mean_displacement(runs, stated.get(unit.key))
    row["filter"] = ", ".join(dict.fromkeys(run["filter"] for run in runs)) or None
    for split, archive in targets.items():
        record = archive.records[name]
        row[f"volumes_{split}"] = record.get("volumes")
        row[f"censored_{split}"] = record.get("censored_volumes")
        row[f"windows_{split}"] = record.get("windows")
    first = next(iter(targets.values())).records[name]
    row["repetition_time"] = first.get("repetition_time")
    told = [
        f"{split}: {note}" for split, each in targets.items() for note in each.records[name].get("notes", [])
    ]
    notes = [
        *weights.get("notes", []),
        *duplicates.notes(bold),
        *(note for run in runs for note in run["notes"]),
        *told,
    ]
    return {**row, "notes": "; ".join(dict.fromkeys(notes))}


def mean_displacement(runs, stated):
    """Give the mean framewise displacement in mm of the runs, or what the participants table says."""
    known = [run for run in runs if run.get("mean_fd") is not None]
    if not known:
        return stated
    volumes = [run["volumes"] for run in known]
    return float(np.average([run["mean_fd"] for run in known], weights=volumes))


def stated_motion(paths):
    """Read the column mean_fd of the participants table, by :attr:`Unit.key`."""
    paths = [paths] if isinstance(paths, str) else list(paths)
    found = {}
    for row in tables.read_participants(paths[0]) if paths else []:
        if row.get(MOTION_COLUMN) is not None:
            found[Unit(row["participant_id"], row["session_id"] or "").key] = _number(paths[0], row)
    return found


def _number(path, row):
    try:
        return float(row[MOTION_COLUMN])
    except ValueError:
        raise InputError(
            f"{path}: {MOTION_COLUMN} of {row['participant_id']} is {row[MOTION_COLUMN]!r} and not a number "
            "of mm; correct it, or write n/a"
        ) from None


def missing_counts(path):
    """Count the nodes that every person lacks, by :attr:`Unit.key`."""
    from workflow_scripts.files.result_tables import read_texts

    rows = read_texts(path).drop_duplicates(["participant_id", "session_id", "label"])
    return Counter(zip(rows["participant_id"], rows["session_id"], strict=True))


class Vectors:
    """One vector per person, read from the archive whenever it is gone through.

    Parameters
    ----------
    archive : archives.Archive
    units : sequence of str
    vector : callable
        From the arrays of a unit to a vector.
    """

    def __init__(self, archive, units, vector):
        self.archive, self.units, self.vector = archive, units, vector

    def __iter__(self):
        return (self.vector(self.archive.arrays(unit)) for unit in self.units)


def add_likeness(rows, units, connectomes, targets):
    """Add how like the others' every connectome and FC is: labels in another order make it small."""
    for name, archive, vector in (
        ("sc_similarity", connectomes, lambda arrays: np.log1p(lower_triangle(arrays["weights"]))),
        ("fc_similarity", targets, lambda arrays: arrays["fc"]),
    ):
        usable = [unit for unit in units if archive.records[unit.name]["status"] == "ok"]
        likeness = partial(_likeness, archive, vector)
        found, damaged = use_readable(usable, likeness)
        for row, unit in zip(rows, units, strict=True):
            row[name] = found.get(unit.name)
            row["notes"] = "; ".join(filter(None, [row["notes"], *damaged.get(unit.name, [])]))


def _likeness(archive, vector, units):
    """How like the others' every vector is, by name of the unit."""
    names = [unit.name for unit in units]
    return dict(zip(names, similarity_to_others(Vectors(archive, names, vector)), strict=True))


def lower_triangle(matrix):
    """Give the entries below the diagonal."""
    return matrix[np.tril_indices(len(matrix), -1)]


def add_flags(rows, limits):
    """Add what a person should look at, in words."""
    usual = usual_time(rows)
    sums = np.array([np.nan if row["raw_sum"] is None else row["raw_sum"] for row in rows], dtype=float)
    strength = np.where(np.abs(sums / np.nanmedian(sums) - 1) > SAME_STRENGTH, robust_z(sums), 0.0)
    unlike = {
        name: unlike_others(rows, name, limits["outlier"]) for name in ("sc_similarity", "fc_similarity")
    }
    for number, row in enumerate(rows):
        found = {
            "unlike the connectomes of the others: check the order of its nodes": unlike["sc_similarity"][
                number
            ],
            "unlike the FC of the others: check the order of its nodes": unlike["fc_similarity"][number],
            "the order of the nodes is doubtful: see the notes": "check assume_order" in row["notes"],
            "a run is there twice: see the notes": "is left out: " in row["notes"],
            "another repetition time than most people": row["repetition_time"] not in (None, usual),
            "total strength is an outlier": abs(strength[number]) > limits["outlier"],
            "isolated nodes": bool(row["isolated_nodes"]),
            "the connectome falls into parts": _less(row["largest_component"], row["nodes"]),
            "nodes are missing": row["missing_nodes"] > 0,
            f"a run is shorter than {SHORT_RUN / 60:.0f} minutes": _less(row["shortest_run"], SHORT_RUN),
            f"mean framewise displacement above {limits['mean_fd']:g} mm": _less(
                limits["mean_fd"], row["mean_fd"]
            ),
        }
        row["flags"] = "; ".join(words for words, holds in found.items() if holds)


def usual_time(rows):
    """Give the repetition time that most people have; None if nobody's is known."""
    times = Counter(row["repetition_time"] for row in rows if row["repetition_time"] is not None)
    return times.most_common(1)[0][0] if times else None


def unlike_others(rows, name, outlier):
    """Say who is less like the others than the others are among themselves."""
    values = np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
    if not np.isfinite(values).any():
        return np.zeros(len(rows), dtype=bool)
    return (robust_z(values) < -outlier) & (values < np.nanmedian(values) - CLEARLY_UNLIKE)


def _less(small, large):
    """Compare two numbers of which either may be unknown."""
    return small is not None and large is not None and small < large


if "snakemake" in globals():
    main(snakemake)
