"""From the chosen files to the rows of the manifest: pairs, training runs, exclusions."""

import os
import re
from collections import Counter
from dataclasses import dataclass, field

from cubnm_core.errors import InputError
from workflow_scripts.cohort.scan_filters import words
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.index.choices import KINDS
from workflow_scripts.index.owners import behind, unify
from workflow_scripts.index.scans import ScanFacts, look
from workflow_scripts.readers import sidecar

UNCLEAR = (
    "several files name this person and differ right behind the id: is the id longer, or are they two "
    "things? Rename them, or choose by --files"
)
ZEROS = re.compile(r"(?<=-)0+(?=[0-9])")
BESIDE_SCANS = ("mask", "motion")


@dataclass
class Cohort:
    """The rows of a manifest and what did not become one.

    Attributes
    ----------
    rows : list of dict
        Of the manifest; paths as found.
    left_out : list of dict
        participant_id, session_id, run_id, kind, path, reason.
    scans : workflow_scripts.index.scans.ScanFacts
        What a few of the scans say.
    remarks : list of str
        What a person should know about the cohort as a whole.
    """

    rows: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    remarks: list = field(default_factory=list)
    scans: ScanFacts = field(default_factory=ScanFacts)

    def leave_out(self, reason, participant, session="", run="", kind="", path=""):
        """Note what is excluded, and why."""
        ids = {"participant_id": participant, "session_id": session, "run_id": run}
        self.left_out.append({**ids, "kind": kind, "path": path, "reason": reason})


def pair(chosen, tree, statements, roles="auto", unpaired="drop"):
    """Put connectomes and scans of every person together.

    Parameters
    ----------
    chosen : dict of str to list of Variant
        By kind.
    tree : workflow_scripts.index.walk.Tree
    statements : list of (kind or None, column, value)
        What the user states of the files: columns of the manifest, for all kinds or one.
    roles : {"auto", "runs", "none"}
        ``runs``: of several runs of a session, the first half train and the others are held out; sessions
        with one run are left out. ``none``: no roles. ``auto`` is ``runs`` if every session with scans has
        two or more, else ``none``.
    unpaired : {"drop", "keep"}
        What becomes of people without connectome or without scan.

    Returns
    -------
    Cohort
    """
    cohort = Cohort()
    for owner, run, kind, path in tree.misnamed:
        cohort.leave_out(owner.problem, owner.participant, owner.session or "", run, kind, path)
    chosen, cohort.remarks, renamed = unify(chosen)
    found = {kind: _unique(variants, cohort) for kind, variants in chosen.items()}
    _keep_one_of_each_run(found["bold"], cohort)
    for key in _concatenated(found["bold"]):
        _, path = found["bold"].pop(key)
        cohort.leave_out("holds other runs of the person, put together", *key, "bold", path)
    if unpaired == "drop":
        _drop_unpaired(found, tree.people - renamed, cohort)
    _assign_rows(found, tree, cohort)
    _assign_roles(cohort, roles)
    for row in cohort.rows:
        row |= {
            column: value
            for kind, column, value in statements
            if kind == row["kind"] or (kind is None and _applies(row["kind"], column))
        }
    scans = [row for row in cohort.rows if row["kind"] == "bold"]
    without = sum(row["repetition_time"] is None for row in scans)
    if without:
        cohort.remarks.append(
            f"{without} of {len(scans)} scans have no JSON file with a repetition time; it will be read "
            "from the scans, unless you set it: --set bold.repetition_time=..."
        )
    cohort.scans = look(cohort.rows)
    if len(bands := {band[:2] for band in cohort.scans.bands}) > 1:
        cohort.remarks.append(
            f"filters differ, as the JSON files say ({', '.join(sorted(map(words, bands)))} Hz): people "
            "whose scans were not filtered as my.yaml says will be excluded"
        )
    if cohort.scans.removed and not any(row["censoring"] for row in cohort.rows):
        masked = {_ids(row) for row in cohort.rows if row["kind"] == "mask"}
        for row in scans:
            row["censoring"] = "removed" if _ids(row) in masked else None
        cohort.remarks.append(
            "censoring: removed, because the scans that were looked at lack the volumes that their masks "
            "name; the workflow checks every scan (--set bold.censoring=... for another treatment)"
        )
    if any(row["kind"] == "mask" for row in cohort.rows) and not any(row["censoring"] for row in cohort.rows):
        cohort.remarks.append(
            "there are masks, so state what was done to censored volumes: --set bold.censoring=none, "
            "interpolated, removed or zeroed (otherwise scans with removed volumes are refused)"
        )
    return cohort


def _ids(row):
    return row["participant_id"], row["session_id"], row["run_id"]


def _applies(kind, column):
    """Say whether a column of the manifest that is stated for all kinds is one of this kind."""
    if kind in BESIDE_SCANS:
        return False
    return kind == "bold" or column not in ("repetition_time", "role", "orientation", "censoring", "volumes")


def _unique(variants, cohort):
    """Keep one file per person, session and run: the first by path, the others are told."""
    found = {}
    for variant in variants:
        for key, paths in variant.files.items():
            first, *others = sorted(paths)
            if len({behind(os.path.basename(path)) for path in paths}) > 1:
                for path in paths:
                    cohort.leave_out(UNCLEAR, *key, variant.kind, path)
                continue
            found[key] = variant, first
            for path in others:
                cohort.leave_out("another file with the same ids is taken", *key, variant.kind, path)
    return found


def _keep_one_of_each_run(scans, cohort):
    """Leave out scans whose run has the number of another one: run-1 and run-01 are one run."""
    taken = {}
    for key in sorted(scans):
        participant, session, run = key
        same = participant, session, ZEROS.sub("", run)
        if same in taken:
            _, path = scans.pop(key)
            reason = f"the run {taken[same]} under another name ({run}); one of them is taken"
            cohort.leave_out(reason, *key, "bold", path)
        else:
            taken[same] = run


def _concatenated(scans):
    """Find scans whose name has fewer entities than that of another run: XCP-D's runs put together."""
    runs = {}
    for participant, session, run in scans:
        runs.setdefault((participant, session), []).append((set(run.split("_")), run))
    return [
        (*person, run)
        for person, found in runs.items()
        for parts, run in found
        if any(parts < others for others, _ in found)
    ]


def _drop_unpaired(found, people, cohort):
    """Exclude people without a connectome or scan."""
    connected, scanned = ({key[0] for key in found[kind]} for kind in ("sc", "bold"))
    for participant in sorted(people | connected | scanned, key=natural):
        lacks = [
            word
            for word, owners in (("connectome", connected), ("scan", scanned))
            if participant not in owners
        ]
        if lacks:
            cohort.leave_out(f"no {' and no '.join(lacks)}", participant)
    both = connected & scanned
    for kind in found:
        found[kind] = {key: entry for key, entry in found[kind].items() if key[0] in both}


def _assign_rows(found, tree, cohort):
    """Make the rows, people and runs in natural order, with the repetition times that JSON files state."""
    order = {kind: place for place, kind in enumerate(KINDS)}
    entries = [(key, kind, *entry) for kind, files in found.items() for key, entry in files.items()]
    entries.sort(key=lambda entry: (*map(natural, entry[0][:2]), natural(entry[0][2]), order[entry[1]]))
    atlases = [v.facts["atlas"] for _, kind, v, _ in entries if kind == "bold" and "atlas" in v.facts]
    empty, scans = dict.fromkeys(schema("manifest")["properties"]), set(found["bold"])
    for key, kind, variant, path in entries:
        participant, session, run = key
        if kind in BESIDE_SCANS and key not in scans:
            cohort.leave_out(f"{kind} of a run that is not used", *key, kind, path)
            continue
        row = {**empty, "participant_id": participant, "session_id": session, "run_id": run}
        row |= {"kind": kind, "path": path, "format": variant.format, "variable": variant.variable}
        row["atlas"] = atlases[0] if atlases else variant.facts.get("atlas")
        if kind == "bold":
            row["repetition_time"] = _stated_time(path, key, tree, cohort)
        cohort.rows.append(row)


def _stated_time(path, key, tree, cohort):
    """Read the repetition time from the JSON file of a scan; None where there is none."""
    beside = tree.scan_descriptions.get((path.rpartition("/")[0], *key))
    for description in (sidecar.beside(path), beside):
        try:
            time = None if description is None else sidecar.repetition_time(description)
        except InputError as error:
            cohort.remarks.append(str(error))
            continue
        if time is not None:
            return time
    return None


def _assign_roles(cohort, roles):
    """Decide which runs train and which are held out."""
    runs = {}
    for row in cohort.rows:
        if row["kind"] == "bold":
            runs.setdefault((row["participant_id"], row["session_id"]), []).append(row)
    single = [unit for unit, rows in runs.items() if len(rows) < 2]
    if roles == "none" or not runs or (roles == "auto" and single):
        if single and len(single) < len(runs) and roles == "auto":
            cohort.remarks.append(
                f"{len(single)} of {len(runs)} sessions have only one run, so every run is split into halves "
                "(no roles, holdout: split_half); use --roles runs to exclude them and hold out whole runs"
            )
        return
    for unit in single:
        cohort.leave_out("one run only, so none can be held out", *unit, runs[unit][0]["run_id"], "bold")
    dropped = set(single)
    cohort.rows = [
        row
        for row in cohort.rows
        if (row["participant_id"], row["session_id"]) not in dropped or row["kind"] in ("sc", "length")
    ]
    for rows in runs.values():
        for place, row in enumerate(rows):
            row["role"] = "train" if place < (len(rows) + 1) // 2 else "test"
    counts = Counter(len(rows) for unit, rows in runs.items() if unit not in dropped)
    listed = ", ".join(f"{count} sessions with {runs} runs" for runs, count in sorted(counts.items()))
    cohort.remarks.append(
        f"roles: training on the first half of the runs of a session, the others held out ({listed})"
    )


def natural(text):
    """Natural order: run-2 before run-10."""
    return [
        (1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", text) if part
    ]
