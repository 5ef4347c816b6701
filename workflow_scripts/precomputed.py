"""FC and FCD that were computed elsewhere: what must be known of them, and how they become targets.

An FC or FCD means something only together with the settings it was computed with. They stand in the manifest
or in a JSON file beside the data, and must be those of the analysis.
"""

from cubnm_core.connectivity import average_fc
from cubnm_core.errors import InputError
from workflow_scripts import job
from workflow_scripts.precomputed_arrays import fc_vector, pooled_fcd
from workflow_scripts.problems import raise_problems, schema_problems
from workflow_scripts.readers import sidecar
from workflow_scripts.settings import schema

KINDS = ("fc", "fcd")
# Column of the manifest and its key in the JSON file.
STATEMENTS = {
    "repetition_time": "RepetitionTime",
    "volumes": "Volumes",
    "band_pass": "Filter",
    "pairs": "Pairs",
    "window_volumes": "WindowVolumes",
    "step_volumes": "StepVolumes",
}
WINDOWS = ("window_volumes", "step_volumes")


def required(kind):
    """Name the columns that a row of kind fc or fcd needs.

    The pairs of an FC can be told from its numbers, those of an FCD cannot.
    """
    names = ("repetition_time", "volumes", "band_pass")
    return names if kind == "fc" else (*names, "pairs", *WINDOWS)


def target(rows, nodes, all_nodes, analysis, needs_fcd):
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

    Returns
    -------
    arrays : dict
        ``fc`` (P,), averaged over runs through Fisher's z, and, where there is an FCD, its values ``fcd``
        (K,), pooled over runs, or its distribution function ``fcd_cdf`` (10000,).
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
        "runs": [row["run_id"] or "1" for row, _ in fcs],
        "precomputed": [_source(row, known) for row, known in stated],
        "window_length_volumes": None,
        "windows": 0,
        "notes": ["FC and FCD computed elsewhere", *(note for _, notes in vectors for note in notes)],
    }
    arrays = {"fc": average_fc([vector for vector, _ in vectors])}
    lacking = _without_fcd(fcds, nodes, all_nodes)
    if lacking is not None:
        if needs_fcd:
            raise InputError(f"{lacking}; every fit weighs the distance of the FCD")
        facts["notes"].append(f"without FCD: {lacking}")
        return arrays, facts
    dynamics, facts["windows"], notes = pooled_fcd(fcds, analysis)
    facts["window_length_volumes"] = fcds[0][1]["window_volumes"]
    facts["notes"] += notes
    return arrays | dynamics, facts


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


def statements(row):
    """Collect what the manifest and the JSON file beside the data say of an FC or FCD.

    Parameters
    ----------
    row : dict
        Of the manifest.

    Returns
    -------
    dict
        By column, as the manifest writes it; ``pairs`` of an FC may be None.

    Raises
    ------
    InputError
        If something that must be known is not, or both say different things.
    """
    path = sidecar.beside(row["path"])
    beside = _stated_beside(path)
    known = {}
    for column in STATEMENTS:
        here, there = row[column], beside.get(column)
        if here is not None and there is not None and here != there:
            raise InputError(
                f"{row['path']}: {column} is {here} in the manifest, {there} in {path}; correct one of them"
            )
        known[column] = there if here is None else here
    absent = [column for column in required(row["kind"]) if known[column] is None]
    if absent:
        raise InputError(
            f"{row['path']}: {', '.join(absent)} of this {row['kind'].upper()} not given; write them into "
            f"the manifest, or {', '.join(STATEMENTS[column] for column in absent)} into {path}"
        )
    return known


def _stated_beside(path):
    """Give the statements of a JSON file by column, in the form and within the limits of the manifest."""
    beside = sidecar.read(path)
    found = {column: beside[key] for column, key in STATEMENTS.items() if beside.get(key) is not None}
    if isinstance(found.get("band_pass"), list):
        found["band_pass"] = "-".join(map(str, found["band_pass"]))
    rules = {"properties": {column: schema("manifest")["properties"][column] for column in found}}
    problems = schema_problems(found, rules)
    raise_problems(f"{path} (in the words of the manifest)", problems)
    return found


def disagreements(known, analysis):
    """List the settings of an FC or FCD that are not those of the analysis.

    Parameters
    ----------
    known : dict
        As of :func:`statements`, or a row of the manifest; what is None is not looked at.
    analysis : dict

    Returns
    -------
    list of str
    """
    problems = []
    band, time = known["band_pass"], known["repetition_time"]
    if band is not None and _edges(band) != analysis["band_pass"]:
        problems.append(
            f"band_pass is {band}, but bold.band_pass of the configuration is {analysis['band_pass']}; scans "
            "and simulations must have gone through the same filter: correct one of them"
        )
    if known["pairs"] == "intrahemispheric" and analysis["pairs"] == "all":
        problems.append(
            "made of intrahemispheric pairs, but analysis.pairs is all; set analysis.pairs: intrahemispheric"
        )
    if known["window_volumes"] is not None and known["pairs"] == "all" and analysis["pairs"] != "all":
        problems.append("an FCD made of all pairs, but analysis.pairs is intrahemispheric; set it to all")
    if time is not None and known["window_volumes"] is not None:
        problems += _window_disagreements(known, analysis, time)
    return problems


def _window_disagreements(known, analysis, time):
    """Compare the windows of an FCD with those of the analysis, in volumes."""
    length = 2 * round(analysis["window"] / (2 * time)) + 1
    step = max(1, round(analysis["window_step"] / time))
    problems = []
    if known["window_volumes"] != length:
        meant = (known["window_volumes"] - 1) * time
        problems.append(
            f"windows of {known['window_volumes']} volumes, but analysis.window {analysis['window']:g} s "
            f"makes {length} (an odd number, centre included) at a repetition time of {time:g} s; "
            + (
                f"set analysis.window: {meant:g}"
                if known["window_volumes"] % 2
                else "windows of an even number of volumes cannot be made here: compute the FCD again"
            )
        )
    if known["step_volumes"] is not None and known["step_volumes"] != step:
        problems.append(
            f"windows {known['step_volumes']} volumes apart, but analysis.window_step "
            f"{analysis['window_step']:g} s makes {step}; set analysis.window_step: "
            f"{known['step_volumes'] * time:g}"
        )
    return problems


def _check_settings(stated, analysis):
    """Refuse settings that are not those of the analysis, and files of different repetition times."""
    problems = [f"{row['path']}: {text}" for row, known in stated for text in disagreements(known, analysis)]
    times = {row["path"]: known["repetition_time"] for row, known in stated}
    if times and max(times.values()) - min(times.values()) > sidecar.TOLERANCE:
        listed = ", ".join(f"{path} {time:g} s" for path, time in times.items())
        problems.append(f"the files differ in repetition time ({listed}); keep those of one kind")
    if problems:
        raise InputError("\n".join(problems))


def _edges(band):
    """Turn a filter of the manifest into that of the configuration."""
    return None if band == "none" else [float(edge) for edge in band.split("-")]


def _source(row, known):
    """Say where an FC or FCD came from."""
    return {
        "kind": row["kind"],
        "path": row["path"],
        "sha256": job.sha256(row["path"]),
        "assume_order": row["assume_order"],
        **known,
    }
