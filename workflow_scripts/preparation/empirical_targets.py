"""Rule empirical_targets: FC and FCD of training or held-out scans of a batch, the targets of the fits."""

import math

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import (
    average_fc,
    band_pass,
    functional_connectivity,
    functional_connectivity_dynamics,
    pair_indices,
    sliding_windows,
    uncensored_windows,
)
from workflow_scripts.cohort import observables, tables
from workflow_scripts.configuration.objectives import SHORT_SCAN
from workflow_scripts.files import archives, job
from workflow_scripts.preparation import precomputed_targets, read_outs

# Runs with this role do not belong to the split; under split_half every run belongs to both.
UNUSED_ROLE = {("run", "train"): "test", ("run", "test"): "train", ("none", "train"): "test"}


def main(sm):
    """Compute the targets of one split; a scan that does not allow it excludes its person from the split."""
    logger = job.start(sm)
    bold, split = archives.Archive(sm.input.npz), sm.wildcards.split
    nodes, all_nodes = tables.read_nodes(sm.input.nodes), tables.read_nodes(sm.input.all_nodes)
    common = job.read_json(sm.input.common)
    stated = {"split": split, "holdout": sm.params.holdout, **sm.params.analysis}
    stated["node_set"] = common["node_set"]
    people = {}
    for ids in sm.params.units:
        unit = ids["unit"]
        arrays, record = person_target(bold, unit, split, nodes, all_nodes, sm.params)
        for text in [*record["reasons"], *record["notes"]]:
            logger.warning("%s, %s: %s", unit, split, text)
        people[unit] = arrays, {**ids, **stated, **record}
    archives.write(sm.output.npz, sm.output.json, people)


def person_target(bold, unit, split, nodes, all_nodes, params):
    """Give the arrays of one person's target, and its status with what it was made of."""
    record, rows, analysis = bold.records[unit], params.rows.get(unit), params.analysis
    if record["status"] != "ok":
        return {}, {"status": record["status"], "reasons": record["reasons"], "notes": []}
    try:
        if rows:
            mine, others = (
                [row for row in rows if row["role"] != UNUSED_ROLE.get((params.holdout, name))]
                for name in (split, "train")
            )
            left_out = precomputed_targets.check_lengths(rows, **params.shortest)
            if split != "train" and params.holdout == "run":
                precomputed_targets.check_apart(others, mine)
            arrays, facts = precomputed_targets.make_target(
                mine, nodes, all_nodes, analysis, params.needs_fcd, left_out
            )
        else:
            arrays = chosen_nodes(bold.arrays(unit), record, nodes)
            pieces = segments(arrays, record["runs"], split, params.holdout, analysis["window"])
            hemispheres = [node["hemisphere"] for node in nodes]
            if record["settings"]["filtered"] is not None:
                analysis = {**analysis, "band_pass": None}  # the scans have been through it already
            left_out = record.get("fcd_left_out")
            arrays, facts = target(pieces, hemispheres, analysis, params.needs_fcd, left_out)
            arrays, facts = add_read_outs(arrays, facts, pieces, nodes, analysis)
    except InputError as error:
        return {}, {"status": "excluded", "reasons": str(error).splitlines(), "notes": []}
    return arrays, {"status": "ok", "reasons": [], **facts}


def chosen_nodes(arrays, record, nodes):
    """Take the nodes of the analysis out of prepared scans.

    Parameters
    ----------
    arrays : dict of str to ndarray
        ``run-<name>`` (T, N) and ``kept-<name>`` (T,).
    record : dict
        Of the scans, with ``labels`` (N,) and, for every run, its ``missing_nodes``.
    nodes : list of dict
        Of the analysis.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    InputError
        If a run lacks one of them.
    """
    labels = [node["label"] for node in nodes]
    for name, run in record["runs"].items():
        absent = sorted(set(run["missing_nodes"]) & set(labels))
        if absent:
            raise InputError(
                f"run {name}: {len(absent)} nodes of the analysis are missing: {', '.join(absent)}"
            )
    where = {label: number for number, label in enumerate(record["labels"])}
    places = [where[label] for label in labels]
    return {name: values[:, places] if name.startswith("run-") else values for name, values in arrays.items()}


def segments(bold, runs, split, holdout, window):
    """Choose the parts of the runs that belong to a split.

    Parameters
    ----------
    bold : dict of str to ndarray (T, N)
        ``run-<name>`` to its volumes, ``kept-<name>`` (T,) to those that are not censored.
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
        ``run``, ``first`` and ``stop`` (volumes), ``bold`` (T, N), ``kept`` (T,) bool, ``repetition_time`` in
        s, ``gaps_known`` and ``values_missing`` (bool).
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
        kept = bold[f"kept-{name}"][first:stop]
        facts = {"run": name, "first": first, "stop": stop, "bold": volumes[first:stop], "kept": kept}
        emptied = run["censoring"] in ("removed", "zeroed") and not kept.all()
        facts |= {key: run[key] for key in ("repetition_time", "gaps_known")}
        chosen.append({**facts, "values_missing": emptied or not run["gaps_known"]})
    if not chosen:
        raise InputError(f"no run is left for the {split} split (holdout: {holdout})")
    return chosen


def target(pieces, hemispheres, analysis, needs_fcd, left_out=None):
    """Compute FC, averaged over runs through Fisher's z with the weight of their volumes, and FCD, pooled.

    Censored volumes enter neither; windows with too many of them do not enter the FCD.

    Parameters
    ----------
    pieces : list of dict
        As returned by :func:`segments`.
    hemispheres : list of str
        Of every node.
    analysis : dict
        ``pairs``, ``window`` and ``window_step`` in s, ``edges``, ``censored_share``, ``band_pass`` in Hz or
        None if nothing is to be filtered.
    needs_fcd : bool
        Whether a fit needs the FCD.
    left_out : str, optional
        Why there shall be no FCD.

    Returns
    -------
    arrays : dict
        ``fc`` (P,), ``fcd`` (K,) where it can be had, and, if volumes are censored, ``kept``, a bool for
        every volume of all pieces.
    facts : dict
        What the target was made of.

    Raises
    ------
    InputError
        If removed volumes forbid the filter, or, where the FCD is needed, a piece is too short for windows,
        too much of it is censored, or its gaps are not known.
    """
    repetition_time = pieces[0]["repetition_time"]
    pair_index = pair_indices(len(hemispheres), hemispheres, analysis["pairs"])
    _check_filter(pieces, analysis["band_pass"])
    series = [_filter(piece["bold"], repetition_time, analysis["band_pass"]) for piece in pieces]
    counted = [bold[piece["kept"]] for piece, bold in zip(pieces, series, strict=True)]
    lengths = list(map(len, counted))
    arrays = {"fc": average_fc([functional_connectivity(bold, pair_index) for bold in counted], lengths)}
    if sum(lengths) < sum(map(len, series)):
        arrays["kept"] = np.concatenate([piece["kept"] for piece in pieces])
    facts = {
        "repetition_time": repetition_time,
        "volumes": sum(lengths),
        "censored_volumes": sum(map(len, series)) - sum(lengths),
        "run_volumes": list(map(len, series)),
        "runs": [piece["run"] for piece in pieces],
        "segments": [{key: piece[key] for key in ("run", "first", "stop")} for piece in pieces],
        "window_length_volumes": None,
        "windows": 0,
        "notes": [],
    }
    if left_out is not None:
        return arrays, {**facts, "notes": [f"without FCD: {left_out}"], "fcd_left_out": left_out}
    try:
        fcds, facts["window_length_volumes"], facts["windows"] = _dynamics(
            pieces, series, pair_index, analysis
        )
    except InputError as error:
        if needs_fcd:
            raise
        facts["notes"] = [f"without FCD: {error}"]
    else:
        arrays["fcd"] = np.concatenate(fcds)
        facts["notes"] = _short_scan_notes(facts["volumes"] * repetition_time)
    return arrays, facts


def add_read_outs(arrays, facts, pieces, nodes, analysis):
    """Add observables, and BOLD where a term of the user's own asks for it, to a target of :func:`target`."""
    panel, keeps_bold = observables.make_panel(nodes, analysis), analysis.get("keeps_bold", False)
    if panel is None and not keeps_bold:
        return arrays, facts
    repetition_time = facts["repetition_time"]
    series = [_filter(piece["bold"], repetition_time, analysis["band_pass"]) for piece in pieces]
    if keeps_bold:
        arrays = arrays | read_outs.keep_bold(pieces, series)
    if panel is not None:
        found, facts["read_outs"], notes = read_outs.read_observables(pieces, series, panel)
        arrays, facts["notes"] = arrays | found, [*facts["notes"], *notes]
    return arrays, facts


def _check_filter(pieces, band):
    """Refuse filters over volumes without values."""
    emptied = [piece["run"] for piece in pieces if piece["values_missing"]]
    if emptied and band is not None:
        raise InputError(
            f"run {', '.join(emptied)}: volumes were removed or set to 0, so it cannot be filtered; if it "
            "was filtered before, state bold.filtered in place of bold.band_pass, else set bold.band_pass: "
            "null, or give a scan with interpolated volumes"
        )


def _short_scan_notes(duration):
    """Warn of an FCD that rests on little data."""
    if duration >= SHORT_SCAN:
        return []
    return [
        f"the FCD rests on {duration / 60:.1f} minutes of scan; below {SHORT_SCAN / 60:.0f} its distance "
        "(fcd_ks) says little about a person"
    ]


def _filter(bold, repetition_time, band):
    return bold if band is None else band_pass(bold, repetition_time, tuple(band))


def _dynamics(pieces, series, pair_index, analysis):
    """Compute the FCD of every piece by itself: no window reaches across the border of a run."""
    fcds, length, windows = [], None, 0
    unknown = [piece["run"] for piece in pieces if not piece["gaps_known"]]
    if unknown:
        raise InputError(
            f"run {', '.join(unknown)}: volumes were removed, so windows would reach across gaps; name the "
            "removed volumes in a file of kind mask, give a scan with interpolated volumes, or fits without "
            "fcd_ks"
        )
    for piece, bold in zip(pieces, series, strict=True):
        try:
            starts, stops = sliding_windows(
                len(bold),
                piece["repetition_time"],
                analysis["window"],
                analysis["window_step"],
                analysis["edges"],
            )
            length = int((stops - starts).max())
            starts, stops = uncensored_windows(starts, stops, piece["kept"], analysis["censored_share"])
        except InputError as error:
            raise InputError(f"run {piece['run']}: {error}") from None
        kept = None if piece["kept"].all() else piece["kept"]
        fcds.append(functional_connectivity_dynamics(bold, pair_index, starts, stops, kept))
        windows += len(starts)
    return fcds, length, windows


if "snakemake" in globals():
    main(snakemake)
