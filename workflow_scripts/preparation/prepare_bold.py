"""Rule prepare_bold: the runs of a batch, volumes by nodes in the order of the node table, checked."""

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.detrending import detrend
from workflow_scripts import readers
from workflow_scripts.atlases import alignment
from workflow_scripts.cohort import scan_filters, tables
from workflow_scripts.cohort.precomputed_rows import KINDS
from workflow_scripts.files import archives, job
from workflow_scripts.preparation import censoring
from workflow_scripts.readers import sidecar

REPETITION_TIME_TOLERANCE = 1e-3  # s
FEW_MINUTES = 300.0  # s: less is worth a word
CONSTANT = 1e-10  # of the largest value: a standard deviation below is rounding


def main(sm):
    """Read and check every run; a run that cannot be used excludes its person and stops nobody else."""
    logger = job.start(sm)
    labels = [node["label"] for node in tables.read_nodes(sm.input.nodes)]
    people = {}
    for ids in sm.params.units:
        unit = ids["unit"]
        arrays, record = prepare_person(ids, sm.params.rows[unit], labels, sm.params.options)
        for text in [*record["reasons"], *(note for run in record["runs"].values() for note in run["notes"])]:
            logger.warning("%s: %s", unit, text)
        people[unit] = arrays, record
    archives.write(sm.output.npz, sm.output.json, people)


def prepare_person(ids, rows, labels, options):
    """Give the arrays and the record of one person; without arrays where a run cannot be used."""
    masks, motions, scans = (
        {run_name(row): row for row in rows if row["kind"] == kind} for kind in ("mask", "motion", "bold")
    )
    arrays, runs, reasons = {}, {}, []
    for name, row in scans.items():
        try:
            bold, kept, runs[name] = prepare(row, masks.get(name), motions.get(name), labels, options)
        except InputError as error:
            reasons += [f"run {name}: {line}" for line in str(error).splitlines()]
        else:
            arrays |= {f"run-{name}": bold, f"kept-{name}": kept}
    precomputed = [row for row in rows if row["kind"] in KINDS]  # in place of scans
    reasons += [] if precomputed else _cohort_reasons(scans, runs)
    record = {
        **ids,
        "status": "excluded" if reasons else "ok",
        "reasons": reasons,
        "labels": labels,
        "runs": runs,
        "settings": options,
    }
    return ({} if reasons else arrays), record


def run_name(row):
    """Name the run of a row of the manifest; "1" where it has no name."""
    return row["run_id"] or "1"


def prepare(row, mask, motion, labels, options):
    """Read one run.

    Parameters
    ----------
    row : dict
        Of the manifest, of kind bold.
    mask, motion : dict or None
        Its rows of kind mask and motion.
    labels : list of str
        Of the node table.
    options : dict
        ``initial_volumes`` to drop, ``detrend``, ``zscore``, ``fd_threshold`` (mm), ``shortest_scan`` (s),
        ``filtered`` and ``band_pass`` (Hz) and ``largest_missing`` (share of nodes), as of the configuration.

    Returns
    -------
    bold : ndarray (T, N)
        In time; NaN for removed volumes and missing nodes.
    kept : ndarray (T,) of bool
        False for censored volumes.
    facts : dict
        Role, repetition time, volumes, censoring, motion, missing nodes, origin and notes on quality.

    Raises
    ------
    InputError
        One line per reason why the run cannot be used.
    """
    told = scan_filters.check_filter(row["path"], options)
    bold, unused, matrix = _volumes_by_nodes(row, labels, options["largest_missing"])
    censored = None if mask is None else censoring.read_mask(mask)
    bold, kept, gaps_known = censoring.in_time(bold, row["censoring"] or "none", censored)
    displacement = None if motion is None else censoring.read_displacement(motion, len(bold))
    kept = censoring.still(kept, displacement, options["fd_threshold"], row)
    first = options["initial_volumes"]
    bold, kept = bold[first:], kept[first:]
    missing = _missing_nodes(bold[kept], labels, row, options["largest_missing"])
    bold[:, missing] = np.nan
    repetition_time = _repetition_time(row, matrix)
    notes = [*matrix.notes, *_notes(row, unused, kept, repetition_time, options)]
    if matrix.column_labels is None and (doubt := _order_doubt(bold[kept], labels)):
        notes.append(f"{row['path']}: {doubt}")
    facts = {
        "role": row["role"] or "both",
        "repetition_time": repetition_time,
        "volumes": len(bold),
        "volumes_kept": int(np.count_nonzero(kept)),
        "duration": len(bold) * repetition_time,
        "censoring": row["censoring"] or "none",
        "gaps_known": gaps_known,
        "filter": told,
        "mean_fd": None if displacement is None else float(np.nanmean(displacement[first:])),
        "missing_nodes": np.array(labels)[missing].tolist(),
        "path": row["path"],
        "sha256": job.sha256(row["path"]),
        "mask": _hash(mask),
        "motion": _hash(motion),
        "assume_order": row["assume_order"],
        "notes": notes,
    }
    return _clean(bold, kept, options), kept, facts


def _hash(row):
    """Name a file that went with a scan."""
    return None if row is None else {"path": row["path"], "sha256": job.sha256(row["path"])}


def _clean(bold, kept, options):
    """Take out drifts and, where asked, bring every node to mean 0 and standard deviation 1."""
    series = detrend(bold, options["detrend"], kept)
    if not options["zscore"]:
        return series
    return (series - series[kept].mean(axis=0)) / series[kept].std(axis=0)


def _notes(row, unused, kept, repetition_time, options):
    """Say what a reader should know; a run that is shorter than the settings allow is refused."""
    notes = [f"{unused} labels of the file are not in the node table and were left out"] if unused else []
    if not kept.all():
        notes.append(f"{np.count_nonzero(~kept)} of {len(kept)} volumes are censored")
    duration = np.count_nonzero(kept) * repetition_time
    words = f"{duration / 60:.1f} minutes of scan are left"
    if options["shortest_scan"] is not None and duration < options["shortest_scan"]:
        raise InputError(
            f"{row['path']}: {words}, fewer than bold.shortest_scan asks for "
            f"({options['shortest_scan'] / 60:.1f} minutes)"
        )
    return [*notes, words] if duration < FEW_MINUTES else notes


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

    Raises
    ------
    InputError
        If they are more than allowed, naming them.
    """
    if len(bold) < 2:
        raise InputError(f"{row['path']}: {len(bold)} volumes are left, too few for a correlation")
    missing = ~np.isfinite(bold).all(axis=0)
    flat = ~missing & (np.ptp(bold, axis=0) <= CONSTANT * np.abs(bold).max(axis=0, initial=0.0))
    if np.count_nonzero(missing | flat) > largest_missing * len(labels):
        raise InputError(
            "\n".join(
                f"{row['path']}: {np.count_nonzero(wrong)} parcels {what}: "
                f"{', '.join(np.array(labels)[wrong])}; remove them from the node table or correct the scan"
                for what, wrong in (("hold missing values", missing), ("are constant", flat))
                if wrong.any()
            )
        )
    return missing | flat


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
