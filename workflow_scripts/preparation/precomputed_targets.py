"""FC and FCD that were computed elsewhere become targets, if they were made as the analysis says."""

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import average_fc
from cubnm_core.measures.copies import are_equal
from workflow_scripts import readers
from workflow_scripts.cohort.precomputed_rows import disagreements, statements
from workflow_scripts.files import job
from workflow_scripts.preparation.precomputed_arrays import fc_vector, pool_fcd
from workflow_scripts.readers import sidecar


def make_target(rows, nodes, all_nodes, analysis, needs_fcd, left_out=None):
    """Make the target of one split of one person.

    Parameters
    ----------
    rows : list of dict
        Of the manifest, of kind fc and fcd, of this split.
    nodes, all_nodes : list of dict
        Of the analysis, and of the node table, in whose order somebody may have vouched that a file lies.
    analysis : dict
        ``pairs``, ``window`` and ``window_step`` in s, ``edges`` and ``band_pass``.
    needs_fcd : bool
        Whether every fit needs the FCD.
    left_out : str, optional
        Why there shall be no FCD.

    Returns
    -------
    arrays : dict
        ``fc`` (P,), averaged over runs through Fisher's z with the weight of their volumes, and, where there
        is an FCD, its values ``fcd`` (K,), pooled over runs, or its distribution function ``fcd_cdf``
        (10000,).
    facts : dict
        What the target was made of, as for targets from scans.

    Raises
    ------
    InputError
        If a file cannot be used, its settings are not known or not those of the analysis, or there is no FCD
        though it is needed.
    """
    stated = [(row, statements(row)) for row in rows]
    _check_settings(stated, analysis)
    fcs = [(row, known) for row, known in stated if row["kind"] == "fc"]
    fcds = [(row, known) for row, known in stated if row["kind"] == "fcd"]
    if not fcs:
        raise InputError("the manifest has no row of kind fc for this split; add one")
    vectors = [fc_vector(row, known, nodes, all_nodes, analysis["pairs"]) for row, known in fcs]
    facts = {
        "repetition_time": fcs[0][1]["repetition_time"],
        "volumes": sum(known["volumes"] for _, known in fcs),
        "run_volumes": [known["volumes"] for _, known in fcds or fcs],
        "runs": [row["run_id"] or "1" for row, _ in fcs],
        "precomputed": [_source(row, known) for row, known in stated],
        "window_length_volumes": None,
        "windows": 0,
        "notes": [note for _, notes in vectors for note in notes],
    }
    lengths = [known["volumes"] for _, known in fcs]
    arrays = {"fc": average_fc([vector for vector, _ in vectors], lengths)}
    if left_out is not None:
        return arrays, {
            **facts,
            "notes": [*facts["notes"], f"without FCD: {left_out}"],
            "fcd_left_out": left_out,
        }
    lacking = _without_fcd(fcds, nodes, all_nodes)
    if lacking is not None:
        if needs_fcd:
            raise InputError(f"{lacking}; every fit weighs the distance of the FCD")
        facts["notes"].append(f"without FCD: {lacking}")
        return arrays, facts
    dynamics, facts["windows"], notes = pool_fcd(fcds, analysis)
    facts["window_length_volumes"] = fcds[0][1]["window_volumes"]
    facts["notes"] += notes
    return arrays | dynamics, facts


def check_lengths(rows, shortest_scan, shortest_fcd):
    """Hold the scans behind FC and FCD of a person against the shortest ones of the configuration.

    Parameters
    ----------
    rows : list of dict
        Of the manifest, of kind fc and fcd, of all splits.
    shortest_scan, shortest_fcd : float or None
        In s.

    Returns
    -------
    str or None
        Why the FCD is left out; None where it is not.

    Raises
    ------
    InputError
        If a scan was shorter than allowed.
    """
    seconds = {row["path"]: _seconds(row) for row in rows}
    short = {
        path: time for path, time in seconds.items() if shortest_scan is not None and time < shortest_scan
    }
    if short:
        raise InputError(
            "\n".join(
                f"{path}: made of {time / 60:.1f} minutes of scan, fewer than bold.shortest_scan asks for "
                f"({shortest_scan / 60:.1f} minutes); give the FC of a longer scan, or lower "
                "bold.shortest_scan (null: no limit)"
                for path, time in short.items()
            )
        )
    short = [path for path, time in seconds.items() if shortest_fcd is not None and time < shortest_fcd]
    if not short:
        return None
    return (
        f"{short[0]} is made of {seconds[short[0]] / 60:.1f} minutes of scan, fewer than bold.shortest_fcd "
        f"asks for ({shortest_fcd / 60:.1f} minutes), so the FCD counts in no cost and no score; to have it, "
        "give that of longer scans, or lower bold.shortest_fcd (null: no limit)"
    )


def _seconds(row):
    known = statements(row)
    return known["volumes"] * known["repetition_time"]


def check_apart(training, held_out):
    """Refuse held-out FC and FCD that are those of the training split.

    Parameters
    ----------
    training, held_out : list of dict
        Rows of the manifest.

    Raises
    ------
    InputError
        Naming both files.
    """
    problems = []
    for row in held_out:
        for other in (each for each in training if each["kind"] == row["kind"]):
            if other is row:
                continue
            one, two = (readers.read(each).values.ravel() for each in (other, row))
            if len(one) == len(two) and are_equal(one, two):
                problems.append(
                    f"{row['path']}: the {row['kind'].upper()} of the training split ({other['path']}), so a "
                    "model would be tested on what it was fitted to; name the file of another scan"
                )
    if problems:
        raise InputError("\n".join(problems))


def _without_fcd(fcds, nodes, all_nodes):
    """Say why there is no FCD of the nodes of the analysis, or None if there is one."""
    if not fcds:
        return "the manifest has no row of kind fcd for this split"
    if len(nodes) < len(all_nodes):
        return (
            f"{fcds[0][0]['path']} is of {len(all_nodes)} nodes, the analysis has the {len(nodes)} that "
            "everybody has, and nodes cannot be taken out of an FCD"
        )
    return None


def _check_settings(stated, analysis):
    """Refuse settings that are not those of the analysis, and files of different repetition times."""
    problems = [f"{row['path']}: {text}" for row, known in stated for text in disagreements(known, analysis)]
    times = {row["path"]: known["repetition_time"] for row, known in stated}
    if times and max(times.values()) - min(times.values()) > sidecar.TOLERANCE:
        listed = ", ".join(f"{path} {time:g} s" for path, time in times.items())
        problems.append(f"the files differ in repetition time ({listed}); keep those of one kind")
    if problems:
        raise InputError("\n".join(problems))


def _source(row, known):
    """Say where an FC or FCD came from."""
    return {
        "kind": row["kind"],
        "path": row["path"],
        "sha256": job.sha256(row["path"]),
        "assume_order": row["assume_order"],
        **known,
    }
