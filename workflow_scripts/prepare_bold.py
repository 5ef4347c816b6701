"""Rule prepare_bold: the runs of a batch, volumes by nodes in the order of the node table, checked."""

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts import alignment, archives, censoring, job, readers, tables
from workflow_scripts.readers import sidecar

REPETITION_TIME_TOLERANCE = 1e-3  # s
CONSTANT = 1e-10  # of the largest value: a standard deviation below is rounding


def main(sm):
    """Read and check every run; a run that cannot be used excludes its person and stops nobody else."""
    logger = job.start(sm)
    labels = [node["label"] for node in tables.read_nodes(sm.input.nodes)]
    people = {}
    for ids in sm.params.units:
        unit = ids["unit"]
        arrays, record = prepare_person(ids, sm.params.rows[unit], labels, sm.params.initial_volumes)
        for text in [*record["reasons"], *(note for run in record["runs"].values() for note in run["notes"])]:
            logger.warning("%s: %s", unit, text)
        people[unit] = arrays, record
    archives.write(sm.output.npz, sm.output.json, people)


def prepare_person(ids, rows, labels, initial_volumes):
    """Give the arrays and the record of one person; without arrays where a run cannot be used."""
    masks = {run_name(row): row for row in rows if row["kind"] == "mask"}
    scans = {run_name(row): row for row in rows if row["kind"] == "bold"}
    arrays, runs, reasons = {}, {}, []
    for name, row in scans.items():
        try:
            bold, kept, runs[name] = prepare(row, masks.get(name), labels, initial_volumes)
        except InputError as error:
            reasons += [f"run {name}: {line}" for line in str(error).splitlines()]
        else:
            arrays |= {f"run-{name}": bold, f"kept-{name}": kept}
    reasons += _cohort_reasons(scans, runs)
    record = {
        **ids,
        "status": "excluded" if reasons else "ok",
        "reasons": reasons,
        "labels": labels,
        "runs": runs,
        "settings": {"initial_volumes": initial_volumes},
    }
    return ({} if reasons else arrays), record


def run_name(row):
    """Name the run of a row of the manifest; "1" where it has no name."""
    return row["run_id"] or "1"


def prepare(row, mask, labels, initial_volumes):
    """Read one run.

    Parameters
    ----------
    row : dict
        Of the manifest, of kind bold.
    mask : dict or None
        Its row of kind mask.
    labels : list of str
        Of the node table.
    initial_volumes : int
        Volumes to drop from the start.

    Returns
    -------
    bold : ndarray (T, N)
        In time; NaN for removed volumes.
    kept : ndarray (T,) of bool
        False for censored volumes.
    facts : dict
        Role, repetition time, volumes, censoring, origin and notes on quality.

    Raises
    ------
    InputError
        One line per reason why the run cannot be used.
    """
    bold, unused, matrix = _volumes_by_nodes(row, labels)
    censored = None if mask is None else censoring.read_mask(mask)
    bold, kept, gaps_known = censoring.in_time(bold, row["censoring"] or "none", censored)
    bold, kept = bold[initial_volumes:], kept[initial_volumes:]
    notes = [f"{unused} labels of the file are not in the node table and were left out"] if unused else []
    notes += [] if kept.all() else [f"{np.count_nonzero(~kept)} of {len(kept)} volumes are censored"]
    _check_series(bold[kept], labels, row)
    repetition_time = _repetition_time(row, matrix)
    facts = {
        "role": row["role"] or "both",
        "repetition_time": repetition_time,
        "volumes": len(bold),
        "volumes_kept": int(np.count_nonzero(kept)),
        "duration": len(bold) * repetition_time,
        "censoring": row["censoring"] or "none",
        "gaps_known": gaps_known,
        "path": row["path"],
        "sha256": job.sha256(row["path"]),
        "mask": None if mask is None else {"path": mask["path"], "sha256": job.sha256(mask["path"])},
        "assume_order": row["assume_order"],
        "notes": [*matrix.notes, *notes],
    }
    return bold, kept, facts


def _volumes_by_nodes(row, labels):
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
    places, unused = alignment.order(matrix.column_labels, matrix.values.shape[1], labels, row)
    return np.ascontiguousarray(matrix.values[:, places]), unused, matrix


def _check_series(bold, labels, row):
    """Refuse parcels without a signal, naming them."""
    if len(bold) < 2:
        raise InputError(f"{row['path']}: {len(bold)} volumes are left, too few for a correlation")
    missing = ~np.isfinite(bold).all(axis=0)
    flat = ~missing & (np.ptp(bold, axis=0) <= CONSTANT * np.abs(bold).max(axis=0, initial=0.0))
    problems = [
        f"{row['path']}: {np.count_nonzero(wrong)} parcels {what}: {', '.join(np.array(labels)[wrong])}; "
        "remove them from the node table or correct the scan"
        for what, wrong in (("hold missing values", missing), ("are constant", flat))
        if wrong.any()
    ]
    if problems:
        raise InputError("\n".join(problems))


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
