"""Choice between several candidates: by the user, or by a documented preference."""

import re
from dataclasses import replace
from fnmatch import fnmatchcase

from cubnm_core.errors import InputError
from workflow_scripts.index.walk import Variant
from workflow_scripts.readers import FORMATS, matlab

KINDS = ("sc", "length", "bold", "mask", "motion")
CONNECTIVITY = "_connectivity"
LENGTH = re.compile(r"mean_?length")
# Of the same data in two formats, the one that needs no further file.
FORMAT_ORDER = ("xcpd_tsv", "ptseries", "dtseries")
RESTING = "rest"
RESTING_WORDS = ("rest", "resting", "restingstate", "rs", "rsfmri", "rfmri")
NO_CONDITION = re.compile(r"(?:[0-9]+|AP|PA|LR|RL)+$")
SESSION = "session"
ABSENT = "none"


def choose(variants, selections):
    """Choose the files that make up a cohort.

    Parameters
    ----------
    variants : list of Variant
        Everything that was found.
    selections : list of (kind or None, fact, value)
        What the user asks for, for all kinds or one.

    Returns
    -------
    chosen : dict of str to list of Variant
        By kind; those of one kind share no person and run.
    remarks : list of str
        What was chosen by default, and from what.

    Raises
    ------
    InputError
        If a selection fits nothing, or several indistinct candidates remain; naming all that were
        found.
    """
    variants = [part for variant in variants for part in expand(variant)]
    chosen = {kind: [variant for variant in variants if variant.kind == kind] for kind in KINDS}
    for selection in selections:
        _select(chosen, *selection)
    remarks = _prefer_rest(chosen) + _prefer_format(chosen) + _prefer_measure(chosen) + _match_atlas(chosen)
    _follow(chosen)
    questions = [question for kind in KINDS for question in _questions(kind, chosen[kind])]
    questions += _conditions(chosen["bold"])
    if questions:
        raise InputError("\n".join(["Several files are candidates for the same thing; choose:", *questions]))
    return chosen, remarks


def expand(variant):
    """Tell the matrices apart that one file of QSIRecon holds, by the arrays of the first file.

    Parameters
    ----------
    variant : Variant

    Returns
    -------
    list of Variant
        With the facts ``atlas`` and ``measure``, each of the kind its measure says; `variant` itself if it
        is of another format.
    """
    if variant.format != "qsirecon_mat":
        return [variant]
    if variant.kind == "length":
        return []  # the same files, which are told apart once
    arrays = _first_readable(variant)
    prefixes = [name.removesuffix("region_labels") for name in arrays if name.endswith("region_labels")]
    found = []
    for name in sorted(name for name in arrays if name.endswith(CONNECTIVITY)):
        prefix = max((prefix for prefix in prefixes if name.startswith(prefix)), key=len, default=None)
        if prefix is not None:
            measure = name.removeprefix(prefix).removesuffix(CONNECTIVITY)
            atlas = prefix.removeprefix("atlas_").rstrip("_")
            kind = "length" if LENGTH.search(measure) else "sc"
            facts = {**variant.facts, "atlas": atlas, "measure": measure}
            found.append(Variant(kind, variant.format, facts, variant.files, name))
    return found


def _first_readable(variant):
    """Name the matrices of the first readable file; damaged files are passed over."""
    for paths in variant.files.values():
        try:
            return [name for name, array in matlab.load(paths[0]).items() if array.ndim == 2]
        except InputError as error:
            problem = error
    raise problem


def _select(chosen, kind, fact, value):
    """Keep what the user selects; a selection for all kinds applies to those that have such values."""
    kinds = [name for name in ([kind] if kind else KINDS) if any(_values(v, fact) for v in chosen[name])]
    seen = {text for name in kinds for variant in chosen[name] for text in _values(variant, fact) or {ABSENT}}
    if value not in seen:
        place = f"{kind}.{fact}" if kind else fact
        listed = ", ".join(sorted(seen)) or "no file has it"
        raise InputError(f"--select {place}={value}: no such value; found: {listed}")
    for name in kinds:
        kept = [variant for variant in chosen[name] if value in (_values(variant, fact) or {ABSENT})]
        if kept or kind:
            chosen[name] = [_of_session(variant, value) for variant in kept] if fact == SESSION else kept


def _values(variant, fact):
    """Give the values that a fact has in a variant; sessions are not in its facts but in its files."""
    if fact == SESSION:
        return {session for _, session, _ in variant.files if session}
    return {variant.facts[fact]} if fact in variant.facts else set()


def _of_session(variant, session):
    files = {key: paths for key, paths in variant.files.items() if key[1] == session}
    return replace(variant, files=files)


def _prefer_rest(chosen):
    """Prefer resting-state scans over other tasks."""
    tasks = sorted({variant.facts["task"] for variant in chosen["bold"] if "task" in variant.facts})
    resting = [task for task in tasks if task.lower().startswith(RESTING)]
    if not resting or resting == tasks:
        return []
    for kind in ("bold", "mask", "motion"):
        chosen[kind] = [v for v in chosen[kind] if v.facts.get("task") in (None, *resting)]
    others = ", ".join(task for task in tasks if task not in resting)
    return [f"scans: task {', '.join(resting)}, because it is resting-state; not used: task {others}"]


def _conditions(scans):
    """Ask which condition is meant where people have scans of several: they are not runs of one.

    Numbers and directions of phase encoding, as in REST1 and restAP, make no condition.
    """
    tasks, people = {}, {}
    for variant in scans:
        if "task" in variant.facts:
            condition = NO_CONDITION.sub("", variant.facts["task"]).lower()
            condition = RESTING if condition in RESTING_WORDS else condition
            tasks.setdefault(condition, {}).setdefault(variant.facts["task"], set()).update(
                key[0] for key in variant.files
            )
            for key in variant.files:
                people.setdefault(key[0], set()).add(condition)
    if all(len(found) < 2 for found in people.values()):
        return []
    listed = ", ".join(
        f"{task} ({len(owners)} people)"
        for condition in sorted(tasks)
        for task, owners in sorted(tasks[condition].items())
    )
    return [
        f"  --select bold.task=...   found: {listed}; scans of several conditions are not runs of one, so "
        "that one cannot be held out for the other"
    ]


def _prefer_format(chosen):
    """Drop scans of an atlas that are there in a preferred format as well."""
    kept, dropped, covered = [], [], {}
    rank = {name: place for place, name in enumerate(FORMAT_ORDER)}
    for variant in sorted(chosen["bold"], key=lambda v: rank.get(v.format, -1)):
        scans = {(variant.facts.get("atlas"), key) for key in variant.files}
        others = set().union(*(seen for name, seen in covered.items() if name != variant.format))
        if variant.format in rank and scans <= others:
            dropped.append(variant.format)
        else:
            kept.append(variant)
            covered.setdefault(variant.format, set()).update(scans)
    chosen["bold"] = kept
    if not dropped:
        return []
    formats = ", ".join(covered)
    others = ", ".join(dict.fromkeys(dropped))
    return [f"scans: format {formats}; not used: the same scans as {others} (--select bold.format=...)"]


def _prefer_measure(chosen):
    """Prefer the common QSIRecon measures for connectomes and lengths."""
    remarks = []
    for kind in ("sc", "length"):
        measures = sorted({v.facts["measure"] for v in chosen[kind] if "measure" in v.facts})
        usual = [v for v in chosen[kind] if "measure" in v.facts and fnmatchcase(v.variable, _usual(v))]
        if len(measures) > 1 and usual:
            chosen[kind] = [v for v in chosen[kind] if "measure" not in v.facts or v in usual]
            taken = usual[0].facts["measure"]
            others = ", ".join(measure for measure in measures if measure != taken)
            remarks.append(
                f"{kind}: measure {taken}; not used: {others} (to choose one: --select {kind}.measure=...)"
            )
    return remarks


def _usual(variant):
    return FORMATS[variant.format].variables.get(variant.kind, "")


def _match_atlas(chosen):
    """Take the atlas that connectomes and scans have in common, if there is exactly one.

    Raises
    ------
    InputError
        If they have none.
    """
    found = {
        kind: {_plain(v.facts["atlas"]): v.facts["atlas"] for v in chosen[kind] if "atlas" in v.facts}
        for kind in ("sc", "bold")
    }
    if not found["sc"] or not found["bold"]:
        return []
    common = found["sc"].keys() & found["bold"].keys()
    if not common:
        raise InputError(
            f"connectomes and scans have no atlas in common: {', '.join(found['sc'].values())} versus "
            f"{', '.join(found['bold'].values())}; recompute one of them with the atlas of the other"
        )
    if len(common) > 1 or len(found["sc"].keys() | found["bold"].keys()) == 1:
        return []
    (atlas,) = common
    for kind in KINDS:
        chosen[kind] = [v for v in chosen[kind] if _plain(v.facts.get("atlas", atlas)) == atlas]
    others = sorted({*found["sc"].values(), *found["bold"].values()} - {found["bold"][atlas]})
    others = [name for name in others if _plain(name) != atlas]
    return [f"atlas {found['bold'][atlas]}, the only shared one; not used: {', '.join(others)}"]


def _follow(chosen):
    """Take masks from the datasets of the scans, motion if it is there, and lengths from the connectomes'."""
    for kind, leader in (("mask", "bold"), ("motion", "bold"), ("length", "sc")):
        datasets = {variant.facts["dataset"] for variant in chosen[leader]}
        beside = [variant for variant in chosen[kind] if variant.facts["dataset"] in datasets]
        if beside or kind != "motion":
            chosen[kind] = beside


def _plain(atlas):
    """Write the name of an atlas so that tools which spell it differently agree."""
    return re.sub(r"[^a-z0-9]", "", atlas.lower())


def _questions(kind, variants):
    """List the facts by which candidates for the same person and run differ, with all values."""
    owners, rivals = {}, set()
    for number, variant in enumerate(variants):
        for key in variant.files:
            other = owners.setdefault(key, number)
            if other != number:
                rivals |= {other, number}
    rivals = [variants[number] for number in sorted(rivals)]
    facts = sorted({fact for variant in rivals for fact in variant.facts})
    questions = []
    for fact in facts:
        counts = {}
        for variant in rivals:
            value = variant.facts.get(fact)
            counts.setdefault(value, set()).update(key[0] for key in variant.files)
        if len(counts) > 1:
            listed = ", ".join(
                f"{value or ABSENT} ({len(people)} people)"
                for value, people in sorted(counts.items(), key=lambda entry: entry[0] or "")
            )
            questions.append(f"  --select {kind}.{fact}=...   found: {listed}")
    return questions
