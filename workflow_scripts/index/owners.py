"""Whose a file is: the ids of its name and its folders, taken whole or refused, and one spelling of each."""

import re
from dataclasses import dataclass, replace

from workflow_scripts.cohort import identities
from workflow_scripts.cohort.manifest_checks import GROUP

# What ends a name: an id may hold a dot, so that the first one does not end it.
ENDING = (
    r"(?:\.(?:ptseries|dtseries|pconn|dscalar|dlabel|dense|shape|func|label|surf))?"
    r"\.(?:nii\.gz|tsv\.gz|[A-Za-z][A-Za-z0-9]{1,4})"
)
IN_NAME = re.compile(rf"(?<![A-Za-z0-9])(sub|ses)-([^_]+?)(?=_|(?:{ENDING})?$)")
IN_FOLDER = re.compile(r"(?<![A-Za-z0-9])(sub|ses)-(.+?)(?=_[A-Za-z]+-|$)")
NUMBER_FOLDER = re.compile(r"[0-9]+")
ENDS = re.compile(rf"{ENDING}$")
SIGNS = (
    f"an id has signs other than {identities.ALLOWED}, which nothing downstream can carry: rename folders "
    "and files, or write the manifest by hand with other ids"
)
CUT = (
    "nobody can say where the id ends, because an underscore parts it: rename the file, or put it into a "
    "folder called as the person (sub-...)"
)
CONTRADICTION = "the name of the file and its folder say different ids; correct one of them"
KEPT = f"the id {GROUP!r} is kept for a group connectome: rename folders and files"


@dataclass(frozen=True)
class Owner:
    """Whose a file is.

    Attributes
    ----------
    participant, session : str or None
        As written, whole; None where nothing says it.
    problem : str or None
        Why these ids cannot be taken.
    """

    participant: str | None
    session: str | None
    problem: str | None = None


def owner_of(folder, name):
    """Tell whose file it is.

    Parameters
    ----------
    folder : str
        Relative to the folder that is searched.
    name : str
        Of the file.

    Returns
    -------
    Owner
        By the name and the folders ``sub-01`` and ``ses-01`` above it, which must agree; else the participant
        is a folder that is a number, as in the HCP and Domhof's cohort.
    """
    above = {}
    for part in folder.split("/"):
        above |= {key: value for key, value in IN_FOLDER.findall(part)}
    own = {key: _whole(key, value, name, above.get(key)) for key, value in IN_NAME.findall(name)}
    found = {**above, **own}
    problem = None
    if any(above.get(key, value) != value for key, value in own.items()):
        problem = CONTRADICTION
    elif not all(map(identities.is_label, found.values())):
        problem = SIGNS
    elif any(key not in above and _is_cut(key, value, name) for key, value in own.items()):
        problem = CUT
    elif found.get("sub") == GROUP:
        problem = KEPT
    participant = found.get("sub")
    if participant is None:
        parts = reversed(folder.split("/"))
        participant = next((part for part in parts if NUMBER_FOLDER.fullmatch(part)), None)
    return Owner(participant, found.get("ses"), problem)


def participant_of_folder(name):
    """Give the id of a folder of a person, None where it is none or its id cannot be taken."""
    found = dict(IN_FOLDER.findall(name)).get("sub") if name.startswith("sub-") else None
    return found if found is not None and identities.is_label(found) and found != GROUP else None


def is_persons_folder(name):
    """Say whether a folder belongs to a person or a session."""
    return name.startswith(("sub-", "ses-")) or NUMBER_FOLDER.fullmatch(name) is not None


def anonymous(name):
    """Give the name of a file without whose it is: files of different people have the same."""
    return IN_NAME.sub(r"\1-*", name)


def behind(name):
    """Give the part of a name right behind its ids, up to the next underscore."""
    found = list(IN_NAME.finditer(name))
    return ENDS.sub("", name[found[-1].end() :]).removeprefix("_").partition("_")[0] if found else ""


def _whole(key, value, name, above):
    """Take the id of the folder where the name begins with it: only then is its end known for sure."""
    if above is None or above == value:
        return value
    start = name.find(f"{key}-{above}") + len(key) + 1 + len(above)
    followed = name[start : start + 1]
    return above if f"{key}-{above}" in name and followed in ("", "_", ".") else value


def _is_cut(key, value, name):
    """Say whether a bare number follows an id, and something behind it: sub-EMI_301_sc, ses-1_2_bold."""
    rest = ENDS.sub("", name.partition(f"{key}-{value}")[2]).split("_")
    return len(rest) > 2 and rest[0] == "" and rest[1].isdigit()


def unify(chosen):
    """Give people and sessions one spelling where datasets differ in zeros or capitals only.

    ``sub-1`` of one dataset is ``sub-01`` of another, unless files of one kind have both. The spelling of the
    scans is taken.

    Parameters
    ----------
    chosen : dict of str to list of Variant
        By kind.

    Returns
    -------
    chosen : dict of str to list of Variant
    remarks : list of str
    renamed : set of str
        Ids of people that are spelled otherwise now.
    """
    chosen, remarks, renamed = _renamed(chosen, _spellings(_ids(chosen, 0)), 0)
    told = [f"sub-{old} is sub-{new}" for old, new in renamed.items()]
    if told:
        remarks.append(f"people whose ids differ in zeros or capitals are the same: {_some(told)}")
    sessions = {}
    for kind, variants in chosen.items():
        for variant in variants:
            for participant, session, _ in variant.files:
                if session:
                    sessions.setdefault(participant, {}).setdefault(kind, set()).add(session)
    changes = {participant: _spellings(found) for participant, found in sessions.items()}
    told = [
        f"sub-{participant} ses-{old} is ses-{new}"
        for participant, found in changes.items()
        for old, new in found.items()
    ]
    if told:
        remarks.append(f"sessions that differ in zeros or capitals are the same: {_some(told)}")
        chosen = _with_keys(chosen, lambda who: (who[0], changes.get(who[0], {}).get(who[1], who[1]), who[2]))
    return chosen, remarks, set(renamed)


def _renamed(chosen, spellings, place):
    found = _ids(chosen, place)
    every = set().union(*found.values())
    near = identities.Spellings(every)
    pairs = {(one, near.alike(one)) for one in every}
    open_ = sorted({tuple(sorted(p)) for p in pairs if p[1] is not None and not {*p} & spellings.keys()})
    remarks = []
    if open_:
        told = [f"sub-{one} and sub-{other}" for one, other in open_]
        remarks.append(f"taken for different people, because files of one kind have both: {_some(told)}")
    return _with_keys(chosen, lambda who: (spellings.get(who[0], who[0]), *who[1:])), remarks, spellings


def _ids(chosen, place):
    """Collect by kind what stands at a place of the keys of files."""
    return {
        kind: {key[place] for variant in variants for key in variant.files}
        for kind, variants in chosen.items()
    }


def _spellings(found):
    """Map ids, by kind, to the spelling of the scans, else of the connectomes, where no kind has both."""
    every = set().union(*found.values()) if found else set()
    changed, near = {}, identities.Spellings(every)
    for kind in ("bold", "sc"):
        for one in sorted(found.get(kind, ())):
            other = near.alike(one)
            together = any({one, other} <= names for names in found.values())
            if other is not None and not together and one not in changed:
                changed.setdefault(other, one)
    return changed


def _with_keys(chosen, change):
    """Rename the owners of all files; files of two variants stay apart."""
    renamed = {}
    for kind, variants in chosen.items():
        renamed[kind] = []
        for variant in variants:
            files = {}
            for key, paths in variant.files.items():
                files.setdefault(change(key), []).extend(paths)
            renamed[kind].append(replace(variant, files=files))
    return renamed


def _some(texts):
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")
