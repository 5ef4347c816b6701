"""Rule empirical_targets: FC and FCD of one person's training or held-out scans, the targets of the fits."""

import math

import numpy as np

from cubnm_core.connectivity import (
    average_fc,
    band_pass,
    functional_connectivity,
    functional_connectivity_dynamics,
    pair_indices,
    sliding_windows,
)
from cubnm_core.errors import InputError
from workflow_scripts import job, tables

# Runs with this role do not belong to the split; under split_half every run belongs to both.
UNUSED_ROLE = {("run", "train"): "test", ("run", "test"): "train", ("none", "train"): "test"}


def main(sm):
    """Compute the target of one split; a scan that does not allow it excludes its person from the split."""
    logger = job.start(sm)
    bold, split, analysis = job.read_json(sm.input.json), sm.wildcards.split, sm.params.analysis
    arrays, record = {}, {"status": bold["status"], "reasons": bold["reasons"]}
    if bold["status"] == "ok":
        try:
            pieces = segments(
                job.read_npz(sm.input.npz), bold["runs"], split, sm.params.holdout, analysis["window"]
            )
            hemispheres = [node["hemisphere"] for node in tables.read_nodes(sm.input.nodes)]
            arrays, facts = target(pieces, hemispheres, analysis, sm.params.needs_fcd)
            record |= facts
        except InputError as error:
            record = {"status": "excluded", "reasons": str(error).splitlines()}
    for text in record["reasons"]:
        logger.warning("%s, %s: %s", sm.params.ids["unit"], split, text)
    job.write_npz(sm.output.npz, **arrays)
    job.write_json(
        sm.output.json, {**sm.params.ids, "split": split, "holdout": sm.params.holdout, **analysis, **record}
    )


def segments(bold, runs, split, holdout, window):
    """Choose the parts of the runs that belong to a split.

    Parameters
    ----------
    bold : dict of str to ndarray (T, N)
        ``run-<name>`` to its volumes.
    runs : dict of str to dict
        Facts on every run, as rule prepare_bold writes them.
    split : {"train", "test"}
    holdout : {"run", "split_half", "none"}
        ``split_half`` cuts every run into two halves with a gap of one window between them, so that no window
        sees both.
    window : float
        Length of the gap in s.

    Returns
    -------
    list of dict
        ``run``, ``first`` and ``stop`` (volumes), ``bold`` (T, N), ``repetition_time`` in s, ``censoring``.
    """
    chosen = []
    for name, run in runs.items():
        volumes = bold[f"run-{name}"]
        first, stop = 0, len(volumes)
        if holdout == "split_half":
            half = (stop - math.ceil(window / run["repetition_time"])) // 2
            if half < 2:
                raise InputError(
                    f"run {name}: {stop} volumes are too few for two halves with a gap of one window of "
                    f"{window:g} s; hold out a whole run (holdout: run) or shorten analysis.window"
                )
            first, stop = (0, half) if split == "train" else (stop - half, stop)
        elif run["role"] == UNUSED_ROLE[holdout, split]:
            continue
        facts = {"run": name, "first": first, "stop": stop, "bold": volumes[first:stop]}
        chosen.append({**facts, "repetition_time": run["repetition_time"], "censoring": run["censoring"]})
    if not chosen:
        raise InputError(f"no run is left for the {split} split (holdout: {holdout})")
    return chosen


def target(pieces, hemispheres, analysis, needs_fcd):
    """Compute FC, averaged over runs through Fisher's z, and FCD, pooled over runs.

    Parameters
    ----------
    pieces : list of dict
        As returned by :func:`segments`.
    hemispheres : list of str
        Of every node.
    analysis : dict
        ``pairs``, ``window`` and ``window_step`` in s, ``band_pass`` in Hz or None.
    needs_fcd : bool
        Whether a fit needs the FCD.

    Returns
    -------
    arrays : dict
        ``fc`` (P,), and ``fcd`` (K,) unless volumes were removed.
    facts : dict
        What the target was made of.

    Raises
    ------
    InputError
        If a piece is too short for windows, or removed volumes forbid what is asked.
    """
    repetition_time = pieces[0]["repetition_time"]
    pair_index = pair_indices(len(hemispheres), hemispheres, analysis["pairs"])
    broken = [piece["run"] for piece in pieces if piece["censoring"] in ("removed", "zeroed")]
    _check_censoring(broken, analysis, needs_fcd)
    series = [_filtered(piece["bold"], repetition_time, analysis["band_pass"]) for piece in pieces]
    arrays = {"fc": average_fc([functional_connectivity(bold, pair_index) for bold in series])}
    facts = {
        "repetition_time": repetition_time,
        "volumes": sum(map(len, series)),
        "runs": [piece["run"] for piece in pieces],
        "segments": [{key: piece[key] for key in ("run", "first", "stop")} for piece in pieces],
        "window_length_volumes": None,
        "windows": 0,
    }
    if not broken:
        fcds, facts["window_length_volumes"], facts["windows"] = _dynamics(
            pieces, series, pair_index, analysis
        )
        arrays["fcd"] = np.concatenate(fcds)
    return arrays, facts


def _check_censoring(broken, analysis, needs_fcd):
    """Refuse windows and filters over gaps in time."""
    if broken and analysis["band_pass"] is not None:
        raise InputError(
            f"run {', '.join(broken)}: volumes were removed, so it cannot be filtered; set "
            "bold.band_pass: null"
        )
    if broken and needs_fcd:
        raise InputError(
            f"run {', '.join(broken)}: volumes were removed, so windows would reach across gaps; give a "
            "scan with interpolated volumes, or fits without fcd_ks"
        )


def _filtered(bold, repetition_time, band):
    return bold if band is None else band_pass(bold, repetition_time, tuple(band))


def _dynamics(pieces, series, pair_index, analysis):
    """Compute the FCD of every piece by itself: no window reaches across the border of a run."""
    fcds, length, windows = [], None, 0
    for piece, bold in zip(pieces, series, strict=True):
        try:
            starts, stops = sliding_windows(
                len(bold), piece["repetition_time"], analysis["window"], analysis["window_step"]
            )
        except InputError as error:
            raise InputError(f"run {piece['run']}: {error}") from None
        fcds.append(functional_connectivity_dynamics(bold, pair_index, starts, stops))
        length = int((stops - starts).max())
        windows += len(starts)
    return fcds, length, windows


if "snakemake" in globals():
    main(snakemake)
