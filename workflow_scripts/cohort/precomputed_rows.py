"""FC and FCD that were computed elsewhere: what must be known of them.

An FC or FCD means something only together with the settings it was computed with. They stand in the manifest
or in a JSON file beside the data, and must be those of the analysis.
"""

from cubnm_core.errors import InputError
from workflow_scripts.configuration.messages import raise_problems, schema_problems
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.readers import sidecar

KINDS = ("fc", "fcd")
CDF_FORMAT = "cbig_fcd"  # the format whose FCDs are distribution functions
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


def required_columns(kind):
    """Name the columns that a row of kind fc or fcd needs.

    The pairs of an FC can be told from its numbers, those of an FCD cannot.
    """
    names = ("repetition_time", "volumes", "band_pass")
    return names if kind == "fc" else (*names, "pairs", *WINDOWS)


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
    absent = [column for column in required_columns(row["kind"]) if known[column] is None]
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
    stated = analysis["band_pass"] and analysis["band_pass"][:2]
    if band is not None and _edges(band) != stated:
        problems.append(
            f"band_pass is {band}, but bold.band_pass of the configuration is {stated}; scans "
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


def _edges(band):
    """Turn a filter of the manifest into that of the configuration."""
    return None if band == "none" else [float(edge) for edge in band.split("-")]
