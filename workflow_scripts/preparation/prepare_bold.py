"""Rule prepare_bold: the runs of a batch, volumes by nodes in the order of the node table, checked."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.detrending import detrend
from workflow_scripts import readers
from workflow_scripts.atlases import alignment
from workflow_scripts.cohort import scan_filters, tables
from workflow_scripts.cohort.precomputed_rows import KINDS
from workflow_scripts.files import archives, job
from workflow_scripts.preparation import censoring, duplicates, signals
from workflow_scripts.readers import sidecar

REPETITION_TIME_TOLERANCE = 1e-3  # s
FEW_MINUTES = 300.0  # s: less is worth a word


def main(sm):
    """Read and check every run; a run that cannot be used excludes its person and stops nobody else."""
    logger = job.start(sm)
    labels = [node["label"] for node in tables.read_nodes(sm.input.nodes)]
    people = {}
    for ids in sm.params.units:
        unit = ids["unit"]
        arrays, record = prepare_person(ids, sm.params.rows[unit], labels, sm.params.options)
        notes = [note for run in record["runs"].values() for note in run["notes"]]
        for text in [*record["reasons"], *duplicates.notes(record), *notes]:
            logger.warning("%s: %s", unit, text)
        people[unit] = arrays, record
    archives.write(sm.output.npz, sm.output.json, people)


def prepare_person(ids, rows, labels, options):
    """Give the arrays and the record of one person; without arrays where a run cannot be used."""
    masks, motions, scans = (
        {run_name(row): row for row in rows if row["kind"] == kind} for kind in ("mask", "motion", "bold")
    )
    arrays, runs, reasons, read = {}, {}, {}, {}
    for name, row in scans.items():
        try:
            read[name] = read_scan(row, masks.get(name), motions.get(name), labels, options)
        except InputError as error:
            reasons[name] = str(error).splitlines()
    twice = duplicates.within_person(scans, read)
    for name in [name for name in read if name not in twice]:
        try:
            bold, runs[name] = prepare(read[name], labels, options)
        except InputError as error:
            reasons[name] = str(error).splitlines()
        else:
            arrays |= {f"run-{name}": bold, f"kept-{name}": read[name].kept}
    told = [f"run {name}: {line}" for name in scans for line in reasons.get(name, ())]
    told += duplicates.lost_roles(scans, twice)
    precomputed = [row for row in rows if row["kind"] in KINDS]  # in place of scans
    told += [] if precomputed else _cohort_reasons(scans, runs)
    record = {
        **ids,
        "status": "excluded" if told else "ok",
        "reasons": told,
        "labels": labels,
        "runs": runs,
        "twice": {name: reason for name, (_, reason) in twice.items()},
        "fcd_left_out": _too_short_for_fcd(runs, options["shortest_fcd"]),
        "settings": options,
    }
    return ({} if told else arrays), record


def run_name(row):
    """Name the run of a row of the manifest; "1" where it has no name."""
    return row["run_id"] or "1"


@dataclass(frozen=True, eq=False)
class Scan:
    """A run as it was read.

    Attributes
    ----------
    row : dict
        Of the manifest, of kind bold.
    mask, motion : dict or None
        Its rows of kind mask and motion.
    filter : str
        What its JSON file says of filters, as of :func:`workflow_scripts.cohort.scan_filters.check_filter`.
    bold : (T, N) array
        In time and in the order of the node table; NaN for removed volumes and nodes without a label.
    kept : (T,) bool array
        False for volumes that do not count.
    gaps_known : bool
        As of :func:`workflow_scripts.preparation.censoring.in_time`.
    displacement : (T,) array or None
        In mm.
    repetition_time : float
        In s.
    unused : int
        Labels of the file that are not in the node table.
    matrix : workflow_scripts.readers.matrix.Matrix
    """

    row: dict
    mask: dict | None
    motion: dict | None
    filter: str
    bold: np.ndarray
    kept: np.ndarray
    gaps_known: bool
    displacement: np.ndarray | None
    repetition_time: float
    unused: int
    matrix: object


def read_scan(row, mask, motion, labels, options):
    """Read one run, with what is said about its volumes.

    Parameters
    ----------
    row : dict
        Of the manifest, of kind bold.
    mask, motion : dict or None
        Its rows of kind mask and motion.
    labels : list of str
        Of the node table.
    options : dict
        ``initial_volumes`` to drop, ``fd_threshold`` (mm), ``filtered`` and ``band_pass`` (Hz), and
        ``largest_missing`` (share of nodes), as of the configuration.

    Returns
    -------
    Scan

    Raises
    ------
    InputError
        If a file cannot be read, or contradicts another one.
    """
    told = scan_filters.check_filter(row["path"], options)
    bold, unused, matrix = _volumes_by_nodes(row, labels, options["largest_missing"])
    censored = None if mask is None else censoring.read_mask(mask)
    bold, kept, gaps_known = censoring.in_time(bold, row["censoring"] or "none", censored)
    displacement = None if motion is None else censoring.read_displacement(motion, len(bold))
    kept = censoring.still(kept, displacement, options["fd_threshold"], row)
    first = options["initial_volumes"]
    return Scan(
        row=row,
        mask=mask,
        motion=motion,
        filter=told,
        bold=bold[first:],
        kept=kept[first:],
        gaps_known=gaps_known,
        displacement=None if displacement is None else displacement[first:],
        repetition_time=_repetition_time(row, matrix),
        unused=unused,
        matrix=matrix,
    )


def prepare(scan, labels, options):
    """Check one run and bring it into the form of the analysis.

    Parameters
    ----------
    scan : Scan
    labels : list of str
        Of the node table.
    options : dict
        ``initial_volumes``, ``detrend``, ``zscore``, ``shortest_scan`` (s) and ``largest_missing`` (share of
        nodes), as of the configuration.

    Returns
    -------
    bold : ndarray (T, N)
        In time; NaN for removed volumes and missing nodes.
    facts : dict
        Role, repetition time, volumes, censoring, motion, missing nodes, origin, sketches by which copies are
        found, and notes on quality.

    Raises
    ------
    InputError
        One line per reason why the run cannot be used.
    """
    row, kept, bold = scan.row, scan.kept, scan.bold.copy()
    seconds = np.count_nonzero(kept) * scan.repetition_time
    numbers = np.flatnonzero(kept) + options["initial_volumes"]
    wrong = [*_too_short(seconds, options["shortest_scan"]), *signals.problems(bold[kept], numbers)]
    if wrong:
        raise InputError("\n".join(f"{row['path']}: {text}" for text in wrong))
    missing, frozen = _missing_nodes(bold[kept], labels, row, options["largest_missing"])
    bold[:, missing] = np.nan
    notes = [*scan.matrix.notes, *_notes(scan.unused, kept, seconds), *frozen]
    if not scan.gaps_known:
        notes.append(f"{censoring.UNKNOWN_GAPS}: no FCD, and simulations as long as what is left")
    if scan.matrix.column_labels is None and (doubt := _order_doubt(bold[kept], labels)):
        notes.append(f"{row['path']}: {doubt}")
    displacement = scan.displacement
    facts = {
        "role": row["role"] or "both",
        "repetition_time": scan.repetition_time,
        "volumes": len(bold),
        "volumes_kept": int(np.count_nonzero(kept)),
        "duration": len(bold) * scan.repetition_time,
        "censoring": row["censoring"] or "none",
        "gaps_known": scan.gaps_known,
        "filter": scan.filter,
        "mean_fd": None if displacement is None else float(np.nanmean(displacement)),
        "missing_nodes": np.array(labels)[missing].tolist(),
        "path": row["path"],
        "variable": row["variable"],
        "sha256": job.sha256(row["path"]),
        "mask": _hash(scan.mask),
        "motion": _hash(scan.motion),
        "assume_order": row["assume_order"],
        "sketches": duplicates.sketches(bold[kept]),
        "notes": notes,
    }
    return _clean(bold, kept, options), facts


def _hash(row):
    """Name a file that went with a scan."""
    return None if row is None else {"path": row["path"], "sha256": job.sha256(row["path"])}


def _clean(bold, kept, options):
    """Take out drifts and, where asked, bring every node to mean 0 and standard deviation 1."""
    series = detrend(bold, options["detrend"], kept)
    if not options["zscore"]:
        return series
    return (series - series[kept].mean(axis=0)) / series[kept].std(axis=0)


def _notes(unused, kept, seconds):
    """Say what a reader should know."""
    notes = [f"{unused} labels of the file are not in the node table and were left out"] if unused else []
    if not kept.all():
        notes.append(f"{np.count_nonzero(~kept)} of {len(kept)} volumes are censored")
    return [*notes, f"{_minutes(seconds)} of scan are left"] if seconds < FEW_MINUTES else notes


def _minutes(seconds):
    return f"{seconds / 60:.1f} minutes"


def _is_shorter(seconds, shortest):
    """Compare a length with the shortest one that is allowed, if any; rounding makes nobody short."""
    return shortest is not None and seconds < shortest * (1 - 1e-9)


def _too_short(seconds, shortest):
    """Say that less is left of a run than its FC takes, and what to do."""
    if not _is_shorter(seconds, shortest):
        return []
    return [
        f"{_minutes(seconds)} of scan are left, fewer than bold.shortest_scan asks for "
        f"({_minutes(shortest)}); give a longer scan, delete the row of this run where others are left, or "
        "lower bold.shortest_scan (null: no limit)"
    ]


def _too_short_for_fcd(runs, shortest):
    """Say why the FCD of a person is left out of costs and scores; None where every run is long enough."""
    lengths = {name: run["volumes_kept"] * run["repetition_time"] for name, run in runs.items()}
    short = {name: seconds for name, seconds in lengths.items() if _is_shorter(seconds, shortest)}
    if not short:
        return None
    listed = ", ".join(f"{_minutes(seconds)} of run {name}" for name, seconds in short.items())
    return (
        f"{listed} are left, fewer than bold.shortest_fcd asks for ({_minutes(shortest)}), so the FCD counts "
        "in no cost and no score; to have it, give longer runs, or lower bold.shortest_fcd (null: no limit)"
    )


def _order_doubt(bold, labels):
    """Look at the FC of a scan whose order somebody vouched for."""
    usable = np.isfinite(bold).all(axis=0)
    if not usable.all():
        return None
    return alignment.suspicion(np.corrcoef(bold.T), labels)


def _volumes_by_nodes(row, labels, largest_missing):
    """Read a scan, turn it to volumes by nodes and choose the nodes of the node table."""
    matrix = readers.read(row)
    if matrix.orientation is None:
        height, width = matrix.values.shape
        raise InputError(
            f"{row['path']}: {height} x {width}, and nothing says which are the volumes; write TxN (one "
            "volume per line) or NxT into the manifest's column orientation"
        )
    if matrix.orientation == "NxT":
        matrix = matrix.transposed
    places, unused = alignment.order(
        matrix.column_labels, matrix.values.shape[1], labels, row, largest_missing
    )
    bold = np.ascontiguousarray(matrix.values[:, places])
    bold[:, places == alignment.ABSENT] = np.nan
    return bold, unused, matrix


def _missing_nodes(bold, labels, row, largest_missing):
    """Say which nodes have no signal: values are missing, or constant as tools write them for empty parcels.

    Returns
    -------
    missing : (N,) bool array
    notes : list of str
        On parcels that stand still for a part of the scan.

    Raises
    ------
    InputError
        If they are more than allowed, naming them.
    """
    missing = ~np.isfinite(bold).all(axis=0)
    flat, frozen = signals.still(bold)
    what = {
        "hold missing values": missing,
        "are constant": flat,
        f"keep one value for {signals.FROZEN_STRETCH} volumes or more": frozen,
    }
    names = np.array(labels)
    told = {
        words: f"{row['path']}: {np.count_nonzero(wrong)} parcels {words}: {', '.join(names[wrong])}"
        for words, wrong in what.items()
        if wrong.any()
    }
    wrong = missing | flat | frozen
    if np.count_nonzero(wrong) > largest_missing * len(labels):
        raise InputError(
            "\n".join(
                f"{text}; remove them from the node table or correct the scan" for text in told.values()
            )
        )
    return wrong, [f"{told[words]}; they count as missing" for words in [*what][2:] if words in told]


def _repetition_time(row, matrix):
    """Give the repetition time, which the manifest, the scan or a file beside it must state."""
    if row["repetition_time"] is not None:
        return float(row["repetition_time"])
    if matrix.repetition_time is None:
        raise InputError(
            f"{row['path']}: no repetition time; write it in s into the manifest's column "
            f"repetition_time, or RepetitionTime into {sidecar.beside(row['path'])}"
        )
    return matrix.repetition_time


def _cohort_reasons(scans, runs):
    """Find what is wrong with the runs of a person taken together."""
    if not scans:
        return ["the manifest has no row of kind bold for this person; add one"]
    times = {name: run["repetition_time"] for name, run in runs.items()}
    if times and max(times.values()) - min(times.values()) > REPETITION_TIME_TOLERANCE:
        listed = ", ".join(f"run {name} {value:g} s" for name, value in times.items())
        return [f"the runs differ in repetition time ({listed}); keep those of one kind"]
    return []


if "snakemake" in globals():
    main(snakemake)
