"""What the name of a file says: its entities, and which format and kinds of the manifest it may be."""

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cache

from workflow_scripts.index.owners import ENDS, anonymous, is_persons_folder
from workflow_scripts.readers import FORMATS
from workflow_scripts.readers.refusals import DENOISED, NOT_A_SCAN

PERSON_ENTITIES = ("sub", "ses")
RUN_ENTITIES = ("task", "dir", "run", "echo")
SAME = {"seg": "atlas", "parc": "atlas", "parcellation": "atlas"}
HCP_RUN = re.compile(r"(?:rfMRI_|/)(REST\d)_(LR|RL|AP|PA)(?![A-Za-z])")
NO_RUN = "1"


@dataclass(frozen=True)
class Meaning:
    """What files of one naming may be.

    Attributes
    ----------
    format : str
        Of the manifest.
    kinds : tuple of str
        Of the manifest; several where one file holds several matrices.
    facts : tuple of (str, str)
        Entities of the name beside those of person and run, for connectomes those of the run as well.
    run : str
        Name of the run, "" for connectomes.
    """

    format: str
    kinds: tuple
    facts: tuple
    run: str


def entities(name):
    """Read the entities of a BIDS name: ``sub-01_task-rest_bold.nii`` has sub 01 and task rest.

    Parameters
    ----------
    name : str
        Of the file, without its folder.

    Returns
    -------
    dict of str to str
        ``seg`` and ``parc`` count as ``atlas``. Runs of the HCP have a task (REST1) and a dir (LR).
    """
    stem = ENDS.sub("", name)
    pairs = (chunk.partition("-") for chunk in stem.split("_"))
    found = {SAME.get(key, key): value for key, _, value in pairs if value}
    hcp = HCP_RUN.search(name)
    return {"task": hcp[1], "dir": hcp[2], **found} if hcp else found


def dataset_of(name, folder):
    """Name the dataset that a folder is part of.

    Parameters
    ----------
    name : str
        Of the folder that is searched.
    folder : str
        Relative to it.

    Returns
    -------
    str
        `name`, with the folders above that of the person: several datasets may lie in the folder searched.
    """
    above = []
    for part in filter(None, folder.split("/")):
        if is_persons_folder(part):
            return "/".join([name, *above])
        above.append(part)
    return name


def run_of(found):
    """Name a run by its entities, such as ``task-rest_run-1``; "1" where it has none."""
    return "_".join(f"{key}-{found[key]}" for key in RUN_ENTITIES if key in found) or NO_RUN


def run_of_folder(folder):
    """Name a run of the HCP by its folder, such as REST1_LR; "1" where the folder is none."""
    found = HCP_RUN.search(folder)
    return run_of({"task": found[1], "dir": found[2]}) if found else NO_RUN


def shape(name):
    """Give the name without who it belongs to: files of different people have the same."""
    return anonymous(name)


def meaning(name):
    """Say what a file may be by its name.

    Parameters
    ----------
    name : str
        Of the file, or its shape.

    Returns
    -------
    Meaning or None
    """
    for key, kind, pattern in _patterns():
        if pattern.fullmatch(name):
            patterns = FORMATS[key].patterns
            kinds = tuple(other for other in patterns if patterns[other] == patterns[kind])
            return describe(name, key, kinds)
    return None


def describe(name, file_format, kinds):
    """Put together what is known of files of one naming."""
    found = entities(name)
    connectome = set(kinds) <= {"sc", "length"}
    hidden = PERSON_ENTITIES if connectome else (*PERSON_ENTITIES, *RUN_ENTITIES[1:])
    facts = tuple(sorted((key, value) for key, value in found.items() if key not in hidden))
    return Meaning(file_format, kinds, facts, "" if connectome else run_of(found))


def refusal(name):
    """Say why a file of a name that looks like a scan is none that can be used, with the remedy; or None."""
    if DENOISED.search(name):
        return None
    found = (f"{what}; {remedy}" for pattern, what, remedy in NOT_A_SCAN if re.search(pattern, name))
    return next(found, None)


@cache
def _patterns():
    """Compile the patterns of all formats, most specific first."""
    found = [
        (key, kind, pattern)
        for key, form in FORMATS.items()
        for kind, patterns in form.patterns.items()
        for pattern in patterns
    ]
    found.sort(key=lambda entry: -len(entry[2]))
    return [(key, kind, re.compile(translate(pattern))) for key, kind, pattern in found]
