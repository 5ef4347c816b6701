"""Checks of the manifest's rows against each other and against the configuration."""

from workflow_scripts.cohort import identities, precomputed_rows
from workflow_scripts.cohort.precomputed_rows import CDF_FORMAT
from workflow_scripts.configuration.analysis import resolve_analysis
from workflow_scripts.configuration.fit_settings import resolve_fit
from workflow_scripts.files.words import unit_name

GROUP = "group"
# What a fit is held against: scans, or FC and FCD computed elsewhere.
TARGET_KINDS = ("bold", *precomputed_rows.KINDS)
# The kinds of row that a column belongs to; the others belong to all.
COLUMN_KINDS = {
    "run_id": (*TARGET_KINDS, "mask", "motion"),
    "repetition_time": TARGET_KINDS,
    "role": TARGET_KINDS,
    "volumes": TARGET_KINDS,
    "orientation": ("bold",),
    "censoring": ("bold",),
    "band_pass": precomputed_rows.KINDS,
    "pairs": precomputed_rows.KINDS,
    "window_volumes": ("fcd",),
    "step_volumes": ("fcd",),
}


def numbered(rows):
    """Give every row of a table with the line of the file where it stands."""
    return zip(getattr(rows, "lines", range(2, len(rows) + 2)), rows, strict=True)


def row_problems(path, rows):
    """Find what is wrong with the rows of a manifest, whatever the configuration.

    Parameters
    ----------
    path : str
        Of the manifest, for the messages.
    rows : list of dict

    Returns
    -------
    list of str
    """
    atlases = sorted({row["atlas"] for row in rows if row["atlas"]})
    problems = (
        [f"{path}: files of several parcellations ({', '.join(atlases)}); keep the rows of one"]
        if len(atlases) > 1
        else []
    )
    for number, row in numbered(rows):
        problems += [
            f"{path}, line {number}: {column} is given for a row of kind {row['kind']}; it belongs to "
            f"{', '.join(kinds)}"
            for column, kinds in COLUMN_KINDS.items()
            if row[column] is not None and row["kind"] not in kinds
        ]
        if row["participant_id"] == GROUP and row["kind"] in COLUMN_KINDS["run_id"]:
            problems.append(
                f"{path}, line {number}: participant_id 'group' is kept for a group connectome, not for "
                f"{row['kind']}"
            )
    problems += _spelling_problems(path, rows)
    return problems + _mask_problems(path, rows) + _precomputed_problems(path, rows)


def _spelling_problems(path, rows):
    """Find people, or sessions of one, under two spellings."""
    people, sessions = {}, {}
    for row in rows:
        is_scan = row["kind"] in COLUMN_KINDS["run_id"]
        people.setdefault(row["participant_id"], set()).add(is_scan)
        if row["session_id"] is not None:
            mine = sessions.setdefault(row["participant_id"], {})
            mine.setdefault(row["session_id"], set()).add(is_scan)
    found = identities.two_spellings(people)
    for participant, mine in sessions.items():
        found += [f"sessions of sub-{participant}: {text}" for text in identities.two_spellings(mine)]
    return [f"{path}: {text}" for text in found]


def _mask_problems(path, rows):
    """Find masks and motion that belong to no scan."""
    key = ("participant_id", "session_id", "run_id")
    scans = {tuple(row[column] for column in key) for row in rows if row["kind"] == "bold"}
    return [
        f"{path}, line {number}: no scan (kind bold) has the ids and the run_id of this "
        f"{row['kind']}; correct them"
        for number, row in numbered(rows)
        if row["kind"] in ("mask", "motion") and tuple(row[column] for column in key) not in scans
    ]


def _precomputed_problems(path, rows):
    """Find people with both scans and FC or FCD computed elsewhere, and FCDs without their FC."""
    found = {}
    for row in rows:
        if row["kind"] in TARGET_KINDS:
            unit = unit_name(row["participant_id"], row["session_id"])
            found.setdefault(unit, {}).setdefault(row["kind"], set()).add(row["role"])
    problems = []
    for unit, roles in found.items():
        if "bold" in roles and len(roles) > 1:
            problems.append(
                f"{path}: {unit} has scans (kind bold) and FC or FCD computed elsewhere; keep one of the two"
            )
        elif lonely := roles.get("fcd", set()) - roles.get("fc", set()):
            problems.append(
                f"{path}: {unit} has an FCD, but no row of kind fc, with the role "
                f"{', '.join(sorted(role or 'not given' for role in lonely))}; add the FC"
            )
    return problems


def holdout_problems(rows, holdout, asked, manifest):
    """Find what cannot be held out the way it is asked.

    Single people without a run of a role are no problem here: the preparation excludes them, or does without
    their held-out scores, and says so.

    Parameters
    ----------
    rows : list of dict
        Of the manifest.
    holdout : str
        As in the configuration.
    asked : {"run", "split_half", "none"}
        What it means for this cohort.
    manifest : str
        For the messages.

    Returns
    -------
    list of str
    """
    scans = [(number, row) for number, row in numbered(rows) if row["kind"] in TARGET_KINDS]
    if asked == "none":
        return []
    if asked == "split_half":
        return _half_problems(scans, holdout, manifest)
    problems = [
        f"{manifest}, line {number}: role is {row['role'] or 'not given'}, but whole runs are held out "
        f"(holdout: {holdout}); write train or test, or set holdout: "
        + ("split_half" if row["kind"] == "bold" else "none")
        for number, row in scans
        if row["role"] not in ("train", "test")
    ]
    found = {row["role"] for _, row in scans}
    return problems + [
        f"{manifest}: nobody has a run with role {role}, so there is nothing to {purpose} (holdout: "
        f"{holdout}); add some, or set holdout: split_half"
        for role, purpose in (("train", "fit"), ("test", "hold out"))
        if scans and role not in found and "both" not in found and None not in found
    ]


def _half_problems(scans, holdout, manifest):
    """Find what cannot be cut into halves, or is not meant to be."""
    problems = [
        f"{manifest}, line {number}: an {row['kind'].upper()} cannot be cut into two halves (holdout: "
        f"{holdout}); give the roles train and test and set holdout: run, or set holdout: none"
        for number, row in scans
        if row["kind"] != "bold"
    ]
    if holdout != "split_half":
        return problems
    return problems + [
        f"{manifest}, line {number}: role is {row['role']}, but holdout: split_half cuts every "
        "run into a training and a held-out half; write both, or set holdout: run"
        for number, row in scans
        if row["kind"] == "bold" and row["role"] in ("train", "test")
    ]


def analysis_problems(rows, config):
    """Find settings of FC and FCD computed elsewhere that are not those of the analysis.

    Only what the manifest says is looked at; JSON files beside the data are read by the jobs.

    Parameters
    ----------
    rows : list of dict
        Of the manifest.
    config : dict
        The completed configuration.

    Returns
    -------
    list of str
    """
    analysis = resolve_analysis(config)
    seen, problems = set(), []
    for number, row in numbered(rows):
        stated = tuple(row[column] for column in precomputed_rows.STATEMENTS)
        if row["kind"] not in precomputed_rows.KINDS or (row["kind"], stated) in seen:
            continue
        seen.add((row["kind"], stated))
        problems += [
            f"{config['manifest']}, line {number}: {text}"
            for text in precomputed_rows.disagreements(row, analysis)
        ]
    if any(row["format"] == CDF_FORMAT for row in rows):
        problems += [
            f"fits.{name}.objective: fcd_ks compares values, but the manifest has FCDs of format "
            f"{CDF_FORMAT}, which are distribution functions; weigh fcd_ks_binned instead"
            for name in config["fits"]
            if resolve_fit(config, name)["objective"].get("fcd_ks")
        ]
    return problems
